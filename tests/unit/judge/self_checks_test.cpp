// A mutation for each row of L1–L18: facts in which all is well, one of them damaged, and exactly
// that row must trip. And rows that were not run never say that they hold.
#include "harness/judge/self_checks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "harness/judge/validity.hpp"
#include "harness/judge/verdict.hpp"
#include "harness/measure/stationarity.hpp"
#include "harness/measure/statistics.hpp"

namespace stampede {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Standing = Finding::Standing;

// Gaps that are Exp(1) without chance.
std::vector<double> ideal_gaps(std::size_t n) {
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back(-std::log1p(-(static_cast<double>(i) + 0.5) / static_cast<double>(n)));
  }
  return out;
}

ArrivalShape poisson() {
  ArrivalShape shape;
  shape.scenario = "buyers";
  shape.gaps = ideal_gaps(4096);
  shape.count = 40'000;
  for (int i = 0; i < 40'000; ++i) {
    shape.due.add((i + 0.5) / 40'000);
    shape.dispatched.add((i + 0.5) / 40'000);
  }
  return shape;
}

ArrivalShape regular() {
  ArrivalShape shape;
  shape.scenario = "clerks";
  shape.regular = true;
  shape.count = 1000;
  shape.gap_deviation = 0.01;
  shape.late_max = 0.4;
  shape.drift_max = 0.02;
  return shape;
}

Histogram answers_of(Nanos value, std::uint64_t count) {
  Histogram histogram;
  histogram.record(value, count);
  return histogram;
}

SelfMeasure good_self() {
  SelfMeasure self;
  self.arrivals = {poisson(), regular()};
  self.arrival_seconds.assign(60, {1000, 1000, microseconds{50}});
  Hiccups hiccups;
  hiccups.excess.record(microseconds{60}, 60'000);
  hiccups.taint_limit = milliseconds{20};
  hiccups.samples = 60'000;
  self.hiccups = std::move(hiccups);
  self.threads = {{"load-0", 0.5, 0.001, 10, 0}};
  MachineUse machine;
  machine.steal_share = 0.0;
  machine.softirq_share = 0.01;
  machine.throttled = machine.listen_overflows = machine.tcp_timeouts = 0;
  machine.syn_retransmits = machine.retransmits = machine.receive_drops = 0;
  self.machine = machine;
  self.connections = 1000;
  self.null_target = NullTarget{50'000, microseconds{90}};
  self.probe = ProbeStream{"buyers", "get", answers_of(milliseconds{20}, 600)};
  self.identity = LittleIdentity{1'200'000, 1'200'000, 0};
  self.in_flight = LittleSample{20, 20.1, 0.001, 60'000};
  self.clock = ClockFacts{0, 60'000, 0.4};
  self.target_clock = {ClockOffset{microseconds{300}, milliseconds{1}},
                       ClockOffset{microseconds{-200}, milliseconds{1}}, "", true};
  self.workers.resize(2);
  for (WorkerAnswers& worker : self.workers) {
    worker.response.record(milliseconds{20}, 30'000);
    for (int i = 0; i < 60; ++i) worker.p95_seconds.push_back(0.02 + 0.0001 * (i % 7));
  }
  self.draws = std::vector<Draws>{{"choose 1 of buyers", {0.7, 0.3}, {7020, 2980}}};
  return self;
}

struct Generator {
  MeasuredRun run;
  SelfMeasure self = good_self();
  std::vector<Gate> gates;
  ValidityFacts facts;
  ValiditySpec limits;
  Generator() {
    run.series = {{"buyers", "get", false, false}};
    SeriesSnapshot& series = run.measured.series.emplace_back();
    series.outcomes[0] = 60'000;
    series.response[0].record(milliseconds{20}, 60'000);
    series.lag.record(microseconds{60}, 60'000);
    run.measured.requests_begun = 60'000;
    run.measured.connections = 1000;
    run.measured.connecting.segments.connections = 1000;
    run.measured.loop_lag.record(microseconds{100}, 6000);
    run.measured.sessions = {60'000, 60'000, 0, 0, 0};
    for (int i = 0; i < 60; ++i) {
      run.seconds.push_back({1000, 0, 50, milliseconds{20} + microseconds{10 * (i % 7)}});
    }
    gates = {{parse_threshold("p95 < 200ms").value(), "p95 < 200ms", {}},
             {parse_threshold("errors < 0.5%").value(), "errors < 0.5%", {}}};
    facts.arrivals_planned = 60'000;
    facts.worker_cpu_max = 0.5;
    facts.steady_plan = true;
  }
  [[nodiscard]] std::vector<Finding> judged() {
    facts.measured = &run.measured;
    facts.run = &run;
    facts.self = &self;
    facts.gates = &gates;
    return judge_validity(facts, limits);
  }
};

std::vector<std::string> rules_with(const std::vector<Finding>& findings,
                                    const std::function<bool(const Finding&)>& wanted) {
  std::vector<std::string> rules;
  for (const Finding& finding : findings) {
    if (wanted(finding)) rules.push_back(finding.rule);
  }
  std::ranges::sort(rules);
  return rules;
}

std::vector<std::string> invalid_in(const std::vector<Finding>& findings) {
  return rules_with(findings, [](const Finding& f) { return f.verdict != Verdict::pass; });
}

std::vector<std::string> standing_in(const std::vector<Finding>& findings, Standing standing) {
  return rules_with(findings, [standing](const Finding& f) { return f.standing == standing; });
}

const Finding& row_of(const std::vector<Finding>& findings, const std::string& rule) {
  const auto found = std::ranges::find(findings, rule, &Finding::rule);
  if (found == findings.end()) throw std::runtime_error("no row " + rule);
  return *found;
}

TEST(SelfChecks, AGoodGeneratorHoldsEveryRow) {
  Generator generator;
  const auto findings = generator.judged();
  EXPECT_EQ(invalid_in(findings), std::vector<std::string>{});
  for (const Standing standing :
       {Standing::warned, Standing::lifted, Standing::not_run, Standing::not_applicable}) {
    EXPECT_EQ(standing_in(findings, standing), std::vector<std::string>{});
  }
  std::vector<std::string> checks;
  for (const Finding& finding : findings) {
    const bool known = finding.check.empty() || (!checks.empty() && checks.back() == finding.check);
    if (!known) checks.push_back(finding.check);
    EXPECT_FALSE(finding.measured.empty()) << finding.rule;
    EXPECT_FALSE(finding.limit.empty()) << finding.rule;
    EXPECT_FALSE(finding.title.empty()) << finding.rule;
  }
  const std::vector<std::string> every{"L1",  "L2",  "L3",  "L4",  "L4b", "L5",  "L6",
                                       "L7",  "L8",  "L9",  "L10", "L11", "L12", "L13",
                                       "L14", "L15", "L16", "L17", "L18"};
  EXPECT_EQ(checks, every);
}

struct Mutation {
  std::string check, rule;
  std::function<void(Generator&)> apply;
  Standing standing = Standing::judged;  // judged: it makes the run INVALID
};

// What a list of tests shows of it.
void PrintTo(const Mutation& mutation, std::ostream* out) {
  *out << mutation.check << ' ' << mutation.rule
       << (mutation.standing == Standing::warned ? ", warned" : "");
}

class SelfCheckRow : public testing::TestWithParam<Mutation> {};

TEST_P(SelfCheckRow, IsTrippedByItsMutationAlone) {
  Generator generator;
  GetParam().apply(generator);
  const auto findings = generator.judged();
  const std::vector<std::string> only{GetParam().rule};
  const Finding& row = row_of(findings, GetParam().rule);
  EXPECT_EQ(row.check, GetParam().check);
  EXPECT_FALSE(row.samples.empty()) << "it names a remedy";
  if (GetParam().standing == Standing::judged) {
    EXPECT_EQ(invalid_in(findings), only);
    EXPECT_EQ(run_verdict(findings), Verdict::invalid);
  } else {
    EXPECT_EQ(invalid_in(findings), std::vector<std::string>{});
    EXPECT_EQ(standing_in(findings, GetParam().standing), only);
  }
}

constexpr auto W = Standing::warned;

INSTANTIATE_TEST_SUITE_P(
    Lateness, SelfCheckRow,
    testing::Values(
        Mutation{
            "L1", "start_lag_p99",
            [](Generator& g) { g.run.measured.series[0].lag.record(microseconds{2100}, 2000); }},
        Mutation{"L1", "start_lag_max",
                 [](Generator& g) { g.run.measured.series[0].lag.record(milliseconds{201}, 1); }},
        Mutation{"L2", "not_sent",
                 [](Generator& g) {
                   g.run.measured.sessions = {60'000, 59'960, 0, 0, 40};  // 0.067 %
                 }},
        Mutation{"L2", "not_sent",
                 [](Generator& g) {
                   g.run.measured.sessions = {60'000, 59'990, 0, 0, 10};
                 },
                 W},
        Mutation{"L3", "rate_achieved", [](Generator& g) { g.facts.arrivals_planned = 61'000; }},
        Mutation{"L3", "rate_per_second",
                 [](Generator& g) {
                   g.self.arrival_seconds[30] = {1000, 890, milliseconds{110}};
                 }},
        Mutation{"L6", "loop_lag_p99",
                 [](Generator& g) { g.run.measured.loop_lag.record(milliseconds{6}, 100); }},
        Mutation{"L6", "loop_lag_p99",
                 [](Generator& g) { g.run.measured.loop_lag.record(milliseconds{2}, 20); }, W},
        Mutation{"L6", "loop_lag_max",
                 [](Generator& g) { g.run.measured.loop_lag.record(milliseconds{201}, 1); }},
        Mutation{"L6", "tainted_answers", [](Generator& g) { g.self.hiccups->tainted = 700; }},
        Mutation{"L6", "tainted_answers", [](Generator& g) { g.self.hiccups->tainted = 7; }, W}));

INSTANTIATE_TEST_SUITE_P(
    Shape, SelfCheckRow,
    testing::Values(Mutation{"L4", "arrivals_ad",
                             [](Generator& g) {  // a tick of a tenth of the mean
                               for (double& gap : g.self.arrivals[0].gaps)
                                 gap = std::ceil(gap * 10) / 10;
                             }},
                    Mutation{"L4", "arrivals_ad",
                             [](Generator& g) {  // a floor of 5 %
                               for (double& gap : g.self.arrivals[0].gaps) gap = 0.05 + 0.95 * gap;
                             }},
                    Mutation{"L4b", "arrivals_ks",
                             [](Generator& g) {
                               for (int i = 0; i < 2000; ++i) g.self.arrivals[0].due.add(0.01);
                             }},
                    Mutation{"L4b", "arrivals_ks",
                             [](Generator& g) {
                               for (int i = 0; i < 2000; ++i)
                                 g.self.arrivals[0].dispatched.add(0.01);
                             },
                             W},
                    Mutation{"L5", "arrivals_regular",
                             [](Generator& g) { g.self.arrivals[1].gap_deviation = 0.06; }, W},
                    Mutation{"L5", "arrivals_drift",
                             [](Generator& g) { g.self.arrivals[1].drift_max = 1.5; }}));

INSTANTIATE_TEST_SUITE_P(
    Machine, SelfCheckRow,
    testing::Values(
        Mutation{"L7", "cpu", [](Generator& g) { g.facts.worker_cpu_max = 0.91; }},
        Mutation{"L7", "cpu", [](Generator& g) { g.facts.worker_cpu_max = 0.75; }, W},
        Mutation{"L7", "steal", [](Generator& g) { g.self.machine->steal_share = 0.06; }},
        Mutation{"L7", "steal", [](Generator& g) { g.self.machine->steal_share = 0.02; }, W},
        Mutation{"L7", "throttled", [](Generator& g) { g.self.machine->throttled = 1; }},
        Mutation{"L8", "run_queue", [](Generator& g) { g.self.threads[0].run_queue_share = 0.06; }},
        Mutation{"L8", "run_queue", [](Generator& g) { g.self.threads[0].run_queue_share = 0.02; },
                 W},
        Mutation{"L8", "major_faults", [](Generator& g) { g.self.threads[0].major_faults = 3; }, W},
        Mutation{"L9", "kernel_path", [](Generator& g) { g.self.machine->listen_overflows = 12; }},
        Mutation{"L9", "kernel_path", [](Generator& g) { g.self.machine->tcp_timeouts = 2; }, W},
        Mutation{"L9", "retransmits", [](Generator& g) { g.self.machine->retransmits = 5; }, W},
        Mutation{"L9", "segments",
                 [](Generator& g) { g.run.measured.connecting.segments.repeated = 12; }},
        Mutation{"L9", "segments",
                 [](Generator& g) {
                   g.run.measured.connecting.segments.dropped = 12;
                   g.self.machine->receive_drops = 12;
                 }},
        Mutation{"L9", "segments",
                 [](Generator& g) {
                   g.run.measured.connecting.segments.dropped = 12;
                   g.self.machine->receive_drops.reset();
                 }},
        Mutation{"L9", "segments",
                 [](Generator& g) { g.run.measured.connecting.segments.repeated = 3; }, W},
        Mutation{
            "L9", "connects", [](Generator& g) {
              g.run.measured.series[0].outcomes[static_cast<std::size_t>(Outcome::connect_failed)] =
                  5;
              g.run.measured.requests_begun += 5;
            }}));

INSTANTIATE_TEST_SUITE_P(
    Calibration, SelfCheckRow,
    testing::Values(
        Mutation{"L10", "null_rate",
                 [](Generator& g) { g.self.null_target->requests_per_second = 1200; }},
        Mutation{"L10", "null_rate",
                 [](Generator& g) { g.self.null_target->requests_per_second = 1900; }, W},
        Mutation{"L10", "null_floor",
                 [](Generator& g) { g.self.null_target->response_p95 = microseconds{2100}; }},
        Mutation{"L11", "probe",
                 [](Generator& g) { g.self.probe->response = answers_of(milliseconds{14}, 600); }},
        Mutation{"L11", "probe",
                 [](Generator& g) { g.self.probe->response = answers_of(milliseconds{17}, 600); },
                 W}));

INSTANTIATE_TEST_SUITE_P(
    Figures, SelfCheckRow,
    testing::Values(
        Mutation{"L12", "little_identity", [](Generator& g) { ++g.self.identity->integral; }},
        Mutation{"L12", "little_identity", [](Generator& g) { g.self.identity->left_over = 1; }},
        Mutation{"L13", "little_sampled",
                 [](Generator& g) { g.self.in_flight->sampled_mean = 22; }},
        Mutation{"L13", "little_sampled",
                 [](Generator& g) { g.self.in_flight->sampled_mean = 20.8; }, W},
        Mutation{"L14", "stationary",
                 [](Generator& g) {
                   for (std::size_t i = 0; i < 60; ++i) {
                     g.run.seconds[i].response_p95 = milliseconds{20 + i};
                   }
                 }},
        Mutation{"L14", "stationary",
                 [](Generator& g) {
                   for (std::size_t i = 0; i < 60; ++i) {
                     g.run.seconds[i].response_p95 = milliseconds{80 - i};
                   }
                 },
                 W},
        Mutation{"L15", "clock", [](Generator& g) { g.self.clock->went_back = 1; }},
        Mutation{"L15", "clock", [](Generator& g) { g.self.clock->drift_ppm = -1200; }},
        Mutation{"L15", "clock", [](Generator& g) { g.self.clock->drift_ppm = 30; }, W},
        Mutation{"L15", "target_clock",
                 [](Generator& g) {
                   g.self.target_clock = {ClockOffset{milliseconds{-1}, milliseconds{1}},
                                          ClockOffset{milliseconds{-52}, milliseconds{1}}, "",
                                          true};
                 }},
        Mutation{"L15", "target_clock",
                 [](Generator& g) {
                   g.self.target_clock = {ClockOffset{milliseconds{49}, milliseconds{2}},
                                          std::nullopt, "", true};
                 },
                 W},
        Mutation{"L16", "workers_alike",
                 [](Generator& g) {
                   g.self.workers[1].response = answers_of(milliseconds{60}, 30'000);
                   for (double& p95 : g.self.workers[1].p95_seconds) p95 *= 3;
                 }},
        Mutation{
            "L17", "out_of_range",
            [](Generator& g) { g.run.measured.series[0].service.record(std::chrono::hours{2}); }},
        Mutation{"L17", "ledger_overflow", [](Generator& g) { g.facts.ledger_overflow = 1; }},
        Mutation{"L17", "log_lost",
                 [](Generator& g) {
                   g.facts.log_ended = "no space left";
                   g.facts.log_lost = true;
                 }},
        Mutation{"L17", "log_lost", [](Generator& g) { g.facts.log_ended = "256 MiB"; }, W},
        Mutation{"L18", "fidelity",
                 [](Generator& g) {
                   g.self.draws->push_back({"rows of items", {1, 1}, {4600, 5400}});
                 }},
        Mutation{"L18", "fidelity", [](Generator& g) {
                   (*g.self.draws)[0].drawn = {7400, 2600};
                 }}));

// 20 s at one level, 20 s above it, 20 s at the first again: no trend, and nothing to cut.
std::vector<double> raise_the_middle(Generator& generator, double by) {
  std::vector<double> p95;
  for (std::size_t i = 0; i < 60; ++i) {
    const double level = (i / 20 == 1 ? 1 + by : 1) + 0.0005 * static_cast<double>(i * 5 % 7);
    p95.push_back(0.02 * level);
    generator.run.seconds[i].response_p95 = from_seconds(p95.back());
  }
  return p95;
}

TEST(SelfChecks, AJumpThatNoTrendShowsIsWarnedAbout) {
  Generator generator;
  const std::vector<double> p95 = raise_the_middle(generator, 0.2);
  ASSERT_GT(trend(p95)->p, 0.01);
  ASSERT_FALSE(mser5(p95)->at_limit);
  const Finding row = row_of(generator.judged(), "stationary");
  EXPECT_EQ(row.verdict, Verdict::pass);
  EXPECT_EQ(row.standing, Standing::warned) << row.measured;
  for (const char* word : {"MSER-5 cuts 0 s", "ADF t ", "KPSS ", " s, p 0.00"}) {
    EXPECT_NE(row.measured.find(word), std::string::npos) << word << " in " << row.measured;
  }
}

TEST(SelfChecks, WhatDiffersByLittleIsOneLevelWhateverTheTestsSay) {
  Generator generator;
  const std::vector<double> p95 = raise_the_middle(generator, 0.02);
  ASSERT_GT(kpss(p95)->statistic, 0.1);
  ASSERT_LT(change_point(p95)->p, 0.01);
  const Finding row = row_of(generator.judged(), "stationary");
  EXPECT_EQ(row.standing, Standing::judged) << row.measured;
}

TEST(SelfChecks, WithoutFactsNoRowSaysThatItHolds) {
  Generator generator;
  generator.self = SelfMeasure{};
  generator.facts.steady_plan = false;
  const auto findings = generator.judged();
  EXPECT_EQ(invalid_in(findings), std::vector<std::string>{});
  for (const char* rule : {"rate_per_second", "tainted_answers", "steal", "throttled", "run_queue",
                           "major_faults", "kernel_path", "retransmits", "null_rate", "null_floor",
                           "probe", "little_identity", "little_sampled", "clock", "fidelity"}) {
    EXPECT_EQ(row_of(findings, rule).standing, Standing::not_run) << rule;
  }
  for (const char* rule :
       {"arrivals_ad", "arrivals_regular", "stationary", "target_clock", "workers_alike"}) {
    EXPECT_EQ(row_of(findings, rule).standing, Standing::not_applicable) << rule;
  }
  for (const Finding& finding : findings) {
    if (finding.standing == Standing::judged) continue;
    EXPECT_NE(finding_word(finding), "held") << finding.rule;
    EXPECT_FALSE(finding.samples.empty()) << finding.rule << ": it says why";
  }
}

TEST(SelfChecks, AProfileMayLiftARowAndTheReportSaysSo) {
  Generator generator;
  generator.self.threads[0].run_queue_share = 0.4;
  generator.facts.worker_cpu_max = 0.97;
  generator.limits.lift = {"L8"};
  generator.limits.cpu_max = 1;
  const auto findings = generator.judged();
  EXPECT_EQ(invalid_in(findings), std::vector<std::string>{});
  for (const char* rule : {"run_queue", "cpu"}) {
    EXPECT_EQ(row_of(findings, rule).standing, Standing::lifted) << rule;
    EXPECT_NE(row_of(findings, rule).samples.front().find("lifted by the profile"),
              std::string::npos);
  }
  EXPECT_EQ(run_verdict(findings), Verdict::pass);
}

TEST(SelfChecks, TheSloIsTheTightestLatencyGate) {
  const auto gate = [](const char* text) { return Gate{parse_threshold(text).value(), text, {}}; };
  EXPECT_EQ(tightest_latency({gate("p95 < 200ms"), gate("hold p99 <= 150ms"), gate("mean < 3s")}),
            milliseconds{150});
  EXPECT_EQ(tightest_latency({gate("service p95 < 1ms"), gate("p95 > 1ms"), gate("errors < 1%")}),
            std::nullopt);
  EXPECT_EQ(error_budget({gate("errors < 0.5%"), gate("errors <= 1%")}), 0.005);
  EXPECT_EQ(error_budget({gate("p95 < 200ms")}), std::nullopt);
  EXPECT_EQ(slo_of(std::vector<Gate>{}, {}), default_slo);
}

// L13 allows what the generator's own waiting explains, and no more.
TEST(SelfChecks, WhatTheMachineMadeWaitIsNotMissingFromTheBooks) {
  const auto row = [](const LittleSample& sample) {
    Generator generator;
    generator.self.in_flight = sample;
    return row_of(generator.judged(), "little_sampled");
  };
  // Answers of 50 µs: what a thread does with each after its clock has stopped is a tenth of that.
  LittleSample quick{0.55, 0.5, 0.001, 60'000, 60, 0.001, 0.001, 0.4};
  EXPECT_EQ(row(quick).standing, Standing::judged) << row(quick).measured;
  EXPECT_EQ(row(quick).verdict, Verdict::pass);
  // Fewer seen than computed is not explained by that …
  quick.sampled_mean = 0.45;
  EXPECT_EQ(row(quick).verdict, Verdict::invalid) << row(quick).measured;
  // … but by looks that came late, as far as they were late.
  quick.late_share = 0.09;
  EXPECT_EQ(row(quick).verdict, Verdict::pass) << row(quick).measured;
  // A hundred in flight: one thread holds one of them back at most.
  LittleSample many{106, 100, 0.0001, 60'000, 60, 0.001, 0.001, 1};
  EXPECT_EQ(row(many).standing, Standing::warned) << row(many).measured;
  many.sampled_mean = 107;
  EXPECT_EQ(row(many).verdict, Verdict::invalid) << row(many).measured;
}

TEST(SelfChecks, WhatCameTwiceIsNoLoss) {
  Generator generator;
  generator.run.measured.connecting.segments.dropped = 94;
  const Finding row = row_of(generator.judged(), "segments");
  EXPECT_EQ(row.verdict, Verdict::pass);
  EXPECT_EQ(row.standing, Standing::judged);
  EXPECT_EQ(row.measured, "0 + 0 of 1,000 (94 came twice, 0 never acknowledged)");
}

TEST(SelfChecks, FewProbesThatScatterProveNothing) {
  Generator generator;
  Histogram& response = generator.self.probe->response;
  response.clear();
  response.record(milliseconds{5}, 110);
  response.record(milliseconds{40}, 10);
  EXPECT_EQ(row_of(generator.judged(), "probe").standing, Standing::judged);
  EXPECT_EQ(invalid_in(generator.judged()), std::vector<std::string>{});
  response = answers_of(milliseconds{5}, 50);
  EXPECT_EQ(row_of(generator.judged(), "probe").standing, Standing::not_applicable);
}

}  // namespace
}  // namespace stampede
