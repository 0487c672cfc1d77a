#include "harness/report/digest.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

using std::chrono::milliseconds;

void add(SeriesSnapshot& series, Outcome outcome, std::uint64_t count, Nanos response) {
  series.outcomes[static_cast<std::size_t>(outcome)] += count;
  series.response[static_cast<std::size_t>(outcome)].record(response, count);
}

MeasuredRun run_of_two() {
  MeasuredRun run;
  run.series = {{"s", "buy", true, false}, {"s", "wait", false, true}};
  run.measured.series.resize(2);
  add(run.measured.series[0], Outcome::ok, 80, milliseconds{10});
  add(run.measured.series[0], Outcome::conflict, 10, milliseconds{5});
  add(run.measured.series[0], Outcome::timed_out, 10, milliseconds{500});
  add(run.measured.series[1], Outcome::ok, 1000, milliseconds{2000});
  run.counters = {"confirmed", "never"};
  run.measured.counters = {20};
  run.measured_seconds = 10;
  run.seconds = {{10, 9, 5}, {10, 9, 7}};
  return run;
}

TEST(Digest, TotalsLeaveWaitsOut) {
  RunResult result;
  digest_run(run_of_two(), result);
  EXPECT_EQ(result.total.count, 100U);
  EXPECT_EQ(result.series.at(1).count, 1000U);
  EXPECT_TRUE(result.series.at(1).waits);
  EXPECT_DOUBLE_EQ(result.http_rate, 10);
  EXPECT_DOUBLE_EQ(result.tx_rate, 9);  // definite answers of transactions
  EXPECT_DOUBLE_EQ(result.error_share, 0.1);
  EXPECT_EQ(result.counters.at("confirmed").first, 20U);
  EXPECT_DOUBLE_EQ(result.counters.at("confirmed").second, 2);
  EXPECT_EQ(result.counters.at("never").first, 0U);
  EXPECT_EQ(result.users_min, 5U);
  EXPECT_EQ(result.users_max, 7U);
  EXPECT_DOUBLE_EQ(result.users_mean, 6);
}

TEST(Digest, TheDistributionHoldsEveryAnswerOnce) {
  RunResult result;
  digest_run(run_of_two(), result);
  ASSERT_FALSE(result.distribution.empty());
  std::uint64_t count = 0;
  std::int64_t before = 0;
  for (const LatencyBin& bin : result.distribution) {
    EXPECT_GT(bin.up_to_ns, before);
    before = bin.up_to_ns;
    count += bin.count;
  }
  EXPECT_EQ(count, 90U);  // the ten timeouts have no response time
  EXPECT_EQ(before, Nanos{milliseconds{10}}.count());
}

TEST(Digest, StatusesAreCounted) {
  MeasuredRun run = run_of_two();
  run.measured.statuses = {{200, 80}, {409, 10}};
  RunResult result;
  digest_run(run, result);
  EXPECT_EQ(result.statuses, (std::map<std::string, std::uint64_t>{{"200", 80}, {"409", 10}}));
}

TEST(Digest, QuantilesAmongTimeoutsAreMarked) {
  RunResult result;
  digest_run(run_of_two(), result);
  const SeriesResult::Latency& response = result.total.response;
  EXPECT_EQ(response.count, 100U);
  EXPECT_EQ(response.censored, 10U);
  EXPECT_EQ(response.at_least, (std::vector<std::string>{"mean", "p95", "p99", "p99.9", "max"}));
  EXPECT_NEAR(static_cast<double>(response.ns.at("p90")), 10e6, 1e4);
  EXPECT_NEAR(static_cast<double>(response.ns.at("p95")), 500e6, 5e5);
}

TEST(Digest, OutcomesHaveTheirOwnLatencies) {
  RunResult result;
  digest_run(run_of_two(), result);
  EXPECT_EQ(result.total.response_by_outcome.size(), 3U);
  EXPECT_NEAR(static_cast<double>(result.total.response_by_outcome.at("conflict").ns.at("max")),
              5e6, 1);
  EXPECT_FALSE(result.total.outcomes.contains("shed"));
}

TEST(Digest, RatesAreOfWhatEndedInTheSeconds) {
  MeasuredRun run = run_of_two();
  run.ended_in_seconds = run.measured;
  run.ended_in_seconds->series[0].outcomes[0] = 40;
  run.ended_in_seconds->counters = {10};
  RunResult result;
  digest_run(run, result);
  EXPECT_EQ(result.total.count, 100U);
  EXPECT_DOUBLE_EQ(result.http_rate, 30);  // 60 in two seconds
  EXPECT_DOUBLE_EQ(result.tx_rate, 25);
  EXPECT_DOUBLE_EQ(result.series.at(0).rate, 30);
  EXPECT_DOUBLE_EQ(result.counters.at("confirmed").second, 5);
  EXPECT_EQ(result.counters.at("confirmed").first, 20U);
}

TEST(Digest, NoDataHasNoFigures) {
  RunResult result;
  digest_run({}, result);
  EXPECT_TRUE(result.total.response.ns.empty());
  EXPECT_EQ(result.http_rate, 0);
  const SecondResult second = digest_second({}, {}, {});
  EXPECT_FALSE(second.response_ns_p95);
}

TEST(Digest, ASecondIsATotal) {
  const MeasuredRun run = run_of_two();
  const SecondResult second = digest_second(run.measured, run.series, {7, true, false, 3, 2, 0.5});
  EXPECT_EQ(second.second, 7U);
  EXPECT_TRUE(second.warm_up);
  EXPECT_EQ(second.requests, 100U);
  EXPECT_EQ(second.transactions, 90U);
  EXPECT_EQ(second.errors, 10U);
  EXPECT_EQ(second.users_alive, 3U);
  EXPECT_NEAR(static_cast<double>(*second.response_ns_p50), 10e6, 1e4);
  // Of 100 requests 10 were cut off: where these would have ended, nobody knows.
  EXPECT_EQ(second.at_least, (std::vector<std::string>{"p95", "p99"}));
}

TEST(Digest, ASecondHasTheCountersOfTheProfileZerosIncluded) {
  const MeasuredRun run = run_of_two();
  const SecondResult second = digest_second(run.measured, run.series, {}, run.counters);
  EXPECT_EQ(second.counters,
            (std::map<std::string, std::uint64_t>{{"confirmed", 20}, {"never", 0}}));
  EXPECT_TRUE(digest_second(run.measured, run.series, {}).counters.empty());
}

TEST(Digest, AFunnelHasSharesOfTheStageBefore) {
  BookingFunnel funnel;
  EXPECT_FALSE(digest(funnel)) << "nothing was recorded";
  funnel.stages = {{"held", 40, std::nullopt}, {"ordered", 30, 20}};
  funnel.holds.emplace();
  funnel.holds->acknowledged = 40;
  funnel.holds->dwell.record(milliseconds{1500});
  const auto result = digest(funnel);
  ASSERT_TRUE(result);
  ASSERT_EQ(result->stages.size(), 2U);
  EXPECT_FALSE(result->stages[0].share_of_before);
  EXPECT_EQ(result->stages[1].sessions, 30U);
  EXPECT_EQ(result->stages[1].share_of_before, 0.5);
  EXPECT_EQ(result->holds->dwell.ns.at("p50"), 1'500'000'000);
  EXPECT_FALSE(result->queue_wait);
  funnel.stages[0].sessions = 0;
  EXPECT_FALSE(digest(funnel)->stages[1].share_of_before) << "of nobody";
}

}  // namespace
}  // namespace stampede
