#include "harness/load/arrival_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace stampede {
namespace {

using std::chrono::seconds;

OpenLoad ramp(Arrival arrival) { return {0, {{seconds{10}, 100}, {seconds{10}, 50}}, arrival}; }

std::vector<ArrivalSchedule::Arrival> all(const OpenLoad& load, Stripe stripe, std::uint64_t seed) {
  ArrivalSchedule schedule(load, stripe, seed);
  std::vector<ArrivalSchedule::Arrival> arrivals;
  while (const auto arrival = schedule.next()) arrivals.push_back(*arrival);
  return arrivals;
}

TEST(ArrivalSchedule, RampEmitsTheAreaUnderTheRateInOrder) {
  // 0 → 100 in 10 s, → 50 in 5 s, → 0 in 15 s: 500 + 375 + 375.
  const OpenLoad load{
      0, {{seconds{10}, 100}, {seconds{5}, 50}, {seconds{15}, 0}}, Arrival::regular};
  const auto arrivals = all(load, {0, 1}, 1);
  ASSERT_EQ(arrivals.size(), 1250u);
  EXPECT_TRUE(std::is_sorted(arrivals.begin(), arrivals.end(),
                             [](auto a, auto b) { return a.offset < b.offset; }));
  const auto by_ten = std::count_if(arrivals.begin(), arrivals.end(),
                                    [](auto a) { return a.offset < seconds{10}; });
  EXPECT_EQ(by_ten, 500);
}

TEST(ArrivalSchedule, FractionsAreCarriedFromStageToStage) {
  std::vector<Stage> stages(100, Stage{std::chrono::milliseconds{100}, 3});
  const OpenLoad load{3, stages, Arrival::regular};  // 0.3 of an arrival in each stage
  EXPECT_EQ(all(load, {0, 1}, 1).size(), 30u);
}

TEST(ArrivalSchedule, AFlatRateHasEqualGaps) {
  const OpenLoad load{100, {{seconds{10}, 100}}, Arrival::regular};
  const auto arrivals = all(load, {0, 1}, 1);
  ASSERT_EQ(arrivals.size(), 1000u);
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    const double expected = 0.005 + 0.01 * static_cast<double>(i);
    ASSERT_NEAR(to_seconds(arrivals[i].offset), expected, 2e-9);
  }
}

TEST(ArrivalSchedule, AnAlmostFlatRampIsExact) {
  const OpenLoad load{1000, {{seconds{600}, 1000.001}}, Arrival::regular};
  const auto arrivals = all(load, {0, 1}, 1);
  const double middle = to_seconds(arrivals[300'000].offset);
  const double slope = 0.001 / 600;
  EXPECT_NEAR(1000 * middle + slope * middle * middle / 2, 300'000.5, 1e-5);
}

TEST(ArrivalSchedule, AZeroStageJumpsAndAZeroRateIsSilent) {
  const OpenLoad load{0, {{seconds{5}, 0}, {seconds{0}, 20}, {seconds{1}, 20}}, Arrival::poisson};
  const auto arrivals = all(load, {0, 1}, 1);
  ASSERT_FALSE(arrivals.empty());
  EXPECT_GE(arrivals.front().offset, seconds{5});
}

TEST(ArrivalSchedule, NoStagesGiveNoArrivals) {
  EXPECT_TRUE(all({50, {}, Arrival::poisson}, {0, 1}, 1).empty());
}

TEST(ArrivalSchedule, StripesInterleaveToTheWhole) {
  for (const Arrival kind : {Arrival::regular, Arrival::poisson}) {
    const auto whole = all(ramp(kind), {0, 1}, 7);
    std::vector<ArrivalSchedule::Arrival> joined;
    for (std::uint32_t i = 0; i < 3; ++i) {
      const auto part = all(ramp(kind), {i, 3}, 7);
      joined.insert(joined.end(), part.begin(), part.end());
    }
    std::sort(joined.begin(), joined.end(), [](auto a, auto b) { return a.index < b.index; });
    ASSERT_EQ(joined.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      ASSERT_EQ(joined[i].offset, whole[i].offset);
      ASSERT_EQ(joined[i].index, i);
    }
  }
}

TEST(ArrivalSchedule, TheSeedDecidesPoissonArrivals) {
  const auto first = all(ramp(Arrival::poisson), {0, 1}, 7);
  const auto again = all(ramp(Arrival::poisson), {0, 1}, 7);
  const auto other = all(ramp(Arrival::poisson), {0, 1}, 8);
  ASSERT_EQ(first.size(), again.size());
  for (std::size_t i = 0; i < first.size(); ++i) ASSERT_EQ(first[i].offset, again[i].offset);
  EXPECT_NE(first.front().offset, other.front().offset);
}

TEST(ArrivalSchedule, PoissonCountsHaveMeanAndVarianceOfTheArea) {
  // 400 seeds of a ramp of area 100: the mean's deviation is 0.5, the variance's about 7.
  const OpenLoad load{0, {{seconds{10}, 20}}, Arrival::poisson};
  double sum = 0, squares = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto count = static_cast<double>(count_arrivals(load, seed, Nanos{0}, seconds{10}));
    sum += count;
    squares += count * count;
  }
  const double mean = sum / 400, variance = squares / 400 - mean * mean;
  EXPECT_NEAR(mean, 100, 2.5);
  EXPECT_NEAR(variance, 100, 35);
}

TEST(ArrivalSchedule, PoissonRampFollowsTheIntegratedRate) {
  // Kolmogorov–Smirnov: given their number, arrivals are distributed as A(t)/A(end) = (t/10 s)².
  const OpenLoad load{0, {{seconds{10}, 2000}}, Arrival::poisson};
  const auto arrivals = all(load, {0, 1}, 42);
  const auto n = static_cast<double>(arrivals.size());
  double largest = 0;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    const double t = to_seconds(arrivals[i].offset) / 10;
    largest = std::max(largest, std::abs(t * t - static_cast<double>(i) / n));
    largest = std::max(largest, std::abs(t * t - static_cast<double>(i + 1) / n));
  }
  EXPECT_LT(largest, 1.63 / std::sqrt(n));  // the 1 % point
}

TEST(ClosedShape, TargetIsLinearWithinStagesAndZeroAfterThem) {
  const std::vector<Stage> stages{{seconds{10}, 100}, {seconds{0}, 20}, {seconds{10}, 20}};
  EXPECT_DOUBLE_EQ(target_at(0, stages, seconds{5}), 50);
  EXPECT_DOUBLE_EQ(target_at(0, stages, seconds{15}), 20);
  EXPECT_DOUBLE_EQ(target_at(0, stages, seconds{20}), 0);
  EXPECT_EQ(closed_users_max({0, stages}), 100u);
}

}  // namespace
}  // namespace stampede
