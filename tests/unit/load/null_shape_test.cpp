#include "harness/load/null_shape.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

StepSpec request(std::string name, std::string method, std::string path) {
  StepSpec step;
  step.name = std::move(name);
  HttpSpec http;
  http.method = std::move(method);
  http.path.text = std::move(path);
  step.action = std::move(http);
  return step;
}

ScenarioSpec scenario(std::string name, LoadShape load) {
  ScenarioSpec spec;
  spec.name = spec.persona = std::move(name);
  spec.load = std::move(load);
  return spec;
}

// Buyers: a login whose answer gives an id, then either looks or an order for that id, retried.
// Watchers: an event stream and nothing else.
CompiledRun compiled() {
  Profile profile;
  profile.name = "test";
  profile.variables = {{"shop", {"main", {}}}};
  StepSpec login = request("login", "POST", "/login");
  auto& http = std::get<HttpSpec>(login.action);
  http.body = Source{R"({"user": ${user}})", {}};
  CaptureSpec capture;
  capture.variable = "id";
  capture.pointer = "/id";
  http.captures.push_back(capture);
  http.expect.ok = {201};
  StepSpec pause;
  pause.action = ThinkSpec{{RandomDuration::Kind::constant, 30, 0}, {}};
  StepSpec again;
  RetrySpec retry;
  retry.times = 3;
  retry.steps = {request("order", "PUT", "/orders/${id}?shop=${shop}")};
  again.action = std::move(retry);
  StepSpec either;
  either.action = ChooseSpec{{{3, {request("look", "GET", "/")}}, {1, {std::move(again)}}}};
  profile.personas["buyers"] =
      Persona{"buyers", {std::move(login), std::move(pause), std::move(either)}, {}};
  StepSpec stream;
  stream.name = "stream";
  SseConnectSpec connect;
  connect.path.text = "/events";
  stream.action = std::move(connect);
  profile.personas["watchers"] = Persona{"watchers", {std::move(stream)}, {}};
  profile.personas["clerks"] = Persona{"clerks", {request("page", "GET", "/clerk")}, {}};
  profile.scenarios = {
      scenario("buyers", OpenLoad{0, {{seconds{10}, 60}}, Arrival::poisson}),  // 30/s on average
      scenario("watchers", ClosedLoad{100, {{seconds{10}, 100}}}),
      scenario("clerks", ClosedLoad{10, {{seconds{10}, 10}}})};
  auto run = compile(profile);
  if (!run.has_value()) throw std::runtime_error(run.error().front().message);
  return std::move(*run);
}

TEST(NullShape, AsksTheRunsOwnRequestsInItsOwnMix) {
  const auto shape = NullShape::of(compiled());
  ASSERT_TRUE(shape);
  const CompiledRun run = shape->hurried(40, seconds{1});
  ASSERT_EQ(run.scenarios.size(), 2U) << "the stream has no request to ask";
  const auto users = [&run](std::size_t i) {
    return std::get<ClosedLoad>(run.scenarios[i].load).start_users;
  };
  EXPECT_EQ(run.scenarios[0].name, "buyers");
  EXPECT_DOUBLE_EQ(users(0), 30);
  EXPECT_DOUBLE_EQ(users(1), 10);
  const Steps& steps = run.scenarios[0].steps;
  ASSERT_EQ(steps.size(), 2U) << "no waits";
  const auto& login = std::get<HttpStep>(steps[0].action);
  EXPECT_EQ(login.method, "POST");
  EXPECT_TRUE(login.body);
  EXPECT_TRUE(login.captures.empty());
  EXPECT_EQ(login.classifier.classify(200, ""), Outcome::ok) << "the null target says 200";
  const auto& either = std::get<ChooseStep>(steps[1].action);
  EXPECT_DOUBLE_EQ(either.cumulative.front(), 0.75);
  EXPECT_EQ(std::get<HttpStep>(either.branches[1].front().action).method, "PUT");
}

TEST(NullShape, FillsWhatOnlyAnAnswerWouldTell) {
  const CompiledRun original = compiled();
  const CompiledRun run = NullShape::of(original)->hurried(2, seconds{1});
  const auto slot = [&](const std::string& name) {
    const auto found = std::ranges::find(run.slots, name);
    return static_cast<std::uint32_t>(found - run.slots.begin());
  };
  const auto filled =
      std::ranges::find(run.run_values, slot("id"), &std::pair<std::uint32_t, Value>::first);
  ASSERT_NE(filled, run.run_values.end());
  EXPECT_FALSE(std::get<std::string>(filled->second).empty());
  EXPECT_EQ(run.scenarios[0].start_variables.size(), 1U) << "the profile's own stay";
}

TEST(NullShape, AsksSeldomWithAWaitBeforeEachRequest) {
  const CompiledRun run = NullShape::of(compiled())->leisurely(milliseconds{4}, seconds{1});
  for (const CompiledScenario& each : run.scenarios) {
    EXPECT_EQ(std::get<ClosedLoad>(each.load).start_users, 1);
    const auto& wait = std::get<ThinkStep>(each.steps[0].action);
    EXPECT_NEAR(wait.duration.a_seconds, 0.008, 1e-9) << "two scenarios take turns";
  }
  const auto& either = std::get<ChooseStep>(run.scenarios[0].steps[2].action);
  EXPECT_EQ(either.branches[0].size(), 2U);
}

TEST(NullShape, IsNothingForARunWithoutRequests) {
  CompiledRun run = compiled();
  std::erase_if(run.scenarios, [](const CompiledScenario& s) { return s.name != "watchers"; });
  EXPECT_FALSE(NullShape::of(run));
}

}  // namespace
}  // namespace stampede
