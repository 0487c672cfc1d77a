// Goal: /metrics has every name of domain §2.14.1, with a figure, once there was something to
// count. Method: the real binary on private stores, one of everything: a queue, a hold, an order, a
// payment, a refund; then the names are asked for one by one.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/boxoffice_process.hpp"
#include "tests/integration/target_seats/private_redis.hpp"
#include "tests/support/private_mariadb.hpp"

namespace boxoffice::test {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// The list of domain §2.14.1; of `process_*` those that name a layer: CPU, memory, disk, sockets.
constexpr std::string_view names[] = {
    "http_requests_total{",
    "http_request_seconds_bucket{",
    "inflight{",
    "redis_script_seconds_bucket{",
    "mysql_tx_seconds_bucket{",
    "mysql_pool_wait_seconds_bucket{",
    "hold_total{",
    "order_total{",
    "payment_total{",
    "saga_total{",
    "queue_waiting{",
    "queue_active{",
    "queue_admitted_total ",
    "queue_ghosts_total ",
    "queue_wait_seconds_bucket{",
    "push_lag_seconds_bucket{",
    "sse_clients ",
    "ws_clients ",
    "sse_dropped_total{",
    "outbox_age_seconds ",
    "stream_pending{",
    "dead_total ",
    "repair_total{",
    "breaker_state{",
    "lease_owner{",
    "process_cpu_seconds_total ",
    "process_resident_memory_bytes ",
    "process_open_fds ",
    "process_disk_read_bytes_total ",
    "process_disk_written_bytes_total ",
    "process_threads ",
    "connections ",
};

std::vector<std::string_view> missing_in(const std::string& exposition) {
  std::vector<std::string_view> missing;
  for (const std::string_view name : names)
    if (exposition.find("\n" + std::string(name)) == std::string::npos) missing.push_back(name);
  return missing;
}

std::string list_of(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text += std::string(word) + " ";
  return text;
}

class Observability : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& more = {}) {
    if (!PrivateMariadb::installed() || !PrivateRedis::installed())
      GTEST_SKIP() << "MariaDB or Redis is not installed";
    mariadb.emplace();
    redis.emplace();
    std::vector<std::string> words{
        "--redis",           "127.0.0.1:" + std::to_string(redis->port()),
        "--mysql",           "127.0.0.1:" + std::to_string(mariadb->port()),
        "--payment-approve", "1",
        "--payment-delay",   "fixed:1"};
    words.insert(words.end(), more.begin(), more.end());
    boxoffice.emplace(words);
    boxoffice->wait_ready(30s);
  }
  Answer admin(std::string_view method, std::string_view path, const std::string& body = "") {
    RawClient client(boxoffice->admin_port());
    const std::string field = "Admin-Token: " + std::string(BoxofficeProcess::admin_token) + "\r\n";
    return client.exchange(method, path, field, body);
  }
  Json as_person(std::string_view method, const std::string& path, const Json& body = {}) {
    RawClient client(boxoffice->port());
    const std::string fields = "Authorization: Bearer " + token + "\r\nIdempotency-Key: k" +
                               std::to_string(++keys) + "\r\n";
    return client.exchange(method, path, fields, body.is_null() ? "" : body.dump()).json();
  }

  std::optional<PrivateMariadb> mariadb;
  std::optional<PrivateRedis> redis;
  std::optional<BoxofficeProcess> boxoffice;
  std::string token;
  int keys = 0;
};

// The value of a line of /metrics; 0 where there is none.
double figure_in(const std::string& exposition, const std::string& name) {
  const auto at = exposition.find("\n" + name + " ");
  return at == std::string::npos ? 0 : std::stod(exposition.substr(at + name.size() + 2));
}

TEST_F(Observability, LiveSeatMapsAreReadOncePerEventForAllThreads) {
  constexpr int flush_ms = 100;
  ASSERT_NO_FATAL_FAILURE(start({"--threads", "2", "--sse-flush-ms", std::to_string(flush_ms)}));
  if (IsSkipped()) return;
  const Json seeded = admin("POST", "/admin/seed", R"({"events":[{"rows":5,"cols":10}]})").json();
  const std::string event = seeded.at("events").at(0).at("id").dump();
  // The kernel spreads connections over the threads: of sixteen some are on each.
  std::vector<std::unique_ptr<RawClient>> viewers;
  for (int i = 0; i < 16; ++i) {
    viewers.push_back(std::make_unique<RawClient>(boxoffice->port()));
    viewers.back()->start("GET", "/api/events/" + event + "/seats/stream", "", "");
    std::string text;  // until the map is there: this thread's reader runs
    while (text.find("event: snapshot") == std::string::npos) {
      const std::string more = viewers.back()->take(1);
      ASSERT_FALSE(more.empty()) << text;
      text += more;
    }
  }
  const std::string reads = "redis_script_seconds_count{script=\"seat_feed\"}";
  const auto begun = std::chrono::steady_clock::now();
  const double before = figure_in(admin("GET", "/metrics").body, reads);
  std::this_thread::sleep_for(3s);  // a rate is a matter of time
  const double after = figure_in(admin("GET", "/metrics").body, reads);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
  EXPECT_GT(after, before);
  // One reader a thread would make twice as many on a machine with time to spare.
  EXPECT_LE(after - before, 1.25 * took.count() / flush_ms + 2);
}

TEST_F(Observability, EveryNameOfTheSpecificationHasAFigure) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (IsSkipped()) return;
  const Json seeded = admin("POST", "/admin/seed",
                            R"({"users":{"n":1,"prefix":"u"},"events":[{"rows":2,"cols":2},)"
                            R"({"rows":2,"cols":2,"queue":{"on":true}}]})")
                          .json();
  const Json range{{"from", seeded.at("firstUser")}, {"to", seeded.at("firstUser")}};
  token = Json::parse(admin("POST", "/admin/tokens", range.dump()).body).at("token");
  as_person("POST", "/api/events/" + seeded.at("events").at(1).at("id").dump() + "/queue",
            Json::object());
  const Json held = as_person("POST", "/api/reservations",
                              {{"eventId", seeded.at("events").at(0).at("id")}, {"seatId", 0}});
  ASSERT_TRUE(held.contains("holdId")) << held.dump();
  const Json order = as_person("POST", "/api/orders", {{"holdId", held.at("holdId")}});
  ASSERT_TRUE(order.contains("orderId")) << order.dump();
  as_person("POST", "/api/payments/authorize",
            {{"orderId", order.at("orderId")}, {"method", "CARD"}});
  const std::string path = "/api/orders/" + order.at("orderId").get<std::string>();
  EXPECT_EQ(as_person("GET", path + "?waitMs=10000").at("status"), "CONFIRMED");
  as_person("DELETE", path);  // the refund is a step of the saga

  std::string told;
  const auto until = std::chrono::steady_clock::now() + 40s;
  do {
    told = admin("GET", "/metrics").body;
    const bool refunded = figure_in(told, "saga_total{result=\"DONE\",step=\"refund\"}") > 0;
    if (missing_in(told).empty() && refunded) break;
    std::this_thread::sleep_for(200ms);
  } while (std::chrono::steady_clock::now() < until);
  EXPECT_EQ(list_of(missing_in(told)), "") << told;
  // The whole way of one order, step by step: it was held, placed, paid, confirmed, given back.
  for (const char* step : {"hold", "order", "pay", "confirm", "refund"}) {
    const std::string line = "saga_total{result=\"DONE\",step=\"" + std::string(step) + "\"}";
    EXPECT_EQ(figure_in(told, line), 1) << line;
  }
  EXPECT_GE(figure_in(told, "saga_total{result=\"DONE\",step=\"settle\"}"), 1);
}

}  // namespace
}  // namespace boxoffice::test
