// Events and their seats, §2.3.2: what anybody may read without a token.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "target/http/jwt.hpp"
#include "target/http/query_number.hpp"
#include "target/http/routes_events.hpp"
#include "target/http/seat_stream.hpp"
#include "target/log.hpp"
#include "target/parts.hpp"
#include "target/service/instant.hpp"
#include "target/service/seat_map.hpp"
#include "target/service/wall_time.hpp"

namespace boxoffice {

namespace {

constexpr std::uint32_t page_size_default = 20, page_size_max = 50, page_max = 100000;

// "W/" is ignored: the comparison for 304 is the weak one.
bool matches(std::string_view if_none_match, std::string_view tag) {
  if (if_none_match == "*") return true;
  return !if_none_match.empty() && if_none_match.find(tag) != std::string_view::npos;
}

HttpResponse tagged(const HttpRequest& request, std::string tag, HttpResponse response) {
  if (matches(request.header("If-None-Match"), tag)) {
    response = {};
    response.status = 304;
  }
  response.headers.emplace_back("ETag", std::move(tag));
  return response;
}

std::string hash_tag(std::string_view body) {
  return fmt::format("\"{:016x}\"", std::hash<std::string_view>{}(body));
}

No malformed(std::string detail) {
  No no;
  no.refusal = Refusal::malformed;
  no.detail = std::move(detail);
  return no;
}

// "" stands for all.
bool is_status(std::string_view text) {
  constexpr std::string_view known[] = {"",         "DRAFT", "SCHEDULED", "ON_SALE",
                                        "SOLD_OUT", "ENDED", "CANCELLED"};
  return std::ranges::find(known, text) != std::end(known);
}
bool is_mode(std::string_view text) {
  constexpr std::string_view known[] = {"", "RESERVED", "PRACTICE", "AUCTION"};
  return std::ranges::find(known, text) != std::end(known);
}

std::string event_head(const EventInfo& event, const std::optional<std::uint32_t>& available) {
  return fmt::format(
      R"("id":{},"title":{},"mode":"{}","status":"{}","startsAt":"{}","saleOpenAt":"{}",)"
      R"("saleCloseAt":"{}","seatCount":{},"available":{})",
      event.id, json_string(event.title), event.mode, event.status, rfc3339(event.starts_ms),
      rfc3339(event.sale_open_ms), rfc3339(event.sale_close_ms), event.seat_count,
      available ? std::to_string(*available) : "null");
}

std::string event_page(const EventInfo& event, const std::optional<std::uint32_t>& available) {
  std::string grades;
  for (const auto& [grade, price] : event.grades) {
    grades +=
        fmt::format(R"({}{{"grade":"{}","price":{}}})", grades.empty() ? "" : ",", grade, price);
  }
  return fmt::format(
      R"({{{},"epoch":{},"holdTtlMs":{},"maxPerUser":{},"queueOn":{},"rows":{},"cols":{},)"
      R"("grades":[{}]}})",
      event_head(event, available), event.epoch, event.hold_ttl_ms, event.max_per_user,
      event.queue.on, event.rows, event.columns, grades);
}

std::string bitmap_body(const EventInfo& event, const SeatView& view) {
  return fmt::format(R"({{"version":{},"epoch":{},"n":{},"bits":"{}"{}}})", view.states->version,
                     event.epoch, event.seat_count, base64(view.states->bitmap),
                     view.stale ? R"(,"stale":true)" : "");
}

// The layout is kept for long; prices may change.
std::uint32_t price_of(const EventInfo& event, const SeatRow& seat) {
  return seat.seat < event.prices.size() ? event.prices[seat.seat] : seat.price;
}

// What the seat map is told by: its version, and what seats cost.
std::string seats_tag(const EventInfo& event, std::uint64_t version) {
  std::uint32_t prices = 2166136261U;  // FNV-1a
  for (const auto& [grade, price] : event.grades)
    prices = ((prices ^ static_cast<unsigned char>(grade)) * 16777619U ^ price) * 16777619U;
  return fmt::format("\"{}.{}.{:08x}\"", event.epoch, version, prices);
}

std::string seats_body(const EventInfo& event, const std::vector<SeatRow>& layout,
                       const SeatView& view) {
  static constexpr std::string_view states[] = {"AVAILABLE", "HELD", "SOLD", "LOCKED"};
  std::string body =
      fmt::format(R"({{"eventId":{},"epoch":{},"version":{},"rows":{},"cols":{},{}"seats":[)",
                  event.id, event.epoch, view.states->version, event.rows, event.columns,
                  view.stale ? R"("stale":true,)" : "");
  body.reserve(body.size() + layout.size() * 100);
  const char* comma = "";
  for (const SeatRow& seat : layout) {
    fmt::format_to(
        std::back_inserter(body),
        R"({}{{"id":{},"section":{},"r":{},"c":{},"grade":"{}","price":{},"status":"{}"}})", comma,
        seat.seat, json_string(seat.section), json_string(seat.row_label), seat.column, seat.grade,
        price_of(event, seat), states[seat_state(view.states->bitmap, seat.seat)]);
    comma = ",";
  }
  body += "]}";
  return body;
}

class EventRoutes {
 public:
  EventRoutes(ThreadContext& thread, SeatNewsBoard& seat_news)
      : catalogue_(thread.catalogue),
        seat_map_(thread.seats),
        own_feed_(make_seat_feed(thread.redis, thread.metrics)),
        feed_(thread.io, *own_feed_, seat_news),
        streams_(std::make_shared<SeatStreamHub>(
            SeatStreamHub::Parts{thread.io, thread.catalogue, feed_, thread.metrics,
                                 Millis(thread.config.sse_flush_ms), thread.stop})) {}

  Task<HttpResponse> list(const HttpRequest& request);
  Task<HttpResponse> event(const HttpRequest& request);
  Task<HttpResponse> seats(const HttpRequest& request);
  Task<HttpResponse> stream(const HttpRequest& request);
  Task<void> tell(std::uint64_t event) { return streams_->tell_now(event); }

 private:
  Task<std::optional<std::uint32_t>> available(EventPtr event);

  Catalogue& catalogue_;
  SeatMap seat_map_;
  std::unique_ptr<SeatFeed> own_feed_;
  SharedSeatFeed feed_;
  std::shared_ptr<SeatStreamHub> streams_;
};

// A figure to look at: where Redis cannot tell, the event is shown without it.
Task<std::optional<std::uint32_t>> EventRoutes::available(EventPtr event) {
  try {
    const auto view = co_await seat_map_.read(event);
    if (view) co_return seats_free(view->states->bitmap, event->seat_count);
  } catch (const StoreUnavailable&) {
    co_return std::nullopt;
  }
  co_return std::nullopt;
}

Task<HttpResponse> EventRoutes::list(const HttpRequest& request) {
  const auto page = number_in(request, "page", 1, page_max);
  const auto size = number_in(request, "size", page_size_default, page_size_max);
  const std::string status = request.query_value("status").value_or("");
  const std::string mode = request.query_value("mode").value_or("");
  if (!page || !size || !is_status(status) || !is_mode(mode)) {
    const std::string rule = fmt::format(
        "page is 1 to {}, size 1 to {}, status and mode are an event's", page_max, page_size_max);
    co_return problem(malformed(rule), request);
  }
  const EventPage found = co_await catalogue_.page(status, mode, *page - 1, *size);
  std::string items;
  for (const EventPtr& event : found.items) {
    const auto free = co_await available(event);
    items += fmt::format("{}{{{}}}", items.empty() ? "" : ",", event_head(*event, free));
  }
  std::string body = fmt::format(R"({{"items":[{}],"page":{},"size":{},"total":{}}})", items, *page,
                                 *size, found.total);
  std::string tag = hash_tag(body);
  auto response = tagged(request, std::move(tag), json_response(200, std::move(body)));
  response.headers.emplace_back("Cache-Control", "max-age=1");
  co_return response;
}

Task<HttpResponse> EventRoutes::event(const HttpRequest& request) {
  const auto id = request.path_id(0);
  if (!id) co_return problem(malformed("the event's id is a number"), request);
  const auto event = co_await catalogue_.event(*id);
  if (!event) co_return problem(event.error(), request);
  const auto free = co_await available(*event);
  std::string body = event_page(**event, free);
  std::string tag = hash_tag(body);
  co_return tagged(request, std::move(tag), json_response(200, std::move(body)));
}

Task<HttpResponse> EventRoutes::seats(const HttpRequest& request) {
  const auto id = request.path_id(0);
  if (!id) co_return problem(malformed("the event's id is a number"), request);
  const std::string format = request.query_value("format").value_or("");
  if (!format.empty() && format != "bitmap")
    co_return problem(malformed("format is bitmap, or absent"), request);
  const auto event = co_await catalogue_.event(*id);
  if (!event) co_return problem(event.error(), request);
  const auto view = co_await seat_map_.read(*event);
  if (!view) {
    // No marker: rebuilt, or reset and this copy of the event is of the old epoch.
    catalogue_.forget(*id);
    co_return problem(view.error(), request);
  }
  const EventInfo& facts = **event;
  std::string tag = seats_tag(facts, view->states->version);
  if (!view->stale && matches(request.header("If-None-Match"), tag))
    co_return tagged(request, std::move(tag), {});
  if (format == "bitmap")
    co_return tagged(request, std::move(tag), json_response(200, bitmap_body(facts, *view)));
  const auto layout = co_await catalogue_.seats(*event);
  co_return tagged(request, std::move(tag), json_response(200, seats_body(facts, *layout, *view)));
}

Task<HttpResponse> EventRoutes::stream(const HttpRequest& request) {
  const auto id = request.path_id(0);
  if (!id) co_return problem(malformed("the event's id is a number"), request);
  const auto joined = co_await streams_->join(*id, std::string(request.header("Last-Event-ID")));
  if (!joined) co_return problem(joined.error(), request);
  co_return event_stream(*joined);
}

Task<HttpResponse> tell_time(const HttpRequest&) {
  const std::int64_t now = wall_clock_ms();
  co_return json_response(200, fmt::format(R"({{"now":"{}","epochMs":{}}})", rfc3339(now), now));
}

Route open_route(std::string_view pattern,
                 std::function<Task<HttpResponse>(const HttpRequest&)> handle) {
  Route route;
  route.method = "GET";
  route.pattern = pattern;
  route.role = "catalog";
  route.auth = Auth::none;
  route.handle = std::move(handle);
  return route;
}

}  // namespace

std::shared_ptr<void> add_event_routes(ThreadContext& thread, SeatNewsBoard& seat_news,
                                       RouteTable& table) {
  auto routes = std::make_shared<EventRoutes>(thread, seat_news);
  EventRoutes* const self = routes.get();
  thread.tell_seats = [self](std::uint64_t event) { return self->tell(event); };
  table.routes.push_back(open_route(
      "/api/events", [self](const HttpRequest& request) { return self->list(request); }));
  table.routes.push_back(open_route(
      "/api/events/{id}", [self](const HttpRequest& request) { return self->event(request); }));
  table.routes.push_back(open_route("/api/events/{id}/seats", [self](const HttpRequest& request) {
    return self->seats(request);
  }));
  table.routes.push_back(
      open_route("/api/events/{id}/seats/stream",
                 [self](const HttpRequest& request) { return self->stream(request); }));
  table.routes.push_back(open_route("/api/time", &tell_time));
  return routes;
}

// A thread that reads for itself alone.
std::shared_ptr<void> add_event_routes(ThreadContext& thread, RouteTable& table) {
  struct Alone {
    SeatNewsBoard board;
    std::shared_ptr<void> routes;
  };
  auto alone = std::make_shared<Alone>();
  alone->routes = add_event_routes(thread, alone->board, table);
  return alone;
}

}  // namespace boxoffice
