// How connections were made and why requests failed: from a snapshot to the run file and the
// summary.
#include <gtest/gtest.h>

#include <sstream>

#include "harness/report/digest.hpp"
#include "harness/report/run_result.hpp"

namespace stampede {
namespace {

using std::chrono::milliseconds;

RunResult result_with(const Snapshot& measured) {
  MeasuredRun run;
  run.measured = measured;
  run.measured_seconds = 10;
  RunResult result;
  result.verdict = "PASS";
  result.state = "complete";
  result.profile_name = "p";
  digest_run(run, result);
  return result;
}

std::string console_of(const RunResult& result) {
  std::ostringstream out;
  write_console(result, out, false, 100);
  return out.str();
}

TEST(Connecting, PartsAreToldApartFromRequests) {
  Snapshot one, other;
  one.connecting.connect.record(milliseconds{2}, 3);
  other.connecting.tls.record(milliseconds{8}, 2);
  other.connecting.tls_resumed = 1;
  one += other;
  RunResult result = result_with(one);
  result.connecting.tls_insecure = true;
  EXPECT_EQ(result.connecting.connect.count, 3u);
  EXPECT_EQ(result.connecting.dns.count, 0u);
  EXPECT_EQ(result.connecting.tls_resumed, 1u);
  const std::string text = console_of(result);
  EXPECT_NE(text.find("connect 3: p50 2 ms"), std::string::npos) << text;
  EXPECT_NE(text.find("TLS 2 (1 resumed): p50 8"), std::string::npos) << text;
  EXPECT_NE(text.find("TLS is INSECURE"), std::string::npos) << text;
  EXPECT_EQ(text.find("DNS"), std::string::npos) << text;
  const auto read = run_result_from_json(to_json(result));
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->connecting.tls_insecure);
  EXPECT_EQ(read->connecting.tls.count, 2u);
}

TEST(Connecting, EveryReasonHasCountExampleAndAdvice) {
  Snapshot one, other;
  one.failures.add(Failure::refused, "b");
  other.failures.add(Failure::refused, "a");
  other.failures.add(Failure::out_of_ports, std::string(1000, 'x'));
  one += other;
  const RunResult result = result_with(one);
  ASSERT_EQ(result.failures.size(), 2u);
  EXPECT_EQ(result.failures[0].reason, "refused");
  EXPECT_EQ(result.failures[0].count, 2u);
  EXPECT_EQ(result.failures[0].example, "a");
  EXPECT_EQ(result.failures[1].example.size(), FailureCounts::example_bytes_max);
  const std::string text = console_of(result);
  EXPECT_NE(text.find("because refused 2: a"), std::string::npos) << text;
  EXPECT_NE(text.find("ip_local_port_range"), std::string::npos) << text;
  for (std::size_t i = 1; i < failure_count; ++i) {
    EXPECT_FALSE(failure_table[i].name.empty());
    EXPECT_FALSE(failure_table[i].advice.empty()) << failure_table[i].name;
  }
}

TEST(Connecting, OlderRunFilesAreStillRead) {
  auto json = nlohmann::json::parse(to_json(result_with({})));
  EXPECT_EQ(json.erase("connecting") + json.erase("failures") + json.erase("hiccups"), 3u);
  EXPECT_TRUE(run_result_from_json(json.dump()).has_value());
}

}  // namespace
}  // namespace stampede
