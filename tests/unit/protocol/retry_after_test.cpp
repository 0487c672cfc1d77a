// Retry-After: seconds or a date, and nothing else.
#include "harness/protocol/retry_after.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

using std::chrono::seconds;
using std::chrono::sys_days;

// Sun, 06 Nov 1994 08:49:37 GMT
const std::chrono::system_clock::time_point then = sys_days{std::chrono::year{1994} / 11 / 6} +
                                                   std::chrono::hours{8} +
                                                   std::chrono::minutes{49} + seconds{37};

TEST(RetryAfter, Seconds) {
  EXPECT_EQ(parse_retry_after("0", then), Nanos{0});
  EXPECT_EQ(parse_retry_after("120", then), Nanos{seconds{120}});
  EXPECT_EQ(parse_retry_after(" 7 ", then), Nanos{seconds{7}});
}

TEST(RetryAfter, ADateCountsFromTheWallClock) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", then), Nanos{seconds{10}});
  EXPECT_EQ(parse_retry_after("Mon, 07 Nov 1994 08:49:36 GMT", then), Nanos{seconds{86'399}});
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", then), Nanos{0}) << "past";
}

TEST(RetryAfter, WhatIsLongerThanADayIsADay) {
  EXPECT_EQ(parse_retry_after("99999999", then), Nanos{seconds{86'400}});
  EXPECT_EQ(parse_retry_after("99999999999999999999999", then), Nanos{seconds{86'400}});
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2094 08:49:37 GMT", then), Nanos{seconds{86'400}});
}

TEST(RetryAfter, AnythingElseIsNone) {
  for (const char* text : {"", " ", "-1", "1.5", "soon", "12 s", "Sun, 06 Nov 1994 08:49:37 CET",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nav 1994 08:49:37 GMT"}) {
    EXPECT_EQ(parse_retry_after(text, then), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace stampede
