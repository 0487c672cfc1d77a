// What operators get: alert rules that Prometheus accepts and that fire when they should, and a
// dashboard; both name only metrics that exist.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "target/metrics.hpp"
#include "test_paths.hpp"

namespace boxoffice {
namespace {

std::string ops(const std::string& file) {
  return std::string(STAMPEDE_SOURCE_DIR) + "/target/ops/" + file;
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The metrics that a PromQL expression names; those of recording rules have a colon.
std::set<std::string> metrics_in(std::string expression) {
  static const std::set<std::string> words{
      "sum", "rate", "increase", "max",     "min", "by",   "histogram_quantile", "and", "or", "on",
      "le",  "job",  "up",       "without", "avg", "route"};
  for (const char* part :
       {R"("[^"]*")", R"(\{[^}]*\})", R"(\[[^\]]*\])", R"(\b(by|without) *\([^)]*\))"}) {
    expression = std::regex_replace(expression, std::regex(part), " ");
  }
  std::set<std::string> names;
  const std::regex word("[a-zA-Z_:][a-zA-Z0-9_:]*");
  for (std::sregex_iterator at(expression.begin(), expression.end(), word), end; at != end; ++at) {
    const std::string name = at->str();
    if (name.find(':') == std::string::npos && !words.contains(name)) names.insert(name);
  }
  return names;
}

void expect_known(const std::string& expression) {
  static const std::set<std::string_view> known = [] {
    const auto names = Metrics::names();
    return std::set<std::string_view>(names.begin(), names.end());
  }();
  for (std::string name : metrics_in(expression)) {
    for (const std::string_view part : {"_bucket", "_count", "_sum"}) {
      if (name.ends_with(part)) name.resize(name.size() - part.size());
    }
    EXPECT_TRUE(known.contains(name)) << name << " in " << expression;
  }
}

std::string run(const std::string& command, int& status) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  std::string said;
  std::array<char, 512> part{};
  while (pipe != nullptr && std::fgets(part.data(), part.size(), pipe) != nullptr)
    said += part.data();
  status = pclose(pipe);
  return said;
}

TEST(Ops, PrometheusAcceptsTheRulesAndTheyFireWhenTheyShould) {
  if (!std::filesystem::exists("/usr/bin/promtool")) GTEST_SKIP() << "promtool is not installed";
  for (const auto& [what, file] :
       std::vector<std::pair<std::string, std::string>>{{"check rules", "alerts.yaml"},
                                                        {"test rules", "alerts_test.yaml"},
                                                        {"check config", "prometheus.yaml"}}) {
    int status = 0;
    const std::string said = run("/usr/bin/promtool " + what + " " + ops(file), status);
    EXPECT_EQ(status, 0) << said;
    EXPECT_NE(said.find("SUCCESS"), std::string::npos) << said;
  }
}

TEST(Ops, RulesNameOnlyMetricsThatExist) {
  std::istringstream lines(text_of(ops("alerts.yaml")));
  int expressions = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find("expr: ");
    if (at == std::string::npos) continue;
    std::string expression = line.substr(at + 6);
    if (expression == ">-") {
      expression.clear();
      const auto depth = at + 2;
      while (lines.peek() == ' ' && std::getline(lines, line)) {
        if (line.find_first_not_of(' ') < depth) break;
        expression += line;
      }
    }
    expect_known(expression);
    ++expressions;
  }
  EXPECT_GT(expressions, 20);
}

TEST(Ops, TheDashboardNamesOnlyMetricsThatExistAndEveryOneOfTheList) {
  const auto board = nlohmann::json::parse(text_of(ops("dashboard.json")), nullptr, false);
  ASSERT_TRUE(board.is_object());
  std::string all;
  std::set<int> ids;
  for (const auto& panel : board.at("panels")) {
    EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second) << "a panel's id is there twice";
    if (panel.at("type") == "row") continue;
    EXPECT_FALSE(panel.at("targets").empty()) << panel.at("title");
    for (const auto& target : panel.at("targets")) {
      const std::string expression = target.at("expr");
      expect_known(expression);
      all += expression + "\n";
    }
  }
  // The list of the specification.
  for (const char* name : {"http_requests_total",
                           "http_request_seconds",
                           "inflight",
                           "redis_script_seconds",
                           "mysql_tx_seconds",
                           "mysql_pool_wait_seconds",
                           "hold_total",
                           "order_total",
                           "payment_total",
                           "saga_total",
                           "queue_waiting",
                           "queue_active",
                           "queue_admitted_total",
                           "queue_ghosts_total",
                           "queue_wait_seconds",
                           "push_lag_seconds",
                           "sse_clients",
                           "ws_clients",
                           "sse_dropped_total",
                           "outbox_age_seconds",
                           "stream_pending",
                           "dead_total",
                           "repair_total",
                           "breaker_state",
                           "lease_owner",
                           "process_cpu_seconds_total",
                           "process_resident_memory_bytes",
                           "process_open_fds"}) {
    EXPECT_NE(all.find(name), std::string::npos) << name;
    const auto names = Metrics::names();
    EXPECT_NE(std::ranges::find(names, name), names.end()) << name;
  }
}

}  // namespace
}  // namespace boxoffice
