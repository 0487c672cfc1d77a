// Little's law as bookkeeping: over a window, the integral of the number of requests in the system
// is the sum of their times in it. Both sides are kept apart, from entries and exits here and from
// whole samples there, in integer nanoseconds modulo 2^64; if they ever differ, a request entered
// or left twice, or never, or its due time changed on the way. One per worker; no allocation.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "harness/time.hpp"

namespace stampede {

class ResidenceBooks {
 public:
  ResidenceBooks(TimePoint from, TimePoint to) noexcept : from_(from), to_(std::max(from, to)) {}

  // `due` may lie in the past: the request is in the system from then on.
  void enter(TimePoint due) noexcept {
    integral_ += until_end(due);
    ++inside_;
    in_flight_.store(in_flight_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  // `sent`: TimePoint{} if it never came to that.
  void leave(TimePoint due, TimePoint sent, TimePoint done) noexcept {
    integral_ -= until_end(done);
    --inside_;
    in_flight_.store(in_flight_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    residence_ += static_cast<std::uint64_t>((clipped(done) - clipped(due)).count());
    if (sent == TimePoint{}) return;
    service_ += static_cast<std::uint64_t>((clipped(done) - clipped(sent)).count());
    ++left_;
  }

  // The service time of what will leave() so, and was never in flight, is not to count.
  void discount(TimePoint sent, TimePoint done) noexcept {
    if (sent == TimePoint{}) return;
    service_ -= static_cast<std::uint64_t>((clipped(done) - clipped(sent)).count());
    --left_;
  }

  [[nodiscard]] std::uint64_t integral() const noexcept { return integral_; }
  [[nodiscard]] std::uint64_t residence() const noexcept { return residence_; }
  [[nodiscard]] std::uint64_t service() const noexcept { return service_; }
  [[nodiscard]] std::uint64_t left() const noexcept { return left_; }
  [[nodiscard]] std::int64_t inside() const noexcept { return inside_; }
  // From any thread.
  [[nodiscard]] std::int64_t in_flight() const noexcept {
    return in_flight_.load(std::memory_order_relaxed);
  }

 private:
  [[nodiscard]] TimePoint clipped(TimePoint at) const noexcept {
    return std::clamp(at, from_, to_);
  }
  [[nodiscard]] std::uint64_t until_end(TimePoint at) const noexcept {
    return static_cast<std::uint64_t>((to_ - clipped(at)).count());
  }

  TimePoint from_, to_;
  std::uint64_t integral_ = 0, residence_ = 0, service_ = 0, left_ = 0;
  std::int64_t inside_ = 0;
  std::atomic<std::int64_t> in_flight_{0};  // written by its worker only
};

}  // namespace stampede
