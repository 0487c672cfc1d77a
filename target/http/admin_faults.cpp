#include "target/http/admin_faults.hpp"

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "target/faults.hpp"
#include "target/http/json_answers.hpp"
#include "target/http/json_body.hpp"
#include "target/http/json_fields.hpp"
#include "target/log.hpp"

namespace boxoffice {

namespace {

using Json = nlohmann::json;

constexpr std::int64_t delay_ms_max = 10000, pause_ms_max = 60000;
constexpr Millis redis_time_limit{5000};

HttpResponse tell() {
  const Faults& faults = Faults::of_process();
  return answer({{"redisDelayMs", faults.redis_delay_ms.load()},
                 {"redisDrop", faults.redis_drop.load()},
                 {"mysqlDelayMs", faults.mysql_delay_ms.load()},
                 {"mysqlKillConn", faults.mysql_kill_conn.load()},
                 {"commitUnknown", faults.commit_unknown.load()}});
}

struct Wanted {
  std::optional<std::int64_t> redis_delay_ms, mysql_delay_ms, pause_ms;
  std::optional<double> redis_drop, mysql_kill_conn, commit_unknown;
  bool flush = false, kill = false;
};

Wanted read(const Json& body, std::vector<std::string>& problems) {
  JsonFields fields(body, "", problems);
  constexpr const char* known[] = {"redisDelayMs",  "redisDrop",  "mysqlDelayMs", "mysqlKillConn",
                                   "commitUnknown", "redisFlush", "appPauseMs",   "appKill"};
  for (const auto& [name, value] : body.items()) {
    if (std::ranges::find(known, name) == std::end(known))
      problems.push_back("no such fault: " + name + "; the provider's are in PUT /admin/payment");
  }
  Wanted wanted;
  wanted.redis_delay_ms = fields.whole("redisDelayMs", 0, delay_ms_max);
  wanted.mysql_delay_ms = fields.whole("mysqlDelayMs", 0, delay_ms_max);
  wanted.pause_ms = fields.whole("appPauseMs", 0, pause_ms_max);
  wanted.redis_drop = fields.number("redisDrop", 0, 1);
  wanted.mysql_kill_conn = fields.number("mysqlKillConn", 0, 1);
  wanted.commit_unknown = fields.number("commitUnknown", 0, 1);
  wanted.flush = fields.flag("redisFlush").value_or(false);
  wanted.kill = fields.flag("appKill").value_or(false);
  return wanted;
}

Task<HttpResponse> set(ThreadContext& thread, const HttpRequest& request) {
  if (!thread.config.lab)
    co_return problem(refuse(Refusal::forbidden, "faults need --lab"), request);
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  std::vector<std::string> problems;
  const Wanted wanted = read(body->members, problems);
  if (!problems.empty()) co_return invalid(problems, request);
  Faults& faults = Faults::of_process();
  if (wanted.redis_delay_ms)
    faults.redis_delay_ms = static_cast<std::uint32_t>(*wanted.redis_delay_ms);
  if (wanted.mysql_delay_ms)
    faults.mysql_delay_ms = static_cast<std::uint32_t>(*wanted.mysql_delay_ms);
  if (wanted.redis_drop) faults.redis_drop = *wanted.redis_drop;
  if (wanted.mysql_kill_conn) faults.mysql_kill_conn = *wanted.mysql_kill_conn;
  if (wanted.commit_unknown) faults.commit_unknown = *wanted.commit_unknown;
  log_warning("faults switched", {{"any", faults.any()}, {"trace_id", request.trace_id}});
  if (wanted.flush) {
    std::vector<std::string> words{"FLUSHDB"};
    (void)co_await thread.redis.command(std::move(words), Clock::now() + redis_time_limit);
  }
  if (wanted.pause_ms) {
    // This thread stands still with all its connections, as a stopped process does.
    std::this_thread::sleep_for(Millis(*wanted.pause_ms));
  }
  if (wanted.kill) {
    flush_log();
    std::raise(SIGKILL);
  }
  co_return tell();
}

Task<HttpResponse> get(const HttpRequest&) { co_return tell(); }

}  // namespace

void add_admin_faults(ThreadContext& thread, RouteTable& table) {
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
  add("GET", &get);
  add("PUT", [at = &thread](const HttpRequest& request) { return set(*at, request); });
}

}  // namespace boxoffice
