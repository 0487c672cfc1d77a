// When this machine stood still: published by the watching thread, read by the workers without a
// lock. And which answers that tainted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "harness/time.hpp"

namespace stampede {

class HiccupTable {
 public:
  static constexpr std::uint32_t capacity = 4096;

  struct Hiccup {
    TimePoint begin, end;
  };
  // By one thread, in order of time. Beyond the capacity they are only counted.
  void publish(Hiccup hiccup) noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept {
    return size_.load(std::memory_order_acquire);
  }
  [[nodiscard]] const Hiccup& at(std::uint32_t index) const noexcept { return table_[index]; }
  [[nodiscard]] std::uint64_t forgotten() const noexcept {
    return forgotten_.load(std::memory_order_relaxed);
  }
  // Did any overlap [from, to]?
  [[nodiscard]] bool overlaps(TimePoint from, TimePoint to) const noexcept;

 private:
  std::array<Hiccup, capacity> table_{};
  std::atomic<std::uint32_t> size_{0};
  std::atomic<std::uint64_t> forgotten_{0};
};

// One per worker. Answers are looked at a little after they came, because a hiccup is known only
// when it is over: add() keeps them, settle() judges what was kept.
class TaintCounter {
 public:
  explicit TaintCounter(const HiccupTable& hiccups) : hiccups_(hiccups) {}
  void add(TimePoint due, TimePoint done) noexcept {
    if (kept_ == pending_.size()) settle();
    pending_[kept_++] = {due, done};
  }
  void settle() noexcept;
  [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }
  [[nodiscard]] std::uint64_t tainted() const noexcept { return tainted_; }

 private:
  const HiccupTable& hiccups_;
  std::array<HiccupTable::Hiccup, 1024> pending_{};
  std::size_t kept_ = 0;
  std::uint64_t samples_ = 0, tainted_ = 0;
};

}  // namespace stampede
