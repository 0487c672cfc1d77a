// The classifier's table, and the compilation of profiles.
#include "harness/scenario/scenario.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "harness/profile/profile_reader.hpp"

namespace stampede {
namespace {

TEST(Classifier, Defaults) {
  const Classifier classifier{ExpectSpec{}};
  for (const unsigned status : {200U, 201U, 204U, 299U, 304U}) {
    EXPECT_EQ(classifier.classify(status, ""), Outcome::ok) << status;
  }
  EXPECT_EQ(classifier.classify(409, ""), Outcome::conflict);
  EXPECT_EQ(classifier.classify(410, ""), Outcome::gone);
  EXPECT_EQ(classifier.classify(422, ""), Outcome::rule);
  EXPECT_EQ(classifier.classify(425, ""), Outcome::window);
  EXPECT_EQ(classifier.classify(429, ""), Outcome::shed);
  for (const unsigned status :
       {0U, 100U, 199U, 300U, 301U, 400U, 401U, 404U, 500U, 503U, 599U, 600U, 70'000U}) {
    EXPECT_EQ(classifier.classify(status, ""), Outcome::http_error) << status;
  }
}

TEST(Classifier, A503IsShedOnlyWhenItSaysOverloaded) {
  const Classifier classifier{ExpectSpec{}};
  EXPECT_EQ(classifier.classify(503, R"({"title":"x","code":"OVERLOADED"})"), Outcome::shed);
  EXPECT_EQ(classifier.classify(503, "{ \"code\" :\n\"OVERLOADED\" }"), Outcome::shed);
  EXPECT_EQ(classifier.classify(503, R"({"code":"STORE_DOWN"})"), Outcome::http_error);
  EXPECT_EQ(classifier.classify(503, R"({"title":"OVERLOADED"})"), Outcome::http_error);
  EXPECT_EQ(classifier.classify(503, R"({"code":"code","x":"OVERLOADED"})"), Outcome::http_error);
  EXPECT_EQ(classifier.classify(503, R"("code")"), Outcome::http_error);
  EXPECT_EQ(classifier.classify(500, R"({"code":"OVERLOADED"})"), Outcome::http_error);
}

TEST(Classifier, AStepThatNamesOkAllowsOnlyThose) {
  ExpectSpec spec;
  spec.ok = {201};
  const Classifier classifier{spec};
  EXPECT_EQ(classifier.classify(201, ""), Outcome::ok);
  EXPECT_EQ(classifier.classify(200, ""), Outcome::http_error);
  EXPECT_EQ(classifier.classify(304, ""), Outcome::http_error);
  EXPECT_EQ(classifier.classify(409, ""), Outcome::conflict);
}

TEST(Classifier, AnEmptyClassBecomesAnError) {
  ExpectSpec spec;
  spec.conflict.emplace();
  spec.shed.emplace();
  const Classifier classifier{spec};
  EXPECT_EQ(classifier.classify(409, ""), Outcome::http_error);
  EXPECT_EQ(classifier.classify(429, ""), Outcome::http_error);
  EXPECT_EQ(classifier.classify(503, R"({"code":"OVERLOADED"})"), Outcome::http_error);
}

TEST(Classifier, StatusesCanChangeTheirClass) {
  ExpectSpec spec;
  spec.ok = {200, 409};
  spec.gone = {404, 410};
  spec.shed = {503};
  const Classifier classifier{spec};
  EXPECT_EQ(classifier.classify(409, ""), Outcome::ok);
  EXPECT_EQ(classifier.classify(404, ""), Outcome::gone);
  EXPECT_EQ(classifier.classify(503, ""), Outcome::shed);
  EXPECT_EQ(classifier.classify(429, ""), Outcome::http_error);
}

constexpr std::string_view head = R"(name: t
data: {users: 10, events: [{rows: 1}, {rows: 2}]}
variables: {event: "${event_2}", limit: 5}
scenarios:
  a: {persona: p, model: open, stages: "10s:1", variables: {mine: "x${user}"}}
  b: {persona: p, model: closed, stages: "10s:1"}
personas:
  p:
)";

CompiledRun compiled(const std::string& steps) {
  const std::string text = std::string(head) + steps;
  const auto profile = read_profile(text, "t.yaml");
  EXPECT_TRUE(profile.has_value()) << (profile ? "" : render(profile.error(), text));
  if (!profile) return {};
  auto run = compile(*profile);
  EXPECT_TRUE(run.has_value()) << (run ? "" : render(run.error(), text));
  return run ? *run : CompiledRun{};
}

std::string problems_of(const std::string& steps) {
  const std::string text = std::string(head) + steps;
  const auto profile = read_profile(text, "t.yaml");
  EXPECT_TRUE(profile.has_value()) << (profile ? "" : render(profile.error(), text));
  if (!profile) return "unreadable";
  const auto run = compile(*profile);
  return run ? "" : render(run.error(), text);
}

TEST(Compile, SlotsAreBuiltinsThenEventsThenTheProfilesOwn) {
  const CompiledRun run = compiled(
      "    - set: {tries: 0}\n    - get: /\n      name: x\n"
      "      capture: {id: /id}\n");
  EXPECT_EQ(run.slots,
            (std::vector<std::string>{"user", "token", "session", "round", "status", "outcome",
                                      "code", "ws_code", "retry_after_ms", "event_1", "event_2",
                                      "event", "limit", "mine", "tries", "id"}));
  ASSERT_EQ(run.run_values.size(), 2U);
  EXPECT_EQ(run.run_values[0].first, builtin_slots);
  EXPECT_EQ(run.run_values[1].first, builtin_slots + 1U);
  EXPECT_EQ(run.run_values[1].second, Value{});
}

TEST(Compile, StartVariablesAreTheRunsThenTheScenarios) {
  const CompiledRun run = compiled("    - stop: {}\n");
  ASSERT_EQ(run.scenarios.size(), 2U);
  ASSERT_EQ(run.scenarios[0].start_variables.size(), 3U);
  EXPECT_EQ(run.scenarios[1].start_variables.size(), 2U);
  Variables variables(run.slots.size());
  variables.set(builtin_slots + 1U, std::int64_t{17});
  variables.set(slot_user, std::int64_t{3});
  Random random(1, 1);
  const auto value = [&](std::size_t at) {
    return run.scenarios[0].start_variables[at].second.evaluate(variables, random);
  };
  EXPECT_EQ(value(0), Value{std::int64_t{17}});
  EXPECT_EQ(value(1), Value{std::int64_t{5}});
  EXPECT_EQ(value(2), Value{std::string("x3")});
}

TEST(Compile, OneSeriesPerScenarioAndStepName) {
  const CompiledRun run = compiled(
      "    - get: /a\n      name: x\n      transaction: true\n"
      "    - if: status == 200\n"
      "      then:\n"
      "        - get: /b\n          name: x\n          transaction: true\n"
      "        - ws_await: {/t: y}\n          name: wait\n");
  ASSERT_EQ(run.series.size(), 4U);
  EXPECT_EQ(run.series[0].scenario + "." + run.series[0].step, "a.x");
  EXPECT_EQ(run.series[1].scenario + "." + run.series[1].step, "a.wait");
  EXPECT_EQ(run.series[2].scenario + "." + run.series[2].step, "b.x");
  EXPECT_TRUE(run.series[0].transaction);
  EXPECT_TRUE(run.series[1].waits);
  const auto& branch = std::get<IfStep>(run.scenarios[1].steps[1].action);
  EXPECT_EQ(branch.then_steps[0].series, run.scenarios[1].steps[0].series);
  EXPECT_EQ(branch.then_steps[1].series, 3U);
}

TEST(Compile, StreamsHaveSeriesOfTheirOwnBesideTheirStep) {
  const CompiledRun run = compiled(
      "    - ws_connect: /ws\n      name: socket\n      ping_every: 5s\n"
      "    - sse_connect: /events\n      name: feed\n      push_lag: /ts\n"
      "      reconnect: {times: 0}\n");
  std::vector<std::string> names;
  for (std::size_t at = 0; at < run.series.size() / 2; ++at) names.push_back(run.series[at].step);
  EXPECT_EQ(names, (std::vector<std::string>{"socket", "socket_ping", "feed", "feed_first_event",
                                             "feed_gap", "feed_push_lag"}));
  const auto& socket = std::get<WsConnectStep>(run.scenarios[0].steps[0].action);
  EXPECT_EQ(socket.ping_series, 1U);
  EXPECT_TRUE(run.series[socket.ping_series].waits) << "not in the totals";
  const auto& feed = std::get<SseConnectStep>(run.scenarios[0].steps[1].action);
  EXPECT_EQ(feed.first_event_series, 3U);
  EXPECT_EQ(feed.gap_series, 4U);
  EXPECT_EQ(feed.push_lag->series, 5U);
  EXPECT_FALSE(run.series[2].waits);
}

TEST(Compile, AStepCannotTakeTheNameOfAStreamsSeries) {
  EXPECT_NE(problems_of("    - ws_connect: /ws\n      name: a\n      ping_every: 5s\n"
                        "    - get: /\n      name: a_ping\n")
                .find("another step named \"a_ping\" has a different meaning"),
            std::string::npos);
}

TEST(Compile, ChooseIsCumulativeAndCountersAreNumbered) {
  const CompiledRun run = compiled(
      "    - choose:\n"
      "        - {weight: 70, do: [{count: yes}]}\n"
      "        - {weight: 10, do: [{count: no}]}\n"
      "        - {weight: 20, do: [{count: yes}]}\n");
  const auto& choose = std::get<ChooseStep>(run.scenarios[0].steps[0].action);
  ASSERT_EQ(choose.cumulative.size(), 3U);
  EXPECT_DOUBLE_EQ(choose.cumulative[0], 0.7);
  EXPECT_DOUBLE_EQ(choose.cumulative[1], 0.8);
  EXPECT_EQ(choose.cumulative[2], 1);
  EXPECT_EQ(run.counters, (std::vector<std::string>{"yes", "no"}));
  EXPECT_EQ(std::get<CountStep>(choose.branches[2][0].action).counter, 0U);
}

TEST(Compile, ProblemsHaveTheirPlaceInTheFileAndAreToldOnce) {
  EXPECT_EQ(problems_of("    - get: /api/${evnt}\n"
                        "      name: x\n"
                        "    - if: statu == 200\n"
                        "      then: [{think: 1s}]\n"
                        "    - set: {n: \"limit +\"}\n"),
            "t.yaml:9:19: error: unknown variable \"evnt\"\n"
            "    - get: /api/${evnt}\n"
            "                  ^\n"
            "hint: did you mean \"event\"?\n"
            "t.yaml:11:11: error: unknown variable \"statu\"\n"
            "    - if: statu == 200\n"
            "          ^\n"
            "hint: did you mean \"status\"?\n"
            "t.yaml:13:24: error: not a Lua expression: it ends too early\n"
            "    - set: {n: \"limit +\"}\n"
            "                       ^\n");
}

TEST(Compile, PlacesInBlocksOfText) {
  EXPECT_EQ(problems_of("    - post: /x\n"
                        "      name: x\n"
                        "      body: |\n"
                        "        {\"a\": 1,\n"
                        "         \"b\": ${bb}}\n"),
            "t.yaml:13:17: error: unknown variable \"bb\"\n"
            "         \"b\": ${bb}}\n"
            "                ^\n"
            "hint: set it in `variables`, a capture or a `set` step\n");
}

TEST(Compile, StampedesOwnVariablesCannotBeSet) {
  EXPECT_EQ(problems_of("    - set: {user: 1}\n    - set: {event_1: 2}\n    - set: {random: 3}\n"),
            "t.yaml:9:19: error: variable \"user\" is set by stampede itself\n"
            "    - set: {user: 1}\n"
            "                  ^\n"
            "hint: choose another name\n"
            "t.yaml:10:22: error: variable \"event_1\" is set by stampede itself\n"
            "    - set: {event_1: 2}\n"
            "                     ^\n"
            "hint: choose another name\n"
            "t.yaml:11:21: error: \"random\" cannot name a variable\n"
            "    - set: {random: 3}\n"
            "                    ^\n"
            "hint: letters, digits and _, and no word or function of Lua\n");
}

TEST(Compile, AStepNameHasOneMeaningInAScenario) {
  EXPECT_EQ(problems_of("    - get: /a\n      name: x\n    - get: /b\n      name: x\n"
                        "      transaction: true\n"),
            "t.yaml:11:7: error: another step named \"x\" has a different meaning\n"
            "    - get: /b\n"
            "      ^\n"
            "hint: steps that share a name share a row of the report: same kind, `transaction`, "
            "`waits` and `tags`\n");
}

}  // namespace
}  // namespace stampede
