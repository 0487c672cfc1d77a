// Known answers and power: each test must accept what is as planned and reject its mutation.
#include "harness/measure/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace stampede {
namespace {

constexpr std::size_t sample_size = 4096;
constexpr double critical = anderson_darling_critical.back();

// Inverse of the distribution at evenly spread probabilities: the ideal sample, without chance.
std::vector<double> ideal_exponential(std::size_t n) {
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back(-std::log1p(-(static_cast<double>(i) + 0.5) / static_cast<double>(n)));
  }
  return out;
}

std::vector<double> drawn(std::size_t n, const std::function<double(std::mt19937_64&)>& draw,
                          std::uint64_t seed = 42) {
  std::mt19937_64 random(seed);
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(draw(random));
  return out;
}

double exponential(std::mt19937_64& random) {
  return std::exponential_distribution<double>(1)(random);
}

double a2_star(const std::vector<double>& values) {
  return anderson_darling_exponential(values).value().a2_star;
}

TEST(AndersonDarling, KnownAnswerOfTheFormula) {
  // 1 … 10 by the formula as it is printed.
  std::vector<double> values;
  for (int i = 1; i <= 10; ++i) values.push_back(i);
  const auto got = anderson_darling_exponential(values);
  ASSERT_TRUE(got);
  double sum = 0;
  const auto f = [](double x) { return 1 - std::exp(-x / 5.5); };
  for (int i = 1; i <= 10; ++i) {
    sum += (2 * i - 1) * (std::log(f(i)) + std::log(1 - f(11 - i)));
  }
  EXPECT_NEAR(got->a2, -10 - sum / 10, 1e-12);
  EXPECT_NEAR(got->a2_star, got->a2 * 1.06, 1e-12);
  EXPECT_EQ(got->n, 10U);
}

TEST(AndersonDarling, AcceptsExponentialsAtItsLevel) {
  EXPECT_LT(a2_star(ideal_exponential(sample_size)), 0.2);
  int rejected = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    rejected += a2_star(drawn(512, exponential, seed)) > critical ? 1 : 0;
  }
  EXPECT_LE(rejected, 12);  // 1 % of 300 is 3; 12 or more by chance: p < 1e-4
}

TEST(AndersonDarling, RejectsATickOfATenthOfTheMean) {
  const auto ticked = [](std::mt19937_64& random) {
    return std::ceil(exponential(random) * 10) / 10;
  };
  EXPECT_GT(a2_star(drawn(sample_size, ticked)), 2 * critical);
}

TEST(AndersonDarling, RejectsAFloorOfFivePercentAndAcceptsTwo) {
  const auto floored = [](double floor) {
    return [floor](std::mt19937_64& random) { return floor + (1 - floor) * exponential(random); };
  };
  EXPECT_GT(a2_star(drawn(sample_size, floored(0.05))), 2 * critical);
  EXPECT_LT(a2_star(ideal_exponential(sample_size)), a2_star(drawn(sample_size, floored(0.05))));
  int rejected = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    rejected += a2_star(drawn(sample_size, floored(0.01), seed)) > 2 * critical ? 1 : 0;
  }
  EXPECT_EQ(rejected, 0);
}

TEST(AndersonDarling, RejectsUniformGapsAndDeclinesTooFew) {
  const auto uniform = [](std::mt19937_64& random) {
    return std::uniform_real_distribution<double>(0, 2)(random);
  };
  EXPECT_GT(a2_star(drawn(sample_size, uniform)), 2 * critical);
  EXPECT_FALSE(anderson_darling_exponential(std::vector<double>(7, 1.0)));
  EXPECT_FALSE(anderson_darling_exponential(std::vector<double>(100, 0.0)));
}

TEST(SystematicSample, KeepsEveryKthValueInConstantMemory) {
  SystematicSample sample;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) sample.add(static_cast<double>(i));
  EXPECT_LE(sample.kept().size(), SystematicSample::capacity);
  EXPECT_GE(sample.kept().size(), SystematicSample::capacity / 2 - 1);
  EXPECT_EQ(sample.seen(), 1'000'000U);
  for (std::size_t i = 0; i < sample.kept().size(); ++i) {
    ASSERT_EQ(sample.kept()[i], static_cast<double>(i * sample.stride())) << i;
  }
  EXPECT_EQ(thinned(sample.kept(), 4096).size(), 4096U);
  EXPECT_EQ(thinned(std::vector<double>{1, 2, 3}, 4096).size(), 3U);
}

TEST(UniformDistance, MeasuresTheLargestDifference) {
  UniformDistance even;
  for (int i = 0; i < 40'960; ++i) even.add((i + 0.5) / 40'960);
  EXPECT_LT(even.distance().value(), UniformDistance::resolution);
  UniformDistance half;  // all in the upper half: D = 0.5
  for (int i = 0; i < 10'000; ++i) half.add(0.5 + (i + 0.5) / 20'000);
  EXPECT_NEAR(half.distance().value(), 0.5, 1e-3);
  even += half;
  EXPECT_EQ(even.count(), 50'960U);
  EXPECT_NEAR(even.distance().value(), 0.5 * 10'000 / 50'960, 1e-3);
  EXPECT_FALSE(UniformDistance{}.distance());
}

TEST(ChiSquared, KnownAnswers) {
  EXPECT_NEAR(chi_squared_p(3.841458820694124, 1), 0.05, 1e-9);
  EXPECT_NEAR(chi_squared_p(18.307038053275146, 10), 0.05, 1e-9);
  EXPECT_NEAR(chi_squared_p(30, 1), 4.320463e-8, 1e-13);
  EXPECT_NEAR(normal_upper(1.959963984540054), 0.025, 1e-12);
  const std::vector<std::uint64_t> observed{44, 56};
  const auto got = chi_squared(observed, std::vector<double>{0.5, 0.5});
  ASSERT_TRUE(got);
  EXPECT_NEAR(got->statistic, 1.44, 1e-12);
  EXPECT_NEAR(got->p, 0.2301393, 1e-6);
  EXPECT_NEAR(got->effect, 0.06, 1e-12);
}

TEST(ChiSquared, AcceptsThePlanAndRejectsASkew) {
  const std::vector<double> plan{70, 30};
  EXPECT_GT(chi_squared(std::vector<std::uint64_t>{7020, 2980}, plan)->p, 0.1);
  const auto skewed = chi_squared(std::vector<std::uint64_t>{7400, 2600}, plan);
  EXPECT_LT(skewed->p, 1e-6);
  EXPECT_GT(skewed->effect, 0.01);
  // What can never be drawn was drawn.
  EXPECT_EQ(chi_squared(std::vector<std::uint64_t>{100, 1}, std::vector<double>{1, 0})->p, 0);
  EXPECT_FALSE(chi_squared(std::vector<std::uint64_t>{3, 1}, plan)) << "too few to say";
  EXPECT_FALSE(chi_squared(std::vector<std::uint64_t>{3}, plan));
}

TEST(KruskalWallisTest, KnownAnswerAndPower) {
  // scipy.stats.kruskal([1,3,5,7,9],[2,4,6,8,10]): H = 0.27272727, p = 0.6015081
  const auto mixed =
      kruskal_wallis(std::vector<std::vector<double>>{{1, 3, 5, 7, 9}, {2, 4, 6, 8, 10}});
  ASSERT_TRUE(mixed);
  EXPECT_NEAR(mixed->h, 0.2727272727, 1e-9);
  EXPECT_NEAR(mixed->p, 0.6015081, 1e-6);
  std::vector<std::vector<double>> apart(2);
  for (int i = 0; i < 20; ++i) {
    apart[0].push_back(i);
    apart[1].push_back(100 + i);
  }
  EXPECT_LT(kruskal_wallis(apart)->p, 1e-6);
  EXPECT_FALSE(kruskal_wallis(std::vector<std::vector<double>>{{1, 2, 3, 4, 5}}));
  EXPECT_FALSE(kruskal_wallis(std::vector<std::vector<double>>{{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}));
}

TEST(Mser5Test, CutsAStepAndAcceptsWhatIsSteady) {
  std::vector<double> step(300, 1.0);
  std::mt19937_64 random(7);
  for (std::size_t i = 0; i < step.size(); ++i) {
    step[i] += std::normal_distribution<double>(0, 0.05)(random) + (i < 60 ? 5 : 0);
  }
  EXPECT_EQ(mser5(step)->cut, 60U);
  EXPECT_FALSE(mser5(step)->at_limit);
  std::vector<double> drift;
  for (int i = 0; i < 300; ++i) drift.push_back(i);
  EXPECT_TRUE(mser5(drift)->at_limit);
  EXPECT_FALSE(mser5(std::vector<double>(19, 1.0)));
  EXPECT_EQ(mser5(std::vector<double>(300, 1.0))->cut, 0U);
}

TEST(TrendTest, FindsARiseAndNoneInNoise) {
  std::vector<double> rising, level;
  std::mt19937_64 random(11);
  for (int i = 0; i < 200; ++i) {
    const double noise = std::normal_distribution<double>(0, 1)(random);
    rising.push_back(100 + 0.1 * i + noise);
    level.push_back(100 + noise);
  }
  EXPECT_LT(trend(rising)->p, 1e-6);
  EXPECT_NEAR(trend(rising)->rise, 0.18, 0.03);
  EXPECT_GT(trend(level)->p, 0.01);
  EXPECT_EQ(trend(std::vector<double>(50, 3.0))->p, 1);
  EXPECT_FALSE(trend(std::vector<double>(9, 3.0)));
}

}  // namespace
}  // namespace stampede
