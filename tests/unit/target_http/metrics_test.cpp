#include "target/metrics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "target/log.hpp"

namespace boxoffice {
namespace {

void use_everything(Metrics& metrics) {
  using std::chrono::milliseconds;
  metrics.http_request("order", "/api/orders", 201, "", milliseconds(3));
  metrics.http_request("order", "/api/orders", 409, "SEAT_CLAIMED", milliseconds(3));
  metrics.redis_script("hold", milliseconds(1));
  metrics.mysql_tx("order", milliseconds(5));
  metrics.mysql_pool_wait(milliseconds(0));
  metrics.count("hold", "result", "made");
  metrics.count("queue_admitted", 3);
  metrics.gauge("ws_clients", 7);
  metrics.gauge("inflight", "role", "order", 2);
  metrics.observe("push_lag", milliseconds(20));
}

TEST(Metrics, AreWhatWasCounted) {
  Metrics metrics;
  use_everything(metrics);
  metrics.count("hold", "result", "made");
  const std::string text = metrics.exposition();
  for (const char* line :
       {"hold_total{result=\"made\"} 2", "queue_admitted_total 3", "ws_clients 7",
        "push_lag_seconds_count 1", "process_resident_memory_bytes ",
        "http_requests_total{code=\"409\",problem=\"SEAT_CLAIMED\",role=\"order\",route=\"/api/"
        "orders\"} 1",
        "redis_script_seconds_bucket{script=\"hold\",le=\"0.001\"} 1"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST(Metrics, PassTheCheckOfPrometheus) {
  if (!std::filesystem::exists("/usr/bin/promtool")) GTEST_SKIP() << "promtool is not installed";
  Metrics metrics;
  use_everything(metrics);
  const auto path = std::filesystem::temp_directory_path() /
                    ("boxoffice_metrics_" + std::to_string(getpid()) + ".txt");
  std::ofstream(path) << metrics.exposition();
  const std::string command = "/usr/bin/promtool check metrics 2>&1 < " + path.string();
  FILE* const pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  std::array<char, 512> part{};
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) said += part.data();
  EXPECT_EQ(pclose(pipe), 0) << said;
  EXPECT_EQ(said, "");
  std::filesystem::remove(path);
}

TEST(Metrics, SeveralThreadsLoseNothing) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&metrics] {
      for (int i = 0; i < 2000; ++i) metrics.count("hold", "result", i % 2 == 0 ? "a" : "b");
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_NE(metrics.exposition().find("hold_total{result=\"a\"} 4000"), std::string::npos);
}

TEST(Metrics, SeriesAreBounded) {
  Metrics metrics;
  for (int i = 0; i < 5000; ++i) metrics.count("hold", "result", std::to_string(i));
  EXPECT_NE(metrics.exposition().find("metrics_dropped_total "), std::string::npos);
}

TEST(Log, LinesAreJson) {
  const std::string line =
      log_line("a \"quoted\"\nmessage",
               {{"text", "\xff"}, {"number", std::int64_t{-3}}, {"figure", 0.5}, {"flag", true}});
  const auto json = nlohmann::json::parse("{" + line + "}");
  EXPECT_EQ(json["msg"], "a \"quoted\"\nmessage");
  EXPECT_EQ(json["number"], -3);
  EXPECT_EQ(json["figure"], 0.5);
  EXPECT_EQ(json["flag"], true);
}

TEST(Log, LinesSayWhichProcessWroteThem) {
  set_log_labels("127.0.0.1:8082", "order,worker");
  testing::internal::CaptureStdout();
  log_warning("something", {{"trace_id", "0123"}});
  flush_log();
  const auto json = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(json["level"], "warning");
  EXPECT_EQ(json["instance"], "127.0.0.1:8082");
  EXPECT_EQ(json["roles"], "order,worker");
  EXPECT_EQ(json["trace_id"], "0123");
}

}  // namespace
}  // namespace boxoffice
