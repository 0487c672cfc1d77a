// What the suites of orders and payments share: a database and a Redis of the test's own, one
// thread's worth of boxoffice, its routes called directly, and its real server for webhooks.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "target/http/server.hpp"
#include "target/order_parts.hpp"
#include "target/parts.hpp"
#include "target/service/order_signals.hpp"
#include "tests/integration/target_orders/mysql_fixture.hpp"
#include "tests/integration/target_seats/private_redis.hpp"

namespace boxoffice {

PrivateRedis& order_redis();

// One request to a route, and what came of it.
struct Call {
  std::string method, path, body;
  std::uint64_t user = 0;
  std::vector<std::pair<std::string, std::string>> headers;
};
struct Reply {
  int status = 0;
  nlohmann::json body;
  std::string failure;  // the dependency, when the handler threw
  std::vector<std::pair<std::string, std::string>> headers;
  [[nodiscard]] std::string code() const { return body.value("code", ""); }
  [[nodiscard]] bool replayed() const;
};

class OrderFixture : public MysqlFixture {
 protected:
  static constexpr std::uint64_t event_id = 7;
  static constexpr std::uint32_t seat_count = 40;

  void SetUp() override;
  void TearDown() override;
  std::uint32_t pool_size() const override { return 8; }

  // Seats 0 to 9 cost 1000, the others 500.
  void seed_event();
  void mark_ready();  // Redis' seats of the event from MySQL

  Reply call(Call request);
  std::vector<Reply> call_all(std::vector<Call> requests);  // at once
  void run_for(Millis time);
  template <class Predicate>
  bool eventually(Predicate predicate, Millis within = Millis(20000)) {
    const TimePoint end = Clock::now() + within;
    while (Clock::now() < end) {
      if (predicate()) return true;
      run_for(Millis(20));
    }
    return predicate();
  }

  std::string hold(std::uint64_t user, std::vector<std::uint32_t> seats,
                   std::int64_t ttl_ms = 60000);
  Call order_call(std::uint64_t user, const std::string& hold_id, const std::string& key);
  Call pay_call(std::uint64_t user, const std::string& order, const std::string& key,
                const std::string& test_code = "APPROVE");
  Call read_call(std::uint64_t user, const std::string& order, int wait_ms = 0);
  // A hold and its order; the order's id.
  std::string placed(std::uint64_t user, std::vector<std::uint32_t> seats);
  Reply pay(std::uint64_t user, const std::string& order, const std::string& test_code = "APPROVE");
  Call webhook_call(const std::string& id, const std::string& body, const std::string& secret,
                    std::int64_t age_s = 0);
  std::string webhook_text(const std::string& key, const std::string& order,
                           const std::string& status, std::uint64_t amount);

  std::string one(const std::string& statement);  // the first cell
  std::string order_state(const std::string& order);
  RedisReply redis_command(std::vector<std::string> words);
  std::string seat_state(std::uint32_t seat);  // "" free, "H" "P" "S" "L"
  std::uint64_t metric(const std::string& line_start);

  void set_payment(const PaymentConfig& payment) { switches.set_payment(payment); }
  void spawn_workers();
  // Listens on a free port and puts it into the configuration, where the courier finds it.
  void listen();

  Metrics metrics;
  Switches switches;
  std::unique_ptr<RedisClient> redis;
  std::unique_ptr<EventStore> events;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<SeatHolds> seats;
  std::unique_ptr<HoldDirectory> directory;
  std::unique_ptr<SeatLedger> ledger;
  std::unique_ptr<Leases> leases;
  std::unique_ptr<QueuePlaces> queue;
  OrderSignals signals;
  std::stop_source stop;
  std::unique_ptr<ThreadContext> thread;
  RouteTable table;
  std::vector<std::shared_ptr<void>> owners;
  ServerLoad load;
  std::unique_ptr<HttpServer> server;

 private:
  Task<Reply> perform(Call request);
  std::uint64_t calls_ = 0;
};

}  // namespace boxoffice
