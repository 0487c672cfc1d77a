// Rate limits in Redis: one key per bucket, gcra.lua on each, all in one round trip.
#include <cmath>

#include "target/parts.hpp"

namespace boxoffice {

namespace {

// Longer would slow down what it protects; then the thread's own buckets decide.
constexpr Millis answer_within{250};

class RedisRateBuckets final : public RateBuckets {
 public:
  explicit RedisRateBuckets(RedisClient& redis) : redis_(redis) {}

  Task<RateVerdict> take(std::vector<RateKey> keys) override {
    std::vector<RedisCall> calls(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Rate& rate = keys[i].rate;
      calls[i].script = Script::gcra;
      calls[i].keys = {"rl:" + keys[i].key};
      calls[i].words = {std::to_string(std::llround(1e6 / rate.per_second)),
                        std::to_string(rate.burst)};
    }
    const auto replies = co_await redis_.pipeline(std::move(calls), Clock::now() + answer_within);
    RateVerdict verdict;
    for (std::size_t i = 0; i < replies.size(); ++i) {
      const auto& parts = replies[i].elements;
      if (parts.size() < 3) throw StoreUnavailable("redis", "gcra: " + replies[i].text);
      verdict = stricter(verdict, {.retry_after_ms = parts[0].number(),
                                   .limit = keys[i].rate.burst,
                                   .left = static_cast<std::uint32_t>(parts[1].number()),
                                   .full_after_ms = parts[2].number()});
    }
    co_return verdict;
  }

 private:
  RedisClient& redis_;
};

}  // namespace

std::unique_ptr<RateBuckets> make_rate_buckets(RedisClient& redis) {
  return std::make_unique<RedisRateBuckets>(redis);
}

}  // namespace boxoffice
