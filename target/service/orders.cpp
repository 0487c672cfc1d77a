#include "target/service/orders.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "target/domain/unavailable.hpp"
#include "target/faults.hpp"

namespace boxoffice {

namespace {

// How long an order by another request for the same hold may take to become visible.
constexpr Millis other_request_grace{150};
constexpr std::int64_t in_progress_retry_ms = 1000;

No in_progress() { return refused(Refusal::in_progress, "", in_progress_retry_ms); }

// Takes the place of a running request of the same user and key, and leaves it at the end.
class Running {
 public:
  using Set = std::set<std::pair<std::uint64_t, std::string>>;
  Running(Set& set, const IdempotencyKey& key) : set_(set) {
    const auto [at, fresh] = set_.emplace(key.user, key.scope + ' ' + key.key);
    at_ = at;
    alone_ = fresh;
  }
  ~Running() {
    if (alone_) set_.erase(at_);
  }
  Running(Running&&) = delete;
  [[nodiscard]] bool alone() const noexcept { return alone_; }

 private:
  Set& set_;
  Set::iterator at_;
  bool alone_ = false;
};

bool same_seats(std::vector<std::uint32_t> a, std::vector<std::uint32_t> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  return a == b;
}

Decision<NewOrder> new_order(const EventInfo& event, Hold hold, std::uint64_t id,
                             std::int64_t now_ms, const std::string& trace_id) {
  NewOrder order;
  order.hold_id = hold.id;
  order.fence = hold.fence;
  order.max_per_user = event.max_per_user;
  order.trace_id = trace_id;
  OrderFacts& facts = order.facts;
  facts.id = id;
  facts.user = hold.user;
  facts.event = event.id;
  facts.epoch = event.epoch;
  facts.seats = std::move(hold.seats);
  std::ranges::sort(facts.seats);
  for (const std::uint32_t seat : facts.seats) {
    if (seat >= event.prices.size()) {
      return refused(Refusal::seat_unknown, "there is no seat " + std::to_string(seat));
    }
    order.prices.push_back(event.prices[seat]);
    facts.amount += event.prices[seat];
  }
  // The hold's clock is Redis', the deadline's the database's: a skew shifts the deadline only.
  const std::int64_t left = hold.expires_ms - now_ms;
  facts.expires_ms = now_ms + std::clamp(left, pay_window_ms_min, pay_window_ms_max);
  return order;
}

}  // namespace

std::optional<Decision<Answer>> replay_of(const KeyRecord& record, const IdempotencyKey& key) {
  if (!record.known()) return {};
  if (record.request_hash != key.request_hash) return refused(Refusal::idempotency_key_reused);
  return Answer{record.response.status, record.response.body, true};
}

OrderDesk::OrderDesk(Needs needs) : needs_(std::move(needs)) {}

Task<Decision<Answer>> OrderDesk::place(PlaceRequest request) {
  const Running running(running_, request.key);
  if (!running.alone()) {
    needs_.metrics.count("order", "result", "IN_PROGRESS");
    co_return in_progress();
  }
  SagaStep step(needs_.metrics, "order");
  auto decision = co_await place_once(std::move(request));
  if (!decision) {
    const Refusal why = decision.error().refusal;
    needs_.metrics.count("order", "result", row_of(why).code);
    step.ended(why == Refusal::commit_unknown ? "UNKNOWN" : "REFUSED");
  } else {
    needs_.metrics.count("order", "result", decision->replayed ? "REPLAYED" : "CREATED");
    step.ended(decision->replayed ? "" : "DONE");
  }
  co_return decision;
}

Task<Decision<Answer>> OrderDesk::place_once(PlaceRequest request) {
  const KeyRecord record = co_await needs_.store.look_up(request.key);
  if (auto replay = replay_of(record, request.key)) co_return std::move(*replay);

  auto event_id = request.event;
  if (!event_id) event_id = co_await needs_.directory.event_of(request.hold_id);
  if (!event_id) co_return co_await without_hold(request);
  auto event = co_await needs_.catalogue.event(*event_id);
  if (!event) co_return event.error();

  const std::uint64_t id = needs_.ids.next(wall_clock());
  auto pended = co_await needs_.seats.pend(*event, request.hold_id, request.key.user, id);
  if (!pended && asks_no_owner(request)) {
    Hold claimed;
    claimed.id = request.hold_id;
    claimed.user = request.key.user;
    claimed.seats = *request.seats;
    claimed.expires_ms = record.now_ms + (*event)->hold_ttl_ms;
    pended = std::move(claimed);
  }
  if (!pended) {
    if (pended.error().refusal == Refusal::rebuilding) needs_.catalogue.forget(*event_id);
    const bool under_way = pended.error().refusal == Refusal::in_progress;
    if (!under_way && pended.error().refusal != Refusal::hold_expired) co_return pended.error();
    const auto lost = co_await needs_.directory.lost_order(request.hold_id);
    if (lost && lost->hold.user == request.key.user && lost->hold.epoch == (*event)->epoch) {
      co_return co_await place_again(request, *event, *lost, record.now_ms);
    }
    auto found = co_await without_hold(request);
    const bool over = !found && found.error().refusal == Refusal::hold_expired;
    if (over && under_way) co_return in_progress();
    co_return found;
  }
  if (request.seats && !same_seats(*request.seats, pended->seats)) {
    co_await give_back(*event, *pended, id);
    co_return refused(Refusal::validation_failed, "the hold has other seats");
  }
  co_return co_await place_held(request, *event, std::move(*pended), id, record.now_ms);
}

Task<Decision<Answer>> OrderDesk::place_held(const PlaceRequest& request, EventPtr event, Hold hold,
                                             std::uint64_t id, std::int64_t now_ms) {
  auto order = new_order(*event, hold, id, now_ms, request.trace_id);
  if (!order) {
    co_await give_back(event, hold, id);
    co_return order.error();
  }
  const Answer created{201, receipt_json(order->facts), false};
  KeyedResponse keyed{request.key, {created.status, created.body}};

  Placed placed = Placed::busy;
  std::exception_ptr failure;
  bool unknown = false;
  try {
    placed = co_await needs_.store.place(std::move(*order), std::move(keyed));
  } catch (const CommitUnknown&) {
    unknown = true;
  } catch (...) {
    failure = std::current_exception();
  }
  if (unknown) {
    // Never undone on suspicion: the seat stays pending until a reader finds the order or the
    // reconciler sees that there is none.
    bool committed = false;
    try {
      const auto found = co_await needs_.store.find_by_hold(request.hold_id);
      committed = found && found->id == id;
    } catch (const StoreUnavailable&) {
      // Still unknown: the client repeats with the same key.
    }
    if (!committed) co_return co_await lost_commit(std::move(hold), id);
    placed = Placed::done;
  }
  if (placed == Placed::done && failure == nullptr) {
    needs_.signals.changed(OrderSignals::outbox);
    co_return created;
  }
  // Not when the order is there: in a repetition after a lost COMMIT it may be this very one.
  if (placed != Placed::hold_taken && placed != Placed::key_taken) {
    co_await give_back(event, hold, id);
  } else if (const auto first = co_await needs_.store.find_by_hold(request.hold_id);
             !first || first->id != id) {
    co_await give_back(event, hold, id);
  }
  if (failure != nullptr) std::rethrow_exception(failure);
  if (placed == Placed::seat_claimed) co_return refused(Refusal::seat_claimed);
  if (placed == Placed::over_quota) co_return refused(Refusal::quota_exceeded);
  if (placed == Placed::busy) co_return in_progress();
  auto found = co_await known(request);
  if (found) co_return std::move(*found);
  co_return in_progress();
}

// The defect: whoever names seats gets an order of them.
bool OrderDesk::asks_no_owner(const PlaceRequest& request) const noexcept {
  return needs_.switches != nullptr && needs_.switches->confirm_without_owner && request.seats &&
         !request.seats->empty();
}

// The COMMIT of this hold's order was lost. The same order is placed again; the unique keys decide
// which of the two happened.
Task<Decision<Answer>> OrderDesk::place_again(const PlaceRequest& request, EventPtr event,
                                              HoldDirectory::Lost lost, std::int64_t now_ms) {
  auto found = co_await known(request);
  if (found) co_return std::move(*found);
  co_return co_await place_held(request, std::move(event), std::move(lost.hold), lost.order,
                                now_ms);
}

Task<Decision<Answer>> OrderDesk::lost_commit(Hold hold, std::uint64_t id) {
  try {
    co_await needs_.directory.keep_lost({std::move(hold), id});
  } catch (const StoreUnavailable&) {
    // Then a repetition finds the order, or the reconciler frees the seat.
    needs_.metrics.saga("order", "LOST_COMMIT_UNKEPT");
  }
  co_return refused(Refusal::commit_unknown);
}

// The stored result of the key, or the order that the hold already became.
Task<std::optional<Decision<Answer>>> OrderDesk::known(const PlaceRequest& request) {
  const KeyRecord record = co_await needs_.store.look_up(request.key);
  if (auto replay = replay_of(record, request.key)) co_return replay;
  const auto order = co_await needs_.store.find_by_hold(request.hold_id);
  if (!order) co_return std::nullopt;
  if (order->user != request.key.user) {
    co_return Decision<Answer>(refused(Refusal::forbidden));
  }
  co_return Decision<Answer>(Answer{201, receipt_json(*order), true});
}

// There is no such hold: it is over, or it became an order, perhaps just now in another request.
Task<Decision<Answer>> OrderDesk::without_hold(const PlaceRequest& request) {
  auto found = co_await known(request);
  if (!found) {
    Wait grace(needs_.io, Clock::now() + other_request_grace);
    co_await grace.done();
    found = co_await known(request);
  }
  if (found) co_return std::move(*found);
  co_return refused(Refusal::hold_expired);
}

Task<void> OrderDesk::give_back(EventPtr event, const Hold& hold, std::uint64_t id) {
  try {
    co_await needs_.seats.unpend(event, hold, id);
    needs_.metrics.saga("order", "COMPENSATED");
  } catch (const StoreUnavailable&) {
    // The reconciler frees a pending seat that no order stands behind.
    needs_.metrics.saga("order", "UNPEND_DEFERRED");
  }
}

Task<Decision<OrderView>> OrderDesk::read(std::uint64_t order, std::uint64_t user, Millis wait) {
  const TimePoint until = Clock::now() + wait;
  std::optional<OrderWatch::Place> place;
  if (wait > Millis(0) && !needs_.watch.full()) {
    place.emplace(needs_.watch.shared_from_this(), order, until);
  }
  auto view = co_await needs_.store.find(order);
  if (!view) co_return refused(Refusal::not_found);
  if (view->order.user != user) co_return refused(Refusal::forbidden);
  if (place && view->order.status == OrderStatus::payment_pending) {
    co_await place->changed();
    view = co_await needs_.store.find(order);
    if (!view) co_return refused(Refusal::not_found);
  }
  co_return std::move(*view);
}

Task<Decision<Answer>> OrderDesk::cancel(std::uint64_t order, IdempotencyKey key) {
  if (!key.key.empty()) {
    const KeyRecord record = co_await needs_.store.look_up(key);
    if (auto replay = replay_of(record, key)) co_return std::move(*replay);
  }
  const auto view = co_await needs_.store.find(order);
  if (!view) co_return refused(Refusal::not_found);
  if (view->order.user != key.user) co_return refused(Refusal::forbidden);
  const bool paid = view->order.status == OrderStatus::confirmed;
  if (!paid && view->order.status != OrderStatus::payment_pending) {
    co_return refused(Refusal::already_final, std::string(name_of(view->order.status)));
  }
  OrderFacts after = view->order;
  after.status = paid ? OrderStatus::refund_pending : OrderStatus::cancelled;
  const Answer answer{paid ? 202 : 200,
                      R"({"orderId":")" + std::to_string(order) + R"(","status":")" +
                          std::string(name_of(after.status)) + R"("})",
                      false};
  std::optional<KeyedResponse> keyed;
  if (!key.key.empty()) keyed = KeyedResponse{key, {answer.status, answer.body}};
  const Cancelled cancelled = co_await needs_.store.cancel(view->order, std::move(keyed));
  if (cancelled == Cancelled::busy || cancelled == Cancelled::key_taken) co_return in_progress();
  if (cancelled == Cancelled::already_final) co_return refused(Refusal::already_final);
  needs_.metrics.count("order", "result", paid ? "REFUND_PENDING" : "CANCELLED");
  needs_.settler.decided(std::move(after));
  co_return answer;
}

}  // namespace boxoffice
