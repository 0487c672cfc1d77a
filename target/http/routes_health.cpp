#include "target/http/routes_health.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include "target/domain/unavailable.hpp"
#include "target/log.hpp"
#include "target/service/password_pool.hpp"

namespace boxoffice {
namespace {

constexpr Millis probe_limit{1000};
// An event that is made or reset is without its marker for a moment: that is no reason to send
// everybody away. So a missing marker is looked at again before it is told.
constexpr Millis marker_patience{500}, marker_again{50};
constexpr std::uint32_t events_page = 200, event_pages_max = 5;

class Health {
 public:
  Health(ThreadContext& thread, ServerLoad& load, const std::atomic<bool>& prepared)
      : thread_(thread), load_(load), prepared_(prepared) {}

  Task<HttpResponse> alive(const HttpRequest&) { co_return json_response(200, R"({"ok":true})"); }

  Task<HttpResponse> ready(const HttpRequest&) {
    const bool stores = !thread_.config.roles.contains("pg");
    const bool mysql = !stores || co_await mysql_answers();
    std::string missing;
    const auto name = [&missing](const char* what) {
      missing += (missing.empty() ? "\"" : ",\"") + std::string(what) + '"';
    };
    if (stores && !thread_.redis.connected()) name("redis");
    if (!mysql) name("mysql");
    if (!prepared_) name("schema");
    if (stores && missing.empty()) {
      const std::string unbuilt = co_await without_seats();
      if (!unbuilt.empty()) name(unbuilt.c_str());
    }
    // Who is told something from now on waits until this instance has followed.
    if (thread_.following != nullptr && !*thread_.following) name("switches");
    if (thread_.stop.stop_requested()) name("restart");
    if (missing.empty()) co_return json_response(200, R"({"ready":true)" + breakers() + "}");
    auto response =
        json_response(503, R"({"ready":false,"waitingFor":[)" + missing + "]" + breakers() + "}");
    response.headers.emplace_back("Retry-After", "1");
    co_return response;
  }

  Task<HttpResponse> metrics(const HttpRequest&) {
    Metrics& metrics = thread_.metrics;
    for (const std::string_view role : ServerLoad::roles) {
      if (role.empty()) continue;
      metrics.gauge("inflight", "role", role, load_.in_flight(role).load());
    }
    metrics.gauge("connections", load_.connections.load());
    metrics.gauge("ws_clients", load_.websockets.load());
    metrics.gauge("sse_clients", load_.event_streams.load());
    if (thread_.passwords != nullptr) {
      metrics.gauge("password_waiting", thread_.passwords->waiting());
    }
    const std::string number = std::to_string(thread_.thread);
    metrics.gauge("mysql_connections", "thread", number, thread_.mysql.open_connections());
    metrics.gauge("mysql_connections_max", thread_.config.mysql_pool);
    auto response = json_response(200, metrics.exposition());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    co_return response;
  }

 private:
  std::string breakers() const {
    if (thread_.breakers == nullptr) return {};
    const auto state = [](const CircuitBreaker& of) {
      return std::string(CircuitBreaker::name_of(of.state()));
    };
    const Breakers& all = *thread_.breakers;
    return R"(,"breakers":{"redis":")" + state(all.redis) + R"(","mysql":")" + state(all.mysql) +
           R"(","pg":")" + state(all.pg) + "\"}";
  }
  // "events" while one that is on sale has no marker in Redis: every hold on it would be refused.
  // Or the store that could not be asked; "": nothing is missing.
  Task<std::string> without_seats() {
    asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> pause(thread_.io);
    const TimePoint until = Clock::now() + marker_patience;
    try {
      while (true) {
        const bool marked = co_await all_marked();
        if (marked) co_return "";
        if (Clock::now() >= until) co_return "events";
        pause.expires_after(marker_again);
        co_await pause.async_wait(use_task);
      }
    } catch (const StoreUnavailable& error) {
      co_return error.dependency();
    }
  }
  Task<bool> all_marked() {
    for (const char* status : {"ON_SALE", "SCHEDULED"}) {
      for (std::uint32_t page = 0; page < event_pages_max; ++page) {
        const EventPage events = co_await thread_.events.page(status, "", page, events_page);
        std::vector<RedisCall> asked;
        for (const EventPtr& event : events.items) {
          if (event->sale_open_ms > events.now_ms) continue;  // in time for its opening
          RedisCall& call = asked.emplace_back();
          call.words = {"EXISTS", event_key(event->id, event->epoch, "ok")};
        }
        std::vector<RedisReply> markers;
        if (!asked.empty()) {
          markers = co_await thread_.redis.pipeline(std::move(asked), Clock::now() + probe_limit);
        }
        for (const RedisReply& marker : markers) {
          if (marker.integer == 0) co_return false;
        }
        if (events.items.size() < events_page) break;
      }
    }
    co_return true;
  }
  Task<bool> mysql_answers() {
    try {
      auto lease = co_await thread_.mysql.acquire(Clock::now() + probe_limit);
      const auto rows = co_await lease->query("SELECT 1");
      co_return rows.has_value();
    } catch (const StoreUnavailable& error) {
      log_debug("not ready", {{"error", error.what()}});
    }
    co_return false;
  }

  ThreadContext& thread_;
  ServerLoad& load_;
  const std::atomic<bool>& prepared_;
};

}  // namespace

std::shared_ptr<void> add_health_routes(ThreadContext& thread, ServerLoad& load,
                                        const std::atomic<bool>& prepared, RouteTable& table) {
  auto health = std::make_shared<Health>(thread, load, prepared);
  Health* const self = health.get();
  const auto add = [&table](std::string_view pattern, auto handle) {
    Route route;
    route.method = "GET";
    route.pattern = pattern;
    route.auth = Auth::none;
    route.handle = std::move(handle);
    table.routes.push_back(std::move(route));
  };
  add("/healthz", [self](const HttpRequest& request) { return self->alive(request); });
  add("/readyz", [self](const HttpRequest& request) { return self->ready(request); });
  add("/metrics", [self](const HttpRequest& request) { return self->metrics(request); });
  return health;
}

}  // namespace boxoffice
