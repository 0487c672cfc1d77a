#include "target/service/auctions.hpp"

#include <fmt/format.h>

#include <exception>

#include "target/domain/unavailable.hpp"
#include "target/faults.hpp"
#include "target/service/hold_id.hpp"
#include "target/service/orders.hpp"
#include "target/service/seat_mirror.hpp"
#include "target/service/wall_time.hpp"

namespace boxoffice {

namespace {

constexpr Millis known_for{1000};
constexpr std::size_t known_max = 10000;
constexpr int bid_tries_max = 3;
constexpr std::int64_t in_progress_retry_ms = 1000;

No in_progress() { return refused(Refusal::in_progress, "", in_progress_retry_ms); }

bool decided(const AuctionInfo& auction) {
  return auction.status == AuctionStatus::closed || auction.status == AuctionStatus::settled;
}

No with_opening(No no, const AuctionInfo& auction) {
  if (no.refusal == Refusal::auction_not_open) no.opens_at = rfc3339(auction.opens_ms);
  return no;
}

}  // namespace

std::string bid_json(const BidTaken& taken, std::uint32_t slots) {
  return fmt::format(R"({{"bidNo":{},"seq":{},"rank":{},"inside":{},"cutoff":{},"bidsLeft":{}}})",
                     taken.number, taken.sequence, taken.rank, taken.rank <= slots, taken.cutoff,
                     taken.bids_left);
}

AuctionHouse::AuctionHouse(Needs needs) : needs_(std::move(needs)), signer_(needs_.pass_secret) {}

Task<Decision<AuctionPtr>> AuctionHouse::find(std::uint64_t auction) {
  const auto known = known_.find(auction);
  if (known != known_.end() && Clock::now() - known->second.read < known_for)
    co_return known->second.auction;
  AuctionPtr found = co_await needs_.store.find(auction);
  if (found == nullptr) co_return refused(Refusal::not_found, "there is no such auction");
  if (known_.size() >= known_max) known_.clear();
  known_[auction] = {found, Clock::now()};
  co_return found;
}

Task<void> AuctionHouse::rebuild(AuctionPtr auction) {
  std::vector<StoredBid> bids = co_await needs_.store.bids(auction->id);
  co_await needs_.book.restore(auction, std::move(bids));
}

// A book that Redis has lost is read anew before anybody is told of it.
Task<AuctionTick> AuctionHouse::tick(AuctionPtr auction) {
  const AuctionTick now = co_await needs_.book.tick(auction);
  if (now.known) co_return now;
  co_await rebuild(auction);
  co_return co_await needs_.book.tick(auction);
}

Task<Decision<AuctionView>> AuctionHouse::look(std::uint64_t auction) {
  const auto found = co_await find(auction);
  if (!found) co_return found.error();
  AuctionView view{*found, co_await tick(*found)};
  co_return view;
}

Task<AuctionViews> AuctionHouse::list(std::uint32_t page, std::uint32_t size) {
  AuctionPage found = co_await needs_.store.page(page, size);
  AuctionViews views;
  views.total = found.total;
  for (AuctionPtr& auction : found.items) {
    const AuctionTick now = co_await tick(auction);
    views.items.push_back({std::move(auction), now});
  }
  co_return views;
}

Task<Decision<MyAuction>> AuctionHouse::mine(std::uint64_t auction, std::uint64_t user) {
  const auto found = co_await find(auction);
  if (!found) co_return found.error();
  MyAuction mine;
  mine.standing = co_await needs_.book.standing(*found, user);
  if (!mine.standing.known) {
    co_await rebuild(*found);
    mine.standing = co_await needs_.book.standing(*found, user);
  }
  const std::uint32_t bids_max = (*found)->bids_max;
  mine.bids_left = bids_max - std::min(bids_max, mine.standing.bids);
  mine.inside = mine.standing.rank != 0 && mine.standing.rank <= (*found)->slots;
  // Saves a question only: there is no award before the store has decided.
  const bool over = decided(**found) || wall_clock_ms() >= (*found)->closes_ms;
  if (over) mine.award = co_await needs_.store.award(auction, user);
  co_return mine;
}

// As for a hold: a pass of another life of the event is over, anything else is none.
Task<std::optional<No>> AuctionHouse::check_pass(AuctionPtr auction, const BidRequest& request,
                                                 std::int64_t& pass_end_ms) {
  const auto event = co_await needs_.catalogue.event(auction->event);
  if (!event) co_return event.error();
  if (!(*event)->queue.on) co_return std::nullopt;
  const auto pass = signer_.read_pass(request.entry_token);
  if (!pass || pass->event != auction->event || pass->user != request.key.user)
    co_return refused(Refusal::not_admitted, "an Entry-Token of this event is needed");
  if (pass->epoch != (*event)->epoch) co_return refused(Refusal::pass_expired);
  pass_end_ms = pass->end_ms;  // whether that is over the script knows
  co_return std::nullopt;
}

// Redis may have lost the book, or a chance that MySQL knows: then it is written anew.
Task<Decision<BidTaken>> AuctionHouse::take(AuctionPtr auction, std::uint64_t user,
                                            std::uint64_t amount, std::int64_t pass_end_ms) {
  Decision<BidTaken> taken = co_await needs_.book.bid(auction, user, amount, pass_end_ms);
  if (!taken && taken.error().refusal == Refusal::rebuilding) {
    co_await rebuild(auction);
    taken = co_await needs_.book.bid(auction, user, amount, pass_end_ms);
  }
  co_return taken;
}

Task<Decision<Answer>> AuctionHouse::bid(BidRequest request) {
  const auto [at, alone] =
      running_.emplace(request.key.user, request.key.scope + ' ' + request.key.key);
  if (!alone) co_return in_progress();
  std::exception_ptr failure;
  Decision<Answer> answer = in_progress();
  try {
    answer = co_await bid_once(request);
  } catch (...) {
    failure = std::current_exception();
  }
  running_.erase(at);
  if (failure) std::rethrow_exception(failure);
  std::string_view result = "ACCEPTED";
  if (!answer) result = row_of(answer.error().refusal).code;
  if (answer && answer->replayed) result = "REPLAYED";
  needs_.metrics.count("bid", "result", result);
  co_return answer;
}

Task<Decision<Answer>> AuctionHouse::bid_once(const BidRequest& request) {
  const KeyRecord record = co_await needs_.store.look_up(request.key);
  if (auto replay = replay_of(record, request.key)) co_return std::move(*replay);
  const auto auction = co_await find(request.auction);
  if (!auction) co_return auction.error();
  if (request.amount > bid_amount_max) {
    co_return refused(Refusal::validation_failed,
                      fmt::format("a bid is at most {}", bid_amount_max));
  }
  std::int64_t pass_end_ms = 0;
  if (auto no = co_await check_pass(*auction, request, pass_end_ms)) co_return std::move(*no);
  for (int attempt = 1;; ++attempt) {
    Decision<BidTaken> taken =
        co_await take(*auction, request.key.user, request.amount, pass_end_ms);
    if (!taken) co_return with_opening(taken.error(), **auction);
    auto answer = co_await stored(request, *auction, *taken);
    const bool again = !answer && answer.error().refusal == Refusal::rebuilding;
    if (!again || attempt == bid_tries_max) co_return answer;
    co_await rebuild(*auction);
  }
}

Task<Decision<Answer>> AuctionHouse::stored(const BidRequest& request, AuctionPtr auction,
                                            BidTaken taken) {
  const std::uint64_t user = request.key.user;
  Answer accepted{201, bid_json(taken, auction->slots), false};
  BidStored stored = BidStored::busy;
  std::exception_ptr failure;
  try {
    stored = co_await needs_.store.store({auction, user, request.amount, taken},
                                         {request.key, {accepted.status, accepted.body}});
  } catch (...) {
    failure = std::current_exception();
  }
  if (stored == BidStored::done && !failure) {
    if (taken.pushed_out != 0)
      co_await tell(auction, {AuctionNote::Kind::out, {taken.pushed_out}, taken.cutoff, 0});
    co_return accepted;
  }
  try {
    co_await needs_.book.unbid(auction, user, taken);
  } catch (const StoreUnavailable&) {
    // The ranking is computed from the stored bids: Redis alone shows one too many until the close.
    needs_.metrics.saga("bid", "UNDO_FAILED");
  }
  if (failure) std::rethrow_exception(failure);
  if (stored == BidStored::closed) co_return refused(Refusal::auction_closed);
  if (stored == BidStored::number_taken) {
    co_return refused(Refusal::rebuilding, "the book is read anew", 200);
  }
  if (stored == BidStored::key_taken) {
    const KeyRecord record = co_await needs_.store.look_up(request.key);
    if (auto replay = replay_of(record, request.key)) co_return std::move(*replay);
  }
  co_return in_progress();
}

// A notice is a courtesy: the ranking does not depend on it.
Task<void> AuctionHouse::tell(AuctionPtr auction, AuctionNote note) {
  try {
    co_await needs_.book.tell(auction, std::move(note));
  } catch (const StoreUnavailable&) {
    needs_.metrics.count("auction_notes_lost");
  }
}

Task<Decision<ResultPage>> AuctionHouse::result(std::uint64_t auction, std::uint32_t page,
                                                std::uint32_t size) {
  auto found = co_await find(auction);
  if (found && !decided(**found)) {
    forget(auction);  // so that the decision is seen at once
    found = co_await find(auction);
  }
  if (!found) co_return found.error();
  if (!decided(**found)) {
    No no = refused(Refusal::auction_running, "",
                    std::max<std::int64_t>((*found)->closes_ms - wall_clock_ms(), 200));
    co_return no;
  }
  ResultPage result;
  result.rows = co_await needs_.store.ranking(auction, page * size, size);
  co_return result;
}

Task<Decision<Answer>> AuctionHouse::accept(std::uint64_t auction, IdempotencyKey key,
                                            std::string trace_id) {
  const KeyRecord record = co_await needs_.store.look_up(key);
  if (auto replay = replay_of(record, key)) co_return std::move(*replay);
  const auto found = co_await find(auction);
  if (!found) co_return found.error();
  const auto award = co_await needs_.store.award(auction, key.user);
  if (!award) co_return refused(Refusal::forbidden, "no slot was offered to you");
  if (award->status != AwardStatus::offered || award->over) co_return refused(Refusal::offer_over);
  const auto event = co_await needs_.catalogue.event((*found)->event);
  if (!event) co_return event.error();
  NewOrder order;
  order.facts.id = needs_.ids.next(wall_clock());
  order.facts.user = key.user;
  order.facts.event = (*found)->event;
  order.facts.epoch = (*found)->epoch;
  order.facts.amount = award->price;
  order.facts.seats = {award->slot - 1};
  order.facts.expires_ms = award->deadline_ms;
  order.hold_id = make_hold_id((*found)->event, (*found)->epoch);
  order.max_per_user = (*event)->max_per_user;
  order.trace_id = std::move(trace_id);
  const OrderFacts facts = order.facts;
  const Answer created{201, receipt_json(facts), false};
  const Accepted accepted = co_await needs_.store.accept(*award, *found, std::move(order),
                                                         {key, {created.status, created.body}});
  if (accepted == Accepted::no_award) co_return refused(Refusal::forbidden);
  if (accepted == Accepted::over) co_return refused(Refusal::offer_over);
  if (accepted == Accepted::taken)
    co_return refused(Refusal::already_final, "the offer was accepted before");
  if (accepted != Accepted::done) co_return in_progress();
  needs_.signals.changed(OrderSignals::outbox);
  needs_.metrics.count("order", "result", "CREATED");
  // The seat map shows it; the reconciler repeats this if Redis is away.
  SeatMirror* const mirror = needs_.seats.mirror();
  if (mirror != nullptr) {
    try {
      SeatChanges changes;
      changes.live.push_back({award->slot - 1, facts.id, facts.user, 0, false, facts.expires_ms});
      co_await mirror->write(*event, std::move(changes), true);
    } catch (const StoreUnavailable&) {
      needs_.metrics.saga("award", "PEND_DEFERRED");
    }
  }
  co_return created;
}

// The next in rank is offered the slot at once.
Task<void> AuctionHouse::pass_on(AuctionPtr auction) {
  const HandOver done = co_await needs_.store.hand_over(auction->id);
  if (done.settled) co_await tell(auction, {AuctionNote::Kind::settled, {}, 0, 0});
  if (done.offered.empty()) co_return;
  AuctionNote note{AuctionNote::Kind::offer, {}, 0, 0};
  for (const Award& award : done.offered) note.users.push_back(award.user);
  co_await tell(auction, std::move(note));
}

Task<Decision<bool>> AuctionHouse::give_up(std::uint64_t auction, std::uint64_t user) {
  const auto found = co_await find(auction);
  if (!found) co_return found.error();
  const auto award = co_await needs_.store.award(auction, user);
  if (!award) co_return refused(Refusal::forbidden, "no slot was offered to you");
  const bool live = award->status == AwardStatus::offered || award->status == AwardStatus::paid;
  if (!live) co_return refused(Refusal::offer_over);
  bool given = award->order == 0 && co_await needs_.store.give_up(*award);
  if (!given) {
    // Accepted: its order ends, and what was paid is given back.
    const auto now = co_await needs_.store.award(auction, user);
    if (!now || now->order == 0) co_return refused(Refusal::offer_over);
    const auto view = co_await needs_.orders.find(now->order);
    if (!view) co_return refused(Refusal::offer_over);
    const bool paid = view->order.status == OrderStatus::confirmed;
    if (!paid && view->order.status != OrderStatus::payment_pending)
      co_return refused(Refusal::offer_over);
    const Cancelled cancelled = co_await needs_.orders.cancel(view->order, std::nullopt);
    if (cancelled == Cancelled::busy) co_return in_progress();
    if (cancelled == Cancelled::already_final) co_return refused(Refusal::offer_over);
    OrderFacts after = view->order;
    after.status = paid ? OrderStatus::refund_pending : OrderStatus::cancelled;
    needs_.settler.decided(std::move(after));
  }
  co_await pass_on(*found);
  co_return true;
}

}  // namespace boxoffice
