// Goal: the generator itself, driven with a planted fault, is found out by the row that is meant
// for it; without a fault that row holds. Method: real loads on loopback, then the judge. Only the
// rows in question are looked at: how noisy this machine is must not decide a test.
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/judge/validity.hpp"
#include "harness/load/null_target.hpp"
#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;
using Standing = Finding::Standing;

std::vector<Finding> judged(const Driven& driven) {
  MeasuredRun run;
  run.measured = driven.outcome.measured;
  for (const SeriesInfo& info : driven.run.series) {
    run.series.push_back({info.scenario, info.step, info.transaction, info.waits});
  }
  ValidityFacts facts;
  facts.warm_up = &driven.outcome.warm_up;
  facts.measured = &driven.outcome.measured;
  facts.arrivals_planned = driven.outcome.scheduled_measured;
  facts.worker_cpu_max = driven.outcome.worker_cpu_max;
  facts.run = &run;
  facts.self = &driven.outcome.self;
  return judge_validity(facts, {});
}

Finding row_of(const std::vector<Finding>& findings, const std::string& rule) {
  const auto found = std::ranges::find(findings, rule, &Finding::rule);
  if (found == findings.end()) throw std::runtime_error("no row " + rule);
  return *found;
}

void expect_held(const std::vector<Finding>& findings, const std::vector<std::string>& rules) {
  for (const std::string& rule : rules) {
    const Finding row = row_of(findings, rule);
    EXPECT_EQ(row.verdict, Verdict::pass) << rule << ": " << row.measured;
    EXPECT_EQ(row.standing, Standing::judged) << rule << ": " << row.measured;
  }
}

void expect_invalid(const std::vector<Finding>& findings, const std::string& rule) {
  const Finding row = row_of(findings, rule);
  EXPECT_EQ(row.verdict, Verdict::invalid) << rule << ": " << row.measured;
}

StepSpec choice(double first, double second) {
  StepSpec step;
  ChooseSpec choose;
  choose.branches.push_back({first, {get("often", "/often")}});
  choose.branches.push_back({second, {get("seldom", "/seldom")}});
  step.action = std::move(choose);
  return step;
}

StepSpec random_think() {
  StepSpec step;
  step.action = ThinkSpec{{RandomDuration::Kind::uniform, 0.001, 0.02}};
  return step;
}

// 300 Poisson sessions a second for 2 s, each with a draw of both kinds.
Drive faithful() {
  Drive drive;
  drive.load = OpenLoad{300, {{seconds{2}, 300}}, Arrival::poisson};
  drive.length = seconds{2};
  drive.workers = 2;
  drive.steps = {choice(70, 30), random_think(), get("last", "/last")};
  return drive;
}

Driven driven_with(const GeneratorMutation& mutation) {
  ScriptedServer server([](const Seen&) { return Reply{}; });
  Drive drive = faithful();
  drive.mutation = mutation;
  return drive.against(server.port());
}

TEST(SelfCheckMutation, AFaithfulGeneratorHolds) {
  const auto findings = judged(driven_with({}));
  expect_held(findings, {"rate_achieved", "arrivals_ad", "little_identity", "fidelity", "not_sent",
                         "session_balance", "request_balance", "out_of_range"});
  for (const char* rule : {"tainted_answers", "steal", "run_queue", "kernel_path", "little_sampled",
                           "clock", "rate_per_second"}) {
    EXPECT_NE(row_of(findings, rule).standing, Standing::not_run) << rule;
  }
}

TEST(SelfCheckMutation, DroppedArrivalsTripL3) {
  GeneratorMutation mutation;
  mutation.drop_arrival_every = 20;
  const auto findings = judged(driven_with(mutation));
  expect_invalid(findings, "rate_achieved");
  expect_held(findings, {"session_balance", "request_balance", "little_identity"});
}

TEST(SelfCheckMutation, ATickedExponentialTripsL4) {
  GeneratorMutation mutation;
  mutation.arrival_tick = milliseconds{5};
  const auto findings = judged(driven_with(mutation));
  expect_invalid(findings, "arrivals_ad");
  expect_held(findings, {"rate_achieved", "little_identity"});
}

TEST(SelfCheckMutation, LostAnswersTripTheBooksAndL12) {
  GeneratorMutation mutation;
  mutation.lose_sample_every = 100;
  const auto findings = judged(driven_with(mutation));
  expect_invalid(findings, "little_identity");
  expect_invalid(findings, "request_balance");
}

TEST(SelfCheckMutation, ASkewedChoiceTripsL18) {
  GeneratorMutation mutation;
  mutation.skew_choices = true;
  const auto findings = judged(driven_with(mutation));
  expect_invalid(findings, "fidelity");
  EXPECT_NE(row_of(findings, "fidelity").samples.front().find("choose 1 of s"), std::string::npos);
  expect_held(findings, {"rate_achieved", "little_identity"});
}

TEST(SelfCheckMutation, RegularArrivalsAreJudgedByL5) {
  ScriptedServer server([](const Seen&) { return Reply{}; });
  Drive drive = faithful();
  drive.load = regular(100, seconds{2});
  const auto findings = judged(drive.against(server.port()));
  EXPECT_EQ(row_of(findings, "arrivals_regular").check, "L5");
  EXPECT_NE(row_of(findings, "arrivals_drift").standing, Standing::not_run);
  EXPECT_EQ(row_of(findings, "arrivals_ad").standing, Standing::not_applicable);
}

TEST(Calibration, MeasuresACeilingAndAFloor) {
  const Calibration calibration = calibrate(1, {});
  ASSERT_TRUE(calibration.result) << calibration.absent;
  EXPECT_GT(calibration.result->requests_per_second, 100);
  EXPECT_GT(calibration.result->response_p95, Nanos{0});
}

TEST(Calibration, EndsWhenItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  const Calibration calibration = calibrate(1, stop.get_token());
  EXPECT_FALSE(calibration.result);
  EXPECT_FALSE(calibration.absent.empty());
}

}  // namespace
}  // namespace stampede::test
