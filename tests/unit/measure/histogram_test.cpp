#include "harness/measure/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Histogram of(const std::vector<std::int64_t>& values) {
  Histogram histogram;
  for (const std::int64_t value : values) histogram.record(Nanos{value});
  return histogram;
}

TEST(Histogram, NoDataHasNoFigures) {
  const Histogram empty;
  EXPECT_FALSE(empty.quantile(0.5));
  EXPECT_FALSE(empty.min());
  EXPECT_FALSE(empty.max());
  EXPECT_FALSE(empty.mean());
  EXPECT_FALSE(empty.at_rank(1));
  EXPECT_EQ(empty.memory(), 0U);
}

// The published rounding cases of HdrHistogram's own test.
TEST(Histogram, RanksRoundAsHdrHistogramDoes) {
  const Histogram two = of({1, 2});
  EXPECT_EQ(two.quantile(0.5)->count(), 1);
  EXPECT_EQ(two.quantile(0.5000000000000001)->count(), 1);
  EXPECT_EQ(two.quantile(0.500000000000001)->count(), 2);
  const Histogram five = of({1, 2, 2, 2, 2});
  EXPECT_EQ(five.quantile(0.25)->count(), 2);
  EXPECT_EQ(five.quantile(0.30)->count(), 2);
  EXPECT_EQ(five.quantile(0.20)->count(), 1);
}

TEST(Histogram, ARankIsNotPushedUpByBinaryFractions) {
  EXPECT_EQ(Histogram::rank_of(0.07, 100), 7U);
  EXPECT_EQ(Histogram::rank_of(0.95, 1000), 950U);
  EXPECT_EQ(Histogram::rank_of(0.999, 1000), 999U);
  EXPECT_EQ(Histogram::rank_of(0.0, 10), 1U);
  EXPECT_EQ(Histogram::rank_of(1.0, 10), 10U);
}

// The quick way of recording one value, held against the general one.
TEST(Histogram, OneValueIsRecordedAsACountOfOne) {
  std::mt19937_64 random(5);
  Histogram quick, general;
  for (int run = 0; run < 20'000; ++run) {
    const auto bits = random() % 64;
    const auto value = Nanos{static_cast<std::int64_t>(random() >> bits)};  // some below 0
    quick.record(value);
    general.record(value, 1);
    if (run % 1'000 != 999) continue;
    ASSERT_EQ(quick, general);
    ASSERT_EQ(quick.out_of_range(), general.out_of_range());
    if (run % 3 == 0) ASSERT_EQ(quick.take(), general.take());
    if (run % 5 == 0) quick = quick.take();  // compact, and recorded into
  }
  ASSERT_EQ(quick.take(), general.take());
}

// 100 s at 100/s of 1 ms each, then one 100 s freeze, as an uncorrected client records it.
TEST(Histogram, TheFreezeExampleHasItsKnownRawFigures) {
  Histogram raw;
  raw.record(milliseconds{1}, 10000);
  raw.record(seconds{100});
  EXPECT_EQ(raw.count(), 10001U);
  EXPECT_NEAR(to_millis(*raw.quantile(0.3)), 1, 0.001);
  EXPECT_NEAR(to_millis(*raw.quantile(0.99)), 1, 0.001);
  EXPECT_NEAR(to_millis(*raw.quantile(0.9999)), 1, 0.001);
  EXPECT_NEAR(to_millis(*raw.quantile(0.99999)), 100000, 100);
  EXPECT_EQ(raw.max(), seconds{100});
  EXPECT_NEAR(static_cast<double>(raw.mean()->count()), (1e7 + 1e8) / 10001 * 1000, 1);
  EXPECT_EQ(raw.count_above(milliseconds{5}), 1U);
}

TEST(Histogram, MergedIsNotAveraged) {
  Histogram fast;
  fast.record(milliseconds{1}, 9900);
  Histogram slow;
  slow.record(milliseconds{100}, 100);
  Histogram both = fast;
  both += slow;
  // The average of the two p99 would be 50.5 ms.
  EXPECT_NEAR(to_millis(*both.quantile(0.99)), 1, 0.001);
  EXPECT_NEAR(to_millis(*both.quantile(0.9901)), 100, 0.1);
}

TEST(Histogram, ValuesOutsideAreClampedAndCounted) {
  Histogram histogram;
  histogram.record(Nanos{-1});
  histogram.record(std::chrono::hours{2});
  histogram.record(Nanos{0});
  EXPECT_EQ(histogram.count(), 3U);
  EXPECT_EQ(histogram.out_of_range(), 2U);
  EXPECT_EQ(histogram.min(), Nanos{0});
  EXPECT_EQ(histogram.max(), Histogram::highest);
}

TEST(Histogram, OfValuesOutsideTheFarthestIsKeptWhateverTheirOrder) {
  Histogram low, high, inside;
  inside.record(Nanos{7});
  EXPECT_FALSE(inside.outlier().has_value());
  low.record(Nanos{-3});
  EXPECT_EQ(low.outlier(), Nanos{-3});
  high.record(std::chrono::hours{2});
  high.record(std::chrono::minutes{61});
  for (const auto& [first, second] : {std::pair{low, high}, std::pair{high, low}}) {
    Histogram both = first;
    both += inside;
    both += second;
    EXPECT_EQ(both.outlier(), Nanos{std::chrono::hours{2}});
    Histogram taken = both.take();
    EXPECT_EQ(taken.outlier(), Nanos{std::chrono::hours{2}});
    EXPECT_FALSE(both.outlier().has_value());
  }
}

TEST(Histogram, AQuantileIsNeverAboveTheLargestValue) {
  const Histogram histogram = of({1'000'001});
  EXPECT_EQ(histogram.quantile(0.999), histogram.max());
}

std::vector<std::int64_t> random_values(std::mt19937_64& random, std::size_t count) {
  std::lognormal_distribution<double> shape(14, 3);
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(static_cast<std::int64_t>(std::min(shape(random), 3.5e12)));
  }
  return values;
}

TEST(Histogram, QuantilesAreWithinATenthOfAPercentOfTheSortedValues) {
  std::mt19937_64 random(20261121);
  for (const std::size_t count : {1UL, 2UL, 17UL, 1000UL, 20000UL}) {
    std::vector<std::int64_t> values = random_values(random, count);
    const Histogram histogram = of(values);
    std::ranges::sort(values);
    for (const double q : {0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
      const auto exact = static_cast<double>(values[Histogram::rank_of(q, count) - 1]);
      const auto found = static_cast<double>(histogram.quantile(q)->count());
      EXPECT_GE(found, exact);
      EXPECT_LE(found, exact * 1.001 + 0.5) << "quantile " << q << " of " << count;
    }
  }
}

TEST(Histogram, BucketEdgesEnclose) {
  std::mt19937_64 random(7);
  for (const std::int64_t value : random_values(random, 2000)) {
    Histogram histogram = of({0, value, Histogram::highest.count()});
    EXPECT_LE(histogram.at_rank_low(2)->count(), value);
    EXPECT_GE(histogram.at_rank(2)->count(), value);
  }
}

// Property: however values are split over histograms and in whatever order these are merged, dense
// or compact, the result is that of one histogram that saw them all.
TEST(Histogram, AnySplitAndMergeEqualsOneHistogram) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    const auto values = random_values(random, 500);
    std::vector<Histogram> parts(4);
    for (const std::int64_t value : values) parts[random() % 4].record(Nanos{value});
    for (std::size_t i = 0; i < 2; ++i) parts[i] = parts[i].take();
    Histogram forward, backward;
    for (const Histogram& part : parts) forward += part;
    for (std::size_t i = parts.size(); i-- > 0;) backward += parts[i];
    Histogram grouped = parts[2];
    Histogram tail = parts[1];
    tail += parts[3];
    grouped += tail;
    grouped += parts[0];
    const Histogram whole = of(values);
    ASSERT_EQ(forward, whole) << "seed " << seed;
    ASSERT_EQ(backward, whole) << "seed " << seed;
    ASSERT_EQ(grouped, whole) << "seed " << seed;
  }
}

TEST(Histogram, ManyCompactPartsBecomeDenseWithoutLoss) {
  std::mt19937_64 random(11);
  Histogram total, oracle, worker;
  for (int part = 0; part < 40; ++part) {
    for (const std::int64_t value : random_values(random, 200)) {
      worker.record(Nanos{value});
      oracle.record(Nanos{value});
    }
    total += worker.take();
  }
  EXPECT_EQ(total, oracle);
  EXPECT_EQ(worker, Histogram{});
}

TEST(Histogram, TheEmptyOneIsTheZero) {
  Histogram histogram = of({5, 7000});
  const Histogram before = histogram;
  histogram += Histogram{};
  EXPECT_EQ(histogram, before);
  Histogram zero;
  zero += before;
  EXPECT_EQ(zero, before);
  zero += zero;
  EXPECT_EQ(zero.count(), 4U);
}

TEST(Histogram, DiffersByOneCount) {
  Histogram a = of({10, 20});
  Histogram b = of({10, 21});
  EXPECT_NE(a, b);
}

TEST(Histogram, TakingKeepsTheRowsForTheNextSecond) {
  Histogram histogram = of({1'000'000, 2'000'000});
  const std::size_t before = histogram.memory();
  const Histogram taken = histogram.take();
  histogram.record(Nanos{1'500'000});
  EXPECT_EQ(histogram.memory(), before);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_LT(taken.memory(), 100U);
}

}  // namespace
}  // namespace stampede
