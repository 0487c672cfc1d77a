#include "tests/integration/target_orders/order_fixture.hpp"

#include "target/service/hold_id.hpp"
#include "target/service/seat_rebuild.hpp"
#include "target/service/webhook_signature.hpp"
#include "target/store/schema.hpp"

namespace boxoffice {

PrivateRedis& order_redis() {
  static PrivateRedis server;
  return server;
}

bool Reply::replayed() const {
  for (const auto& [name, value] : headers) {
    if (name == "Idempotency-Replayed") return value == "true";
  }
  return false;
}

void OrderFixture::SetUp() {
  MysqlFixture::SetUp();
  if (IsSkipped()) return;
  if (!PrivateRedis::installed()) GTEST_SKIP() << "redis-server is not installed";
  run(io, apply_schema(*pool));
  config.redis_port = order_redis().port();
  config.webhook_secret = "the present secret";
  config.webhook_secret_old = "the former secret";
  config.lab = true;
  PaymentConfig payment;
  payment.delay = "fixed";
  payment.delay_a_ms = 20;
  payment.retry_unit_ms = 20;
  switches.set_payment(payment);
  redis = std::make_unique<RedisClient>(io, "127.0.0.1", config.redis_port);
  run(io, redis->wait_connected(in(Millis(5000))));
  redis_command({"FLUSHALL"});
  events = make_event_store(*pool, metrics);
  catalogue = std::make_unique<Catalogue>(*events);
  seats = make_seat_holds(*redis, switches, metrics);
  directory = make_hold_directory(*redis);
  ledger = make_seat_ledger(*pool, metrics);
  leases = make_leases(*redis);
  queue = make_queue_places(*redis, metrics);
  thread.reset(new ThreadContext{io, config, metrics, switches, *redis, *pool, *events, *catalogue,
                                 *seats, *directory, *ledger, *leases, *queue, 0, stop.get_token(),
                                 &signals});
  owners = {add_order_routes(*thread, table), add_payment_routes(*thread, table)};
  seed_event();
  mark_ready();
}

void OrderFixture::TearDown() {
  stop.request_stop();
  if (io.stopped()) io.restart();
  if (server) run(io, server->drain(in(Millis(500))));
  run_for(Millis(30));
}

void OrderFixture::seed_event() {
  sql("INSERT INTO events (id,title,status,starts_at,sale_open_at,sale_close_at,seat_count,"
      "max_per_user,queue_on) VALUES (7,'Concert','ON_SALE',NOW()+INTERVAL 9 DAY,"
      "NOW()-INTERVAL 1 HOUR,NOW()+INTERVAL 8 DAY,40,4,0)");
  sql("INSERT INTO seat_grades VALUES (7,'A',1000),(7,'B',500)");
  std::string rows;
  for (std::uint32_t seat = 0; seat < seat_count; ++seat) {
    rows += fmt::format("{}(7,{},'-','A',{},'{}')", rows.empty() ? "" : ",", seat, seat,
                        seat < 10 ? 'A' : 'B');
  }
  sql("INSERT INTO seats (event_id,seat_no,section,row_label,col_no,grade) VALUES " + rows);
}

void OrderFixture::mark_ready() {
  auto event = run(io, catalogue->event(event_id));
  SeatRebuild work(*seats, *ledger, *leases);
  run(io, work.rebuild(*event));
}

Task<Reply> OrderFixture::perform(Call request) {
  HttpRequest http;
  http.method = request.method;
  const std::string path = request.path.substr(0, request.path.find('?'));
  const std::string query =
      path.size() < request.path.size() ? request.path.substr(path.size() + 1) : "";
  http.path = path;
  http.query = query;
  http.body = request.body;
  http.trace_id = "0123456789abcdef0123456789abcdef";
  if (request.user != 0) http.caller = Caller{request.user, Role::user};
  for (const auto& [name, value] : request.headers) http.headers.emplace_back(name, value);
  const Route* route = nullptr;
  for (const Route& one : table.routes) {
    const auto brace = one.pattern.find('{');
    const std::string_view head = one.pattern.substr(0, brace);
    const bool here =
        brace == std::string_view::npos ? path == one.pattern : path.starts_with(head);
    if (one.method != request.method || !here) continue;
    route = &one;
    if (brace != std::string_view::npos) {
      http.path_parameters = {std::string_view(path).substr(head.size())};
    }
  }
  Reply reply;
  if (route == nullptr) co_return reply;
  http.deadline = Clock::now() + route->time_limit;
  HttpResponse response;
  try {
    response = co_await route->handle(http);
  } catch (const StoreUnavailable& down) {
    reply.failure = down.dependency();
  } catch (const std::exception& error) {
    reply.failure = error.what();
  }
  reply.status = reply.failure.empty() ? response.status : 503;
  reply.headers = response.headers;
  if (!response.body.empty()) reply.body = nlohmann::json::parse(response.body);
  co_return reply;
}

Reply OrderFixture::call(Call request) {
  std::vector<Call> one;
  one.push_back(std::move(request));
  return call_all(std::move(one)).at(0);
}

std::vector<Reply> OrderFixture::call_all(std::vector<Call> requests) {
  std::vector<Reply> replies(requests.size());
  std::size_t left = requests.size();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    asio::co_spawn(io, perform(std::move(requests[i])),
                   [&replies, &left, i](const std::exception_ptr& failure, Reply reply) {
                     replies[i] = std::move(reply);
                     if (failure) replies[i].failure = "thrown";
                     --left;
                   });
  }
  const TimePoint end = Clock::now() + std::chrono::seconds(30);
  io.restart();
  while (left > 0 && Clock::now() < end) io.run_one_for(Millis(100));
  EXPECT_EQ(left, 0U) << "calls without an answer";
  return replies;
}

void OrderFixture::run_for(Millis time) {
  io.restart();
  io.run_for(time);
}

std::string OrderFixture::hold(std::uint64_t user, std::vector<std::uint32_t> wanted,
                               std::int64_t ttl_ms) {
  auto event = run(io, catalogue->event(event_id));
  Hold asked;
  asked.id = make_hold_id(event_id, (*event)->epoch);
  asked.user = user;
  asked.event = event_id;
  asked.seats = std::move(wanted);
  const std::string id = asked.id;
  const auto taken = run(io, seats->take(*event, std::move(asked), ttl_ms, false));
  EXPECT_TRUE(taken.has_value());
  return id;
}

Call OrderFixture::order_call(std::uint64_t user, const std::string& hold_id,
                              const std::string& key) {
  return Call{
      "POST", "/api/orders", R"({"holdId":")" + hold_id + "\"}", user, {{"Idempotency-Key", key}}};
}

Call OrderFixture::pay_call(std::uint64_t user, const std::string& order, const std::string& key,
                            const std::string& test_code) {
  Call call{"POST",
            "/api/payments/authorize",
            R"({"orderId":")" + order + R"(","method":"CARD"})",
            user,
            {{"Idempotency-Key", key}}};
  if (!test_code.empty()) call.headers.emplace_back("Pg-Test-Code", test_code);
  return call;
}

Call OrderFixture::read_call(std::uint64_t user, const std::string& order, int wait_ms) {
  return Call{"GET", fmt::format("/api/orders/{}?waitMs={}", order, wait_ms), "", user, {}};
}

std::string OrderFixture::placed(std::uint64_t user, std::vector<std::uint32_t> wanted) {
  const std::string id = hold(user, std::move(wanted));
  const Reply reply = call(order_call(user, id, fmt::format("order-{}", ++calls_)));
  EXPECT_EQ(reply.status, 201) << reply.body.dump();
  return reply.body.value("orderId", "");
}

Reply OrderFixture::pay(std::uint64_t user, const std::string& order,
                        const std::string& test_code) {
  return call(pay_call(user, order, fmt::format("pay-{}", ++calls_), test_code));
}

Call OrderFixture::webhook_call(const std::string& id, const std::string& body,
                                const std::string& secret, std::int64_t age_s) {
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count() -
                           age_s;
  return Call{"POST",
              "/webhooks/payments",
              body,
              0,
              {{"Webhook-Id", id},
               {"Webhook-Timestamp", std::to_string(now)},
               {"Webhook-Signature", sign_webhook(secret, id, now, body)}}};
}

std::string OrderFixture::webhook_text(const std::string& key, const std::string& order,
                                       const std::string& status, std::uint64_t amount) {
  return fmt::format(
      R"({{"eventType":"PAYMENT_STATUS_CHANGED","createdAt":"","data":{{"paymentKey":"{}",)"
      R"("orderId":"{}","status":"{}","totalAmount":{},"approvedAt":null,"failure":null}}}})",
      key, order, status, amount);
}

std::string OrderFixture::one(const std::string& statement) {
  const auto rows = sql(statement);
  return rows.empty() ? "" : rows[0].at(0);
}

std::string OrderFixture::order_state(const std::string& order) {
  return one("SELECT status FROM orders WHERE id=" + order);
}

RedisReply OrderFixture::redis_command(std::vector<std::string> words) {
  return run(io, redis->command(std::move(words), in(Millis(3000))));
}

std::string OrderFixture::seat_state(std::uint32_t seat) {
  return redis_command({"HGET", event_key(event_id, 1, "st"), std::to_string(seat)})
      .text.substr(0, 1);
}

std::uint64_t OrderFixture::metric(const std::string& line_start) {
  const std::string text = metrics.exposition();
  const auto at = text.find("\n" + line_start + " ");
  if (at == std::string::npos) return 0;
  return static_cast<std::uint64_t>(std::stod(text.substr(at + line_start.size() + 2)));
}

void OrderFixture::spawn_workers() { owners.push_back(spawn_order_workers(*thread)); }

void OrderFixture::listen() {
  config.roles = {"order", "payment"};
  server = std::make_unique<HttpServer>(io, config, metrics, switches, load, table);
  config.port = server->listen("127.0.0.1", 0, Surface::main, false);
}

}  // namespace boxoffice
