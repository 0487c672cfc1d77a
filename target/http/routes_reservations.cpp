// Reservations (holds): POST, GET, extend, DELETE.
#include "target/http/hold_stages.hpp"
#include "target/http/json_body.hpp"
#include "target/http/jwt.hpp"
#include "target/parts.hpp"
#include "target/service/hold_id.hpp"
#include "target/service/instant.hpp"
#include "target/service/reservations.hpp"

namespace boxoffice {

namespace {

constexpr std::int64_t dead_end_retry_ms = 1000;

constexpr std::size_t seats_named_max = 64;  // before the event's own limit is known
constexpr double seconds_max = 86400;

No invalid(std::string detail) {
  No no;
  no.refusal = Refusal::validation_failed;
  no.detail = std::move(detail);
  return no;
}

// seatIds: […], or seatId: one.
Decision<std::vector<std::uint32_t>> read_seats(const nlohmann::json& body) {
  std::vector<std::uint32_t> seats;
  const auto add = [&seats](const nlohmann::json& value) {
    const auto number = json_unsigned(value);
    if (!number || *number > 0xFFFFFFFFU) return false;
    seats.push_back(static_cast<std::uint32_t>(*number));
    return true;
  };
  if (const auto list = body.find("seatIds"); list != body.end()) {
    if (!list->is_array() || list->size() > seats_named_max)
      return invalid(fmt::format("seatIds must be an array of at most {}", seats_named_max));
    for (const auto& value : *list) {
      if (!add(value)) return invalid("seatIds must be seat numbers");
    }
  } else if (const auto one = body.find("seatId"); one == body.end() || !add(*one)) {
    return invalid("seatIds or seatId is needed");
  }
  return seats;
}

// A client that sends an Idempotency-Key instead of a Hold-Id gets the same hold again as well: the
// id is made from the key, and only this user's key leads to it.
std::string id_of_key(std::string_view secret, std::uint64_t user, std::string_view key) {
  return to_hex(hmac_sha256(secret, fmt::format("hold.{}.{}", user, key))).substr(0, 32);
}

Decision<HoldRequest> read_hold_request(const HttpRequest& request, std::string_view secret) {
  const auto read = read_json_object(request.body);
  if (!read) return read.error();
  const nlohmann::json& body = read->members;
  HoldRequest wanted;
  const auto event = body.find("eventId");
  const auto number = event == body.end() ? std::nullopt : json_unsigned(*event);
  if (!number) return invalid("eventId must be a number");
  wanted.event = *number;
  auto seats = read_seats(body);
  if (!seats) return seats.error();
  wanted.seats = std::move(*seats);
  if (const auto seconds = body.find("holdSeconds"); seconds != body.end()) {
    if (!seconds->is_number()) return invalid("holdSeconds must be a number");
    const double value = std::clamp(seconds->get<double>(), 0.0, seconds_max);
    wanted.hold_ms = static_cast<std::int64_t>(value * 1000);
  }
  wanted.hold_id = request.header("Hold-Id");
  if (!wanted.hold_id.empty() && !is_hold_id(wanted.hold_id))
    return invalid("Hold-Id must be 32 lower-case hex digits");
  const std::string_view key = request.header("Idempotency-Key");
  if (wanted.hold_id.empty() && !key.empty())
    wanted.hold_id = id_of_key(secret, request.caller->user, key);
  wanted.entry_token = request.header("Entry-Token");
  return wanted;
}

std::string render(const Reservation& reservation) {
  const Hold& hold = reservation.hold;
  return fmt::format(R"({{"holdId":"{}","eventId":{},"seatIds":[{}],"fence":{},"expiresAt":"{}",)"
                     R"("expiresAtMs":{},"ttlMs":{},"amount":{}}})",
                     hold.id, hold.event, fmt::join(hold.seats, ","), hold.fence,
                     rfc3339(hold.expires_ms), hold.expires_ms, reservation.ttl_ms,
                     reservation.amount);
}

class ReservationRoutes {
 public:
  explicit ReservationRoutes(ThreadContext& thread)
      : config_(thread.config),
        metrics_(thread.metrics),
        breakers_(thread.breakers),
        stages_(thread),
        rebuild_(thread.seats, thread.seat_ledger, thread.leases),
        reservations_(thread.io, thread.catalogue, thread.seats, thread.hold_directory, rebuild_,
                      thread.config.pass_secret) {}

  Task<HttpResponse> hold(const HttpRequest& request) {
    auto wanted = read_hold_request(request, config_.pass_secret);
    if (!wanted) co_return problem(wanted.error(), request);
    if (is_dead_end()) {
      No no;
      no.refusal = Refusal::dependency_down;
      no.detail = "orders cannot be taken now";
      no.retry_after_ms = dead_end_retry_ms;
      co_return problem(no, request);
    }
    const std::uint64_t user = request.caller->user, event = wanted->event;
    const auto sold = co_await stages_.before(event, wanted->seats);
    if (sold) co_return problem(*sold, request);
    auto held = co_await take(user, std::move(*wanted));
    if (!held) co_return problem(held.error(), request);
    co_await stages_.after(event);
    HttpResponse response = json_response(201, render(*held));
    response.headers.emplace_back(
        "Location", fmt::format("{}/api/reservations/{}", config_.path_prefix, held->hold.id));
    if (held->hold.again) response.headers.emplace_back("Idempotency-Replayed", "true");
    co_return response;
  }

  Task<HttpResponse> find(const HttpRequest& request) {
    std::string id(request.path_parameters.at(0));
    auto found = co_await reservations_.find(request.caller->user, std::move(id));
    if (!found) co_return problem(found.error(), request);
    co_return json_response(200, render(*found));
  }

  Task<HttpResponse> extend(const HttpRequest& request) {
    const auto body = read_json_object(request.body);
    if (!body) co_return problem(body.error(), request);
    const auto seconds = body->members.find("seconds");
    const bool number = seconds != body->members.end() && seconds->is_number();
    if (!number || !(seconds->get<double>() > 0))
      co_return problem(invalid("seconds must be a number above 0"), request);
    const double bounded = std::min(seconds->get<double>(), seconds_max);
    std::string id(request.path_parameters.at(0));
    auto expiry = co_await reservations_.extend(request.caller->user, std::move(id),
                                                static_cast<std::int64_t>(bounded * 1000));
    if (!expiry) co_return problem(expiry.error(), request);
    co_return json_response(
        200, fmt::format(R"({{"expiresAt":"{}","expiresAtMs":{}}})", rfc3339(*expiry), *expiry));
  }

  Task<HttpResponse> release(const HttpRequest& request) {
    std::string id(request.path_parameters.at(0));
    auto released = co_await reservations_.release(request.caller->user, std::move(id));
    if (!released) co_return problem(released.error(), request);
    co_return no_content();
  }

 private:
  Task<Decision<Reservation>> take(std::uint64_t user, HoldRequest wanted) {
    SagaStep step(metrics_, "hold");
    auto held = co_await reservations_.hold(user, std::move(wanted));
    step.ended(!held ? "REFUSED" : held->hold.again ? "" : "DONE");
    co_return held;
  }
  // Holds go on without the database for a while; more of them would only disappoint.
  bool is_dead_end() {
    if (breakers_ == nullptr) return false;
    auto& given = breakers_->holds_without_mysql;
    if (breakers_->mysql.state() == CircuitBreaker::State::closed) {
      if (given.load(std::memory_order_relaxed) != 0) given = 0;
      return false;
    }
    return given.fetch_add(1, std::memory_order_relaxed) >= config_.hold_backlog;
  }

  const Config& config_;
  Metrics& metrics_;
  Breakers* breakers_;
  HoldStages stages_;
  SeatRebuild rebuild_;
  Reservations reservations_;
};

}  // namespace

std::shared_ptr<void> add_reservation_routes(ThreadContext& thread, RouteTable& table) {
  auto routes = std::make_shared<ReservationRoutes>(thread);
  const auto add = [&table](std::string_view method, std::string_view pattern, auto handle) {
    Route route;
    route.method = method;
    route.pattern = pattern;
    route.role = "reservation";
    route.handle = std::move(handle);
    table.routes.push_back(std::move(route));
  };
  ReservationRoutes* const at = routes.get();
  add("POST", "/api/reservations", [at](const HttpRequest& request) { return at->hold(request); });
  add("GET", "/api/reservations/{id}",
      [at](const HttpRequest& request) { return at->find(request); });
  add("POST", "/api/reservations/{id}/extend",
      [at](const HttpRequest& request) { return at->extend(request); });
  add("DELETE", "/api/reservations/{id}",
      [at](const HttpRequest& request) { return at->release(request); });
  return routes;
}

}  // namespace boxoffice
