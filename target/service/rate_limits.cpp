#include "target/service/rate_limits.hpp"

#include <algorithm>
#include <cmath>

namespace boxoffice {

namespace {

std::int64_t ms_up(std::chrono::nanoseconds time) {
  return std::chrono::ceil<Millis>(time).count();
}

}  // namespace

RateVerdict stricter(const RateVerdict& a, const RateVerdict& b) noexcept {
  if (a.retry_after_ms != b.retry_after_ms) return a.retry_after_ms > b.retry_after_ms ? a : b;
  if (a.limit == 0 || b.limit == 0) return a.limit == 0 ? b : a;
  return a.left <= b.left ? a : b;
}

// Subtle: the same arithmetic as gcra.lua, so that a failover of Redis changes no limit.
RateVerdict LocalBuckets::take(const std::vector<RateKey>& keys, TimePoint now) {
  if (full_at_.size() >= local_buckets_max) {
    std::erase_if(full_at_, [now](const auto& bucket) { return bucket.second <= now; });
    if (full_at_.size() >= local_buckets_max) full_at_.clear();
  }
  RateVerdict verdict;
  for (const RateKey& one : keys) {
    const std::chrono::nanoseconds interval(
        static_cast<std::int64_t>(std::llround(1e9 / one.rate.per_second)));
    TimePoint& full_at = full_at_[one.key];
    full_at = std::max(full_at, now);
    const auto wait = full_at - now - interval * (one.rate.burst - 1);
    RateVerdict of_one;
    of_one.limit = one.rate.burst;
    if (wait > std::chrono::nanoseconds(0)) {
      of_one.retry_after_ms = std::max<std::int64_t>(ms_up(wait), 1);
    } else {
      full_at += interval;
      of_one.left =
          static_cast<std::uint32_t>((interval * one.rate.burst - (full_at - now)) / interval);
    }
    of_one.full_after_ms = ms_up(full_at - now);
    verdict = stricter(verdict, of_one);
  }
  return verdict;
}

}  // namespace boxoffice
