#include "tests/integration/target_people/bad_input_fixture.hpp"

#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

using Json = nlohmann::json;

// Names of our insides; none of the requests here says any of them.
constexpr std::string_view inside[] = {"std::",     "nlohmann",  "boost", "hiredis", "SELECT",
                                       "INSERT",    "UPDATE ",   "SQL",   "EVALSHA", "exception",
                                       "target/",   "127.0.0.1", ".cpp",  "secret",  "ERR ",
                                       "Duplicate", "Lock wait"};

}  // namespace

void BadInput::SetUpTestSuite() {
  if (!PrivateMariadb::installed() || !PrivateRedis::installed()) return;
  Config config = config_of_suite();
  people_mariadb().sql("DROP DATABASE IF EXISTS `" + config.mysql_database + "`");
  config.lab = true;
  boxoffice = start(config);
  const Told seeded = ask_admin(
      "POST", "/admin/seed",
      R"({"users":{"n":3},"venue":{"name":"Hall"},"events":[{"rows":4,"cols":10,"maxPerUser":20},)"
      R"({"rows":2,"cols":5,"queue":{"cap":2}}],"auctions":[{"slots":2,)"
      R"("durationMs":3600000}],"practice":[{"periodMs":3600000,"openMs":3600000}]})");
  const Json& made = seeded.json;
  world.user = made.at("firstUser");
  world.venue = made.at("venue");
  world.event = made.at("events").at(0).at("id");
  world.queued_event = made.at("events").at(1).at("id");
  world.auction = made.at("auctions").at(0).at("id");
  world.room = made.at("practice").at(0).at("id");
  world.hold = hold(world.user, world.event, {0, 1}).json.at("holdId");
  const Json held{{"holdId", hold(world.user, world.event, {2}).json.at("holdId")}};
  const Told ordered =
      ask_as(world.user, "POST", "/api/orders", held.dump(), "Idempotency-Key: of the world\r\n");
  world.order = ordered.json.at("orderId");
  const Told record =
      ask_as(world.user, "POST", "/api/practice/" + std::to_string(world.room) + "/confirm",
             R"({"seatId":1})");
  world.record = record.json.at("recordId");
  ask_as(world.user, "POST", "/api/auctions/" + std::to_string(world.auction) + "/bids",
         R"({"amount":20000})", "Idempotency-Key: of the world\r\n");
  rows = route_rows(world);
}

const Route& BadInput::route_of(const RouteRow& row) {
  static const Route of_websocket{
      .method = "GET", .pattern = "/ws/queue", .role = "queue", .auth = Auth::none, .handle = {}};
  for (const Route& route : boxoffice->table().routes) {
    if (route.method == row.method && route.pattern == row.pattern) return route;
  }
  return of_websocket;
}

std::string BadInput::fields_of(const RouteRow& row, std::string_view body) {
  static std::uint64_t keys = 0;
  const Route& route = route_of(row);
  std::string fields;
  if (route.auth == Auth::bearer) fields += bearer(world.user, row.role);
  if (route.auth == Auth::admin_token) fields += "Admin-Token: 0123456789abcdef\r\n";
  if (route.idempotency_required)
    fields += "Idempotency-Key: bad-input-" + std::to_string(++keys) + "\r\n";
  if (row.pattern == "/webhooks/payments") {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const std::string id = "bad-" + std::to_string(++keys);
    fields += "Webhook-Id: " + id + "\r\nWebhook-Timestamp: " + std::to_string(now) + "\r\n";
    fields +=
        "Webhook-Signature: " + sign_webhook("the webhook secret of this test", id, now, body) +
        "\r\n";
  }
  return fields;
}

void BadInput::refused(const Told& told, const std::string& what, int status,
                       std::string_view code) {
  if (status != 0) EXPECT_EQ(told.status, status) << what << "\n" << told.text;
  if (!code.empty()) EXPECT_EQ(told.code(), code) << what << "\n" << told.text;
  EXPECT_GE(told.status, 400) << what << "\n" << told.text;
  EXPECT_LT(told.status, 500) << what << "\n" << told.text;
  if (told.head.starts_with("HTTP/1.1 4")) {
    EXPECT_EQ(told.field("Content-Type"), "application/problem+json") << what;
    EXPECT_EQ(told.json.value("status", 0), told.status) << what;
    EXPECT_EQ(told.json.value("traceId", "none"), told.field("Trace-Id")) << what;
    for (const char* name : {"type", "title", "detail", "instance", "message"})
      EXPECT_TRUE(told.json.contains(name)) << what << " lacks " << name;
  }
  for (const std::string_view word : inside)
    EXPECT_EQ(told.text.find(word), std::string::npos) << what << " tells " << word << "\n"
                                                       << told.text;
}

Digest BadInput::digest() {
  Digest digest;
  std::string tables;
  for (const auto& row : sql("SHOW TABLES")) tables += (tables.empty() ? "`" : ",`") + row[0] + "`";
  for (const auto& row : sql("CHECKSUM TABLE " + tables)) digest[row[0]] = row[1];
  RedisClient& redis = boxoffice->context().redis;
  const auto deadline = [] { return Clock::now() + Millis(5000); };
  const RedisReply keys =
      boxoffice->run(redis.command(std::vector<std::string>{"KEYS", "*"}, deadline()));
  std::vector<RedisCall> dumps;
  std::vector<std::string> names;
  for (const RedisReply& key : keys.elements) {
    // Where a client chose a hold's id, the way from it to its event is noted before anybody knows
    // whether the hold succeeds; without a hold it leads to 410, and it goes by itself.
    if (key.text.starts_with("hold:")) continue;
    // The mark of an order that was being made goes by itself, too.
    if (key.text.find(":pd:") != std::string::npos) continue;
    names.push_back(key.text);
    dumps.push_back({std::nullopt, {"DUMP", key.text}, {}});
  }
  const auto values = boxoffice->run(redis.pipeline(dumps, deadline()));
  for (std::size_t i = 0; i < names.size(); ++i) digest["redis " + names[i]] = values[i].text;
  digest["switches"] = ask_admin("GET", "/admin/config").text;
  digest["faults"] = ask_admin("GET", "/admin/faults").text;
  return digest;
}

void BadInput::unchanged(const std::string& what) {
  const Digest now = digest();
  for (const auto& [name, value] : now) {
    const auto found = before_.find(name);
    EXPECT_TRUE(found != before_.end()) << what << " made " << name;
    if (found != before_.end())
      EXPECT_EQ(found->second == value, true) << what << " changed " << name;
  }
  for (const auto& [name, value] : before_)
    EXPECT_TRUE(now.contains(name)) << what << " took away " << name;
  before_ = now;
}

std::string told_as(const RouteRow& row, const std::string& with) {
  return std::string(row.method) + " " + std::string(row.pattern) + " with " + with.substr(0, 120);
}

}  // namespace boxoffice
