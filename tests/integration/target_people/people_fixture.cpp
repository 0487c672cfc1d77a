#include "tests/integration/target_people/people_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "target/http/all_routes.hpp"
#include "target/store/schema.hpp"

namespace boxoffice {

namespace {

std::string database_of_suite() {
  return std::string("people_") + ::testing::UnitTest::GetInstance()->current_test_suite()->name();
}

Task<bool> prepare(RedisClient& redis, MysqlPool& mysql) {
  co_await redis.wait_connected(Clock::now() + Millis(5000));
  co_await apply_schema(mysql);
  co_return true;
}

}  // namespace

PrivateMariadb& people_mariadb() {
  static PrivateMariadb server;
  return server;
}
PrivateRedis& people_redis() {
  static PrivateRedis server;
  return server;
}

RunningBoxoffice::RunningBoxoffice(Config config, const ServerLimits& limits)
    : config_(std::move(config)),
      redis_(io_, config_.redis_host, config_.redis_port),
      mysql_(io_, config_, config_.mysql_pool),
      events_(make_event_store(mysql_, metrics_)),
      catalogue_(*events_),
      seats_(make_seat_holds(redis_, switches_, metrics_)),
      directory_(make_hold_directory(redis_)),
      ledger_(make_seat_ledger(mysql_, metrics_)),
      leases_(make_leases(redis_)),
      queue_(make_queue_places(redis_, metrics_)),
      context_(new ThreadContext{io_, config_, metrics_, switches_, redis_, mysql_, *events_,
                                 catalogue_, *seats_, *directory_, *ledger_, *leases_, *queue_, 0,
                                 stop_.get_token()}) {
  owners_ = add_all_routes(*context_, load_, prepared_, provider_books_, seat_news_, table_);
  server_ = std::make_unique<HttpServer>(io_, config_, metrics_, switches_, load_, table_, limits);
  port_ = server_->listen("127.0.0.1", 0, Surface::main, false);
  admin_port_ = server_->listen("127.0.0.1", 0, Surface::admin, false);
  thread_ = std::thread([this] { io_.run(); });
  try {
    run(prepare(redis_, mysql_));
  } catch (...) {
    io_.stop();
    thread_.join();
    throw;
  }
}

RunningBoxoffice::~RunningBoxoffice() {
  stop_.request_stop();
  drain(Millis(300));
  work_.reset();
  io_.stop();
  thread_.join();
  // What waits in the io_context refers to the parts: it goes before them.
  server_.reset();
  io_.restart();
  io_.poll();
}

bool RunningBoxoffice::drain(Millis grace) {
  stop_.request_stop();
  return run(server_->drain(Clock::now() + grace));
}

std::string Told::field(std::string_view name) const {
  const std::string mark = "\r\n" + std::string(name) + ": ";
  const auto at = head.find(mark);
  if (at == std::string::npos) return "";
  const auto begin = at + mark.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

Config PeopleFixture::config_of_suite() {
  Config config;
  config.roles = {"catalog", "queue",   "reservation", "order",
                  "payment", "auction", "practice",    "admin"};
  config.jwt_secret = "the jwt secret of this test";
  config.pass_secret = "the pass secret of this test";
  config.webhook_secret = "the webhook secret of this test";
  config.admin_token = "0123456789abcdef";
  config.redis_port = people_redis().port();
  config.mysql_port = people_mariadb().port();
  config.mysql_database = database_of_suite();
  config.mysql_pool = 8;
  config.password_cost = 10;
  return config;
}

std::unique_ptr<RunningBoxoffice> PeopleFixture::start(const Config& config,
                                                       const ServerLimits& limits) {
  return std::make_unique<RunningBoxoffice>(config, limits);
}

void PeopleFixture::SetUpTestSuite() {
  if (!PrivateMariadb::installed() || !PrivateRedis::installed()) return;
  people_mariadb().sql("DROP DATABASE IF EXISTS `" + database_of_suite() + "`");
  boxoffice = start(config_of_suite());
}
void PeopleFixture::TearDownTestSuite() { boxoffice.reset(); }

void PeopleFixture::SetUp() {
  if (boxoffice == nullptr) GTEST_SKIP() << "MariaDB or Redis is not installed";
}

Told PeopleFixture::ask_at(std::uint16_t port, std::string_view method, std::string_view path,
                           std::string_view body, std::string_view fields) {
  test::RawClient client(port);
  const test::Answer answer = client.exchange(method, path, fields, body);
  return {answer.status, answer.head, answer.body, answer.json()};
}
Told PeopleFixture::ask(std::string_view method, std::string_view path, std::string_view body,
                        std::string_view fields) {
  return ask_at(boxoffice->port(), method, path, body, fields);
}
Told PeopleFixture::ask_as(std::uint64_t user, std::string_view method, std::string_view path,
                           std::string_view body, std::string_view fields) {
  return ask(method, path, body, bearer(user) + std::string(fields));
}
Told PeopleFixture::ask_with(const std::string& token, std::string_view method,
                             std::string_view path, std::string_view body) {
  return ask(method, path, body, "Authorization: Bearer " + token + "\r\n");
}
Told PeopleFixture::ask_admin(std::string_view method, std::string_view path,
                              std::string_view body) {
  return ask_at(boxoffice->admin_port(), method, path, body, "Admin-Token: 0123456789abcdef\r\n");
}

std::string PeopleFixture::bearer(std::uint64_t user, Role role) {
  return "Authorization: Bearer " +
         sign_jwt("the jwt secret of this test", user, role, std::chrono::system_clock::now(),
                  std::chrono::seconds(600)) +
         "\r\n";
}

std::vector<std::vector<std::string>> PeopleFixture::sql(const std::string& statement) {
  return people_mariadb().sql(statement, database_of_suite());
}

std::uint64_t PeopleFixture::seed_event(std::uint32_t rows, std::uint32_t columns,
                                        const std::string& more) {
  const Told seeded = ask_admin("POST", "/admin/seed",
                                R"({"events":[{"rows":)" + std::to_string(rows) + R"(,"cols":)" +
                                    std::to_string(columns) + more + "}]}");
  EXPECT_EQ(seeded.status, 200) << seeded.text;
  return seeded.json.at("events").at(0).at("id").get<std::uint64_t>();
}

Told PeopleFixture::hold(std::uint64_t user, std::uint64_t event, const std::vector<int>& seats) {
  const nlohmann::json body{{"eventId", event}, {"seatIds", seats}};
  return ask_as(user, "POST", "/api/reservations", body.dump());
}

bool PeopleFixture::eventually(const std::function<bool()>& predicate, Millis within) {
  const TimePoint end = Clock::now() + within;
  while (Clock::now() < end) {
    if (predicate()) return true;
    std::this_thread::sleep_for(Millis(10));
  }
  return predicate();
}

}  // namespace boxoffice
