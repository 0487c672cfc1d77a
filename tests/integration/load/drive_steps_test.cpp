// Goal: the steps that decide what a session does next. Method: what the server was asked for, and
// the counters.
#include <gtest/gtest.h>

#include <map>

#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;

struct Asked {
  std::map<std::string, int> targets;
  ScriptedServer server{[this](const Seen& seen) {
    ++targets[seen.target];
    return Reply{};
  }};
};

StepSpec of(decltype(StepSpec::action) action) {
  StepSpec spec;
  spec.action = std::move(action);
  return spec;
}
StepSpec set(std::string variable, std::string expression) {
  return of(SetSpec{{{std::move(variable), Source{std::move(expression), {}}}}});
}

Drive sessions(int count, std::vector<StepSpec> steps) {
  Drive drive;
  drive.load = regular(count, seconds{1});
  drive.steps = std::move(steps);
  return drive;
}

TEST(DriveSteps, ALoopEndsByItsConditionOrItsTimes) {
  Asked asked;
  const StepSpec by_condition =
      of(LoopSpec{Source{"i < 3", {}}, 10, {get("a", "/a"), set("i", "i + 1")}});
  const StepSpec by_times = of(LoopSpec{std::nullopt, 4, {get("b", "/b")}});
  const StepSpec never = of(LoopSpec{Source{"i < 0", {}}, 10, {get("c", "/c")}});
  const Driven driven =
      sessions(5, {set("i", "0"), by_condition, by_times, never}).against(asked.server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(asked.targets["/a"], 15);
  EXPECT_EQ(asked.targets["/b"], 20);
  EXPECT_EQ(asked.targets.count("/c"), 0u);
}

TEST(DriveSteps, AnIfTakesOneBranchAndStopEndsTheSessionWell) {
  Asked asked;
  const StepSpec branch = of(IfSpec{Source{"session % 2 == 0", {}},
                                    {get("even", "/even"), of(StopSpec{})},
                                    {get("odd", "/odd")}});
  const StepSpec counted = of(CountSpec{"ended"});
  const Driven driven =
      sessions(10, {branch, get("end", "/end"), counted}).against(asked.server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(asked.targets["/even"], 5);
  EXPECT_EQ(asked.targets["/odd"], 5);
  EXPECT_EQ(asked.targets["/end"], 5);
  EXPECT_EQ(driven.total().sessions.completed, 10u);
  ASSERT_EQ(driven.total().counters.size(), 1u);
  EXPECT_EQ(driven.total().counters[0], 5u);
}

TEST(DriveSteps, ChoicesFollowTheWeightsAndRepeatWithTheSeed) {
  ChooseSpec choose;
  choose.branches = {{70, {get("a", "/a")}}, {30, {get("b", "/b")}}};
  Asked first, second;
  (void)sessions(400, {of(choose)}).against(first.server.port());
  EXPECT_EQ(first.targets["/a"] + first.targets["/b"], 400);
  EXPECT_NEAR(first.targets["/a"], 280, 40);
  Drive again = sessions(400, {of(choose)});
  again.workers = 2;
  (void)again.against(second.server.port());
  EXPECT_EQ(first.targets, second.targets) << "whatever the number of workers";
}

TEST(DriveSteps, AScriptErrorFailsTheSessionAndSaysWhy) {
  Asked asked;
  const Driven driven =
      sessions(5, {set("i", "token + 1"), get("a", "/a")}).against(asked.server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.total().sessions.failed, 5u);
  EXPECT_EQ(asked.targets.count("/a"), 0u);
  EXPECT_NE(driven.example(Outcome::assertion_failed).find("token + 1"), std::string::npos);
}

TEST(DriveSteps, StepsThatWaitForNothingDoNotStopTheClock) {
  Asked asked;
  Drive drive =
      sessions(1, {set("i", "0"), of(LoopSpec{std::nullopt, 300'000, {set("i", "i + 1")}})});
  drive.drain = milliseconds{100};
  const TimePoint began = now();
  const Driven driven = drive.against(asked.server.port());
  driven.expect_closed_balance();
  EXPECT_LT(now() - began, seconds{10});
}

TEST(DriveSteps, LaterStepsAreDueAfterTheAnswerAndTheThinkTime) {
  ScriptedServer server([](const Seen&) {
    Reply reply;
    reply.delay = milliseconds{100};
    return reply;
  });
  const Driven driven =
      sessions(5, {get("a", "/a"), think(0.2), get("b", "/b")}).against(server.port());
  const SeriesSnapshot& b = driven.series("b");
  EXPECT_GE(*b.response[0].min(), milliseconds{100});
  EXPECT_LT(*b.response[0].quantile(0.5), milliseconds{200}) << "neither /a nor the think counts";
  EXPECT_LT(*b.lag.quantile(0.5), milliseconds{50});
}

}  // namespace
}  // namespace stampede::test
