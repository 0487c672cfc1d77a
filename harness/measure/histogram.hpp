// High-dynamic-range histogram: integer nanoseconds, 3 significant digits, 1 ns … 1 h, as HdrHistogram lays buckets out
// (sub-bucket count 2048). A quantile is nearest-rank over bucket counts and returns the highest equivalent value of its bucket,
// so it overstates by at most 0.1 %. Values outside are clamped and counted: loss is visible, never silent.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/time.hpp"

namespace stampede {

class Histogram {
 public:
  void record(Nanos value, std::uint64_t count = 1);
  Histogram& operator+=(const Histogram& other);
  void clear() noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return total_; }
  [[nodiscard]] std::uint64_t out_of_range() const noexcept { return out_of_range_; }
  [[nodiscard]] std::optional<Nanos> quantile(double q) const;  // 0…1; nullopt: no data
  [[nodiscard]] std::optional<Nanos> min() const;
  [[nodiscard]] std::optional<Nanos> max() const;
  [[nodiscard]] std::optional<Nanos> mean() const;
  [[nodiscard]] std::uint64_t count_above(Nanos value) const;
  bool operator==(const Histogram& other) const;

 private:
  std::vector<std::uint32_t> counts_;  // grows to the highest bucket used; see .cpp for the layout
  std::vector<std::uint64_t> wide_;    // used instead once a 32-bit count would overflow
  std::uint64_t total_ = 0, out_of_range_ = 0;
  std::int64_t min_ = 0, max_ = 0;
  double sum_ = 0;
};

}  // namespace stampede
