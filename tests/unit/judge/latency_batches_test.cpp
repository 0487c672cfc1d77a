// Goal: the interval that a report prints covers the truth as often as it says, where requests wait
// in one queue. Method: an M/M/1 queue in virtual time, its samples handed over by second as a run
// hands them over, and the judge's own text read back.
#include "harness/judge/latency_batches.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/judge/gates.hpp"
#include "harness/judge/quantile_interval.hpp"
#include "tests/support/queue_truth.hpp"

namespace stampede {
namespace {

const std::vector<SeriesLabel> series{{"s", "get", false, false}};

Gate gate(const char* text) { return {parse_threshold(text).value(), text, {}}; }

Snapshot second_of(const std::vector<Nanos>& answers) {
  Snapshot second;
  SeriesSnapshot& only = second.series.emplace_back();
  for (const Nanos answer : answers) only.response[0].record(answer);
  only.outcomes[0] = answers.size();
  return second;
}

// `length` seconds of a queue that serves 1,000 a second, by the second in which they ended.
std::vector<Snapshot> queue_seconds(std::uint64_t seed, double arrivals, std::size_t length) {
  test::Exponential gap(2 * seed, 1 / arrivals), work(2 * seed + 1, 1e-3);
  std::vector<Nanos> at, services;
  for (Nanos due{0}; due < std::chrono::seconds{length};) {
    at.push_back(due += gap());
    services.push_back(work());
  }
  const std::vector<Nanos> took = test::response_times(at, services);
  std::vector<std::vector<Nanos>> seconds(length + 2);
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto ended = static_cast<std::size_t>(to_seconds(at[i] + took[i]));
    seconds[std::min(ended, seconds.size() - 1)].push_back(took[i]);
  }
  std::vector<Snapshot> out;
  for (const auto& answers : seconds) out.push_back(second_of(answers));
  return out;
}

MeasuredRun run_of(const std::vector<Snapshot>& seconds, const std::vector<Gate>& gates) {
  MeasuredRun run;
  run.series = series;
  run.samples_min = 1;
  LatencyBatches batches(gates, series);
  for (const Snapshot& second : seconds) {
    run.measured += second;
    batches.add(second);
  }
  run.batched = batches.batched();
  return run;
}

// As the judge computes it, in numbers.
bool covers(const MeasuredRun& run, double p, Nanos truth, bool dependent) {
  const Latencies data = latencies(run.measured, {0}, Threshold::LatencyClock::response);
  RankInterval ranks = quantile_ranks(p, data.count());
  if (dependent) {
    const Nanos estimate = data.quantile(p)->low;
    std::vector<BatchShare> shares;
    for (const Latencies& part : run.batched.front().parts) {
      shares.push_back({part.count(), part.count() - part.known.count_above(estimate)});
    }
    const auto found = dependent_quantile_ranks(shares, data.count(), p, 0.95);
    ranks = {found->lower, found->upper};
  }
  const auto low = ranks.lower ? data.known.at_rank_low(*ranks.lower) : std::nullopt;
  const auto high = ranks.upper ? data.known.at_rank(*ranks.upper) : std::nullopt;
  return (!low || *low <= truth) && (!high || truth <= *high);
}

TEST(LatencyBatches, TheIntervalCoversTheTruthWhereTheNaiveOneDoesNot) {
  const Nanos truth = from_seconds(-std::log(0.05) / (1000 - 800));
  int covered = 0, naive = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const MeasuredRun run = run_of(queue_seconds(seed, 800, 40), {gate("p95 < 1s")});
    covered += covers(run, 0.95, truth, true) ? 1 : 0;
    naive += covers(run, 0.95, truth, false) ? 1 : 0;
  }
  EXPECT_GE(covered, 44) << "of 50; nominally 95 %";
  EXPECT_LT(naive, 25);
  RecordProperty("covered", covered);
  RecordProperty("naive_covered", naive);
}

TEST(LatencyBatches, TheGateSaysWhatItsSamplesAreWorth) {
  const std::vector<Gate> gates{gate("p95 < 1s"), gate("get p50 < 1s"), gate("mean < 1s")};
  const MeasuredRun run = run_of(queue_seconds(7, 800, 40), gates);
  EXPECT_EQ(run.batched.size(), 1U) << "both quantiles are of the same latencies";
  const auto findings = judge(gates, run);
  for (const std::size_t i : {0U, 1U}) {
    const std::string& text = findings[i].samples.front();
    EXPECT_NE(text.find("95 % CI "), std::string::npos) << text;
    EXPECT_NE(text.find("(worth "), std::string::npos) << text;
  }
  MeasuredRun brief = run_of(queue_seconds(7, 800, 2), gates);
  EXPECT_NE(judge(gates, brief)[0].samples.front().find("too short"), std::string::npos);
}

// The p95 of this queue is 15 ms, and 32,000 of its answers tell little of it.
TEST(LatencyBatches, ALimitWithinTheIntervalIsNotDecided) {
  const std::vector<Gate> gates{gate("p95 < 1s"), gate("p95 < 1ms"), gate("p95 > 1ms")};
  const MeasuredRun run = run_of(queue_seconds(7, 800, 40), gates);
  const auto findings = judge(gates, run);
  EXPECT_EQ(findings[0].verdict, Verdict::pass);
  EXPECT_EQ(findings[1].verdict, Verdict::fail);
  EXPECT_EQ(findings[2].verdict, Verdict::pass);
  ASSERT_TRUE(findings[0].interval);
  const FigureInterval interval = *findings[0].interval;
  ASSERT_TRUE(interval.low && interval.high && interval.samples_effective);
  EXPECT_LT(*interval.low, findings[0].figure);
  EXPECT_GT(*interval.high, findings[0].figure);
  EXPECT_LT(*interval.samples_effective, static_cast<double>(interval.samples) / 10);
  EXPECT_EQ(interval.confidence, 0.95);
  for (const double limit :
       {(*interval.low + findings[0].figure) / 2, (*interval.high + findings[0].figure) / 2}) {
    const std::string text = std::to_string(limit * 1e3);
    const Finding near = judge({gate(("p95 < " + text + "ms").c_str())}, run).front();
    EXPECT_EQ(near.verdict, Verdict::inconclusive) << text;
    EXPECT_NE(near.samples.front().find("the limit lies within the interval"), std::string::npos);
  }
}

// Nobody knows what the answers of two seconds are worth: the figure decides, as it says.
TEST(LatencyBatches, AShortRunIsDecidedByItsFigure) {
  const MeasuredRun brief = run_of(queue_seconds(7, 800, 2), {gate("p95 < 1s")});
  const Finding finding = judge({gate("p95 < 1s")}, brief).front();
  ASSERT_TRUE(finding.interval);
  EXPECT_FALSE(finding.interval->samples_effective);
  const std::string above = std::to_string(finding.figure * 1.001e3);
  EXPECT_EQ(judge({gate(("p95 < " + above + "ms").c_str())}, brief).front().verdict, Verdict::pass);
}

TEST(LatencyBatches, ALongRunStaysWithinFortyParts) {
  const std::vector<Gate> gates{gate("p95 < 1s"), gate("service p99 < 1s")};
  LatencyBatches batches(gates, series);
  Snapshot second = second_of({Nanos{1000}, Nanos{2000}});
  second.series[0].service.record(Nanos{500});
  for (int i = 0; i < 1000; ++i) {
    batches.add(second);
    if (i < 100) continue;
    EXPECT_LE(batches.batched()[0].parts.size(), LatencyBatches::parts_max);
    EXPECT_GE(batches.batched()[0].parts.size(), LatencyBatches::parts_max / 2);
  }
  std::uint64_t responses = 0, services = 0;
  for (const Latencies& part : batches.batched()[0].parts) responses += part.count();
  for (const Latencies& part : batches.batched()[1].parts) services += part.count();
  EXPECT_EQ(responses, 2000U);
  EXPECT_EQ(services, 1000U);
}

}  // namespace
}  // namespace stampede
