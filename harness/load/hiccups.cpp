#include "harness/load/hiccups.hpp"

namespace stampede {

void HiccupTable::publish(Hiccup hiccup) noexcept {
  const std::uint32_t size = size_.load(std::memory_order_relaxed);
  if (size == capacity) {
    forgotten_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  table_[size] = hiccup;
  size_.store(size + 1, std::memory_order_release);
}

bool HiccupTable::overlaps(TimePoint from, TimePoint to) const noexcept {
  // From the latest back: most answers are younger than the last hiccup.
  for (std::uint32_t i = size(); i > 0; --i) {
    const Hiccup& hiccup = table_[i - 1];
    if (hiccup.end <= from) return false;
    if (hiccup.begin < to) return true;
  }
  return false;
}

void TaintCounter::settle() noexcept {
  for (std::size_t i = 0; i < kept_; ++i) {
    if (hiccups_.overlaps(pending_[i].begin, pending_[i].end)) ++tainted_;
  }
  samples_ += kept_;
  kept_ = 0;
}

}  // namespace stampede
