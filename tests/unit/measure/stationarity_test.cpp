// Known answers, worked out in exact fractions by another program from the formulas beside each
// declaration; and power: each test accepts what is steady and rejects what it is there for.
#include "harness/measure/stationarity.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <vector>

namespace stampede {
namespace {

using Series = std::vector<double>;

const Series uneven{71, 9,  61, 50, 9,  32, 17, 76, 6,  5,  2,  12, 37, 18, 42,
                    19, 45, 20, 61, 87, 50, 85, 29, 65, 83, 80, 26, 93, 12, 61};
// Sums of the steps before them.
const Series walk{-8, -9, -7, 0,  -10, -16, -11, -18, -17, -23, -25, -16, -11, -9, 0,
                  9,  10, 17, 25, 34,  44,  43,  38,  30,  29,  19,  27,  27,  23, 25};
// y_t ≈ 0.9·y_{t−1} − 0.6·y_{t−2} + noise.
const Series swinging{0,   20, 12,  -17, -14, -18, -1, 7,  18,  15,  11, -13, -15, -6,
                      11,  13, -12, -26, -31, 6,   20, 32, 13,  2,   -3, 1,   -18, -8,
                      -13, -2, 14,  -3,  -4,  18,  24, 3,  -10, -20, 1,  24};

Series drawn(std::size_t n, std::uint64_t seed,
             const std::function<double(std::size_t i, double noise)>& value) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, 1);
  Series out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(value(i, noise(random)));
  return out;
}
Series level(std::size_t n, std::uint64_t seed) {
  return drawn(n, seed, [](std::size_t, double noise) { return 100 + 5 * noise; });
}
Series wandering(std::size_t n, std::uint64_t seed) {
  double at = 100;
  return drawn(n, seed, [&at](std::size_t, double noise) { return at += noise; });
}
// How many of 100 seeds do.
int of_a_hundred(const std::function<bool(std::uint64_t seed)>& does) {
  int count = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) count += does(seed) ? 1 : 0;
  return count;
}

TEST(DickeyFullerTest, KnownAnswers) {
  const auto a = augmented_dickey_fuller(uneven).value();
  EXPECT_EQ(a.lags, 1U);
  EXPECT_EQ(a.rows, 28U);
  EXPECT_NEAR(a.t, -2.240993670683903, 1e-9);
  EXPECT_NEAR(a.critical, -2.971990, 1e-5);
  const auto b = augmented_dickey_fuller(walk).value();
  EXPECT_EQ(b.lags, 0U);
  EXPECT_NEAR(b.t, -0.7068121522596607, 1e-9);
  const auto c = augmented_dickey_fuller(swinging).value();
  EXPECT_EQ(c.lags, 2U);
  EXPECT_NEAR(c.t, -5.344425466421673, 1e-9);
}

TEST(DickeyFullerTest, DoesNotDependOnUnitsAndDeclinesWhatHasNoAnswer) {
  Series seconds = swinging;
  for (double& value : seconds) value = 0.02 + value * 1e-6;
  EXPECT_NEAR(augmented_dickey_fuller(seconds)->t, -5.344425466421673, 1e-6);
  EXPECT_FALSE(augmented_dickey_fuller(Series(50, 0.02)));
  EXPECT_FALSE(augmented_dickey_fuller(Series(14, 1)));
  Series line;
  for (int i = 0; i < 50; ++i) line.push_back(i);
  EXPECT_FALSE(augmented_dickey_fuller(line));
}

TEST(DickeyFullerTest, TellsALevelFromAWalk) {
  const auto steady = [](const Series& values) {
    const auto test = augmented_dickey_fuller(values).value();
    return test.t < test.critical;
  };
  EXPECT_GE(of_a_hundred([&](auto seed) { return steady(level(40, seed)); }), 85);
  EXPECT_GE(of_a_hundred([&](auto seed) { return steady(level(200, seed)); }), 97);
  // At its level of 5 %: more than 15 of 100 by chance has p < 1e-4.
  EXPECT_LE(of_a_hundred([&](auto seed) { return steady(wandering(200, seed)); }), 15);
}

TEST(KpssTest, KnownAnswers) {
  EXPECT_EQ(kpss(uneven)->lags, 2U);
  EXPECT_NEAR(kpss(uneven)->statistic, 0.45642373372087225, 1e-12);
  EXPECT_NEAR(kpss(walk)->statistic, 0.8164986843387584, 1e-12);
  EXPECT_EQ(kpss(swinging)->lags, 3U);
  EXPECT_NEAR(kpss(swinging)->statistic, 0.04735722342644461, 1e-12);
  Series line;
  for (int i = 1; i <= 20; ++i) line.push_back(i);
  EXPECT_NEAR(kpss(line)->statistic, 0.7708566197725959, 1e-12);
  EXPECT_FALSE(kpss(Series(50, 0.02)));
  EXPECT_FALSE(kpss(Series(14, 1)));
}

TEST(KpssTest, TellsALevelFromADriftAndAWalk) {
  const auto rejects = [](const Series& values) { return kpss(values)->statistic > kpss_critical; };
  EXPECT_LE(of_a_hundred([&](auto seed) { return rejects(level(60, seed)); }), 15);
  EXPECT_GE(of_a_hundred([&](auto seed) {
              return rejects(drawn(60, seed, [](std::size_t i, double noise) {
                return 100 + 0.3 * static_cast<double>(i) + 5 * noise;
              }));
            }),
            85);
  EXPECT_GE(of_a_hundred([&](auto seed) { return rejects(wandering(200, seed)); }), 85);
}

TEST(ChangePointTest, KnownAnswers) {
  Series step(10, 1);
  step.resize(20, 2);
  const auto found = change_point(step).value();
  EXPECT_EQ(found.at, 10U);
  EXPECT_NEAR(found.statistic, 10, 1e-12);  // 10·10/20 · (2·1 − 0 − 0)
  EXPECT_NEAR(found.jump, 1, 1e-12);
  EXPECT_EQ(found.p, 1.0 / 500) << "no permutation divides so well";
  const Series two_kinds{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 10, 11, 10, 11, 10, 11, 10, 11};
  EXPECT_EQ(change_point(two_kinds)->at, 12U);
  EXPECT_NEAR(change_point(two_kinds)->statistic, 83.8025974025974, 1e-9);
  EXPECT_EQ(change_point(walk)->at, 15U);
  EXPECT_NEAR(change_point(walk)->statistic, 425.85714285714283, 1e-9);
  EXPECT_FALSE(change_point(Series(50, 0.02)));
  EXPECT_FALSE(change_point(Series(19, 1)));
}

TEST(ChangePointTest, IsFoundWhereItIsAndNotInALevel) {
  const auto changes = [](const Series& values) { return change_point(values)->p < 0.01; };
  EXPECT_LE(of_a_hundred([&](auto seed) { return changes(level(60, seed)); }), 6);
  const Series jumped =
      drawn(120, 7, [](std::size_t i, double noise) { return (i < 80 ? 100 : 115) + 5 * noise; });
  const auto found = change_point(jumped).value();
  EXPECT_NEAR(static_cast<double>(found.at), 80, 2);
  EXPECT_LT(found.p, 0.01);
  EXPECT_NEAR(found.jump, 0.15, 0.04);
  EXPECT_EQ(found.p, change_point(jumped)->p) << "its permutations are the same every time";
}

TEST(ChangePointTest, OfAnHourIsThinnedAndStillInItsPlace) {
  const Series jumped = drawn(
      3600, 3, [](std::size_t i, double noise) { return (i < 1800 ? 100 : 110) + 5 * noise; });
  EXPECT_NEAR(static_cast<double>(change_point(jumped)->at), 1800, 40);
}

TEST(RelativeSpread, IsThatOfTheMiddleEightTenths) {
  Series values;
  for (int i = 0; i <= 100; ++i) values.push_back(50 + i);
  EXPECT_NEAR(relative_spread(values), 0.8, 1e-12);  // (140 − 60) / 100
  EXPECT_EQ(relative_spread(Series(10, 3)), 0);
  EXPECT_EQ(relative_spread(Series{}), 0);
}

}  // namespace
}  // namespace stampede
