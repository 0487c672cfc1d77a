// The buckets that a thread keeps while Redis is away: the same arithmetic as gcra.lua.
#include "target/service/rate_limits.hpp"

#include <gtest/gtest.h>

namespace boxoffice {
namespace {

std::vector<RateKey> key(const char* name, double per_second, std::uint32_t burst) {
  return {{name, Rate{per_second, burst}}};
}

TEST(LocalBuckets, GiveTheBurstAtOnceAndThenOneEachInterval) {
  LocalBuckets buckets;
  TimePoint now{std::chrono::hours(1)};
  const auto five = key("h:1", 5, 5);
  for (std::uint32_t i = 0; i < 5; ++i) {
    const RateVerdict verdict = buckets.take(five, now);
    EXPECT_EQ(verdict.retry_after_ms, 0);
    EXPECT_EQ(verdict.left, 4 - i);
  }
  const RateVerdict refused = buckets.take(five, now);
  EXPECT_EQ(refused.retry_after_ms, 200);
  EXPECT_EQ(refused.full_after_ms, 1000);
  now += Millis(199);
  EXPECT_EQ(buckets.take(five, now).retry_after_ms, 1) << "to the millisecond";
  now += Millis(1);
  EXPECT_EQ(buckets.take(five, now).retry_after_ms, 0);
  EXPECT_EQ(buckets.take(five, now).retry_after_ms, 200);
}

TEST(LocalBuckets, TellTheStricterOfTwo) {
  LocalBuckets buckets;
  const TimePoint now{std::chrono::hours(1)};
  const std::vector<RateKey> both{{"u:1", {20, 40}}, {"h:1", {5, 1}}};
  EXPECT_EQ(buckets.take(both, now).retry_after_ms, 0);
  const RateVerdict refused = buckets.take(both, now);
  EXPECT_EQ(refused.retry_after_ms, 200);
  EXPECT_EQ(refused.limit, 1U);
  EXPECT_EQ(buckets.take(key("h:2", 5, 1), now).retry_after_ms, 0) << "others are not concerned";
}

TEST(LocalBuckets, AreBounded) {
  LocalBuckets buckets;
  TimePoint now{std::chrono::hours(1)};
  for (std::size_t i = 0; i < local_buckets_max + 10; ++i) {
    buckets.take(key(("u:" + std::to_string(i)).c_str(), 20, 40), now);
    now += Millis(1);
  }
  EXPECT_LE(buckets.size(), local_buckets_max);
}

}  // namespace
}  // namespace boxoffice
