#include "harness/measure/units.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

TEST(Units, DurationsTakeTheUnitThatFits) {
  EXPECT_EQ(human_duration(Nanos{0}), "0 ms");
  EXPECT_EQ(human_duration(Nanos{17}), "17 ns");
  EXPECT_EQ(human_duration(Nanos{98'340}), "98.3 µs");
  EXPECT_EQ(human_duration(Nanos{999'999}), "1 ms");
  EXPECT_EQ(human_duration(Nanos{143'200'000}), "143 ms");
  EXPECT_EQ(human_duration(Nanos{1'262'000'000}), "1.26 s");
  EXPECT_EQ(human_duration(std::chrono::seconds{124}), "124 s");
}

TEST(Units, NumbersHaveThreeDigitsAndSeparators) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(68'214), "68,214");
  EXPECT_EQ(human_count(1'000'000), "1,000,000");
  EXPECT_EQ(human_rate(1012.4), "1,012/s");
  EXPECT_EQ(human_rate(12.34), "12.3/s");
  EXPECT_EQ(human_rate(0), "0/s");
  EXPECT_EQ(human_share(0.0042), "0.42 %");
  EXPECT_EQ(human_share(0.000004), "0.0004 %");
  EXPECT_EQ(human_share(1), "100 %");
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(1'350'000'000), "1.26 GiB");
}

}  // namespace
}  // namespace stampede
