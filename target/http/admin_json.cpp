#include "target/http/admin_json.hpp"

#include <fmt/format.h>

#include "target/http/json_fields.hpp"
#include "target/service/instant.hpp"

namespace boxoffice {

using Json = nlohmann::json;

namespace {

std::string store_address(const std::string& host, std::uint16_t port) {
  return host.starts_with('/') ? host : fmt::format("{}:{}", host, port);
}

constexpr std::int64_t users_max = 1000000, rows_max = 2000, columns_max = 2000;
constexpr std::int64_t seats_max = 200000, price_max = 100000000, per_user_max = 1000;
constexpr std::size_t events_max = 100, sections_max = 100, grades_max = 26;
constexpr std::int64_t hour_ms = 3600000, rate_max = 1000000;
constexpr double probability_min = 0, probability_max = 1;

template <class To, class From>
void put(To& to, const std::optional<From>& from) {
  if (from) to = static_cast<To>(*from);
}

QueueSettings read_queue(const Json& body, const std::string& where, QueueSettings queue,
                         Problems& problems) {
  JsonFields fields(body, where, problems);
  put(queue.on, fields.flag("on"));
  put(queue.cap, fields.whole("cap", 1, rate_max));
  put(queue.rate, fields.number("rate", 0, static_cast<double>(rate_max)));
  put(queue.burst, fields.number("burst", 1, static_cast<double>(rate_max)));
  put(queue.lease_ms, fields.whole("leaseMs", 1000, hour_ms));
  put(queue.heartbeat_ms, fields.whole("heartbeatMs", 1000, hour_ms));
  put(queue.pass_ttl_ms, fields.whole("passTtlMs", 1000, 24 * hour_ms));
  put(queue.push_ms, fields.whole("pushMs", 50, 60000));
  put(queue.wait_max, fields.whole("maxWait", 0, 10000000));
  put(queue.requeue, fields.flag("requeue"));
  if (const auto mode = fields.text("mode", 8)) {
    queue.random = *mode == "RANDOM";
    if (!queue.random && *mode != "FIFO") fields.problem("mode", "must be FIFO or RANDOM");
  }
  return queue;
}

void read_grades(const Json* grades, const std::string& where, SeedEvent& event,
                 Problems& problems) {
  if (grades == nullptr || grades->empty()) return;
  event.grades.clear();
  for (std::size_t i = 0; i < grades->size(); ++i) {
    JsonFields fields((*grades)[i], fmt::format("{}.grades[{}]", where, i), problems);
    const auto grade = fields.text("grade", 1).value_or("A");
    const auto price = fields.whole("price", 0, price_max).value_or(0);
    if (!is_word(grade, 1)) fields.problem("grade", "must be one letter or digit");
    event.grades.emplace_back(grade.empty() ? 'A' : grade[0], static_cast<std::uint32_t>(price));
  }
}

SeedEvent read_seed_event(const Json& body, std::size_t index, Problems& problems) {
  const std::string where = fmt::format("events[{}]", index);
  JsonFields fields(body, where, problems);
  SeedEvent event;
  event.title = fields.text("title", 200).value_or(fmt::format("Event {}", index + 1));
  event.mode = fields.text("mode", 16).value_or("RESERVED");
  if (event.mode != "RESERVED") fields.problem("mode", "must be RESERVED");
  put(event.rows, fields.whole("rows", 1, rows_max));
  put(event.columns, fields.whole("cols", 1, columns_max));
  if (std::int64_t{event.rows} * event.columns > seats_max)
    fields.problem("rows", fmt::format("times cols must be at most {}", seats_max));
  if (const Json* sections = fields.array("sections", sections_max);
      sections != nullptr && !sections->empty()) {
    event.sections.clear();
    for (const Json& section : *sections) {
      event.sections.push_back(section.is_string() ? section.get<std::string>() : "");
      if (!is_word(event.sections.back(), 16))
        fields.problem("sections", "must be of letters, digits, '-' and '_', at most 16");
    }
  }
  read_grades(fields.array("grades", grades_max), where, event, problems);
  event.sale_open_ms = fields.instant("saleOpenAt");
  event.sale_close_ms = fields.instant("saleCloseAt");
  if (event.sale_open_ms && event.sale_close_ms && *event.sale_close_ms <= *event.sale_open_ms)
    fields.problem("saleCloseAt", "must be after saleOpenAt");
  put(event.hold_ttl_ms, fields.whole("holdTtlMs", 1000, hour_ms));
  put(event.max_per_user, fields.whole("maxPerUser", 1, per_user_max));
  if (const Json* queue = fields.object("queue")) {
    QueueSettings defaults;
    defaults.on = true;
    event.queue = read_queue(*queue, where + ".queue", defaults, problems);
  }
  return event;
}

Json figures_json(const Figures& figures) {
  Json json = Json::object();
  for (const auto& [name, figure] : figures) json[name] = figure;
  return json;
}

}  // namespace

SeedPlan read_seed_plan(const Json& body, Problems& problems) {
  JsonFields fields(body, "", problems);
  SeedPlan plan;
  put(plan.seed, fields.whole("seed", 0, INT64_MAX));
  if (const Json* users = fields.object("users")) {
    JsonFields of_users(*users, "users", problems);
    put(plan.users.count, of_users.whole("n", 0, users_max));
    put(plan.users.prefix, of_users.word("prefix", 24));
  }
  if (const Json* venue = fields.object("venue")) {
    JsonFields of_venue(*venue, "venue", problems);
    plan.venue.emplace();
    put(plan.venue->name, of_venue.text("name", 120));
    put(plan.venue->address, of_venue.text("address", 255));
  }
  if (const Json* events = fields.array("events", events_max)) {
    for (std::size_t i = 0; i < events->size(); ++i)
      plan.events.push_back(read_seed_event((*events)[i], i, problems));
  }
  return plan;
}

EventEdit read_event_edit(const Json& body, const EventInfo& now, Problems& problems) {
  JsonFields fields(body, "", problems);
  EventEdit edit;
  edit.title = fields.text("title", 200);
  edit.sale_open_ms = fields.instant("saleOpenAt");
  edit.sale_close_ms = fields.instant("saleCloseAt");
  edit.hold_ttl_ms = fields.whole("holdTtlMs", 1000, hour_ms);
  if (const auto max = fields.whole("maxPerUser", 1, per_user_max))
    edit.max_per_user = static_cast<std::uint32_t>(*max);
  if (const Json* queue = fields.object("queue"))
    edit.queue = read_queue(*queue, "queue", now.queue, problems);
  return edit;
}

PaymentConfig read_payment(const Json& body, PaymentConfig payment, Problems& problems) {
  JsonFields fields(body, "", problems);
  const auto probability = [&](const char* name, double& value) {
    put(value, fields.number(name, probability_min, probability_max));
  };
  put(payment.webhook, fields.flag("webhook"));
  probability("approve", payment.approve);
  probability("timeout", payment.timeout);
  probability("webhookDuplicate", payment.webhook_duplicate);
  probability("webhookReorder", payment.webhook_reorder);
  probability("webhookLost", payment.webhook_lost);
  probability("webhookForged", payment.webhook_forged);
  probability("webhookLate", payment.webhook_late);
  probability("refundFail", payment.refund_fail);
  put(payment.delay_a_ms, fields.number("delayAMs", 0, static_cast<double>(hour_ms)));
  put(payment.delay_b_ms, fields.number("delayBMs", 0, static_cast<double>(hour_ms)));
  put(payment.seed, fields.whole("seed", 0, INT64_MAX));
  put(payment.retry_unit_ms, fields.whole("retryUnitMs", 1, 60000));
  put(payment.inflight_max, fields.whole("inflightMax", 1, 100000));
  if (const auto delay = fields.text("delay", 16)) {
    payment.delay = *delay;
    // A trace is a file of this machine: only who starts the process names files.
    if (*delay != "uniform" && *delay != "fixed" && *delay != "lognormal" && *delay != "bimodal")
      fields.problem("delay", "must be uniform, fixed, lognormal or bimodal");
  }
  probability("delaySlowShare", payment.delay_slow_share);
  if (payment.delay != "fixed" && payment.delay != "trace" &&
      payment.delay_b_ms < payment.delay_a_ms)
    fields.problem("delayBMs", "must not be below delayAMs");
  return payment;
}

Json to_json(const Seeded& seeded) {
  Json events = Json::array();
  for (const SeededEvent& event : seeded.events)
    events.push_back({{"id", event.id}, {"epoch", event.epoch}, {"seats", event.seats}});
  return {{"firstUser", seeded.users.first},
          {"users", seeded.users.count},
          {"venue", seeded.venue == 0 ? Json(nullptr) : Json(seeded.venue)},
          {"events", events}};
}

Json to_json(const EventInfo& event) {
  const QueueSettings& queue = event.queue;
  return {{"id", event.id},
          {"epoch", event.epoch},
          {"status", event.status},
          {"saleOpenAt", rfc3339(event.sale_open_ms)},
          {"saleCloseAt", rfc3339(event.sale_close_ms)},
          {"seatCount", event.seat_count},
          {"holdTtlMs", event.hold_ttl_ms},
          {"maxPerUser", event.max_per_user},
          {"queue",
           {{"on", queue.on},
            {"cap", queue.cap},
            {"rate", queue.rate},
            {"burst", queue.burst},
            {"leaseMs", queue.lease_ms},
            {"heartbeatMs", queue.heartbeat_ms},
            {"passTtlMs", queue.pass_ttl_ms},
            {"pushMs", queue.push_ms},
            {"mode", queue.random ? "RANDOM" : "FIFO"},
            {"maxWait", queue.wait_max},
            {"requeue", queue.requeue}}}};
}

Json to_json(const std::vector<AuditCheck>& checks) {
  Json list = Json::array();
  bool fine = true;
  for (const AuditCheck& check : checks) {
    fine = fine && check.bad == 0;
    list.push_back(
        {{"id", check.id}, {"title", check.title}, {"bad", check.bad}, {"sample", check.sample}});
  }
  return {{"ok", fine}, {"checks", list}};
}

Json to_json(const Quiet& quiet) {
  return {{"quiet", quiet.quiet}, {"left", figures_json(quiet.left)}};
}

Json to_json(const AdminStats& stats) {
  Json events = Json::array();
  for (const EventFigures& event : stats.events) {
    events.push_back({{"id", event.event},
                      {"waiting", event.waiting},
                      {"active", event.active},
                      {"holds", event.holds}});
  }
  Json sales = Json::array();
  for (const EventSales& of_event : stats.sales) {
    Json one = figures_json(of_event.figures);
    one["id"] = of_event.event;
    one["epoch"] = of_event.epoch;
    sales.push_back(std::move(one));
  }
  return {{"events", events},
          {"sales", sales},
          {"orders", figures_json(stats.orders)},
          {"backlog", figures_json(stats.backlog)},
          {"streamBacklog", stats.streams},
          {"redisScripts", figures_json(stats.scripts)}};
}

Json to_json(const PaymentConfig& payment) {
  return {{"webhook", payment.webhook},
          {"approve", payment.approve},
          {"delay", payment.delay},
          {"delayAMs", payment.delay_a_ms},
          {"delayBMs", payment.delay_b_ms},
          {"delaySlowShare", payment.delay_slow_share},
          {"timeout", payment.timeout},
          {"webhookDuplicate", payment.webhook_duplicate},
          {"webhookReorder", payment.webhook_reorder},
          {"webhookLost", payment.webhook_lost},
          {"webhookForged", payment.webhook_forged},
          {"webhookLate", payment.webhook_late},
          {"refundFail", payment.refund_fail},
          {"seed", payment.seed},
          {"retryUnitMs", payment.retry_unit_ms},
          {"inflightMax", payment.inflight_max}};
}

namespace {

Json names_of(const std::vector<HoldMode>& modes) {
  Json names = Json::array();
  for (const HoldMode mode : modes) names.push_back(std::string(name_of(mode)));
  return names;
}

}  // namespace

Json to_json(const Config& config, const Switches& switches) {
  return {
      {"tainted", switches.tainted()},
      {"defects", switches.defects_on()},
      {"lab", config.lab},
      {"admissionsPaused", switches.admissions_paused.load()},
      {"host", config.host},
      {"port", config.port},
      {"adminPort", config.admin_port},
      {"redis", store_address(config.redis_host, config.redis_port)},
      {"mysql", store_address(config.mysql_host, config.mysql_port) + "/" + config.mysql_database},
      {"roles", config.roles},
      {"pathPrefix", config.path_prefix},
      {"threads", config.threads},
      {"mysqlPool", config.mysql_pool},
      {"inFlightMax", config.in_flight_max},
      {"connectionsMax", config.connections_max},
      {"drainSeconds", config.drain_seconds},
      {"node", config.node},
      {"holdModes", names_of(config.hold_modes)},
      {"logLevel", config.log_level},
      {"ratelimit", config.rate_limits.on ? "on" : "off"},
      {"pg", config.pg_host.empty() ? "inline" : "process"},
      {"payment", to_json(*switches.payment())}};
}

}  // namespace boxoffice
