// What the compiler makes of retry, parallel, rendezvous, setup and teardown, and what it refuses.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "harness/profile/profile_reader.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {
namespace {

Profile read(const std::string& text) {
  auto result = read_profile(text, "p.yaml", {});
  EXPECT_TRUE(result.has_value()) << (result ? "" : render(result.error(), text));
  return result ? *result : Profile{};
}

CompiledRun compiled(const std::string& text) {
  auto result = compile(read(text));
  EXPECT_TRUE(result.has_value()) << (result ? "" : render(result.error(), text));
  return result ? std::move(*result) : CompiledRun{};
}

std::string problems(const std::string& text) {
  const auto result = compile(read(text));
  if (result) return "no problem";
  std::string all;
  for (const Diagnostic& one : result.error()) {
    all += std::to_string(one.place.line) + ":" + std::to_string(one.place.column) + " " +
           one.message + "\n";
  }
  return all;
}

std::string profile(const std::string& steps, const std::string& more = "",
                    const std::string& load = "model: closed, stages: \"9s:4\"") {
  return "name: t\nscenarios: {s: {persona: p, " + load + "}}\n" + more + "personas:\n  p:\n" +
         steps;
}

const std::string get_a = "    - get: /a\n      name: a\n";

TEST(CompileRetry, WhatIsInsideIsGuardedAndCounted) {
  const CompiledRun run =
      compiled(profile("    - get: /a\n      name: a\n      retry: {times: 2, retry_after: true}\n"
                       "    - get: /b\n      name: b\n"));
  const Steps& steps = run.scenarios[0].steps;
  const auto& retry = std::get<RetryStep>(steps[0].action);
  EXPECT_TRUE(retry.steps[0].guarded);
  EXPECT_EQ(std::get<HttpStep>(retry.steps[0].action).wanted_headers,
            std::vector<std::string>{"Retry-After"});
  EXPECT_FALSE(steps[1].guarded);
  EXPECT_TRUE(std::get<HttpStep>(steps[1].action).wanted_headers.empty());
  EXPECT_EQ(run.counters, (std::vector<std::string>{"retries", "retries_exhausted"}));
}

TEST(CompileRetry, ItsCountersAreItsOwn) {
  EXPECT_EQ(problems(profile("    - count: retries\n")),
            "5:7 the counter \"retries\" is stampede's own\n");
}

TEST(CompileParallel, ABranchTellsWhichVariablesItSets) {
  const CompiledRun run =
      compiled(profile("    - parallel:\n"
                       "        - get: /a\n          name: a\n          capture: {x: /x}\n"
                       "        - - get: /b\n            name: b\n          - set: {y: 1, z: 2}\n"
                       "      name: page\n"));
  const auto& parallel = std::get<ParallelStep>(run.scenarios[0].steps[0].action);
  EXPECT_EQ(parallel.connections, 6u);
  ASSERT_EQ(parallel.branches.size(), 2u);
  EXPECT_EQ(parallel.branches[0].sets.size(), 1u);
  EXPECT_EQ(parallel.branches[1].sets.size(), 2u);
  ASSERT_EQ(run.series.size(), 3u);
  EXPECT_EQ(run.series[0].step, "page");
  EXPECT_TRUE(run.series[0].waits);
  EXPECT_FALSE(run.series[1].waits);
}

TEST(CompileRendezvous, OnePointPerNameAndUsersWhoCanCome) {
  const CompiledRun run =
      compiled(profile("    - rendezvous: 4\n      name: x\n    - rendezvous: 4\n      name: x\n"));
  ASSERT_EQ(run.rendezvous.size(), 1u);
  EXPECT_EQ(run.rendezvous[0].users, 4u);
  EXPECT_EQ(problems(profile("    - rendezvous: 4\n      name: x\n"
                             "    - rendezvous: 3\n      name: x\n"
                             "    - rendezvous: 5\n      name: y\n")),
            "7:7 the rendezvous \"x\" has 4 users elsewhere\n"
            "9:7 the rendezvous \"y\" waits for 5 users, and there are never more than 4\n");
  EXPECT_EQ(problems(profile("    - rendezvous: 5000\n      name: x\n", "",
                             "model: open, stages: \"9s:4\"")),
            "no problem");
}

TEST(CompilePhases, HaveSeriesAndCountersOfTheirOwnAndShareTheVariables) {
  const CompiledRun run = compiled(
      profile("    - get: /projects/${project}\n      name: a\n",
              "setup:\n  - post: /projects\n    name: create\n    capture: {project: /id}\n"
              "  - count: made\n"
              "teardown:\n  - delete: /projects/${project}\n    name: remove\n"));
  ASSERT_EQ(run.series.size(), 1u);
  EXPECT_EQ(run.series[0].step, "a");
  EXPECT_TRUE(run.counters.empty());
  ASSERT_EQ(run.setup.series.size(), 1u);
  EXPECT_EQ(run.setup.series[0].step, "create");
  EXPECT_EQ(run.setup.counters, std::vector<std::string>{"made"});
  ASSERT_EQ(run.setup.sets.size(), 1u);
  EXPECT_EQ(run.slots[run.setup.sets[0]], "project");
  EXPECT_TRUE(run.setup.steps[0].guarded);
  EXPECT_EQ(run.teardown.steps.size(), 1u);
}

TEST(CompilePhases, AStartValueMustNotHideWhatSetupFound) {
  EXPECT_EQ(problems(profile(get_a,
                             "variables: {project: 1}\n"
                             "setup:\n  - post: /p\n    name: create\n"
                             "    capture: {project: /id}\n")),
            "7:15 \"project\" has a start value, which would hide what setup finds\n");
}

TEST(CompilePacing, HasACounter) {
  const CompiledRun run =
      compiled(profile(get_a, "", "model: closed, stages: \"9s:4\", pacing: 1s"));
  EXPECT_EQ(run.counters, std::vector<std::string>{"pacing_missed"});
  EXPECT_TRUE(run.scenarios[0].pacing);
}

}  // namespace
}  // namespace stampede
