#include "target/http/admin_faults.hpp"

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "target/admin_parts.hpp"
#include "target/http/json_answers.hpp"
#include "target/http/json_body.hpp"
#include "target/http/json_fields.hpp"
#include "target/http/shared_switches.hpp"
#include "target/log.hpp"

namespace boxoffice {

nlohmann::json to_json(const FaultSettings& faults) {
  return {{"redisDelayMs", faults.redis_delay_ms},  {"redisDrop", faults.redis_drop},
          {"mysqlDelayMs", faults.mysql_delay_ms},  {"mysqlKillConn", faults.mysql_kill_conn},
          {"commitUnknown", faults.commit_unknown}, {"clockSkewMs", faults.clock_skew_ms}};
}

FaultSettings read_faults(const nlohmann::json& body, FaultSettings now,
                          std::vector<std::string>& problems) {
  constexpr std::int64_t delay_ms_max = 10000, skew_ms_max = 86'400'000;
  JsonFields fields(body, "", problems);
  const auto delay = [&fields](const char* name, std::uint32_t& of) {
    const auto wanted = fields.whole(name, 0, delay_ms_max);
    if (wanted) of = static_cast<std::uint32_t>(*wanted);
  };
  delay("redisDelayMs", now.redis_delay_ms);
  delay("mysqlDelayMs", now.mysql_delay_ms);
  now.redis_drop = fields.number("redisDrop", 0, 1).value_or(now.redis_drop);
  now.mysql_kill_conn = fields.number("mysqlKillConn", 0, 1).value_or(now.mysql_kill_conn);
  now.commit_unknown = fields.number("commitUnknown", 0, 1).value_or(now.commit_unknown);
  now.clock_skew_ms =
      fields.whole("clockSkewMs", -skew_ms_max, skew_ms_max).value_or(now.clock_skew_ms);
  return now;
}

namespace {

using Json = nlohmann::json;

constexpr std::int64_t pause_ms_max = 60000, flush_ms_max = 600000;
constexpr Millis redis_time_limit{5000};

// What happens once.
struct Blow {
  std::optional<std::int64_t> pause_ms, flush_in_ms;
  bool kill = false;
};

Blow read_blow(const Json& body, std::vector<std::string>& problems) {
  JsonFields fields(body, "", problems);
  const Json known = to_json(FaultSettings{});
  for (const auto& [name, value] : body.items()) {
    constexpr const char* once[] = {"redisFlush", "redisFlushAtMs", "appPauseMs", "appKill"};
    if (!known.contains(name) && std::ranges::find(once, name) == std::end(once))
      problems.push_back("no such fault: " + name + "; the provider's are in PUT /admin/payment");
  }
  Blow blow;
  blow.pause_ms = fields.whole("appPauseMs", 0, pause_ms_max);
  blow.flush_in_ms = fields.whole("redisFlushAtMs", 0, flush_ms_max);
  if (fields.flag("redisFlush").value_or(false)) blow.flush_in_ms = 0;
  blow.kill = fields.flag("appKill").value_or(false);
  return blow;
}

class AdminFaults {
 public:
  explicit AdminFaults(ThreadContext& thread) : thread_(thread), teller_(thread) {}

  Task<HttpResponse> get(const HttpRequest&) {
    co_return answer(to_json(Faults::of_process().settings()));
  }

  Task<HttpResponse> set(const HttpRequest& request) {
    if (!thread_.config.lab)
      co_return problem(refuse(Refusal::forbidden, "faults need --lab"), request);
    const auto body = read_json_object(request.body);
    if (!body) co_return problem(body.error(), request);
    std::vector<std::string> problems;
    Faults& faults = Faults::of_process();
    const FaultSettings wanted = read_faults(body->members, faults.settings(), problems);
    const Blow blow = read_blow(body->members, problems);
    if (!problems.empty()) co_return invalid(problems, request);
    faults.set(wanted);
    log_warning("faults switched", {{"any", faults.any()}, {"trace_id", request.trace_id}});
    const bool followed = co_await share();
    if (!followed) log_warning("an instance does not follow", {{"trace_id", request.trace_id}});
    if (blow.flush_in_ms == 0) {
      co_await flush(teller_.line());
    } else if (blow.flush_in_ms) {
      flush_later(Millis(*blow.flush_in_ms));
    }
    if (blow.pause_ms) {
      // This thread stands still with all its connections, as a stopped process does.
      std::this_thread::sleep_for(Millis(*blow.pause_ms));
    }
    if (blow.kill) {
      flush_log();
      std::raise(SIGKILL);
    }
    co_return co_await get(request);
  }

 private:
  using Line = std::shared_ptr<RedisClient>;

  Task<bool> share() {
    bool followed = false;
    try {
      followed = co_await teller_.tell();
    } catch (const StoreUnavailable&) {
      // Redis itself is away: a fault of this instance all the same.
    }
    co_return followed;
  }

  static Task<void> flush(Line line) {
    std::vector<std::string> words{"FLUSHDB"};
    (void)co_await line->command(std::move(words), Clock::now() + redis_time_limit);
  }
  static Task<void> wait_and_flush(Line line, Millis time) {
    asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer(
        co_await asio::this_coro::executor, time);
    co_await timer.async_wait(use_task);
    co_await flush(line);
  }
  void flush_later(Millis time) {
    asio::co_spawn(thread_.io, wait_and_flush(teller_.line(), time),
                   [](const std::exception_ptr& failure) {
                     log_warning("redis flushed: a fault", {{"done", failure == nullptr}});
                   });
  }

  ThreadContext& thread_;
  SwitchTeller teller_;
};

}  // namespace

std::shared_ptr<void> add_admin_faults(ThreadContext& thread, RouteTable& table) {
  auto faults = std::make_shared<AdminFaults>(thread);
  AdminFaults* const at = faults.get();
  const auto add = [&table](std::string_view method, auto handle) {
    Route route;
    route.method = method;
    route.pattern = "/admin/faults";
    route.role = "admin";
    route.auth = Auth::admin_token;
    route.admin = true;
    route.handle = std::move(handle);
    table.routes.push_back(std::move(route));
  };
  add("GET", [at](const HttpRequest& request) { return at->get(request); });
  add("PUT", [at](const HttpRequest& request) { return at->set(request); });
  return faults;
}

}  // namespace boxoffice
