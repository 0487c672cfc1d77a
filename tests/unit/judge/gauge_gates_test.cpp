// Gates on gauges, and gates against another figure, on made-up readings.
#include "harness/judge/gauge_gates.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/judge/gates.hpp"

namespace stampede {
namespace {

using std::chrono::milliseconds;

// A reading a second. Admissions begin in second 5 with a burst, at 200 a second; the room is full
// from second 20 on.
MeasuredRun opening() {
  MeasuredRun run;
  run.gauges.names = {"waiting", "active", "admitted"};
  for (int second = 0; second < 30; ++second) {
    const int open = std::max(0, std::min(second, 20) - 5);
    const double active = second < 5 ? 0 : 400.0 + 200 * (open - 1);
    run.gauges.rows.push_back({static_cast<double>(second), {5000.0 - active, active, active}});
  }
  return run;
}

Finding judged(const MeasuredRun& run, std::string_view gate) {
  return judge(parse_threshold(gate).value(), gate, run);
}
Verdict verdict(const MeasuredRun& run, std::string_view gate) { return judged(run, gate).verdict; }
bool mentions(const Finding& finding, std::string_view text) {
  return std::ranges::any_of(finding.samples, [&](const std::string& sample) {
    return sample.find(text) != std::string::npos;
  });
}

TEST(GaugeGates, StatisticsOfAllReadings) {
  const MeasuredRun run = opening();
  EXPECT_EQ(judged(run, "gauge active max <= 3200").figure, 3200);
  EXPECT_EQ(verdict(run, "gauge active max <= 3200"), Verdict::pass);
  EXPECT_EQ(verdict(run, "gauge active max < 3200"), Verdict::fail);
  EXPECT_EQ(judged(run, "gauge active min == 0").figure, 0);
  EXPECT_EQ(judged(run, "gauge waiting last < 2000").figure, 1800);
  EXPECT_EQ(judged(run, "gauge active max < 9").measured, "3,200");
  EXPECT_EQ(judged(run, "gauge active max < 9").title, "highest active of the target");
}

TEST(GaugeGates, ARateCountsOnlyWhereTheConditionsHold) {
  const MeasuredRun run = opening();
  const std::string during = " while waiting > 0 and active > 0 and active < 3200";
  const Finding finding = judged(run, "gauge admitted rate >= 196/s" + during);
  EXPECT_DOUBLE_EQ(finding.figure, 200);
  EXPECT_EQ(finding.verdict, Verdict::pass);
  EXPECT_TRUE(mentions(finding, "15 of 30 samples, 14.0 s")) << finding.samples.front();
  EXPECT_EQ(verdict(run, "gauge admitted rate >= 204/s" + during), Verdict::fail);
  // All readings: the wait before and the full room after count, too.
  EXPECT_NEAR(judged(run, "gauge admitted rate < 1/s").figure, 3200.0 / 29, 1e-9);
}

TEST(GaugeGates, ACounterThatFellBeganAnew) {
  MeasuredRun run;
  run.gauges.names = {"sent"};
  for (const double value : {100.0, 150.0, 10.0, 60.0}) {
    run.gauges.rows.push_back({static_cast<double>(run.gauges.rows.size()), {value}});
  }
  EXPECT_NEAR(judged(run, "gauge sent rate < 1/s").figure, 110.0 / 3, 1e-9);
}

MeasuredRun line(double from, double step, int readings) {
  MeasuredRun run;
  run.gauges.names = {"memory"};
  for (int i = 0; i < readings; ++i) run.gauges.rows.push_back({i * 1.0, {from + step * i}});
  return run;
}

TEST(GaugeGates, TrendsAreRelative) {
  EXPECT_EQ(verdict(line(1000, 0, 100), "gauge memory growth < 1%"), Verdict::pass);
  // First quarter 1000 … 1024, last 1075 … 1099.
  EXPECT_NEAR(judged(line(1000, 1, 100), "gauge memory growth < 1%").figure, 75.0 / 1012, 1e-9);
  EXPECT_EQ(verdict(line(1000, 1, 100), "gauge memory growth < 1%"), Verdict::fail);
  EXPECT_EQ(verdict(line(1000, -1, 100), "gauge memory growth < 1%"), Verdict::pass);
  EXPECT_NEAR(judged(line(1000, 1, 101), "gauge memory slope < 1%/h").figure, 3600.0 / 1050, 1e-9);
  EXPECT_EQ(verdict(line(0, 0, 100), "gauge memory growth < 1%"), Verdict::pass);
}

TEST(GaugeGates, WhatIsNotKnownIsNoPass) {
  EXPECT_EQ(verdict(MeasuredRun{}, "gauge memory max < 1"), Verdict::inconclusive);
  EXPECT_EQ(verdict(line(1, 1, 7), "gauge memory growth < 900%"), Verdict::inconclusive);
  EXPECT_EQ(verdict(line(1, 1, 1), "gauge memory rate < 1/s"), Verdict::inconclusive);
  MeasuredRun run = opening();
  EXPECT_EQ(verdict(run, "gauge active max < 9 while waiting > 9000"), Verdict::inconclusive);
  EXPECT_TRUE(mentions(judged(run, "gauge active max < 9 while waiting > 9000"),
                       "none of 30 samples while waiting > 9,000"));
  for (GaugeRow& row : run.gauges.rows) row.values[1].reset();
  run.gauges.problem = "no answer";
  EXPECT_EQ(verdict(run, "gauge active max < 9"), Verdict::inconclusive);
  EXPECT_TRUE(mentions(judged(run, "gauge active max < 9"), "no answer"));
  // A condition on what is not known does not hold.
  EXPECT_EQ(verdict(run, "gauge waiting max < 9 while active >= 0"), Verdict::inconclusive);
}

MeasuredRun two_steps() {
  MeasuredRun run;
  run.series = {{"old", "hold", true, false}, {"new", "hold", true, false}};
  run.measured.series.resize(2);
  run.measured_seconds = 10;
  run.samples_min = 10;
  for (const auto& [id, took] : {std::pair{0U, milliseconds{100}}, {1U, milliseconds{80}}}) {
    run.measured.series[id].outcomes[0] = 100;
    run.measured.series[id].response[0].record(took, 100);
  }
  return run;
}

TEST(RelativeGates, TheLimitIsAnotherFigure) {
  const MeasuredRun run = two_steps();
  EXPECT_EQ(verdict(run, "new.hold p95 < old.hold p95"), Verdict::pass);
  EXPECT_EQ(verdict(run, "old.hold p95 < new.hold p95"), Verdict::fail);
  EXPECT_EQ(verdict(run, "old.hold p95 <= 1.3 x new.hold p95"), Verdict::pass);
  EXPECT_EQ(verdict(run, "new.hold count ok >= old.hold count ok"), Verdict::pass);
  EXPECT_TRUE(mentions(judged(run, "old.hold p95 <= 1.3 x new.hold p95"),
                       "the limit is 1.3 × the p95 of the response time of new.hold"));
}

TEST(RelativeGates, WithoutTheOtherFigureThereIsNoVerdict) {
  MeasuredRun run = two_steps();
  run.measured.series[0] = {};
  EXPECT_EQ(verdict(run, "new.hold p95 < old.hold p95"), Verdict::inconclusive);
}

}  // namespace
}  // namespace stampede
