// Goal: an interval of 99 % covers the truth at least 96 times in 100, also where requests wait in
// one queue. Method: an M/M/1 queue in virtual time, whose time in the system is known to be
// exponential with rate µ − λ; a hundred runs with seeds of their own.
#include "harness/judge/quantile_interval.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/queue_truth.hpp"

namespace stampede {
namespace {

constexpr int runs = 100;

std::vector<Nanos> mm1_run(std::uint64_t seed, std::size_t count, double arrivals_per_second,
                           double services_per_second) {
  test::Exponential gap(2 * seed, 1 / arrivals_per_second);
  test::Exponential work(2 * seed + 1, 1 / services_per_second);
  std::vector<Nanos> arrivals, services;
  Nanos at{0};
  for (std::size_t i = 0; i < count; ++i) {
    arrivals.push_back(at += gap());
    services.push_back(work());
  }
  return test::response_times(arrivals, services);
}

Nanos mm1_quantile(double p, double arrivals_per_second, double services_per_second) {
  return from_seconds(-std::log(1 - p) / (services_per_second - arrivals_per_second));
}

// As if the samples were independent: what the interval must not be.
bool naive_interval_holds(std::vector<Nanos> samples, double p, Nanos truth) {
  const auto n = static_cast<double>(samples.size());
  const double half = 2.576 * std::sqrt(n * p * (1 - p));
  const auto lower = static_cast<std::size_t>(std::floor(n * p - half));
  const auto upper = static_cast<std::size_t>(std::ceil(n * p + half)) + 1;
  const auto at_rank = [&samples](std::size_t rank) {
    const auto place = samples.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
    std::ranges::nth_element(samples, place);
    return *place;
  };
  return at_rank(lower) <= truth && truth <= at_rank(upper);
}

TEST(QuantileInterval, CoversTheTruthOfAQueueAtHalfLoad) {
  const Nanos truth = mm1_quantile(0.95, 500, 1000);
  EXPECT_NEAR(to_millis(truth), 5.991, 0.001);
  int covered = 0;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    const auto interval = dependent_quantile_interval(mm1_run(seed, 20'000, 500, 1000), 0.95, 0.99);
    ASSERT_TRUE(interval && interval->estimable);
    covered += interval->holds(truth) ? 1 : 0;
  }
  EXPECT_GE(covered, 96);
  RecordProperty("covered", covered);
}

TEST(QuantileInterval, CoversTheTruthOfABusyQueueWhereTheNaiveOneDoesNot) {
  const Nanos truth = mm1_quantile(0.95, 800, 1000);
  int covered = 0, naive = 0;
  double inflation = 0;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    const auto samples = mm1_run(seed, 40'000, 800, 1000);
    const auto interval = dependent_quantile_interval(samples, 0.95, 0.99);
    ASSERT_TRUE(interval);
    covered += interval->holds(truth) ? 1 : 0;
    naive += naive_interval_holds(samples, 0.95, truth) ? 1 : 0;
    inflation += interval->inflation / runs;
  }
  EXPECT_GE(covered, 96);
  EXPECT_LT(naive, 60);
  // Published for this queue: 45 at 10⁴ samples, 59 at 10⁵.
  EXPECT_GT(inflation, 30);
  EXPECT_LT(inflation, 90);
  RecordProperty("covered", covered);
  RecordProperty("naive_covered", naive);
}

TEST(QuantileInterval, IndependentSamplesAreNotInflatedMuch) {
  test::Exponential draw(5, 0.001);
  std::vector<Nanos> samples;
  for (int i = 0; i < 20'000; ++i) samples.push_back(draw());
  const auto interval = dependent_quantile_interval(samples, 0.95, 0.99);
  ASSERT_TRUE(interval);
  EXPECT_LT(interval->inflation, 2.5);
  EXPECT_EQ(interval->samples, 20'000U);
  EXPECT_NEAR(interval->samples_effective * interval->inflation, 20'000, 1e-6);
  EXPECT_LT(*interval->lower, interval->estimate);
  EXPECT_GT(*interval->upper, interval->estimate);
}

// With all batches alike (inflation 1) the ranks are those of the formula, τ = 2.861.
TEST(QuantileInterval, TheRanksAreThoseOfTheFormula) {
  std::vector<Nanos> samples;
  for (int i = 0; i < 20'000; ++i) samples.emplace_back(1 + (i % 20) * 1000 + i / 20);
  const auto interval = dependent_quantile_interval(samples, 0.5, 0.99);
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->inflation, 1);
  const double half = 2.8609 * std::sqrt(0.25 / 20'000);
  std::ranges::sort(samples);
  EXPECT_EQ(*interval->lower, samples[static_cast<std::size_t>(20'000 * (0.5 - half)) - 1]);
  EXPECT_EQ(*interval->upper, samples[static_cast<std::size_t>(std::ceil(20'000 * (0.5 + half)))]);
}

TEST(QuantileInterval, TooFewSamplesSayNothing) {
  const std::vector<Nanos> few(39, Nanos{5});
  EXPECT_FALSE(dependent_quantile_interval(few, 0.95, 0.99));
  const std::vector<Nanos> some(100, Nanos{5});
  const auto interval = dependent_quantile_interval(some, 0.95, 0.99);
  ASSERT_TRUE(interval);
  EXPECT_FALSE(interval->estimable);
  EXPECT_FALSE(interval->upper);
}

}  // namespace
}  // namespace stampede
