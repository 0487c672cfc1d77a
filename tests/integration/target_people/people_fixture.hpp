// What the suites of accounts, live seats, metrics and the API's description share: one MariaDB and
// one Redis per program, one database per suite, and boxoffice's real server on loopback, on a
// thread of its own, asked over blocking sockets.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "target/http/jwt.hpp"
#include "target/http/server.hpp"
#include "target/parts.hpp"
#include "target/service/provider_books.hpp"
#include "target/service/shared_seat_feed.hpp"
#include "tests/e2e/boxoffice_process.hpp"
#include "tests/integration/target_seats/private_redis.hpp"
#include "tests/support/private_mariadb.hpp"

namespace boxoffice {

PrivateMariadb& people_mariadb();
PrivateRedis& people_redis();

// One thread's worth of boxoffice that serves.
class RunningBoxoffice {
 public:
  RunningBoxoffice(Config config, const ServerLimits& limits);
  ~RunningBoxoffice();
  RunningBoxoffice(RunningBoxoffice&&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint16_t admin_port() const noexcept { return admin_port_; }
  [[nodiscard]] const RouteTable& table() const noexcept { return table_; }
  Metrics& metrics() noexcept { return metrics_; }
  ServerLoad& load() noexcept { return load_; }
  ThreadContext& context() noexcept { return *context_; }
  // Begins the drain; true: nothing had to be cut within `grace`.
  bool drain(Millis grace);
  // Runs a coroutine on the server's thread and gives its value.
  template <class Value>
  Value run(Task<Value> task) {
    std::promise<Value> done;
    asio::co_spawn(io_, std::move(task), [&done](std::exception_ptr failure, Value value) {
      failure ? done.set_exception(failure) : done.set_value(std::move(value));
    });
    return done.get_future().get();
  }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  Config config_;
  Metrics metrics_;
  Switches switches_;
  ServerLoad load_;
  std::stop_source stop_;
  std::atomic<bool> prepared_{true};
  RedisClient redis_;
  MysqlPool mysql_;
  std::unique_ptr<EventStore> events_;
  Catalogue catalogue_;
  std::unique_ptr<SeatHolds> seats_;
  std::unique_ptr<HoldDirectory> directory_;
  std::unique_ptr<SeatLedger> ledger_;
  std::unique_ptr<Leases> leases_;
  std::unique_ptr<QueuePlaces> queue_;
  std::unique_ptr<ThreadContext> context_;
  ProviderBooks provider_books_;
  SeatNewsBoard seat_news_;
  RouteTable table_;
  std::vector<std::shared_ptr<void>> owners_;
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0, admin_port_ = 0;
  std::thread thread_;
};

struct Told {
  int status = 0;
  std::string head, text;
  nlohmann::json json;
  [[nodiscard]] std::string code() const {
    return json.is_object() ? json.value("code", "") : std::string();
  }
  [[nodiscard]] std::string field(std::string_view name) const;  // of the head; "" if absent
};

class PeopleFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;

  static Config config_of_suite();
  // Another instance over the same stores.
  static std::unique_ptr<RunningBoxoffice> start(const Config& config,
                                                 const ServerLimits& limits = {});

  // One request on a connection of its own. `fields` are whole header lines.
  static Told ask(std::string_view method, std::string_view path, std::string_view body = "",
                  std::string_view fields = "");
  static Told ask_at(std::uint16_t port, std::string_view method, std::string_view path,
                     std::string_view body = "", std::string_view fields = "");
  static Told ask_as(std::uint64_t user, std::string_view method, std::string_view path,
                     std::string_view body = "", std::string_view fields = "");
  static Told ask_with(const std::string& token, std::string_view method, std::string_view path,
                       std::string_view body = "");
  static Told ask_admin(std::string_view method, std::string_view path, std::string_view body = "");
  static std::string bearer(std::uint64_t user, Role role = Role::user);  // a header line

  static std::vector<std::vector<std::string>> sql(const std::string& statement);
  // An event on sale with its seats in Redis; its id.
  static std::uint64_t seed_event(std::uint32_t rows, std::uint32_t columns,
                                  const std::string& more = "");
  // Status of a hold of these seats.
  static Told hold(std::uint64_t user, std::uint64_t event, const std::vector<int>& seats);
  static bool eventually(const std::function<bool()>& predicate, Millis within = Millis(20000));

  static inline std::unique_ptr<RunningBoxoffice> boxoffice;
};

}  // namespace boxoffice
