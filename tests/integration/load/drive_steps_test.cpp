// Goal: the steps that decide what a session does next. Method: what the server was asked for, and
// the counters.
#include <gtest/gtest.h>

#include <map>
#include <tuple>

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

CaptureSpec capture_of(std::string variable, std::string pointer) {
  CaptureSpec capture;
  capture.variable = std::move(variable);
  capture.pointer = std::move(pointer);
  return capture;
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
  const FaultTally& fault =
      driven.total().faults[static_cast<std::size_t>(SessionFault::script_error)];
  EXPECT_EQ(fault.sessions, 5u);
  EXPECT_NE(fault.example.find("token + 1"), std::string::npos);
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

// A value that a server chose must not become a second request, or part of another one.
TEST(DriveSteps, AValueThatWouldSplitTheRequestIsNotSent) {
  const std::tuple<std::string, bool, std::string> cases[] = {
      {"x\\r\\n\\r\\nGET /smuggled HTTP/1.1\\r\\nHost: x", true, "a line break"},
      {"x\\nInjected: 1", true, "a line break"},
      {"x\\u0000y", true, "a NUL"},
      {"x\\u0001y", true, "a control character"},
      {"x HTTP/1.1\\r\\nInjected: 1", false, "a line break"},
      {"x y", false, "a blank"},
      {"x\\ty", false, "a blank"}};
  for (const auto& [value, in_header, named] : cases) {
    std::map<std::string, int> targets;
    ScriptedServer server([&targets, &value](const Seen& seen) {
      ++targets[seen.target.substr(0, 5)];
      Reply reply;
      reply.body = R"({"v":")" + value + R"("})";
      return reply;
    });
    StepSpec learn = get("learn", "/lear");
    std::get<HttpSpec>(learn.action).captures.push_back(capture_of("v", "/v"));
    StepSpec use = get("use", in_header ? "/used" : "/used${v}");
    if (in_header) std::get<HttpSpec>(use.action).headers.emplace_back("Token", Source{"${v}", {}});
    const Driven driven = sessions(3, {learn, use, get("after", "/then")}).against(server.port());
    driven.expect_closed_balance();
    EXPECT_EQ(targets, (std::map<std::string, int>{{"/lear", 3}, {"/then", 3}})) << value;
    EXPECT_EQ(driven.count(Outcome::assertion_failed), 3u) << value;
    const std::string example = driven.example(Outcome::assertion_failed);
    EXPECT_EQ(example, "use: not sent: " + named +
                           (in_header ? " in the value of the header Token" : " in the path"));
  }
}

TEST(DriveSteps, AWebSocketIsNotAskedForWithAValueThatSplitsTheRequest) {
  Asked asked;
  StepSpec connect = ws_connect("/ws");
  std::get<WsConnectSpec>(connect.action).headers.emplace_back("Token", Source{"${v}", {}});
  const Driven driven =
      sessions(3, {set("v", R"('x\r\nInjected: 1')"), connect}).against(asked.server.port());
  driven.expect_closed_balance();
  EXPECT_TRUE(asked.targets.empty());
  EXPECT_EQ(driven.total().sessions.failed, 3u);
  EXPECT_EQ(driven.example(Outcome::assertion_failed),
            "socket: not sent: a line break in the value of the header Token");
}

}  // namespace
}  // namespace stampede::test
