// The admin and the event routes over real stores, asked as the server asks them.
#include <gtest/gtest.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "target/admin_parts.hpp"
#include "target/http/jwt.hpp"
#include "target/http/router.hpp"
#include "target/service/admin_audit.hpp"
#include "target/service/seat_map.hpp"
#include "target/service/wall_time.hpp"
#include "target/store/mysql_seed.hpp"
#include "target/store/schema.hpp"
#include "tests/integration/target_orders/mysql_fixture.hpp"
#include "tests/integration/target_seats/private_redis.hpp"

namespace boxoffice {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

PrivateRedis& redis_server() {
  static PrivateRedis server;
  return server;
}

// The parts of one thread, as the program puts them together.
struct Parts {
  Parts(asio::io_context& io, const Config& config, MysqlPool& mysql)
      : redis(io, "127.0.0.1", config.redis_port),
        events(make_event_store(mysql, metrics)),
        catalogue(*events),
        seats(make_seat_holds(redis, switches, metrics)),
        directory(make_hold_directory(redis)),
        ledger(make_seat_ledger(mysql, metrics)),
        leases(make_leases(redis)),
        queue(make_queue_places(redis, metrics)),
        context{io,     config,     metrics, switches, redis,  mysql, *events, catalogue,
                *seats, *directory, *ledger, *leases,  *queue, 0,     {}} {}
  Metrics metrics;
  Switches switches;
  RedisClient redis;
  std::unique_ptr<EventStore> events;
  Catalogue catalogue;
  std::unique_ptr<SeatHolds> seats;
  std::unique_ptr<HoldDirectory> directory;
  std::unique_ptr<SeatLedger> ledger;
  std::unique_ptr<Leases> leases;
  std::unique_ptr<QueuePlaces> queue;
  ThreadContext context;
};

struct Asked {
  int status = 0;
  std::string body;
  Json json;
  std::string tag;
};

class AdminTest : public MysqlFixture {
 protected:
  void SetUp() override {
    if (!PrivateRedis::installed()) GTEST_SKIP() << "redis-server is not installed";
    MysqlFixture::SetUp();
    if (IsSkipped()) return;
    config.redis_port = redis_server().port();
    config.jwt_secret = "a secret of the test";
    config.lab = true;
    config.roles = {"catalog", "admin"};
    run(io, apply_schema(*pool));
    parts = std::make_unique<Parts>(io, config, *pool);
    run(io, parts->redis.wait_connected(in(3s)));
    command({"FLUSHALL"});
    owners = {add_event_routes(parts->context, table), add_admin_routes(parts->context, table)};
    admin.emplace(table, Surface::admin, config.roles);
    open.emplace(table, Surface::main, config.roles);
  }

  RedisReply command(std::vector<std::string> words) {
    return run(io, parts->redis.command(std::move(words), in(3s)));
  }

  Asked ask(const std::string& method, const std::string& target, const std::string& body = "",
            const std::string& if_none_match = "") {
    HttpRequest request;
    const auto mark = target.find('?');
    request.method = method;
    request.path = std::string_view(target).substr(0, mark);
    if (mark != std::string::npos) request.query = std::string_view(target).substr(mark + 1);
    request.body = body;
    if (!if_none_match.empty()) request.headers.emplace_back("if-none-match", if_none_match);
    request.trace_id = std::string(32, '0');
    request.deadline = in(30s);
    const Router& router = target.starts_with("/admin") ? *admin : *open;
    const auto found = router.find(request.method, request.path, request.path_parameters);
    if (found.route == nullptr) return {404, "no route", {}, {}};
    const HttpResponse response = run(io, found.route->handle(request));
    Asked asked{response.status, response.body, Json::parse(response.body, nullptr, false), {}};
    for (const auto& [name, value] : response.headers)
      if (name == "ETag") asked.tag = value;
    return asked;
  }

  std::uint64_t seed_one(const std::string& more = "") {
    const Asked seeded =
        ask("POST", "/admin/seed", R"({"events":[{"rows":4,"cols":5)" + more + "}]}");
    EXPECT_EQ(seeded.status, 200) << seeded.body;
    return seeded.json.at("events").at(0).at("id").get<std::uint64_t>();
  }

  Decision<Hold> hold(std::uint64_t event, std::uint64_t user, std::vector<std::uint32_t> seats) {
    const EventPtr facts = run(io, parts->events->find(event));
    Hold wanted;
    wanted.id = std::string(31, 'a') + std::to_string(user % 10);
    wanted.user = user;
    wanted.event = event;
    wanted.epoch = facts->epoch;
    wanted.seats = std::move(seats);
    return run(io, parts->seats->take(facts, wanted, 60000, false));
  }

  // An order with its claim and, if sold, its payment and ticket, as the order side stores them.
  void store_order(std::uint64_t event, std::uint64_t order, std::uint64_t user, std::uint32_t seat,
                   bool sold) {
    const std::string o = std::to_string(order), e = std::to_string(event);
    const std::string u = std::to_string(user), s = std::to_string(seat);
    sql("INSERT INTO orders (id, user_id, event_id, epoch, status, amount, seat_qty, hold_id, "
        "fence, "
        "expires_at) VALUES (" +
        o + "," + u + "," + e + ",1,'" + (sold ? "CONFIRMED" : "PAYMENT_PENDING") +
        "',50000,1,UNHEX(MD5('" + o + "')),1," + "NOW(3) + INTERVAL 60 SECOND)");
    sql("INSERT INTO order_seats VALUES (" + o + "," + e + ",1," + s + ",50000,1)");
    if (!sold) return;
    sql("INSERT INTO payments (id, order_id, payment_key, method, amount, status) VALUES (" + o +
        "," + o + ",'k" + o + "','CARD',50000,'DONE')");
    sql("INSERT INTO tickets (event_id, epoch, seat_no, order_id, user_id) VALUES (" + e + ",1," +
        s + "," + o + "," + u + ")");
  }

  std::uint64_t bad(const Asked& audit, const std::string& id) {
    for (const Json& check : audit.json.at("checks"))
      if (check.at("id") == id) return check.at("bad").get<std::uint64_t>();
    ADD_FAILURE() << "no check " << id;
    return 0;
  }

  std::unique_ptr<Parts> parts;
  RouteTable table;
  std::vector<std::shared_ptr<void>> owners;
  std::optional<Router> admin, open;
};

TEST(SeedRows, LabelsGoOnAfterZ) {
  EXPECT_EQ(row_label(0), "A");
  EXPECT_EQ(row_label(25), "Z");
  EXPECT_EQ(row_label(26), "AA");
  EXPECT_EQ(row_label(701), "ZZ");
  EXPECT_EQ(row_label(702), "AAA");
}

TEST_F(AdminTest, SeedMakesUsersAndAnEventThatCanBeBookedAtOnce) {
  const Asked seeded = ask("POST", "/admin/seed",
                           R"({"seed":7,"users":{"n":2500,"prefix":"load"},
                               "events":[{"rows":10,"cols":20,"holdTtlMs":5000,"maxPerUser":3,
                               "grades":[{"grade":"A","price":90},{"grade":"B","price":50}],
                               "sections":["front","back"],
                               "queue":{"on":true,"cap":100,"rate":50.5,"leaseMs":30000}}]})");
  ASSERT_EQ(seeded.status, 200) << seeded.body;
  EXPECT_EQ(seeded.json.at("users"), 2500);
  EXPECT_EQ(seeded.json.at("events").at(0).at("seats"), 200);
  const auto event = seeded.json.at("events").at(0).at("id").get<std::uint64_t>();
  const EventPtr facts = run(io, parts->events->find(event));
  EXPECT_EQ(facts->prices.front(), 90U);
  EXPECT_EQ(facts->prices.back(), 50U);
  EXPECT_EQ(facts->queue.rate, 50.5);
  EXPECT_TRUE(facts->queue.on);
  EXPECT_EQ(sql("SELECT COUNT(*), MIN(section), MAX(row_label) FROM seats")[0],
            (std::vector<std::string>{"200", "back", "J"}));
  EXPECT_TRUE(hold(event, 1, {0, 1, 2}).has_value());
}

TEST_F(AdminTest, TheSameSeedGivesTheSameUsersAndAnotherGivesOthers) {
  const std::string body = R"({"seed":7,"users":{"n":1200,"prefix":"load"}})";
  const Asked first = ask("POST", "/admin/seed", body);
  const auto rows = sql("SELECT login, nickname, birth_date FROM users ORDER BY id");
  const Asked again = ask("POST", "/admin/seed", body);
  EXPECT_EQ(first.json.at("firstUser"), again.json.at("firstUser"));
  EXPECT_EQ(sql("SELECT COUNT(*) FROM users")[0][0], "1200");
  sql("DELETE FROM users");
  ask("POST", "/admin/seed", body);
  EXPECT_EQ(sql("SELECT login, nickname, birth_date FROM users ORDER BY id"), rows);
  const Asked other = ask("POST", "/admin/seed", R"({"seed":8,"users":{"n":1200}})");
  EXPECT_EQ(other.status, 200);
  EXPECT_NE(other.json.at("firstUser"), first.json.at("firstUser"));
  EXPECT_NE(sql("SELECT nickname FROM users ORDER BY id DESC LIMIT 1")[0][0], rows.back()[1]);
}

TEST_F(AdminTest, ALargeSeedAndManyTokensAreQuick) {
  const auto begun = Clock::now();
  const Asked seeded = ask("POST", "/admin/seed",
                           R"({"users":{"n":40000},"events":[{"rows":100,"cols":200},
                                                             {"rows":100,"cols":200}]})");
  ASSERT_EQ(seeded.status, 200) << seeded.body;
  const auto seeding = Clock::now() - begun;
  const auto first = seeded.json.at("firstUser").get<std::uint64_t>();
  const Asked tokens = ask("POST", "/admin/tokens",
                           Json{{"from", first}, {"to", first + 39999}, {"ttlMs", 60000}}.dump());
  const auto signing = Clock::now() - begun - seeding;
  std::printf("40000 users and 2 x 20000 seats: %.2f s; 40000 tokens: %.2f s\n",
              std::chrono::duration<double>(seeding).count(),
              std::chrono::duration<double>(signing).count());
  EXPECT_EQ(sql("SELECT COUNT(*) FROM users")[0][0], "40000");
  EXPECT_EQ(sql("SELECT COUNT(*) FROM seats")[0][0], "40000");
  EXPECT_EQ(std::count(tokens.body.begin(), tokens.body.end(), '\n'), 40000);
}

TEST_F(AdminTest, TokensAreOfTheirUsers) {
  const Asked tokens = ask("POST", "/admin/tokens", R"({"from":11,"to":13,"ttlMs":60000})");
  ASSERT_EQ(tokens.status, 200);
  std::istringstream lines(tokens.body);
  std::uint64_t user = 11;
  for (std::string line; std::getline(lines, line); ++user) {
    const Json json = Json::parse(line);
    EXPECT_EQ(json.at("user"), user);
    const auto caller = verify_jwt(config.jwt_secret, json.at("token").get<std::string>(),
                                   std::chrono::system_clock::now());
    ASSERT_TRUE(caller.has_value());
    EXPECT_EQ(caller->user, user);
  }
  EXPECT_EQ(user, 14U);
  const Asked operators = ask("POST", "/admin/tokens", R"({"from":11,"to":11,"role":"ADMIN"})");
  const auto chief =
      verify_jwt(config.jwt_secret, Json::parse(operators.body).at("token").get<std::string>(),
                 std::chrono::system_clock::now());
  ASSERT_TRUE(chief.has_value());
  EXPECT_EQ(chief->role, Role::admin);
  EXPECT_EQ(ask("POST", "/admin/tokens", R"({"from":1,"to":2,"role":"KING"})").status, 422);
  EXPECT_EQ(ask("POST", "/admin/tokens", R"({"from":5,"to":4})").status, 422);
  EXPECT_EQ(ask("POST", "/admin/tokens", R"({"from":1,"to":9000000})").status, 422);
}

TEST_F(AdminTest, EveryProblemOfAPlanIsTold) {
  const Asked refused = ask("POST", "/admin/seed",
                            R"({"users":{"n":-1,"prefix":"a'b"},"events":[{"rows":0,"cols":"x",
                                "sections":["'; DROP TABLE users"]},7]})");
  EXPECT_EQ(refused.status, 422);
  for (const char* part : {"users.n", "users.prefix", "events[0].rows", "events[0].cols",
                           "events[0].sections", "events[1]"})
    EXPECT_NE(refused.body.find(part), std::string::npos) << part;
  EXPECT_EQ(ask("POST", "/admin/seed", "{").status, 400);
  EXPECT_EQ(sql("SELECT COUNT(*) FROM events")[0][0], "0");
}

TEST_F(AdminTest, SeatMapsTellStatesTagsAndNothingTwice) {
  const auto event = seed_one();
  const std::string seats = "/api/events/" + std::to_string(event) + "/seats";
  ASSERT_TRUE(hold(event, 1, {0, 7}).has_value());
  const Asked map = ask("GET", seats);
  ASSERT_EQ(map.status, 200) << map.body;
  EXPECT_EQ(map.json.at("seats").size(), 20U);
  EXPECT_EQ(map.json.at("seats").at(7).at("status"), "HELD");
  EXPECT_EQ(map.json.at("seats").at(8).at("status"), "AVAILABLE");
  EXPECT_EQ(map.json.at("seats").at(7).at("r"), "B");
  EXPECT_EQ(map.json.at("seats").at(7).at("c"), 3);
  EXPECT_FALSE(map.json.contains("stale"));
  const Asked bits = ask("GET", seats + "?format=bitmap");
  EXPECT_EQ(bits.json.at("n"), 20);
  EXPECT_EQ(bits.json.at("bits"), base64(std::string("\x40\x01\x00\x00\x00", 5)));
  EXPECT_EQ(bits.json.at("version"), map.json.at("version"));
  EXPECT_EQ(bits.tag, map.tag);
  EXPECT_EQ(ask("GET", seats, "", map.tag).status, 304);
  ASSERT_TRUE(hold(event, 2, {9}).has_value());
  EXPECT_EQ(ask("GET", seats, "", map.tag).status, 200);
}

TEST_F(AdminTest, ASeatMapIsStaleThenGoneWhenRedisIsAway) {
  const auto event = seed_one();
  const std::string bitmap = "/api/events/" + std::to_string(event) + "/seats?format=bitmap";
  EXPECT_EQ(ask("GET", bitmap).status, 200);
  redis_server().kill();
  const Asked stale = ask("GET", bitmap);
  EXPECT_EQ(stale.status, 200);
  EXPECT_TRUE(stale.json.value("stale", false));
  sql("INSERT INTO events (id, title, starts_at, sale_open_at, sale_close_at, seat_count) VALUES "
      "(77, 'Never read', '2045-01-01', '2026-01-02', '2044-06-01', 0)");
  EXPECT_THROW(ask("GET", "/api/events/77/seats"), StoreUnavailable);
  redis_server().start();
  run(io, parts->redis.wait_connected(in(5s)));
  EXPECT_EQ(ask("GET", bitmap).json.at("code"), "REBUILDING");
  EXPECT_EQ(ask("POST", "/admin/rebuild?event=" + std::to_string(event)).status, 200);
  EXPECT_EQ(ask("GET", bitmap).status, 200);
}

TEST_F(AdminTest, EventsAreListedWithWhatIsLeft) {
  const auto event = seed_one(R"(,"title":"Night \"one\"","maxPerUser":2)");
  ASSERT_TRUE(hold(event, 1, {0, 7}).has_value());
  const Asked list = ask("GET", "/api/events?status=ON_SALE&size=5");
  ASSERT_EQ(list.status, 200);
  EXPECT_EQ(list.json.at("total"), 1);
  EXPECT_EQ(list.json.at("items").at(0).at("available"), 18);
  EXPECT_EQ(list.json.at("items").at(0).at("title"), "Night \"one\"");
  EXPECT_EQ(ask("GET", "/api/events?status=ON_SALE&size=5", "", list.tag).status, 304);
  const Asked one = ask("GET", "/api/events/" + std::to_string(event));
  EXPECT_EQ(one.json.at("epoch"), 1);
  EXPECT_EQ(one.json.at("maxPerUser"), 2);
  EXPECT_EQ(one.json.at("grades").at(0).at("price"), 50000);
  EXPECT_EQ(ask("GET", "/api/events/999").status, 404);
  EXPECT_EQ(ask("GET", "/api/events/abc").status, 400);
  EXPECT_EQ(ask("GET", "/api/events?size=1000").status, 400);
  const std::int64_t now = wall_clock_ms();
  EXPECT_NEAR(ask("GET", "/api/time").json.at("epochMs").get<double>(), static_cast<double>(now),
              1000);
}

TEST_F(AdminTest, AResetSellsFromTheStartAndEndsTheOldEpoch) {
  const auto event = seed_one();
  ASSERT_TRUE(hold(event, 1, {0}).has_value());
  const Asked reset = ask("POST", "/admin/events/" + std::to_string(event) + "/reset");
  ASSERT_EQ(reset.status, 200) << reset.body;
  EXPECT_EQ(reset.json.at("epoch"), 2);
  EXPECT_EQ(command({"KEYS", "{e" + std::to_string(event) + ".1}*"}).elements.size(), 0U);
  EXPECT_TRUE(hold(event, 2, {0}).has_value());
  EXPECT_EQ(ask("POST", "/admin/events/999/reset").status, 404);
}

TEST_F(AdminTest, AnEventIsEditedInPart) {
  const auto event = seed_one(R"(,"queue":{"cap":100,"rate":5})");
  const std::string path = "/admin/events/" + std::to_string(event);
  const Asked edited = ask("PATCH", path, R"({"holdTtlMs":2500,"queue":{"rate":9}})");
  ASSERT_EQ(edited.status, 200) << edited.body;
  EXPECT_EQ(edited.json.at("holdTtlMs"), 2500);
  EXPECT_EQ(edited.json.at("queue").at("rate"), 9);
  EXPECT_EQ(edited.json.at("queue").at("cap"), 100);
  EXPECT_EQ(edited.json.at("queue").at("on"), true);
  EXPECT_EQ(ask("PATCH", path, R"({"holdTtlMs":1})").status, 422);
  EXPECT_EQ(ask("PATCH", path, R"({"saleCloseAt":1000})").status, 422);
  const Asked opened = ask("POST", path + "/open", R"({"at":"2030-01-01T00:00:00Z"})");
  EXPECT_EQ(opened.status, 422) << "opens after it closes: " << opened.body;
  EXPECT_EQ(ask("PATCH", path, R"({"saleCloseAt":"2031-01-01T00:00:00Z"})").status, 200);
  const Asked later = ask("POST", path + "/open", R"({"at":"2030-01-01T00:00:00Z"})");
  EXPECT_EQ(later.json.at("saleOpenAt"), "2030-01-01T00:00:00.000Z");
  EXPECT_EQ(later.json.at("status"), "SCHEDULED");
  EXPECT_EQ(hold(event, 1, {0}).error().refusal, Refusal::sale_not_open);
}

TEST_F(AdminTest, ALockedSeatIsNotHeldAndASoldOneIsNotLocked) {
  const auto event = seed_one();
  const std::string path = "/admin/events/" + std::to_string(event) + "/seats/";
  EXPECT_EQ(ask("PATCH", path + "3", R"({"locked":true})").status, 200);
  EXPECT_EQ(hold(event, 1, {3}).error().refusal, Refusal::seat_locked);
  EXPECT_EQ(ask("PATCH", path + "3", R"({"locked":false})").status, 200);
  EXPECT_TRUE(hold(event, 1, {3}).has_value());
  store_order(event, 50, 9, 5, true);
  store_order(event, 51, 9, 6, false);
  EXPECT_EQ(ask("PATCH", path + "5", R"({"locked":true})").json.at("code"), "SEAT_SOLD");
  EXPECT_EQ(ask("PATCH", path + "6", R"({"locked":true})").json.at("code"), "SEAT_CLAIMED");
  EXPECT_EQ(ask("PATCH", path + "20", R"({"locked":true})").status, 404);
  EXPECT_EQ(ask("PATCH", path + "3", R"({})").status, 400);
}

TEST_F(AdminTest, ASeatOfAVenueIsLockedInAllItsEventsOrInNone) {
  const Asked seeded = ask("POST", "/admin/seed", R"({"seed":77,"venue":{"name":"Hall"},"events":[
      {"rows":2,"cols":5},{"rows":2,"cols":5}]})");
  ASSERT_EQ(seeded.status, 200) << seeded.body;
  const std::uint64_t first = seeded.json.at("events")[0].at("id");
  const std::uint64_t second = seeded.json.at("events")[1].at("id");
  const std::uint64_t venue = seeded.json.at("venue");
  const std::string path = "/admin/venues/" + std::to_string(venue) + "/seats/";
  const Asked locked = ask("PATCH", path + "3", R"({"locked":true})");
  ASSERT_EQ(locked.status, 200) << locked.body;
  EXPECT_EQ(locked.json.at("events").size(), 2U);
  for (const std::uint64_t event : {first, second})
    EXPECT_EQ(hold(event, 1, {3}).error().refusal, Refusal::seat_locked);
  EXPECT_EQ(ask("PATCH", path + "3", R"({"locked":false})").status, 200);
  EXPECT_TRUE(hold(second, 1, {3}).has_value());
  store_order(second, 52, 9, 5, true);
  EXPECT_EQ(ask("PATCH", path + "5", R"({"locked":true})").json.at("code"), "SEAT_SOLD");
  EXPECT_TRUE(hold(first, 2, {5}).has_value()) << "refused in one, locked in none";
  EXPECT_EQ(ask("PATCH", "/admin/venues/999999/seats/0", R"({"locked":true})").status, 404);
}

TEST_F(AdminTest, AnAuditOfAGoodEventIsCleanAndEveryDamageShows) {
  const auto event = seed_one(R"(,"maxPerUser":2)");
  const std::string audit = "/admin/audit?event=" + std::to_string(event);
  const std::string e = std::to_string(event);
  store_order(event, 50, 9, 5, true);
  store_order(event, 51, 9, 6, false);
  EXPECT_EQ(ask("POST", "/admin/rebuild?event=" + e).status, 200);
  const Asked clean = ask("GET", audit);
  EXPECT_TRUE(clean.json.at("ok").get<bool>()) << clean.body;
  EXPECT_EQ(ask("GET", "/admin/audit?event=999").status, 404);
  EXPECT_EQ(ask("GET", "/admin/audit").status, 400);

  run(io, apply_guards(*pool, false));
  sql("ALTER TABLE tickets DROP PRIMARY KEY");
  store_order(event, 60, 8, 5, true);  // seat 5 a second time: A1 A2 A3
  sql("INSERT INTO tickets (event_id, epoch, seat_no, order_id, user_id) VALUES (" + e +
      ",1,77,50,9)");                                             // A3 A4
  sql("UPDATE payments SET amount = 1 WHERE order_id = 60");      // A5
  sql("UPDATE order_seats SET live = NULL WHERE order_id = 51");  // A6
  sql("INSERT INTO tickets (event_id, epoch, seat_no, order_id, user_id) VALUES (" + e +
      ",1,8,50,9)");  // A7: a third of user 9
  sql("UPDATE orders SET expires_at = NOW(3) - INTERVAL 60 SECOND WHERE id = 51");           // A8
  sql("INSERT INTO outbox (stream, agg_id, type, payload) VALUES ('order', 1, 'X', '{}')");  // A9
  command({"HDEL", event_key(event, 1, "st"), "5"});            // R1 R5
  command({"HSET", event_key(event, 1, "st"), "9", "S:1:99"});  // R3 R5
  const Asked damaged = ask("GET", audit);
  EXPECT_FALSE(damaged.json.at("ok").get<bool>());
  for (const char* id : {"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "R1", "R3", "R5"})
    EXPECT_GT(bad(damaged, id), 0U) << id;
  EXPECT_EQ(damaged.json.at("checks").at(0).at("sample").at(0), "seat 5");
}

TEST_F(AdminTest, QuiesceWaitsForHoldsOrdersAndTheOutbox) {
  const auto event = seed_one();
  const Asked quiet = ask("POST", "/admin/quiesce", R"({"timeoutMs":500})");
  EXPECT_EQ(quiet.status, 200) << quiet.body;
  EXPECT_TRUE(quiet.json.at("quiet").get<bool>());
  EXPECT_TRUE(parts->switches.admissions_paused);
  ASSERT_TRUE(hold(event, 1, {0, 1}).has_value());
  store_order(event, 51, 9, 6, false);
  sql("INSERT INTO outbox (stream, agg_id, type, payload) VALUES ('order', 1, 'X', '{}')");
  const Asked busy = ask("POST", "/admin/quiesce", R"({"timeoutMs":150})");
  EXPECT_EQ(busy.status, 202);
  EXPECT_EQ(busy.json.at("left"), (Json{{"holds", 2}, {"orders", 1}, {"outbox", 1}})) << busy.body;
  EXPECT_EQ(ask("POST", "/admin/quiesce", R"({"resume":true})").status, 200);
  EXPECT_FALSE(parts->switches.admissions_paused);
}

TEST_F(AdminTest, DefectsAreForTheLabOnly) {
  const Asked before = ask("GET", "/admin/defects");
  EXPECT_EQ(before.json.at("defects").at("no_guard1"), false);
  const Asked set = ask("PUT", "/admin/defects", R"({"no_guard1":true,"conflict_is_400":true})");
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.json.at("defects").at("no_guard1"), true);
  const std::string guards =
      "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND "
      "index_name = 'uq_seat_live'";
  EXPECT_EQ(sql(guards)[0][0], "0");
  EXPECT_TRUE(ask("GET", "/admin/config").json.at("tainted").get<bool>());
  EXPECT_EQ(ask("PUT", "/admin/defects", R"({"no_guard1":false})").status, 200);
  EXPECT_NE(sql(guards)[0][0], "0");
  EXPECT_EQ(ask("PUT", "/admin/defects", R"({"nonsense":true})").status, 422);
  config.lab = false;
  EXPECT_EQ(ask("PUT", "/admin/defects", R"({"no_guard1":true})").status, 403);
  EXPECT_FALSE(parts->switches.no_guard1);
}

TEST_F(AdminTest, PaymentIsChangedInPartAndInRange) {
  const Asked set = ask("PUT", "/admin/payment", R"({"webhook":true,"approve":0.25})");
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_TRUE(parts->switches.payment()->webhook);
  EXPECT_EQ(parts->switches.payment()->approve, 0.25);
  EXPECT_EQ(parts->switches.payment()->delay_a_ms, PaymentConfig{}.delay_a_ms);
  EXPECT_EQ(ask("PUT", "/admin/payment", R"({"approve":1.5})").status, 422);
  EXPECT_EQ(ask("PUT", "/admin/payment", R"({"delay":"sometimes"})").status, 422);
  EXPECT_EQ(parts->switches.payment()->approve, 0.25);
}

TEST_F(AdminTest, EveryFieldOfThePaymentCanBeChanged) {
  const auto wanted = nlohmann::json::parse(R"({"webhook":true,"approve":0.25,"delay":"lognormal",
    "delayAMs":5.5,"delayBMs":70.5,"delaySlowShare":0.75,"timeout":0.125,
    "webhookDuplicate":0.1,"webhookReorder":0.2,
    "webhookLost":0.3,"webhookForged":0.4,"webhookLate":0.5,"refundFail":0.6,"seed":77,
    "retryUnitMs":9,
    "inflightMax":3})");
  const auto before = ask("GET", "/admin/config").json.at("payment");
  EXPECT_EQ(before.size(), wanted.size()) << "a new field belongs into this test";
  for (const auto& [name, value] : wanted.items()) EXPECT_NE(before.at(name), value) << name;
  const Asked set = ask("PUT", "/admin/payment", wanted.dump());
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.json, wanted);
  EXPECT_EQ(ask("GET", "/admin/config").json.at("payment"), wanted);
}

TEST_F(AdminTest, TheConfigurationHoldsNoSecret) {
  config.mysql_password = "hush-mysql";
  config.admin_token = "hush-admin";
  const Asked shown = ask("GET", "/admin/config");
  EXPECT_EQ(shown.json.at("defects"), Json::array());
  EXPECT_EQ(shown.json.at("tainted"), false);
  for (const char* secret : {"hush-mysql", "hush-admin", "a secret of the test"})
    EXPECT_EQ(shown.body.find(secret), std::string::npos);
}

TEST_F(AdminTest, StatsCountWhatIsUnderWay) {
  const auto event = seed_one();
  ASSERT_TRUE(hold(event, 1, {0, 1}).has_value());
  store_order(event, 50, 9, 5, true);
  sql("INSERT INTO event_sales (event_id,epoch,confirmed,revenue) VALUES (" +
      std::to_string(event) + ",1,2,3000)");
  const Asked stats = ask("GET", "/admin/stats");
  ASSERT_EQ(stats.status, 200);
  EXPECT_EQ(stats.json.at("events").at(0).at("holds"), 2);
  EXPECT_EQ(stats.json.at("orders").at("CONFIRMED"), 1);
  EXPECT_EQ(stats.json.at("sales").at(0).at("revenue"), 3000);
  EXPECT_EQ(stats.json.at("sales").at(0).at("refundedAmount"), 0);
  EXPECT_GT(stats.json.at("redisScripts").at("evalshaCalls"), 0);
}

TEST_F(AdminTest, SentOutboxRowsAreSentAgain) {
  sql("INSERT INTO outbox (stream, agg_id, type, payload, status, sent_at) VALUES "
      "('order', 1, 'X', '{}', 'SENT', '2026-01-01'), ('order', 1, 'X', '{}', 'SENT', "
      "'2026-01-03')");
  EXPECT_EQ(ask("POST", "/admin/outbox/replay?since=2026-01-02T00:00:00Z").json.at("replayed"), 1);
  EXPECT_EQ(sql("SELECT COUNT(*) FROM outbox WHERE status = 'PENDING'")[0][0], "1");
  EXPECT_EQ(ask("POST", "/admin/outbox/replay?since=yesterday").status, 400);
}

TEST_F(AdminTest, AdminRoutesAreNotOnTheOpenPort) {
  std::vector<std::string_view> parameters;
  EXPECT_EQ(open->find("GET", "/admin/config", parameters).route, nullptr);
  for (const Route& route : table.routes) {
    if (route.pattern.starts_with("/admin")) {
      EXPECT_EQ(route.auth, Auth::admin_token) << route.pattern;
    }
  }
}

}  // namespace
}  // namespace boxoffice
