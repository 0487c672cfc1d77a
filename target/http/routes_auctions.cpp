// Routes of auctions: look, bid, follow, take or give up the right to a slot.
#include <fmt/format.h>

#include <algorithm>

#include "target/auction_parts.hpp"
#include "target/http/auction_hub.hpp"
#include "target/http/json_body.hpp"
#include "target/http/list_page.hpp"
#include "target/http/order_side.hpp"
#include "target/service/auctions.hpp"
#include "target/service/instant.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

constexpr std::uint32_t page_size = 100, page_max = 1000000;
constexpr std::uint32_t threads_of_orders = 8;  // id numbers above these are ours

std::string_view word_of(AuctionStatus status) {
  constexpr std::string_view words[] = {"SCHEDULED", "OPEN", "CLOSING", "CLOSED", "SETTLED"};
  return words[static_cast<std::size_t>(status)];
}
std::string_view word_of(Pricing pricing) {
  return pricing == Pricing::uniform_cutoff ? "UNIFORM_CUTOFF" : "PAY_AS_BID";
}
std::string_view word_of(BidRule rule) {
  constexpr std::string_view words[] = {"OWN_RAISE", "BEAT_CUTOFF", "BEAT_TOP"};
  return words[static_cast<std::size_t>(rule)];
}

// The stored status follows the clock when the close is decided; until then the clock is said.
std::string_view status_now(const AuctionInfo& auction, std::int64_t left_ms) {
  const bool running =
      auction.status == AuctionStatus::scheduled || auction.status == AuctionStatus::open;
  if (!running) return word_of(auction.status);
  if (left_ms == 0) return "CLOSING";
  return left_ms > auction.closes_ms - auction.opens_ms ? "SCHEDULED" : "OPEN";
}

std::string render(const AuctionView& view) {
  const AuctionInfo& auction = *view.auction;
  return fmt::format(
      R"({{"auctionId":"{}","eventId":{},"slots":{},"startPrice":{},"minStep":{},"maxBids":{},)"
      R"("rule":"{}","pricing":"{}","opensAt":"{}","closesAt":"{}","opensAtMs":{},"closesAtMs":{},)"
      R"("offerTtlMs":{},"leftMs":{},"status":"{}","top":{},"cutoff":{},"bidders":{}}})",
      auction.id, auction.event, auction.slots, auction.start_price, auction.min_step,
      auction.bids_max, word_of(auction.rule), word_of(auction.pricing), rfc3339(auction.opens_ms),
      rfc3339(auction.closes_ms), auction.opens_ms, auction.closes_ms, auction.offer_ttl_ms,
      view.tick.left_ms, status_now(auction, view.tick.left_ms), view.tick.top, view.tick.cutoff,
      view.tick.bidders);
}

std::string render(const Award& award) {
  return fmt::format(
      R"({{"state":"{}","rank":{},"slot":{},"price":{},"deadlineAt":"{}","deadlineAtMs":{},)"
      R"("orderId":{}}})",
      name_of(award.status), award.rank, award.slot, award.price, rfc3339(award.deadline_ms),
      award.deadline_ms, award.order == 0 ? "null" : fmt::format("\"{}\"", award.order));
}

std::string render(const MyAuction& mine) {
  return fmt::format(R"({{"amount":{},"rank":{},"inside":{},"bidsLeft":{},"award":{}}})",
                     mine.standing.amount,
                     mine.standing.rank == 0 ? "null" : std::to_string(mine.standing.rank),
                     mine.inside, mine.bids_left, mine.award ? render(*mine.award) : "null");
}

std::string render(const ResultPage& page) {
  std::string ranks;
  for (const RankRow& row : page.rows) {
    fmt::format_to(std::back_inserter(ranks),
                   R"({}{{"rank":{},"userId":"{}","amount":{},"price":{},"state":"{}"}})",
                   ranks.empty() ? "" : ",", row.rank, row.user, row.amount,
                   row.award ? std::to_string(row.award->price) : "null",
                   row.award ? name_of(row.award->status) : "NOT_OFFERED");
  }
  return fmt::format(R"({{"ranks":[{}]}})", ranks);
}

HttpResponse answered(const Decision<Answer>& answer, const HttpRequest& request) {
  if (!answer) return problem(answer.error(), request);
  HttpResponse response = json_response(answer->status, answer->body);
  if (answer->replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
  return response;
}

No no_such_auction() { return refused(Refusal::not_found, "there is no such auction"); }

class AuctionRoutes {
 public:
  explicit AuctionRoutes(ThreadContext& thread)
      : side_(thread),
        store_(make_auction_store(thread.io, thread.mysql, thread.switches, thread.metrics)),
        book_(make_auction_book(thread.redis, thread.switches, thread.metrics)),
        orders_(make_order_store(thread.mysql, thread.metrics)),
        hub_(std::make_shared<AuctionHub>(thread.io, *book_, thread.metrics, thread.stop)),
        house_({.io = thread.io,
                .store = *store_,
                .book = *book_,
                .orders = *orders_,
                .catalogue = thread.catalogue,
                .seats = thread.seats,
                .settler = *side_.settler,
                .signals = side_.signals,
                .metrics = thread.metrics,
                .ids = OrderIds(thread.config.node, thread.thread + threads_of_orders),
                .pass_secret = thread.config.pass_secret}) {
    AuctionHub::start(hub_);
  }

  Task<HttpResponse> list(const HttpRequest& request) {
    const auto part = list_page(request);
    if (!part) co_return problem(part.error(), request);
    const AuctionViews found = co_await house_.list(part->page - 1, part->size);
    std::string items;
    for (const AuctionView& view : found.items) items += (items.empty() ? "" : ",") + render(view);
    co_return json_response(200, fmt::format(R"({{"items":[{}],"page":{},"size":{},"total":{}}})",
                                             items, part->page, part->size, found.total));
  }

  Task<HttpResponse> look(const HttpRequest& request) {
    const auto id = request.path_id(0);
    if (!id) co_return problem(no_such_auction(), request);
    const auto view = co_await house_.look(*id);
    if (!view) co_return problem(view.error(), request);
    co_return json_response(200, render(*view));
  }

  Task<HttpResponse> mine(const HttpRequest& request) {
    const auto id = request.path_id(0);
    if (!id) co_return problem(no_such_auction(), request);
    const auto mine = co_await house_.mine(*id, request.caller->user);
    if (!mine) co_return problem(mine.error(), request);
    co_return json_response(200, render(*mine));
  }

  Task<HttpResponse> bid(const HttpRequest& request) {
    const auto id = request.path_id(0);
    if (!id) co_return problem(no_such_auction(), request);
    const auto body = read_json_object(request.body);
    if (!body) co_return problem(body.error(), request);
    const auto amount = body->members.find("amount");
    const bool whole = amount != body->members.end() && amount->is_number_unsigned();
    if (!whole || amount->get<std::uint64_t>() == 0) {
      co_return problem(
          refused(Refusal::validation_failed, "amount must be a whole number above 0"), request);
    }
    BidRequest wanted;
    wanted.auction = *id;
    wanted.amount = amount->get<std::uint64_t>();
    wanted.key = key_of(request, "bids", fmt::format("{} {}", *id, request.body));
    wanted.entry_token = request.header("Entry-Token");
    const auto answer = co_await house_.bid(std::move(wanted));
    co_return answered(answer, request);
  }

  Task<HttpResponse> result(const HttpRequest& request) {
    const auto id = request.path_id(0);
    if (!id) co_return problem(no_such_auction(), request);
    std::uint64_t page = 0, size = page_size;
    for (const auto& [name, value] : {std::pair{"page", &page}, std::pair{"size", &size}}) {
      const auto text = request.query_value(name);
      const auto number = text ? decimal(*text) : std::optional<std::uint64_t>(*value);
      if (!number || *number > page_max) {
        co_return problem(refused(Refusal::validation_failed, "page and size must be numbers"),
                          request);
      }
      *value = *number;
    }
    size = std::clamp<std::uint64_t>(size, 1, result_page_max);
    const auto result = co_await house_.result(*id, static_cast<std::uint32_t>(page),
                                               static_cast<std::uint32_t>(size));
    if (!result) co_return problem(result.error(), request);
    co_return json_response(200, render(*result));
  }

  Task<HttpResponse> accept(const HttpRequest& request) {
    const auto id = request.path_id(0);
    if (!id) co_return problem(no_such_auction(), request);
    const auto answer = co_await house_.accept(*id, key_of(request, "award", std::to_string(*id)),
                                               request.trace_id);
    co_return answered(answer, request);
  }

  Task<HttpResponse> give_up(const HttpRequest& request) {
    const auto id = request.path_id(0);
    if (!id) co_return problem(no_such_auction(), request);
    const auto given = co_await house_.give_up(*id, request.caller->user);
    if (!given) co_return problem(given.error(), request);
    co_return no_content();
  }

  Task<HttpResponse> stream(const HttpRequest& request) {
    const auto id = request.path_id(0);
    if (!id) co_return problem(no_such_auction(), request);
    const auto auction = co_await house_.find(*id);
    if (!auction) co_return problem(auction.error(), request);
    co_return event_stream(hub_->watch(*auction, request.caller->user));
  }

 private:
  static IdempotencyKey key_of(const HttpRequest& request, const char* scope,
                               const std::string& content) {
    return {request.caller->user, scope, std::string(request.header("Idempotency-Key")),
            sha256_hex(content)};
  }

  OrderSide side_;
  std::unique_ptr<AuctionStore> store_;
  std::unique_ptr<AuctionBook> book_;
  std::unique_ptr<OrderStore> orders_;
  std::shared_ptr<AuctionHub> hub_;
  AuctionHouse house_;
};

using Method = Task<HttpResponse> (AuctionRoutes::*)(const HttpRequest&);
struct AuctionRow {
  std::string_view method, pattern;
  Method handle;
  bool key = false;  // an Idempotency-Key is required
};
constexpr AuctionRow rows[] = {
    {"GET", "/api/auctions", &AuctionRoutes::list},
    {"GET", "/api/auctions/{id}", &AuctionRoutes::look},
    {"GET", "/api/auctions/{id}/me", &AuctionRoutes::mine},
    {"POST", "/api/auctions/{id}/bids", &AuctionRoutes::bid, true},
    {"GET", "/api/auctions/{id}/result", &AuctionRoutes::result},
    {"POST", "/api/auctions/{id}/award/accept", &AuctionRoutes::accept, true},
    {"DELETE", "/api/auctions/{id}/award", &AuctionRoutes::give_up},
    {"GET", "/api/auctions/{id}/stream", &AuctionRoutes::stream},
};

}  // namespace

std::shared_ptr<void> add_auction_routes(ThreadContext& thread, RouteTable& table) {
  const auto routes = std::make_shared<AuctionRoutes>(thread);
  for (const AuctionRow& row : rows) {
    Route route;
    route.method = row.method;
    route.pattern = row.pattern;
    route.role = "auction";
    route.idempotency_required = row.key;
    route.handle = [to = routes.get(), handle = row.handle](const HttpRequest& request) {
      return (to->*handle)(request);
    };
    table.routes.push_back(std::move(route));
  }
  return routes;
}

}  // namespace boxoffice
