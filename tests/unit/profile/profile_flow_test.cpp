// The reader on what steers steps and scenarios: retry, parallel, rendezvous, pacing, start_after,
// setup and teardown.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

#include "harness/profile/profile_reader.hpp"
#include "harness/scenario/scenario.hpp"
#include "test_paths.hpp"

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string with_steps(const std::string& steps) {
  return "name: t\nscenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\npersonas:\n  "
         "p:\n" +
         steps;
}
std::string with_scenarios(const std::string& scenarios) {
  return "name: t\npersonas: {p: [{stop: {}}]}\nscenarios:\n" + scenarios;
}

Profile read(const std::string& text) {
  auto result = read_profile(text, "p.yaml", {});
  EXPECT_TRUE(result.has_value()) << (result ? "" : render(result.error(), text));
  return result ? *result : Profile{};
}

std::string problems(const std::string& text) {
  const auto result = read_profile(text, "p.yaml", {});
  if (result) return "no problem";
  std::string all;
  for (const Diagnostic& one : result.error()) {
    if (!all.empty()) all += "\n";
    all += std::to_string(one.place.line) + ":" + std::to_string(one.place.column) + " " +
           one.message + (one.hint.empty() ? "" : " | " + one.hint);
  }
  return all;
}

const StepSpec& only_step(const Profile& profile) { return profile.personas.at("p").steps.at(0); }

TEST(ProfileThink, ByDistributionOrByExpression) {
  const Profile plain = read(with_steps("    - think: uniform 1s 2s\n"));
  const auto& drawn = std::get<ThinkSpec>(only_step(plain).action);
  EXPECT_EQ(drawn.duration.kind, RandomDuration::Kind::uniform);
  EXPECT_FALSE(drawn.ms);
  const Profile reckoned = read(with_steps("    - think: {ms: retry_after_ms - 50}\n"));
  const auto& told = std::get<ThinkSpec>(only_step(reckoned).action);
  ASSERT_TRUE(told.ms);
  EXPECT_EQ(told.ms->text, "retry_after_ms - 50");
  EXPECT_EQ(told.ms->place.column, 19);
}

TEST(ProfileThink, WhatIsMissingOrUnknownIsSaid) {
  EXPECT_EQ(
      problems(with_steps("    - think: {}\n")),
      "6:14 a think by expression needs the key \"ms\" | ms: retry_after_ms - 50, an expression");
  EXPECT_EQ(problems(with_steps("    - think: {ms: 5, s: 5}\n")),
            "6:22 unknown key \"s\" in a think by expression | did you mean \"ms\"?");
}

TEST(ProfileRetry, ABlockWithEverything) {
  const Profile profile = read(with_steps(
      "    - retry: {times: 3, on: [timed_out, shed, http_error], wait: exponential 200ms,\n"
      "              backoff: 2, wait_max: 5s, retry_after: true}\n"
      "      do:\n        - get: /a\n          name: a\n        - get: /b\n          name: b\n"));
  const auto& retry = std::get<RetrySpec>(only_step(profile).action);
  EXPECT_EQ(retry.times, 3u);
  EXPECT_EQ(retry.on,
            set_of(Outcome::timed_out) | set_of(Outcome::shed) | set_of(Outcome::http_error));
  EXPECT_EQ(retry.wait.kind, RandomDuration::Kind::exponential);
  EXPECT_EQ(retry.backoff, 2);
  EXPECT_EQ(retry.wait_max, seconds{5});
  EXPECT_TRUE(retry.retry_after);
  EXPECT_EQ(retry.steps.size(), 2u);
}

TEST(ProfileRetry, BesideARequestItIsAPropertyOfIt) {
  const Profile profile = read(with_steps("    - get: /a\n      name: a\n      retry: 2\n"));
  const auto& retry = std::get<RetrySpec>(only_step(profile).action);
  EXPECT_EQ(retry.times, 2u);
  EXPECT_NE(retry.on & set_of(Outcome::connect_failed), 0u);
  EXPECT_EQ(retry.on & set_of(Outcome::http_error), 0u);
  EXPECT_DOUBLE_EQ(retry.wait.a_seconds, 0.1);
  ASSERT_EQ(retry.steps.size(), 1u);
  EXPECT_EQ(retry.steps[0].name, "a");
}

TEST(ProfileRetry, AllProblemsAtOnce) {
  EXPECT_EQ(problems(with_steps("    - retry: {on: [timedout, ok], wait: 5, backoff: 0.5, x: 1}\n"
                                "    - think: 1s\n      retry: 2\n")),
            "6:7 a retry step needs the key \"do\" | the steps to try again\n"
            "6:14 a retry needs the key \"times\" | how often to try again, at most\n"
            "6:19 unknown outcome \"ok\" | known are conflict, gone, rule, window, shed, "
            "http_error, assertion_failed, timed_out, connect_failed, disconnected, malformed\n"
            "6:19 unknown outcome \"timedout\" | did you mean \"timed_out\"?\n"
            "6:41 a duration needs a unit | write 5s\n"
            "6:53 0.5 is out of range | from 1 to 100\n"
            "6:58 unknown key \"x\" in a retry | did you mean \"on\"?\n"
            "8:7 two actions in one step: \"think\" and \"retry\" | begin a step of its own with "
            "\"- retry: …\"");
}

TEST(ProfileRetry, ItsCountersMayBeNamedByGates) {
  const std::string steps = "    - get: /a\n      name: a\n      retry: 2\n";
  const Profile profile =
      read(with_steps(steps) + "gates: [retries_exhausted_count == 0, retries_rate < 5/s]\n");
  EXPECT_EQ(profile.gates.size(), 2u);
}

TEST(ProfileParallel, BranchesAreStepsOrListsOfSteps) {
  const Profile profile =
      read(with_steps("    - parallel:\n"
                      "        - get: /a\n          name: a\n"
                      "        - - get: /b\n            name: b\n          - think: 1ms\n"
                      "      name: page\n      connections: 4\n"));
  const StepSpec& step = only_step(profile);
  const auto& parallel = std::get<ParallelSpec>(step.action);
  EXPECT_EQ(step.name, "page");
  EXPECT_TRUE(step.waits) << "a row of its own, not a request";
  EXPECT_EQ(parallel.connections, 4u);
  ASSERT_EQ(parallel.branches.size(), 2u);
  EXPECT_EQ(parallel.branches[0].size(), 1u);
  EXPECT_EQ(parallel.branches[1].size(), 2u);
}

TEST(ProfileParallel, AsAMapWithDo) {
  const Profile profile =
      read(with_steps("    - parallel: {connections: 2, do: [{get: /a, name: a}]}\n"
                      "      name: page\n"));
  const auto& parallel = std::get<ParallelSpec>(only_step(profile).action);
  EXPECT_EQ(parallel.connections, 2u);
  EXPECT_EQ(parallel.branches.size(), 1u);
}

TEST(ProfileParallel, OnlyWhatAPageDoesHasAPlaceInIt) {
  EXPECT_EQ(problems(with_steps("    - parallel:\n"
                                "        - ws_connect: /ws\n          name: w\n"
                                "        - stop: {}\n"
                                "        - parallel: [{get: /, name: b}]\n          name: inner\n"
                                "      connections: 65\n")),
            "6:7 a parallel step needs a name | name: … is its row in the report\n"
            "7:11 \"ws_connect\" has no place in a branch of parallel | HTTP requests, think, set, "
            "if, while, repeat, choose, retry and count have\n"
            "9:11 \"stop\" has no place in a branch of parallel | HTTP requests, think, set, if, "
            "while, repeat, choose, retry and count have\n"
            "10:11 \"parallel\" has no place in a branch of parallel | HTTP requests, think, set, "
            "if, while, repeat, choose, retry and count have\n"
            "12:20 65 is out of range | from 1 to 64");
}

TEST(ProfileRendezvous, ANumberOrAMap) {
  const Profile profile =
      read(with_steps("    - rendezvous: 100\n      name: gate\n      timeout: 3s\n"
                      "    - rendezvous: {name: other, users: 5, timeout: 4s}\n"));
  const auto& steps = profile.personas.at("p").steps;
  EXPECT_EQ(std::get<RendezvousSpec>(steps[0].action).users, 100u);
  EXPECT_EQ(steps[0].timeout, seconds{3});
  EXPECT_EQ(steps[1].name, "other");
  EXPECT_EQ(std::get<RendezvousSpec>(steps[1].action).users, 5u);
  EXPECT_EQ(steps[1].timeout, seconds{4});
  EXPECT_TRUE(steps[1].waits);
}

TEST(ProfileRendezvous, Problems) {
  EXPECT_EQ(problems(with_steps("    - rendezvous: 0\n    - rendezvous: {name: x}\n") +
                     "setup: [{rendezvous: 3, name: y}]\n"),
            "6:7 a rendezvous step needs a name | name: … is its row in the report\n"
            "6:19 0 is out of range | from 1 to 10000000\n"
            "7:19 a rendezvous needs the key \"users\" | how many wait for each other\n"
            "8:10 a rendezvous in setup or teardown | one user runs them: there is nobody to meet");
}

TEST(ProfilePacing, OfAClosedScenarioAlone) {
  const Profile profile = read(with_scenarios(
      "  a: {persona: p, model: closed, stages: \"9s:1\", pacing: uniform 1s 2s}\n"));
  ASSERT_TRUE(profile.scenarios[0].pacing);
  EXPECT_EQ(profile.scenarios[0].pacing->kind, RandomDuration::Kind::uniform);
  EXPECT_EQ(
      problems(with_scenarios("  a: {persona: p, model: open, stages: \"9s:1\", pacing: 1s}\n")),
      "4:48 unknown key \"pacing\" in an open scenario | known are persona, model, start_at, "
      "start_after, users_max, user_from, user_count, variables, feed, tags, connection, tls, "
      "start, stages, arrivals, when_full, shape");
}

TEST(ProfileStartAfter, StartsAtTheEndOfTheOthersLoad) {
  const Profile profile = read(with_scenarios(
      "  c: {persona: p, model: open, stages: \"3s:1\", start_after: b, start_at: 500ms}\n"
      "  b: {persona: p, model: open, stages: \"2s:1\", start_after: a}\n"
      "  a: {persona: p, model: open, stages: \"1s:1\", start_at: 250ms}\n"));
  EXPECT_EQ(profile.scenarios[2].start_at, milliseconds{250});
  EXPECT_EQ(profile.scenarios[1].start_at, milliseconds{1250});
  EXPECT_EQ(profile.scenarios[0].start_at, milliseconds{3750});
  EXPECT_EQ(run_length(profile), milliseconds{6750});
}

TEST(ProfileStartAfter, UnknownNamesAndCirclesAreProblems) {
  EXPECT_EQ(
      problems(with_scenarios(
          "  a: {persona: p, model: open, stages: \"1s:1\", start_after: b}\n"
          "  b: {persona: p, model: open, stages: \"1s:1\", start_after: a}\n"
          "  c: {persona: p, model: open, stages: \"1s:1\", start_after: c}\n"
          "  first: {persona: p, model: open, stages: \"1s:1\", start_after: frist}\n")),
      "4:61 scenarios that start after each other: a → b → a | one of them must start by itself\n"
      "6:61 scenarios that start after each other: c → c | one of them must start by itself\n"
      "7:65 unknown scenario \"frist\" | did you mean \"first\"?");
}

// The manual's examples, together in one profile.
TEST(ProfileFlow, TheExampleIsReadAndCompiled) {
  std::ifstream in(std::string(STAMPEDE_SOURCE_DIR) + "/profiles/examples/web-shop.yaml");
  std::stringstream text;
  text << in.rdbuf();
  const Profile profile = read(text.str());
  ASSERT_EQ(profile.scenarios.size(), 2u);
  EXPECT_EQ(profile.scenarios[1].start_at, seconds{65});
  EXPECT_EQ(profile.gates.size(), 5u);
  const auto compiled = compile(profile);
  ASSERT_TRUE(compiled.has_value()) << render(compiled.error(), text.str());
  EXPECT_EQ(compiled->rendezvous.size(), 1u);
}

TEST(ProfilePhases, SetupAndTeardownAreListsOfSteps) {
  const Profile profile = read(with_steps("    - stop: {}\n") +
                               "setup:\n  - post: /projects\n    name: create\n"
                               "    capture: {project: /id}\n"
                               "teardown:\n  - delete: /projects/${project}\n    name: remove\n");
  ASSERT_EQ(profile.setup.size(), 1u);
  EXPECT_EQ(profile.setup[0].name, "create");
  ASSERT_EQ(profile.teardown.size(), 1u);
}

}  // namespace
}  // namespace stampede
