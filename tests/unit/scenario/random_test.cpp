// Random choices: the same for the same seed and stream, and of the shape their name promises.
#include "harness/scenario/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace stampede {
namespace {

using Kind = RandomDuration::Kind;

struct Moments {
  double mean = 0, deviation = 0, median = 0, least = 0, most = 0;
};

Moments moments_of(const RandomDuration& duration) {
  constexpr int draws = 40'000;
  Random random(7, 1);
  std::vector<double> seconds;
  for (int at = 0; at < draws; ++at) seconds.push_back(to_seconds(draw(duration, random)));
  std::ranges::sort(seconds);
  Moments result{0, 0, seconds[draws / 2], seconds.front(), seconds.back()};
  for (const double s : seconds) result.mean += s / draws;
  for (const double s : seconds) result.deviation += (s - result.mean) * (s - result.mean) / draws;
  result.deviation = std::sqrt(result.deviation);
  return result;
}

TEST(Random, SameSeedAndStreamSameNumbers) {
  Random a(1, 2);
  Random b(1, 2);
  for (int at = 0; at < 100; ++at) EXPECT_EQ(a.next(), b.next());
}

TEST(Random, FirstNumbersAreFixedForEver) {
  Random random(20261121, 0);
  const std::array<std::uint64_t, 2> first{random.next(), random.next()};
  EXPECT_EQ(first,
            (std::array<std::uint64_t, 2>{16367585867883544341ULL, 16886575349016330955ULL}));
}

TEST(Random, StreamsAndSeedsDiffer) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    for (std::uint64_t stream = 0; stream < 30; ++stream) seen.insert(Random(seed, stream).next());
  }
  EXPECT_EQ(seen.size(), 900U);
}

TEST(Random, BelowIsUniformAndInRange) {
  Random random(3, 3);
  std::array<int, 7> counts{};
  for (int at = 0; at < 70'000; ++at) ++counts.at(random.below(7));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, UniformStaysBelowOne) {
  Random random(4, 4);
  double most = 0;
  for (int at = 0; at < 100'000; ++at) {
    const double u = random.uniform();
    ASSERT_GE(u, 0);
    most = std::max(most, u);
  }
  EXPECT_LT(most, 1);
  EXPECT_GT(most, 0.999);
}

TEST(Draw, ConstantIsConstant) {
  Random random(1, 1);
  EXPECT_EQ(draw({Kind::constant, 0.25, 0}, random), std::chrono::milliseconds{250});
}

TEST(Draw, UniformBetweenItsBounds) {
  const Moments m = moments_of({Kind::uniform, 2, 5});
  EXPECT_GE(m.least, 2);
  EXPECT_LE(m.most, 5);
  EXPECT_NEAR(m.mean, 3.5, 0.02);
  EXPECT_NEAR(m.deviation, 3 / std::sqrt(12.0), 0.02);
}

TEST(Draw, ExponentialHasItsMeanAsDeviation) {
  const Moments m = moments_of({Kind::exponential, 2, 0});
  EXPECT_NEAR(m.mean, 2, 0.05);
  EXPECT_NEAR(m.deviation, 2, 0.07);
  EXPECT_NEAR(m.median, 2 * std::log(2.0), 0.05);
}

TEST(Draw, NormalHasMeanAndDeviation) {
  const Moments m = moments_of({Kind::normal, 2, 0.25});
  EXPECT_NEAR(m.mean, 2, 0.01);
  EXPECT_NEAR(m.deviation, 0.25, 0.01);
}

TEST(Draw, NormalIsNeverNegative) {
  const Moments m = moments_of({Kind::normal, 0.1, 1});
  EXPECT_EQ(m.least, 0);
  EXPECT_GT(m.most, 2);
}

TEST(Draw, LognormalHasItsMedian) {
  const Moments m = moments_of({Kind::lognormal, 0.6, 0.5});
  EXPECT_NEAR(m.median, 0.6, 0.01);
  EXPECT_NEAR(m.mean, 0.6 * std::exp(0.125), 0.015);
}

// Kolmogorov and Smirnov's distance between the draws and what they shall be like, times √n: above
// 1.95 one time in a thousand by chance, and the seed is fixed.
double distance_of(const RandomDuration& duration, double (*distribution)(double)) {
  constexpr int draws = 20'000;
  Random random(11, 3);
  std::vector<double> seconds;
  for (int at = 0; at < draws; ++at) seconds.push_back(to_seconds(draw(duration, random)));
  std::ranges::sort(seconds);
  double distance = 0;
  for (int at = 0; at < draws; ++at) {
    const double wanted = distribution(seconds[static_cast<std::size_t>(at)]);
    distance = std::max({distance, std::abs(wanted - static_cast<double>(at) / draws),
                         std::abs(wanted - static_cast<double>(at + 1) / draws)});
  }
  return distance * std::sqrt(draws);
}

double normal_below(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }

std::string id_of(std::uint64_t seed, const IdSalt& salt) {
  Random random(seed, 1);
  const auto digits = draw_id(random, salt);
  return {digits.data(), digits.size()};
}

TEST(DrawId, OneTextMakesTheSameIdsAndAnotherOthers) {
  std::set<std::string> ids;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    for (const char* text : {"", "a", "b", "a long text of somebody"}) {
      const std::string id = id_of(seed, id_salt_of(text));
      EXPECT_EQ(id, id_of(seed, id_salt_of(text)));
      EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
      ids.insert(id);
    }
  }
  EXPECT_EQ(ids.size(), 400U);
}

TEST(DrawId, ChangesNoChoice) {
  Random plain(5, 1), salted(5, 1);
  (void)draw_id(plain, {});
  (void)draw_id(salted, id_salt_of("x"));
  EXPECT_EQ(plain.next(), salted.next());
}

TEST(Draw, EachHasTheWholeShapeOfItsName) {
  EXPECT_LT(distance_of({Kind::uniform, 2, 5}, [](double s) { return (s - 2) / 3; }), 1.95);
  EXPECT_LT(distance_of({Kind::exponential, 2, 0}, [](double s) { return 1 - std::exp(-s / 2); }),
            1.95);
  EXPECT_LT(
      distance_of({Kind::normal, 2, 0.25}, [](double s) { return normal_below((s - 2) / 0.25); }),
      1.95);
  EXPECT_LT(distance_of({Kind::lognormal, 0.6, 0.5},
                        [](double s) { return normal_below(std::log(s / 0.6) / 0.5); }),
            1.95);
  // The measure can tell: a deviation that is 5 % too large is found.
  EXPECT_GT(
      distance_of({Kind::normal, 2, 0.2625}, [](double s) { return normal_below((s - 2) / 0.25); }),
      1.95);
}

TEST(Draw, AHeavyTailStaysFinite) {
  const Moments m = moments_of({Kind::lognormal, 1000, 5});
  EXPECT_LE(m.most, 86'400.0 * 365);
}

}  // namespace
}  // namespace stampede
