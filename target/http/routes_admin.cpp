// The admin port, §2.3.8.
#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <charconv>
#include <functional>

#include "target/admin_parts.hpp"
#include "target/faults.hpp"
#include "target/http/admin_faults.hpp"
#include "target/http/admin_games.hpp"
#include "target/http/admin_json.hpp"
#include "target/http/json_answers.hpp"
#include "target/http/json_fields.hpp"
#include "target/http/jwt.hpp"
#include "target/http/provider_client.hpp"
#include "target/http/shared_switches.hpp"
#include "target/log.hpp"
#include "target/service/wall_time.hpp"

namespace boxoffice {

namespace {

using Json = nlohmann::json;

constexpr Millis time_limit{120000};
constexpr std::int64_t quiesce_ms_max = 100000;  // leaves time to answer
constexpr std::uint64_t tokens_max = 200000, tokens_slice = 500;
constexpr std::size_t role_bytes_max = 16;
constexpr std::int64_t token_ttl_ms_max = 7LL * 86400000;

// An absent body is an empty object; nullopt: not JSON.
std::optional<Json> body_of(const HttpRequest& request) {
  if (request.body.empty()) return Json::object();
  Json json = Json::parse(request.body, nullptr, false);
  if (json.is_discarded()) return {};
  return json;
}
HttpResponse not_json(const HttpRequest& request) {
  return problem(refuse(Refusal::malformed, "the body is not JSON"), request);
}

std::optional<std::uint64_t> query_number(const HttpRequest& request, std::string_view name) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return {};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size()) return {};
  return number;
}

HttpResponse need(const HttpRequest& request, std::string what) {
  return problem(refuse(Refusal::malformed, "missing or malformed: " + what), request);
}

class AdminRoutes {
 public:
  explicit AdminRoutes(ThreadContext& thread)
      : config_(thread.config),
        switches_(thread.switches),
        events_(thread.events),
        store_(make_admin_store(thread.mysql)),
        keys_(make_admin_keys(thread.redis)),
        teller_(thread),
        provider_(thread.config.pg_host.empty()
                      ? nullptr
                      : std::make_unique<ProviderClient>(thread.io, thread.config, nullptr)),
        games_(thread),
        admin_({*store_, *keys_, thread.events, thread.catalogue, thread.seats, thread.seat_ledger,
                thread.leases, thread.switches}) {}

  Task<HttpResponse> seed(const HttpRequest& request);
  Task<HttpResponse> tokens(const HttpRequest& request);
  Task<HttpResponse> reset(const HttpRequest& request);
  Task<HttpResponse> open(const HttpRequest& request);
  Task<HttpResponse> edit(const HttpRequest& request);
  Task<HttpResponse> lock_seat(const HttpRequest& request);
  Task<HttpResponse> lock_venue_seat(const HttpRequest& request);
  Task<HttpResponse> audit(const HttpRequest& request);
  Task<HttpResponse> quiesce(const HttpRequest& request);
  Task<HttpResponse> rebuild(const HttpRequest& request);
  Task<HttpResponse> replay(const HttpRequest& request);
  Task<HttpResponse> defects(const HttpRequest& request);
  Task<HttpResponse> set_defects(const HttpRequest& request);
  Task<HttpResponse> set_payment(const HttpRequest& request);
  Task<HttpResponse> config(const HttpRequest& request);
  Task<HttpResponse> stats(const HttpRequest& request);

 private:
  Task<void> share(const HttpRequest& request);
  HttpResponse edited(const Decision<EventPtr>& event, const HttpRequest& request);

  const Config& config_;
  Switches& switches_;
  EventStore& events_;
  std::unique_ptr<AdminStore> store_;
  std::unique_ptr<AdminKeys> keys_;
  SwitchTeller teller_;
  std::unique_ptr<ProviderClient> provider_;  // where the provider is a process of its own
  AdminGames games_;
  Admin admin_;
};

Task<HttpResponse> AdminRoutes::seed(const HttpRequest& request) {
  const auto body = body_of(request);
  if (!body) co_return not_json(request);
  Problems problems;
  SeedPlan plan = read_seed_plan(*body, problems);
  GamesPlan games = AdminGames::read(*body, problems);
  if (!problems.empty()) co_return invalid(problems, request);
  const TimePoint begun = Clock::now();
  const Seeded seeded = co_await admin_.seed(std::move(plan));
  const auto took = std::chrono::duration_cast<Millis>(Clock::now() - begun).count();
  log_info("seeded", {{"users", static_cast<std::int64_t>(seeded.users.count)},
                      {"events", static_cast<std::int64_t>(seeded.events.size())},
                      {"tookMs", static_cast<std::int64_t>(took)},
                      {"trace_id", request.trace_id}});
  Json told = to_json(seeded);
  co_await games_.seed(std::move(games), admin_, told);
  co_return answer(told);
}

// In slices, so that other requests of this thread get their turn.
Task<HttpResponse> AdminRoutes::tokens(const HttpRequest& request) {
  const auto body = body_of(request);
  if (!body) co_return not_json(request);
  Problems problems;
  JsonFields fields(*body, "", problems);
  const auto from = fields.whole("from", 1, INT64_MAX);
  const auto to = fields.whole("to", 1, INT64_MAX);
  const auto ttl_ms = fields.whole("ttlMs", 1000, token_ttl_ms_max).value_or(3600000);
  const auto role = role_of(fields.text("role", role_bytes_max).value_or("USER"));
  if (problems.empty() && (!from || !to || *to < *from))
    problems.emplace_back("from and to are needed, and to is not below from");
  if (!role) problems.emplace_back("role must be USER, COMPANY or ADMIN");
  if (problems.empty() && static_cast<std::uint64_t>(*to - *from) >= tokens_max)
    problems.push_back(fmt::format("at most {} tokens at once", tokens_max));
  if (!problems.empty()) co_return invalid(problems, request);
  const auto issued = wall_clock();
  const auto ttl = std::chrono::ceil<std::chrono::seconds>(Millis(ttl_ms));
  HttpResponse response;
  response.content_type = "application/x-ndjson";
  const auto last = static_cast<std::uint64_t>(*to);
  for (auto user = static_cast<std::uint64_t>(*from); user <= last; ++user) {
    fmt::format_to(std::back_inserter(response.body), "{{\"user\":{},\"token\":\"{}\"}}\n", user,
                   sign_jwt(config_.jwt_secret, user, *role, issued, ttl));
    if (user % tokens_slice == 0) co_await asio::post(co_await asio::this_coro::executor, use_task);
  }
  co_return response;
}

HttpResponse AdminRoutes::edited(const Decision<EventPtr>& event, const HttpRequest& request) {
  return event ? answer(to_json(**event)) : problem(event.error(), request);
}

Task<HttpResponse> AdminRoutes::reset(const HttpRequest& request) {
  const auto id = request.path_id(0);
  if (!id) co_return need(request, "the event's id");
  const auto fresh = co_await admin_.reset(*id);
  co_return edited(fresh, request);
}

Task<HttpResponse> AdminRoutes::open(const HttpRequest& request) {
  const auto id = request.path_id(0);
  if (!id) co_return need(request, "the event's id");
  const auto body = body_of(request);
  if (!body) co_return not_json(request);
  Problems problems;
  JsonFields fields(*body, "", problems);
  EventEdit edit;
  edit.sale_open_ms = fields.instant("at").value_or(wall_clock_ms());
  if (!problems.empty()) co_return invalid(problems, request);
  const auto changed = co_await admin_.edit(*id, std::move(edit));
  co_return edited(changed, request);
}

Task<HttpResponse> AdminRoutes::edit(const HttpRequest& request) {
  const auto id = request.path_id(0);
  if (!id) co_return need(request, "the event's id");
  const auto body = body_of(request);
  if (!body) co_return not_json(request);
  const EventPtr now = co_await events_.find(*id);
  if (now == nullptr) co_return problem(refuse(Refusal::not_found, "no such event"), request);
  Problems problems;
  EventEdit edit = read_event_edit(*body, *now, problems);
  if (!problems.empty()) co_return invalid(problems, request);
  const auto changed = co_await admin_.edit(*id, std::move(edit));
  co_return edited(changed, request);
}

// What a lock of a seat asks for; `place` is that of the path's first number.
struct SeatLock {
  std::uint64_t place = 0;
  std::uint32_t seat = 0;
  bool locked = false;
};

// nullopt: `lock` is filled; else the answer to who asked wrongly.
std::optional<HttpResponse> read_lock(const HttpRequest& request, std::string_view places,
                                      SeatLock& lock) {
  const auto id = request.path_id(0);
  const auto seat = request.path_id(1);
  if (!id || !seat || *seat > UINT32_MAX) return need(request, std::string(places));
  const auto body = body_of(request);
  if (!body) return not_json(request);
  Problems problems;
  const auto locked = JsonFields(*body, "", problems).flag("locked");
  if (!locked) return need(request, "locked");
  lock = {*id, static_cast<std::uint32_t>(*seat), *locked};
  return std::nullopt;
}

Task<HttpResponse> AdminRoutes::lock_seat(const HttpRequest& request) {
  SeatLock lock;
  if (auto wrong = read_lock(request, "the event's id and the seat", lock))
    co_return std::move(*wrong);
  const auto done = co_await admin_.lock_seat(lock.place, lock.seat, lock.locked);
  if (!done) co_return problem(done.error(), request);
  co_return answer({{"event", lock.place}, {"seatId", lock.seat}, {"locked", lock.locked}});
}

Task<HttpResponse> AdminRoutes::lock_venue_seat(const HttpRequest& request) {
  SeatLock lock;
  if (auto wrong = read_lock(request, "the venue's id and the seat", lock))
    co_return std::move(*wrong);
  const auto done = co_await admin_.lock_venue_seat(lock.place, lock.seat, lock.locked);
  if (!done) co_return problem(done.error(), request);
  co_return answer(
      {{"venue", lock.place}, {"seatId", lock.seat}, {"locked", lock.locked}, {"events", *done}});
}

Task<HttpResponse> AdminRoutes::audit(const HttpRequest& request) {
  const auto id = query_number(request, "event");
  if (!id) co_return need(request, "event");
  std::optional<std::uint32_t> epoch;
  if (request.query_value("epoch")) {
    const auto asked = query_number(request, "epoch");
    if (!asked || *asked > UINT32_MAX) co_return need(request, "epoch");
    epoch = static_cast<std::uint32_t>(*asked);
  }
  const auto checks = co_await admin_.audit(*id, epoch);
  if (!checks) co_return problem(checks.error(), request);
  co_return answer(to_json(*checks));
}

// The other instances on this Redis follow; one that does not is told of in the log.
Task<void> AdminRoutes::share(const HttpRequest& request) {
  const bool followed = co_await teller_.tell();
  if (!followed) log_warning("an instance does not follow", {{"trace_id", request.trace_id}});
}

Task<HttpResponse> AdminRoutes::quiesce(const HttpRequest& request) {
  const auto body = body_of(request);
  if (!body) co_return not_json(request);
  Problems problems;
  JsonFields fields(*body, "", problems);
  const auto wait_ms = fields.whole("timeoutMs", 0, quiesce_ms_max).value_or(10000);
  const bool resume = fields.flag("resume").value_or(false);
  if (!problems.empty()) co_return invalid(problems, request);
  if (resume) {
    admin_.resume();
    co_await share(request);
    co_return answer({{"quiet", false}, {"left", Json::object()}, {"resumed", true}});
  }
  switches_.admissions_paused = true;
  co_await share(request);
  const Quiet quiet = co_await admin_.quiesce(Millis(wait_ms));
  co_return answer(to_json(quiet), quiet.quiet ? 200 : 202);
}

Task<HttpResponse> AdminRoutes::rebuild(const HttpRequest& request) {
  const auto id = query_number(request, "event");
  if (!id) co_return need(request, "event");
  const auto done = co_await admin_.rebuild(*id);
  if (!done) co_return problem(done.error(), request);
  co_return answer({{"event", done->event}, {"epoch", done->epoch}, {"tookMs", done->took_ms}});
}

Task<HttpResponse> AdminRoutes::replay(const HttpRequest& request) {
  const std::string since = request.query_value("since").value_or("");
  auto since_ms = read_rfc3339(since);
  if (const auto number = query_number(request, "since"); !since_ms && number)
    since_ms = static_cast<std::int64_t>(std::min<std::uint64_t>(*number, 253402300799999));
  if (!since_ms || *since_ms < 0) co_return need(request, "since, epoch milliseconds or RFC 3339");
  co_return answer({{"replayed", co_await admin_.replay_outbox(*since_ms)}});
}

Task<HttpResponse> AdminRoutes::defects(const HttpRequest&) {
  Json json = Json::object();
  for (const std::string& name : Switches::defect_names())
    json[name] = switches_.defect(name)->load();
  co_return answer({{"lab", config_.lab}, {"defects", json}});
}

Task<HttpResponse> AdminRoutes::set_defects(const HttpRequest& request) {
  if (!config_.lab) co_return problem(refuse(Refusal::forbidden, "defects need --lab"), request);
  const auto body = body_of(request);
  if (!body) co_return not_json(request);
  Problems problems;
  JsonFields fields(*body, "", problems);
  for (const auto& [name, value] : body->items()) {
    if (switches_.defect(name) == nullptr) problems.push_back("no such defect: " + name);
    (void)fields.flag(name.c_str());
  }
  if (!problems.empty()) co_return invalid(problems, request);
  for (const std::string& name : Switches::defect_names()) {
    const auto on = fields.flag(name.c_str());
    if (!on) continue;
    const auto set = co_await admin_.set_defect(name, *on);
    if (!set) co_return problem(set.error(), request);
    log_warning("defect switched", {{"defect", name}, {"on", *on}, {"trace_id", request.trace_id}});
  }
  co_await share(request);
  co_return co_await defects(request);
}

Task<HttpResponse> AdminRoutes::set_payment(const HttpRequest& request) {
  const auto body = body_of(request);
  if (!body) co_return not_json(request);
  Problems problems;
  PaymentConfig payment = read_payment(*body, *switches_.payment(), problems);
  if (!problems.empty()) co_return invalid(problems, request);
  switches_.set_payment(std::move(payment));
  const Json now = to_json(*switches_.payment());
  const bool told =
      provider_ == nullptr || co_await provider_->configure(now.dump(), request.trace_id);
  if (!told)
    co_return problem(refuse(Refusal::dependency_down, "the provider is not reachable"), request);
  co_await share(request);
  co_return answer(now);
}

Task<HttpResponse> AdminRoutes::config(const HttpRequest&) {
  co_return answer(to_json(config_, switches_));
}

Task<HttpResponse> AdminRoutes::stats(const HttpRequest&) {
  const AdminStats stats = co_await admin_.stats();
  co_return answer(to_json(stats));
}

using Method = Task<HttpResponse> (AdminRoutes::*)(const HttpRequest&);
struct AdminRow {
  std::string_view method, pattern;
  Method handle;
};
constexpr AdminRow rows[] = {
    {"POST", "/admin/seed", &AdminRoutes::seed},
    {"POST", "/admin/tokens", &AdminRoutes::tokens},
    {"POST", "/admin/events/{id}/reset", &AdminRoutes::reset},
    {"POST", "/admin/events/{id}/open", &AdminRoutes::open},
    {"PATCH", "/admin/events/{id}", &AdminRoutes::edit},
    {"PATCH", "/admin/events/{id}/seats/{seat}", &AdminRoutes::lock_seat},
    {"PATCH", "/admin/venues/{id}/seats/{seat}", &AdminRoutes::lock_venue_seat},
    {"GET", "/admin/audit", &AdminRoutes::audit},
    {"POST", "/admin/quiesce", &AdminRoutes::quiesce},
    {"POST", "/admin/rebuild", &AdminRoutes::rebuild},
    {"POST", "/admin/outbox/replay", &AdminRoutes::replay},
    {"GET", "/admin/defects", &AdminRoutes::defects},
    {"PUT", "/admin/defects", &AdminRoutes::set_defects},
    {"PUT", "/admin/payment", &AdminRoutes::set_payment},
    {"GET", "/admin/config", &AdminRoutes::config},
    {"GET", "/admin/stats", &AdminRoutes::stats},
};

}  // namespace

std::shared_ptr<void> add_admin_routes(ThreadContext& thread, RouteTable& table) {
  auto routes = std::make_shared<AdminRoutes>(thread);
  auto games = add_admin_games(thread, table);
  auto faults = add_admin_faults(thread, table);
  for (const AdminRow& row : rows) {
    Route route;
    route.method = row.method;
    route.pattern = row.pattern;
    route.role = "admin";
    route.auth = Auth::admin_token;
    route.admin = true;
    route.handle = [self = routes.get(), handle = row.handle](const HttpRequest& request) {
      return (self->*handle)(request);
    };
    route.time_limit = time_limit;
    table.routes.push_back(std::move(route));
  }
  return std::make_shared<std::vector<std::shared_ptr<void>>>(
      std::vector<std::shared_ptr<void>>{std::move(routes), std::move(games), std::move(faults)});
}

}  // namespace boxoffice
