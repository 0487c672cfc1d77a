#include "harness/judge/gates.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stampede {
namespace {

using std::chrono::milliseconds;

// Series: 0 buyers.enter (transaction) · 1 buyers.seat_map · 2 buyers.admission (waits) ·
// 3 others.enter (transaction)
MeasuredRun empty_run() {
  MeasuredRun run;
  run.series = {{"buyers", "enter", true, false},
                {"buyers", "seat_map", false, false},
                {"buyers", "admission", false, true},
                {"others", "enter", true, false}};
  run.measured.series.resize(4);
  run.counters = {"confirmed", "declined"};
  run.measured.counters = {600, 0};
  run.measured_seconds = 60;
  run.samples_min = 100;
  return run;
}

void add(MeasuredRun& run, SeriesId id, Outcome outcome, std::uint64_t count, Nanos response,
         Nanos service = milliseconds{1}) {
  SeriesSnapshot& series = run.measured.series[id];
  series.outcomes[static_cast<std::size_t>(outcome)] += count;
  series.response[static_cast<std::size_t>(outcome)].record(response, count);
  if (is_answered(outcome)) series.service.record(service, count);
  if (is_censored(outcome)) series.service_censored.record(service, count);
  series.lag.record(response - service, count);
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

TEST(Gate, NoSamplesIsInconclusive) {
  const MeasuredRun run = empty_run();
  for (const std::string_view gate :
       {"p95 < 200ms", "mean < 200ms", "max < 1s", "errors < 1%", "shed <= 1%", "rate >= 0/s",
        "tx_rate >= 0/s", "tx_rate p5 >= 0/s", "users >= 0", "count ok >= 0",
        "confirmed_rate >= 1/s", "buyers.enter errors == 0", "service p50 < 1s"}) {
    EXPECT_EQ(verdict(run, gate), Verdict::inconclusive) << gate;
    EXPECT_TRUE(mentions(judged(run, gate), "no samples")) << gate;
  }
}

TEST(Gate, LatencyIsComparedWithItsLimit) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 950, milliseconds{100});
  add(run, 0, Outcome::ok, 50, milliseconds{300});
  EXPECT_EQ(verdict(run, "p95 < 200ms"), Verdict::pass);
  EXPECT_EQ(verdict(run, "p96 < 200ms"), Verdict::fail);
  EXPECT_EQ(verdict(run, "max < 301ms"), Verdict::pass);
  EXPECT_EQ(verdict(run, "max < 300ms"), Verdict::fail);
  EXPECT_EQ(verdict(run, "mean <= 110ms"), Verdict::pass);
  EXPECT_EQ(verdict(run, "mean < 110ms"), Verdict::fail);
  EXPECT_EQ(verdict(run, "p50 > 99ms"), Verdict::pass);
  const Finding finding = judged(run, "p99 < 200ms");
  EXPECT_EQ(finding.measured, "300 ms");
  EXPECT_EQ(finding.limit, "< 200 ms");
  EXPECT_NEAR(finding.figure, 0.3, 0.001);
  EXPECT_TRUE(mentions(finding, "50 of 1,000 requests above 200 ms"));
}

TEST(Gate, ResponseServiceAndLagAreDifferentClocks) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 1000, milliseconds{500}, milliseconds{10});
  EXPECT_EQ(verdict(run, "p95 < 200ms"), Verdict::fail);
  EXPECT_EQ(verdict(run, "service p95 < 11ms"), Verdict::pass);
  EXPECT_EQ(verdict(run, "lag p95 < 200ms"), Verdict::fail);
}

TEST(Gate, TotalsLeaveWaitsOutAndASelectorTakesThemIn) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 200, milliseconds{10});
  add(run, 2, Outcome::ok, 5000, milliseconds{9000});
  EXPECT_EQ(verdict(run, "max < 1s"), Verdict::pass);
  EXPECT_EQ(verdict(run, "count ok == 200"), Verdict::pass);
  EXPECT_EQ(verdict(run, "admission max < 1s"), Verdict::fail);
  EXPECT_EQ(verdict(run, "buyers.admission count ok == 5000"), Verdict::pass);
}

TEST(Gate, AStepWithoutScenarioIsThatStepInEveryScenario) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 10, milliseconds{10});
  add(run, 3, Outcome::ok, 20, milliseconds{10});
  EXPECT_EQ(verdict(run, "enter count ok == 30"), Verdict::pass);
  EXPECT_EQ(verdict(run, "others.enter count ok == 20"), Verdict::pass);
}

TEST(Gate, LatencyIsOfAnsweredRequestsThatWereNotShed) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 100, milliseconds{10});
  add(run, 0, Outcome::shed, 10000, milliseconds{1});
  add(run, 0, Outcome::connect_failed, 10000, milliseconds{1});
  add(run, 0, Outcome::http_error, 100, milliseconds{400});
  EXPECT_NEAR(judged(run, "p50 < 1s").figure, 0.01, 0.0001);
  EXPECT_NEAR(judged(run, "p75 < 1s").figure, 0.4, 0.001);
}

TEST(Gate, AQuantileAmongTimeoutsIsAtLeast) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 900, milliseconds{10});
  add(run, 0, Outcome::timed_out, 100, milliseconds{500});
  EXPECT_EQ(verdict(run, "p90 < 200ms"), Verdict::pass);
  const Finding finding = judged(run, "p95 < 2s");
  EXPECT_EQ(finding.verdict, Verdict::fail);  // 500 ms is below 2 s, and yet nobody knows
  EXPECT_EQ(finding.measured, "≥ 500 ms");
  EXPECT_TRUE(mentions(finding, "at least"));
  EXPECT_TRUE(mentions(finding, "no upper bound"));
  EXPECT_EQ(verdict(run, "p95 > 400ms"), Verdict::pass);
  EXPECT_EQ(verdict(run, "max < 1s"), Verdict::fail);
  EXPECT_EQ(verdict(run, "mean < 1s"), Verdict::pass);  // timeouts at their timeout value
  EXPECT_EQ(judged(run, "mean < 1s").measured, "≥ 59 ms");
  EXPECT_EQ(verdict(run, "mean < 50ms"), Verdict::fail);
}

TEST(Gate, AShortCutOffCannotLowerAQuantileUnseen) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 900, milliseconds{100});
  add(run, 0, Outcome::ok, 90, milliseconds{300});
  // Cut off at 1 ms: by rank they lie at the bottom, in truth nobody knows.
  add(run, 0, Outcome::unfinished, 10, milliseconds{1});
  const Finding finding = judged(run, "p90.5 < 200ms");
  EXPECT_EQ(finding.measured, "≥ 100 ms");
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_EQ(verdict(run, "p90.5 < 301ms"), Verdict::pass);  // whatever they would have taken
}

// Both bounds lie in one bucket then, whose upper edge is above the largest known value.
TEST(Gate, AQuantileBelowEveryCutOffRequestIsExact) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 990, milliseconds{10});
  add(run, 0, Outcome::timed_out, 10, milliseconds{500});
  EXPECT_EQ(judged(run, "p95 < 200ms").measured, "10 ms");
}

TEST(Gate, ErrorsAndShedAreShares) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 970, milliseconds{10});
  add(run, 0, Outcome::conflict, 10, milliseconds{10});
  add(run, 0, Outcome::shed, 10, milliseconds{10});
  add(run, 0, Outcome::timed_out, 7, milliseconds{10});
  add(run, 0, Outcome::http_error, 3, milliseconds{10});
  EXPECT_EQ(verdict(run, "errors <= 1%"), Verdict::pass);
  EXPECT_EQ(verdict(run, "errors < 1%"), Verdict::fail);
  EXPECT_EQ(verdict(run, "shed <= 1%"), Verdict::pass);
  EXPECT_TRUE(mentions(judged(run, "errors < 1%"), "timed_out 7, http_error 3"));
}

TEST(Gate, NoErrorsComeWithTheirUpperBound) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 1000, milliseconds{10});
  const Finding finding = judged(run, "errors == 0");
  EXPECT_EQ(finding.verdict, Verdict::pass);
  EXPECT_TRUE(mentions(finding, "below 0.3 % with 95 % confidence"));
}

TEST(Gate, RatesAreOfTheMeasuredSeconds) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 540, milliseconds{10});
  add(run, 0, Outcome::conflict, 60, milliseconds{10});
  add(run, 0, Outcome::timed_out, 600, milliseconds{10});
  add(run, 1, Outcome::ok, 600, milliseconds{10});
  EXPECT_EQ(verdict(run, "rate >= 30/s"), Verdict::pass);
  EXPECT_EQ(verdict(run, "rate > 30/s"), Verdict::fail);
  // Definite answers of transactions only.
  EXPECT_EQ(verdict(run, "tx_rate == 10/s"), Verdict::pass);
  EXPECT_EQ(verdict(run, "confirmed_rate >= 10/s"), Verdict::pass);
  EXPECT_EQ(verdict(run, "confirmed_count == 600"), Verdict::pass);
  EXPECT_EQ(verdict(run, "declined_count > 0"), Verdict::fail);
  run.measured_seconds = 0;
  EXPECT_EQ(verdict(run, "rate >= 0/s"), Verdict::inconclusive);
}

// Sessions go on in the drain: their requests must not be throughput of the window.
TEST(Gate, RatesLeaveOutWhatEndedAfterTheWindow) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 700, milliseconds{10});
  run.seconds.resize(60);
  run.ended_in_seconds = run.measured;
  run.ended_in_seconds->series[0].outcomes[0] = 600;
  run.ended_in_seconds->counters = {300};
  EXPECT_EQ(verdict(run, "rate == 10/s"), Verdict::pass);
  EXPECT_EQ(verdict(run, "enter tx_rate == 10/s"), Verdict::pass);
  EXPECT_EQ(verdict(run, "confirmed_rate == 5/s"), Verdict::pass);
  EXPECT_EQ(verdict(run, "confirmed_count == 600"), Verdict::pass);
  EXPECT_EQ(verdict(run, "count ok == 700"), Verdict::pass);
}

TEST(Gate, SecondsGiveUsersAndTheWorstRates) {
  MeasuredRun run = empty_run();
  add(run, 0, Outcome::ok, 1000, milliseconds{10});
  for (std::uint64_t second = 1; second <= 20; ++second)
    run.seconds.push_back({0, second * 10, second});
  EXPECT_EQ(verdict(run, "users >= 1"), Verdict::pass);
  EXPECT_EQ(verdict(run, "users > 1"), Verdict::fail);
  EXPECT_EQ(verdict(run, "users mean >= 10.5"), Verdict::pass);
  EXPECT_NEAR(judged(run, "tx_rate p5 >= 1/s").figure, 10, 1e-9);
  EXPECT_NEAR(judged(run, "tx_rate p50 >= 1/s").figure, 100, 1e-9);
}

TEST(Gate, HighQuantilesNeedSamples) {
  MeasuredRun run = empty_run();
  run.samples_min = 1000;
  add(run, 0, Outcome::ok, 999, milliseconds{10});
  EXPECT_EQ(verdict(run, "p95 < 200ms"), Verdict::inconclusive);
  EXPECT_TRUE(mentions(judged(run, "p95 < 200ms"), "999 of 1,000 samples"));
  EXPECT_EQ(verdict(run, "p90 < 200ms"), Verdict::pass);
  EXPECT_EQ(verdict(run, "mean < 200ms"), Verdict::pass);
  add(run, 0, Outcome::ok, 1, milliseconds{10});
  EXPECT_EQ(verdict(run, "p95 < 200ms"), Verdict::pass);
}

TEST(Gate, QuantileRanksEncloseTheExactOnes) {
  struct Case {
    std::uint64_t n, lower, upper;  // exact 95 % ranks of p95
  };
  for (const Case& exact : {Case{1000, 936, 964}, Case{10'000, 9457, 9543},
                            Case{100'000, 94'864, 95'136}, Case{1'000'000, 949'572, 950'428}}) {
    const RankInterval ranks = quantile_ranks(0.95, exact.n);
    ASSERT_TRUE(ranks.lower && ranks.upper);
    EXPECT_LE(*ranks.lower, exact.lower);
    EXPECT_GE(*ranks.lower + 1, exact.lower);
    EXPECT_GE(*ranks.upper, exact.upper);
    EXPECT_LE(*ranks.upper, exact.upper + 1);
  }
  EXPECT_FALSE(quantile_ranks(0.99, 100).upper);
  EXPECT_FALSE(quantile_ranks(0.01, 100).lower);
  EXPECT_FALSE(quantile_ranks(0.5, 0).upper);
}

TEST(Gate, TheIntervalEnclosesTheQuantile) {
  MeasuredRun run = empty_run();
  for (int i = 1; i <= 1000; ++i) add(run, 0, Outcome::ok, 1, milliseconds{i});
  const Finding finding = judged(run, "p95 < 2s");
  EXPECT_TRUE(mentions(finding, "95 % CI 936 ms … 965 ms, n = 1,000")) << finding.samples[0];
}

Gate gate_of(std::string_view text) {
  return {parse_threshold(text).value(), std::string(text), {7, 3}};
}

TEST(GateCheck, NamesWhatDoesNotExist) {
  const MeasuredRun run = empty_run();
  const Diagnostics problems =
      check_gates({gate_of("entr p95 < 1s"), gate_of("buyers.enter p95 < 1s"),
                   gate_of("sellers.enter p95 < 1s"), gate_of("confirmd_rate > 1/s"),
                   gate_of("p95 < 1s"), gate_of("declined_count > 0")},
                  run.series, run.counters, "x.yaml");
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_EQ(problems[0].message, "no step is called `entr`");
  EXPECT_EQ(problems[0].hint, "did you mean `enter`?");
  EXPECT_EQ(problems[0].file, "x.yaml");
  EXPECT_EQ(problems[0].place.line, 7);
  EXPECT_EQ(problems[1].message, "no step is called `sellers.enter`");
  EXPECT_EQ(problems[2].hint, "did you mean `confirmed`?");
}

TEST(GateCheck, MeasuresOfTheWholeRunTakeNoSelector) {
  const MeasuredRun run = empty_run();
  Gate gate = gate_of("users >= 5");
  gate.threshold.step = "enter";
  EXPECT_EQ(check_gates({gate}, run.series, run.counters, "").size(), 1U);
}

}  // namespace
}  // namespace stampede
