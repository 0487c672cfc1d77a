#include "harness/profile/load_shape.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace stampede {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Nanos length_of(const StagePlan& plan) {
  Nanos length{0};
  for (const Stage& stage : plan.stages) length += stage.duration;
  return length;
}

// The rate of a plan at a time that is no jump.
double rate_at(const StagePlan& plan, Nanos at) {
  double from = plan.start;
  for (const Stage& stage : plan.stages) {
    if (at < stage.duration) {
      return from + (stage.target - from) * (to_seconds(at) / to_seconds(stage.duration));
    }
    at -= stage.duration;
    from = stage.target;
  }
  return 0;
}

double sessions_until(const StagePlan& plan, Nanos until) {
  double sessions = 0;
  const Nanos step = std::chrono::milliseconds{10};
  for (Nanos at{0}; at < until; at += step) {
    sessions += to_seconds(step) * rate_at(plan, at + step / 2);
  }
  return sessions;
}

TEST(LoadShape, SteadyRampAndStepsHaveTheirAreas) {
  EXPECT_DOUBLE_EQ(sessions_of(steady_shape(100, seconds{60})), 6000);
  EXPECT_DOUBLE_EQ(sessions_of(ramp_shape(10, 100, seconds{60})), 3300);
  const StagePlan steps = steps_shape({100, 200, 50}, seconds{30});
  EXPECT_DOUBLE_EQ(sessions_of(steps), 10'500);
  EXPECT_EQ(length_of(steps), seconds{90});
  EXPECT_DOUBLE_EQ(rate_at(steps, seconds{31}), 200);
}

TEST(LoadShape, ASpikeHalvesItsExcessEveryHalfLife) {
  const StagePlan plan = spike_shape({10, 410, seconds{20}, minutes{2}});
  EXPECT_EQ(length_of(plan), minutes{2});
  EXPECT_DOUBLE_EQ(plan.start, 410);
  EXPECT_NEAR(rate_at(plan, seconds{20}), 210, 0.5);
  EXPECT_NEAR(rate_at(plan, seconds{60}), 60, 0.5);
  const double exact = 10 * 120 + 400 * 20 / std::log(2) * (1 - std::exp2(-6));
  EXPECT_NEAR(sessions_of(plan) / exact, 1, 0.001);
}

TEST(LoadShape, TheOpeningOfASaleHasAFifthInTheFirstTenSeconds) {
  const StagePlan plan = open10_shape(10'000);
  EXPECT_NEAR(sessions_of(plan), 10'000, 1e-6);
  EXPECT_EQ(length_of(plan), seconds{310});
  EXPECT_NEAR(sessions_until(plan, seconds{10}), 2'000, 1);
  EXPECT_NEAR(rate_at(plan, seconds{9}), rate_at(plan, std::chrono::milliseconds{10'001}), 2)
      << "no step where the decay begins";
  EXPECT_LT(rate_at(plan, seconds{300}), 1);
}

TEST(LoadShape, EveryMinuteHasItsBurst) {
  const StagePlan plan = minute_shape({5, 600, seconds{5}, seconds{150}});
  EXPECT_EQ(length_of(plan), seconds{150});
  EXPECT_DOUBLE_EQ(sessions_of(plan), 5 * 150 + 600 * 3);
  EXPECT_DOUBLE_EQ(rate_at(plan, seconds{61}), 125);
  EXPECT_DOUBLE_EQ(rate_at(plan, seconds{70}), 5);
}

TEST(LoadShape, ASineWithSpikesKeepsItsMeanAndItsSpikes) {
  SineShape shape{100, 50, minutes{10}, minutes{60}};
  EXPECT_NEAR(sessions_of(sine_shape(shape)), 360'000, 400);
  EXPECT_NEAR(rate_at(sine_shape(shape), seconds{150}), 150, 0.5);
  shape.spike_peak = 400;
  shape.spike_every = minutes{15};
  const StagePlan plan = sine_shape(shape);
  EXPECT_EQ(length_of(plan), minutes{60});
  EXPECT_NEAR(rate_at(plan, minutes{15} + std::chrono::milliseconds{1}), 100 + 400, 2);
  EXPECT_NEAR(sessions_of(plan), 360'000 + 3 * 400 * 20 / std::log(2), 600);
}

TEST(LoadShape, ALongShapeStaysSmall) {
  SineShape shape{100, 50, seconds{1}, std::chrono::hours{24}};
  EXPECT_LE(sine_shape(shape).stages.size(), 4'000u);
  EXPECT_LE(spike_shape({0, 9, std::chrono::milliseconds{1}, minutes{60}}).stages.size(), 4'000u);
}

}  // namespace
}  // namespace stampede
