// What a queue does, in virtual time: the truth that a measurement of the same queue is held to.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

namespace test {

using Nanos = std::chrono::nanoseconds;

// One server, first in, first out. It stands still during [k·every, k·every + length) for every
// k ≥ 1; a service that is under way then goes on afterwards. every = 0: never.
struct Freezes {
  Nanos every{0}, length{0};
};
class FifoServer {
 public:
  explicit FifoServer(Freezes freezes = {}) : freezes_(freezes) {}
  // When the work of this arrival is done. Arrivals in order.
  Nanos serve(Nanos arrival, Nanos service);

 private:
  [[nodiscard]] Nanos after_work(Nanos start, Nanos service) const;
  Freezes freezes_;
  Nanos free_at_{0};
};

// Time in the system of each arrival: Lindley's W' = max(0, W + S − A), plus its own S.
std::vector<Nanos> response_times(const std::vector<Nanos>& arrivals,
                                  const std::vector<Nanos>& services, Freezes freezes = {});

std::vector<Nanos> regular_arrivals(double per_second, Nanos length);

// Exponential with the given mean. The inverse of the distribution, so that every machine draws the
// same.
class Exponential {
 public:
  Exponential(std::uint64_t seed, double mean_seconds) : random_(seed), mean_(mean_seconds) {}
  Nanos operator()();

 private:
  std::mt19937_64 random_;
  double mean_;
};

// Nearest rank. Sorts.
Nanos quantile_of(std::vector<Nanos> values, double q);

}  // namespace test
