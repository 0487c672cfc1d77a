// The result as metrics: what Prometheus' own checker accepts, and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "harness/report/run_result.hpp"
#include "tests/unit/report/external.hpp"
#include "tests/unit/report/sample_result.hpp"

namespace stampede {
namespace {

using testing::HasSubstr;

std::string metrics(const RunResult& result) {
  std::ostringstream out;
  write_openmetrics(result, out);
  return out.str();
}

TEST(OpenMetrics, TellsVerdictQuantilesAndCounts) {
  RunResult result = passing_result();
  result.total.response.ns["p95"] = 42'500'000;
  const std::string text = metrics(result);
  for (const char* line :
       {"stampede_run_verdict{verdict=\"PASS\"} 1\n", "stampede_run_exit_code 0\n",
        "\nstampede_response_seconds{quantile=\"0.95\"} 0.0425\n",
        "stampede_requests{scenario=\"buyers\",step=\"hold\",outcome=\"conflict\"} 840\n",
        "stampede_response_seconds_count{scenario=\"buyers\",step=\"hold\"} 13260\n",
        "stampede_counted{counter=\"confirmed\"} 6870\n",
        "stampede_funnel_sessions{stage=\"held\"} 23900\n",
        "stampede_gate_figure{rule=\"users >= 9500\",result=\"held\"} 10050\n",
        "stampede_findings{kind=\"gate\",result=\"held\"} 8\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(OpenMetrics, AnInvalidRunNeverSaysPass) {
  EXPECT_EQ(metrics(invalid_result()).find("PASS"), std::string::npos);
}

TEST(OpenMetrics, PassTheCheckOfPrometheus) {
  if (!command_works("promtool --version")) GTEST_SKIP() << "promtool is not installed";
  RunResult nasty = failing_result();
  nasty.findings[0].rule = "p95 < \"1\" \\ \n{}";
  nasty.findings[1].rule = nasty.findings[0].rule;
  nasty.series[0].step = "a\"b\\c\nd";
  nasty.findings[2].figure = std::numeric_limits<double>::infinity();
  for (const RunResult& result : {passing_result(), failing_result(), invalid_result(),
                                  unfinished_result(), RunResult{}, nasty}) {
    EXPECT_TRUE(accepted_by("promtool check metrics < {}", metrics(result))) << metrics(result);
  }
  EXPECT_FALSE(accepted_by("promtool check metrics < {}", metrics(nasty) + "no metric at all\n"));
}

}  // namespace
}  // namespace stampede
