// Routes of orders: place, read (with a long poll), cancel.
#include <algorithm>

#include "target/http/json_body.hpp"
#include "target/http/order_side.hpp"
#include "target/parts.hpp"
#include "target/service/hold_id.hpp"
#include "target/service/order_watch.hpp"
#include "target/service/orders.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

constexpr std::uint64_t wait_ms_max = 20000;
constexpr Millis read_time_limit{25000};
constexpr std::size_t seats_named_max = 64;

Decision<PlaceRequest> read_place(const HttpRequest& request, const Switches& switches) {
  const auto read = read_json_object(request.body);
  if (!read) return read.error();
  const nlohmann::json& body = read->members;
  PlaceRequest place;
  place.key = idempotency_key(request, "orders", request.body, switches);
  place.trace_id = request.trace_id;
  const auto hold = body.find("holdId");
  if (hold == body.end() || !hold->is_string())
    return refused(Refusal::validation_failed, "holdId is needed");
  place.hold_id = hold->get<std::string>();
  if (!is_hold_id(place.hold_id))
    return refused(Refusal::validation_failed, "holdId must be 32 lower-case hex digits");
  if (const auto event = body.find("eventId"); event != body.end()) {
    place.event = json_unsigned(*event);
    if (!place.event) return refused(Refusal::validation_failed, "eventId must be a number");
  }
  const auto seats = body.find("seatIds");
  if (seats == body.end()) return place;
  if (!seats->is_array() || seats->size() > seats_named_max) {
    return refused(Refusal::validation_failed, "seatIds must be an array of seat numbers");
  }
  place.seats.emplace();
  for (const auto& seat : *seats) {
    const auto number = json_unsigned(seat);
    if (!number || *number > 0xFFFFFFFFU)
      return refused(Refusal::validation_failed, "seatIds must be seat numbers");
    place.seats->push_back(static_cast<std::uint32_t>(*number));
  }
  return place;
}

HttpResponse answered(const Decision<Answer>& answer, const HttpRequest& request) {
  if (!answer) return problem(answer.error(), request);
  HttpResponse response = json_response(answer->status, answer->body);
  if (answer->replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
  return response;
}

class OrderRoutes {
 public:
  explicit OrderRoutes(ThreadContext& thread)
      : switches_(thread.switches),
        side_(thread),
        store_(make_order_store(thread.mysql, thread.metrics)),
        watch_(std::make_shared<OrderWatch>(thread.io, *store_, side_.signals, thread.stop)),
        desk_({.io = thread.io,
               .store = *store_,
               .seats = thread.seats,
               .directory = thread.hold_directory,
               .catalogue = thread.catalogue,
               .settler = *side_.settler,
               .signals = side_.signals,
               .watch = *watch_,
               .metrics = thread.metrics,
               .ids = OrderIds(thread.config.node, thread.thread),
               .switches = &thread.switches}) {}

  Task<HttpResponse> place(const HttpRequest& request) {
    auto wanted = read_place(request, switches_);
    if (!wanted) co_return problem(wanted.error(), request);
    const auto answer = co_await desk_.place(std::move(*wanted));
    co_return answered(answer, request);
  }

  Task<HttpResponse> read(const HttpRequest& request) {
    const auto order = request.path_id(0);
    if (!order) co_return problem(refused(Refusal::not_found), request);
    std::uint64_t wait_ms = 0;
    if (const auto text = request.query_value("waitMs")) {
      const auto number = decimal(*text);
      if (!number)
        co_return problem(refused(Refusal::validation_failed, "waitMs must be a number"), request);
      wait_ms = std::min(*number, wait_ms_max);
    }
    const auto view = co_await desk_.read(*order, request.caller->user,
                                          Millis(static_cast<std::int64_t>(wait_ms)));
    if (!view) co_return problem(view.error(), request);
    co_return json_response(200, view_json(*view));
  }

  Task<HttpResponse> cancel(const HttpRequest& request) {
    const auto order = request.path_id(0);
    if (!order) co_return problem(refused(Refusal::not_found), request);
    const auto answer =
        co_await desk_.cancel(*order, idempotency_key(request, "cancel", request.path, switches_));
    co_return answered(answer, request);
  }

 private:
  const Switches& switches_;
  OrderSide side_;
  std::unique_ptr<OrderStore> store_;
  std::shared_ptr<OrderWatch> watch_;
  OrderDesk desk_;
};

}  // namespace

std::shared_ptr<void> add_order_routes(ThreadContext& thread, RouteTable& table) {
  const auto routes = std::make_shared<OrderRoutes>(thread);
  OrderRoutes* const to = routes.get();
  table.routes.push_back({.method = "POST",
                          .pattern = "/api/orders",
                          .role = "order",
                          .idempotency_required = true,
                          .handle = [to](const HttpRequest& r) { return to->place(r); }});
  table.routes.push_back({.method = "GET",
                          .pattern = "/api/orders/{id}",
                          .role = "order",
                          .handle = [to](const HttpRequest& r) { return to->read(r); },
                          .time_limit = read_time_limit});
  table.routes.push_back({.method = "DELETE",
                          .pattern = "/api/orders/{id}",
                          .role = "order",
                          .handle = [to](const HttpRequest& r) { return to->cancel(r); }});
  return routes;
}

}  // namespace boxoffice
