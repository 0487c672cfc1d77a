// The target's clock by four time stamps.
#include "harness/topology/target_clock.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(TargetClock, ItsStampStandsAgainstTheMiddleOfTheRoundTrip) {
  const Nanos asked = milliseconds{1'000'000};
  // 12 ms there and back; the target read 1,000,106 … 1,000,107 ms: 100 ms ahead of the middle.
  const TargetClockReading reading = clock_reading(1'000'106, asked, asked + milliseconds{12});
  ASSERT_TRUE(reading.offset.has_value());
  EXPECT_EQ(*reading.offset, microseconds{100'500});
  EXPECT_EQ(reading.uncertainty, microseconds{6'500});
}

TEST(TargetClock, OneThatIsBehindHasANegativeOffset) {
  const Nanos asked = milliseconds{1'000'000};
  EXPECT_LT(*clock_reading(999'900, asked, asked + milliseconds{1}).offset, Nanos{0});
}

TEST(TargetClock, OnlyPlainHttpIsAsked) {
  TopologyEndpoints at;
  at.http = {"127.0.0.1", 1};
  at.tls = true;
  EXPECT_FALSE(read_target_clock(at).applies);
  at.tls = false;
  const TargetClockReading refused = read_target_clock(at);
  EXPECT_TRUE(refused.applies);
  EXPECT_FALSE(refused.offset.has_value());
  EXPECT_NE(refused.absent.find("/api/time"), std::string::npos) << refused.absent;
}

}  // namespace
}  // namespace stampede
