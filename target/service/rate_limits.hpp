// How fast one user, login or address may ask: the generic cell rate algorithm (a token bucket kept
// as one time). Redis has the buckets, so that they are the same on every instance; while it is
// away each thread keeps its own.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "target/config.hpp"
#include "target/domain/task.hpp"

namespace boxoffice {

struct RateKey {
  std::string key;  // u:<user> h:<user> b:<user> l:<login> a:<address>
  Rate rate;
};
struct RateVerdict {
  std::int64_t retry_after_ms = 0;  // 0: go on
  std::uint32_t limit = 0;          // of the bucket that has the least left
  std::uint32_t left = 0;
  std::int64_t full_after_ms = 0;
};
// The stricter of two.
RateVerdict stricter(const RateVerdict& a, const RateVerdict& b) noexcept;

class RateBuckets {
 public:
  virtual ~RateBuckets() = default;
  // Takes one of each. Throws StoreUnavailable.
  virtual Task<RateVerdict> take(std::vector<RateKey> keys) = 0;
};

inline constexpr std::size_t local_buckets_max = 100'000;

// Those of one thread. `now` is any clock that only rises.
class LocalBuckets {
 public:
  RateVerdict take(const std::vector<RateKey>& keys, TimePoint now);
  [[nodiscard]] std::size_t size() const noexcept { return full_at_.size(); }

 private:
  std::unordered_map<std::string, TimePoint> full_at_;
};

}  // namespace boxoffice
