// Which step of a profile is repeated beside the load, and when none is.
#include "harness/run/probe_stream.hpp"

#include <gtest/gtest.h>

#include "harness/profile/profile_reader.hpp"

namespace stampede {
namespace {

ProbeChoice chosen(const std::string& scenario, const std::string& steps) {
  const std::string text = "name: p\nscenarios:\n  s: {persona: u, " + scenario +
                           "}\npersonas:\n  u:\n" + steps + "gates: [errors < 1%]\n";
  const auto profile = read_profile(text, "p.yaml", {});
  if (!profile.has_value()) throw std::runtime_error(render(profile.error(), text));
  return choose_probe(*profile);
}

const std::string busy = "model: partly-open, arrivals: regular, stages: '0s:300, 60s:300'";
const std::string quiet = "model: partly-open, arrivals: regular, stages: '0s:30, 60s:30'";
const std::string post = "    - post: /orders\n      name: order\n      capture: {id: /id}\n";
const std::string read_back = "    - get: /orders/${id}\n      name: read_back\n";
const std::string list = "    - get: /list\n      name: list\n      capture: {first: /0}\n";

TEST(ProbeChoice, IsTheFirstGetThatNeedsNothingOfAnEarlierAnswer) {
  const auto choice = chosen(busy, post + read_back + list);
  ASSERT_TRUE(choice.profile) << choice.absent;
  EXPECT_EQ(choice.step, "list");
  EXPECT_EQ(choice.scenario, "s");
  const auto& open = std::get<OpenLoad>(choice.profile->scenarios[0].load);
  EXPECT_LE(open.start_rate, 3) << "at most 1 % of the sessions";
  EXPECT_GT(open.start_rate, 1);
  const StepSpec& step = choice.profile->personas.at("probe").steps.at(0);
  EXPECT_TRUE(std::get<HttpSpec>(step.action).captures.empty());
}

TEST(ProbeChoice, LooksIntoBranchesAndLoops) {
  const auto choice = chosen(busy, post +
                                       "    - while: id ~= nil\n      times: 3\n      do:\n"
                                       "        - get: /inner\n          name: inner\n");
  ASSERT_TRUE(choice.profile) << choice.absent;
  EXPECT_EQ(choice.step, "inner");
}

TEST(ProbeChoice, ThereIsNoneThatWouldChangeAnythingOrComeTooSeldom) {
  const auto writes = chosen(busy, post);
  EXPECT_FALSE(writes.profile);
  EXPECT_FALSE(writes.applicable);
  EXPECT_FALSE(writes.absent.empty());
  EXPECT_FALSE(chosen(busy, post + read_back).profile) << "it needs an earlier answer";
  const auto seldom = chosen(quiet, list);
  EXPECT_FALSE(seldom.profile);
  EXPECT_NE(seldom.absent.find("too few"), std::string::npos) << seldom.absent;
  EXPECT_FALSE(chosen("model: closed, stages: '0s:10, 60s:10'", list).profile);
}

}  // namespace
}  // namespace stampede
