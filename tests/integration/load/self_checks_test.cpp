// Goal: the generator itself, driven with a planted fault, is found out by the row that is meant
// for it; without a fault that row holds. Method: real loads on loopback, then the judge. Only the
// rows in question are looked at: how noisy this machine is must not decide a test.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/load/judged.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;
using Standing = Finding::Standing;

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
  step.action = ThinkSpec{{RandomDuration::Kind::uniform, 0.001, 0.02}, {}};
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
                         "session_balance", "request_balance", "out_of_range", "segments"});
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

TEST(SelfCheckMutation, RepeatedArrivalsTripL3) {
  GeneratorMutation mutation;
  mutation.repeat_arrival_every = 20;
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

// Rows of a file, drawn at random by each session.
class FedRun {
 public:
  FedRun() {
    std::ofstream out(path_);
    out << "name\n";
    for (int row = 0; row < 200; ++row) out << "item" << row << "\n";
  }
  ~FedRun() { std::filesystem::remove(path_); }
  FedRun(FedRun&&) = delete;

  [[nodiscard]] std::vector<Finding> findings(const GeneratorMutation& mutation,
                                              double zipf = 0) const {
    ScriptedServer server([](const Seen&) { return Reply{}; });
    Drive drive = faithful();
    drive.steps = {get("item", "/${items.name}")};
    drive.feeders = {{"items",
                      path_.string(),
                      FeederSpec::Mode::random,
                      FeederSpec::Format::csv,
                      ',',
                      zipf == 0,
                      {},
                      zipf}};
    drive.feed = {{"items", {}}};
    drive.mutation = mutation;
    return judged(drive.against(server.port()));
  }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("stampede-rows-" + std::to_string(::getpid()) + ".csv");
};

TEST(SelfCheckMutation, ASkewedFeederTripsL18) {
  const FedRun run;
  expect_held(run.findings({}), {"fidelity"});
  GeneratorMutation mutation;
  mutation.skew_rows = true;
  const auto findings = run.findings(mutation);
  expect_invalid(findings, "fidelity");
  EXPECT_NE(row_of(findings, "fidelity").samples.front().find("rows of items"), std::string::npos);
}

TEST(SelfCheckMutation, ASkewedPopularityTripsL18) {
  const FedRun run;
  expect_held(run.findings({}, 1.1), {"fidelity"});
  GeneratorMutation mutation;
  mutation.skew_rows = true;
  const auto findings = run.findings(mutation, 1.1);
  expect_invalid(findings, "fidelity");
  EXPECT_NE(row_of(findings, "fidelity").samples.front().find("rows of items"), std::string::npos);
}

// A plan for the calibration of what a profile asks for.
LoadPlan plan_of(const CompiledRun& run) {
  LoadPlan plan;
  plan.run = &run;
  return plan;
}

CompiledRun run_of(std::vector<StepSpec> steps) {
  Profile profile;
  profile.name = "test";
  profile.personas["p"] = Persona{"p", std::move(steps), {}};
  ScenarioSpec scenario;
  scenario.name = "s";
  scenario.persona = "p";
  scenario.load = ClosedLoad{4, {{seconds{1}, 4}}};
  profile.scenarios.push_back(std::move(scenario));
  return compile(profile).value();
}

TEST(Calibration, MeasuresACeilingAndAFloor) {
  const CompiledRun run = run_of({get("get", "/")});
  const Calibration calibration = calibrate(plan_of(run), {});
  ASSERT_TRUE(calibration.result) << calibration.absent;
  EXPECT_GT(calibration.result->requests_per_second, 100);
  EXPECT_GT(calibration.result->response_p95, Nanos{0});
  EXPECT_TRUE(calibration.result->own_requests);
}

// What a request costs depends on what it is: the ceiling of large orders is not that of small
// looks.
TEST(Calibration, AsksTheRunsOwnRequests) {
  StepSpec order = post("order", "/order", std::string(400'000, 'x'));
  StepSpec head = get("head", "/");
  std::get<HttpSpec>(head.action).method = "HEAD";
  const CompiledRun looks = run_of({get("look", "/"), head});
  const CompiledRun orders = run_of({std::move(order)});
  const Calibration light = calibrate(plan_of(looks), {}), heavy = calibrate(plan_of(orders), {});
  ASSERT_TRUE(light.result && heavy.result) << light.absent << heavy.absent;
  EXPECT_TRUE(heavy.result->own_requests);
  EXPECT_LT(heavy.result->requests_per_second, light.result->requests_per_second / 2);
}

TEST(Calibration, AsksPlainlyWhereTheRunHasNoRequests) {
  const CompiledRun run = run_of({ws_connect("/"), ws_send("hello")});
  const Calibration calibration = calibrate(plan_of(run), {});
  ASSERT_TRUE(calibration.result) << calibration.absent;
  EXPECT_FALSE(calibration.result->own_requests);
}

TEST(Calibration, EndsWhenItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  const CompiledRun run = run_of({get("get", "/")});
  const Calibration calibration = calibrate(plan_of(run), stop.get_token());
  EXPECT_FALSE(calibration.result);
  EXPECT_FALSE(calibration.absent.empty());
}

}  // namespace
}  // namespace stampede::test
