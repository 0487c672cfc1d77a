// The waiting room over HTTP: enter, look, heartbeat, leave; and the door to its WebSocket.
#include <unordered_map>

#include "target/http/json_body.hpp"
#include "target/http/ws_queue.hpp"
#include "target/parts.hpp"
#include "target/service/instant.hpp"
#include "target/service/waiting_room.hpp"

namespace boxoffice {

namespace {

No no_such_event() {
  No no;
  no.refusal = Refusal::not_found;
  no.detail = "there is no such event";
  return no;
}

No bad(Refusal refusal, const char* detail) {
  No no;
  no.refusal = refusal;
  no.detail = detail;
  return no;
}

std::string render(const PlaceTold& told) {
  const Place& place = told.place;
  if (place.state == Place::State::admitted) {
    return fmt::format(R"({{"state":"ADMITTED","entryToken":"{}","expiresAt":"{}"}})",
                       told.entry_token, rfc3339(place.pass_end_ms));
  }
  return fmt::format(R"({{"state":"WAITING","position":{},"total":{},"etaMs":{},"pollAfterMs":{},)"
                     R"("queueToken":"{}"}})",
                     place.position, place.total, told.eta_ms, told.poll_after_ms,
                     told.queue_token);
}

// How long those waited who ask instead of listening: from the entry to the answer that says
// ADMITTED, where both come to this thread. Bounded: two generations, the older one is dropped when
// the younger is full.
class PollWaits {
 public:
  void waiting(std::uint64_t event, std::uint64_t user) {
    const Key key{event, user};
    const TimePoint now = Clock::now();
    Wait wait{now, now};
    if (auto known = take(key)) wait.since = known->since;
    if (young_.size() >= generation_max) old_ = std::exchange(young_, {});
    young_.insert_or_assign(key, wait);
  }
  // Nothing for who was not seen waiting, or has not asked for so long that somebody else (a
  // WebSocket) told them.
  std::optional<std::chrono::nanoseconds> admitted(std::uint64_t event, std::uint64_t user) {
    const auto known = take({event, user});
    const TimePoint now = Clock::now();
    if (!known || now - known->asked > silence_max) return std::nullopt;
    return now - known->since;
  }

 private:
  struct Wait {
    TimePoint since, asked;
  };
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<std::uint64_t>{}(key.first * 0x9E3779B97F4A7C15U ^ key.second);
    }
  };
  using Waits = std::unordered_map<Key, Wait, Hash>;
  static constexpr std::size_t generation_max = 50000;
  static constexpr std::chrono::seconds silence_max{15};

  std::optional<Wait> take(const Key& key) {
    for (Waits* const waits : {&young_, &old_}) {
      const auto found = waits->find(key);
      if (found == waits->end()) continue;
      const Wait wait = found->second;
      waits->erase(found);
      return wait;
    }
    return std::nullopt;
  }

  Waits young_, old_;
};

class QueueRoutes {
 public:
  explicit QueueRoutes(ThreadContext& thread)
      : rebuild_(thread.seats, thread.seat_ledger, thread.leases),
        room_(thread.io, thread.catalogue, thread.queue, rebuild_, thread.config.pass_secret),
        hub_(QueueHub::start(thread)),
        metrics_(thread.metrics) {}

  Task<HttpResponse> enter(const HttpRequest& request) {
    const auto event = request.path_id(0);
    if (!event) co_return problem(no_such_event(), request);
    const auto body = read_json_object(request.body);
    if (!body) co_return problem(body.error(), request);
    std::string token;
    const auto given = body->members.find("queueToken");
    if (given != body->members.end() && !given->is_null()) {
      if (!given->is_string()) {
        co_return problem(bad(Refusal::validation_failed, "queueToken must be a text"), request);
      }
      token = given->get<std::string>();
    }
    auto told = co_await room_.enter(*event, request.caller->user, std::move(token));
    if (!told) co_return problem(told.error(), request);
    note_wait(*event, request.caller->user, told->place.state);
    co_return json_response(told->place.fresh ? 201 : 200, render(*told));
  }

  Task<HttpResponse> look(const HttpRequest& request) {
    const auto event = request.path_id(0);
    if (!event) co_return problem(no_such_event(), request);
    auto told = co_await room_.look(*event, request.caller->user);
    if (!told) co_return problem(told.error(), request);
    note_wait(*event, request.caller->user, told->place.state);
    co_return json_response(200, render(*told));
  }

  Task<HttpResponse> beat(const HttpRequest& request) {
    HttpResponse response = co_await look(request);
    if (response.status != 200) co_return response;
    co_return no_content();
  }

  Task<HttpResponse> leave(const HttpRequest& request) {
    const auto event = request.path_id(0);
    if (!event) co_return problem(no_such_event(), request);
    const std::string reason = request.query_value("reason").value_or("left");
    const bool completed = reason == "completed";
    if (!completed && reason != "left")
      co_return problem(bad(Refusal::malformed, "reason is left or completed"), request);
    auto left = co_await room_.leave(*event, request.caller->user, completed);
    if (!left) co_return problem(left.error(), request);
    co_return no_content();
  }

  Task<WebSocketAccept> connect(const HttpRequest& request) {
    std::optional<std::uint64_t> user, event;
    if (request.caller) user = request.caller->user;
    const auto given = request.query_value("event");
    if (given) event = json_unsigned(nlohmann::json(*given));
    const bool offered =
        request.header("Sec-WebSocket-Protocol").find("tk.queue.v1") != std::string_view::npos;
    co_return co_await hub_->accept(user, event, offered);
  }

 private:
  void note_wait(std::uint64_t event, std::uint64_t user, Place::State state) {
    if (state == Place::State::waiting) return waits_.waiting(event, user);
    if (state != Place::State::admitted) return;
    if (const auto waited = waits_.admitted(event, user)) metrics_.observe("queue_wait", *waited);
  }

  SeatRebuild rebuild_;
  WaitingRoom room_;
  std::shared_ptr<QueueHub> hub_;
  Metrics& metrics_;
  PollWaits waits_;
};

}  // namespace

std::shared_ptr<void> add_queue_routes(ThreadContext& thread, RouteTable& table) {
  auto routes = std::make_shared<QueueRoutes>(thread);
  const auto add = [&table](std::string_view method, std::string_view pattern, auto handle) {
    Route route;
    route.method = method;
    route.pattern = pattern;
    route.role = "queue";
    route.handle = std::move(handle);
    table.routes.push_back(std::move(route));
  };
  QueueRoutes* const at = routes.get();
  constexpr std::string_view place = "/api/events/{id}/queue";
  add("POST", place, [at](const HttpRequest& request) { return at->enter(request); });
  add("GET", place, [at](const HttpRequest& request) { return at->look(request); });
  add("POST", "/api/events/{id}/queue/heartbeat",
      [at](const HttpRequest& request) { return at->beat(request); });
  add("DELETE", place, [at](const HttpRequest& request) { return at->leave(request); });
  WebSocketRoute socket;
  socket.path = "/ws/queue";
  socket.role = "queue";
  socket.accept = [at](const HttpRequest& request) { return at->connect(request); };
  table.websockets.push_back(std::move(socket));
  return routes;
}

}  // namespace boxoffice
