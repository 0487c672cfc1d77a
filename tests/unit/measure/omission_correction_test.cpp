// Gil Tene's example: a server that answers in 1 ms for 100 s at 100 requests a second, and then
// stands still for 100 s. The figures are those of HdrHistogramDataAccessTest.java.
#include "harness/measure/omission_correction.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Nanos interval{milliseconds{10}};

Histogram raw_example() {
  Histogram raw;
  raw.record(milliseconds{1}, 10'000);
  raw.record(seconds{100});
  return raw;
}

double share_up_to(const Histogram& histogram, Nanos value) {
  return 1 -
         static_cast<double>(histogram.count_above(value)) / static_cast<double>(histogram.count());
}

TEST(OmissionCorrection, TheFreezeExampleHasItsKnownFigures) {
  const Histogram raw = raw_example();
  EXPECT_EQ(raw.count(), 10'001U);
  EXPECT_NEAR(to_millis(*raw.quantile(0.9999)), 1, 0.001);
  EXPECT_NEAR(to_millis(*raw.quantile(0.99999)), 100'000, 100);
  EXPECT_NEAR(to_seconds(*raw.mean()) * 1e6, (1e7 + 1e8) / 10'001, 0.01);
  const auto corrected = corrected_for_coordinated_omission(raw, interval);
  ASSERT_TRUE(corrected);
  EXPECT_EQ(corrected->count(), 20'000U);
  const auto near = [&](double q, double expected_seconds) {
    EXPECT_NEAR(to_seconds(*corrected->quantile(q)), expected_seconds, expected_seconds * 0.001)
        << "quantile " << q;
  };
  near(0.30, 0.001);
  near(0.50, 0.001);
  near(0.75, 50);
  near(0.90, 80);
  near(0.99, 98);
  near(0.99999, 100);
  EXPECT_EQ(corrected->quantile(0.999999), seconds{100});
  EXPECT_NEAR(to_seconds(*corrected->mean()) * 1e6, (1000 + 5e7) / 2, (1000 + 5e7) / 2 * 0.001);
  EXPECT_NEAR(share_up_to(*corrected, milliseconds{5}), 0.5, 1e-9);
  EXPECT_EQ(corrected->max(), seconds{100});
}

TEST(OmissionCorrection, ValuesWithinTheIntervalAddNothing) {
  Histogram raw;
  raw.record(milliseconds{9}, 3);
  EXPECT_EQ(corrected_for_coordinated_omission(raw, interval), raw);
  EXPECT_EQ(corrected_for_coordinated_omission(Histogram{}, interval), Histogram{});
}

TEST(OmissionCorrection, AnIntervalThatWouldNeverEndIsRefused) {
  EXPECT_FALSE(corrected_for_coordinated_omission(raw_example(), Nanos{0}));
  EXPECT_FALSE(corrected_for_coordinated_omission(raw_example(), Nanos{1}));
}

}  // namespace
}  // namespace stampede
