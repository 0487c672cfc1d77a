// What the interval of a gate's quantile needs besides the whole histogram: the same latencies in
// parts of equal length, in order. Between 20 and 40 parts of a longer run, whatever its length;
// one for each second of a shorter one. A request is in the part of the second in which it ended,
// which differs from when it was due by little beside a part's length.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/judge/measured_run.hpp"
#include "harness/profile/profile.hpp"

namespace stampede {

class LatencyBatches {
 public:
  static constexpr std::size_t parts_max = 40;

  // For each gate on a quantile of a latency.
  LatencyBatches(const std::vector<Gate>& gates, const std::vector<SeriesLabel>& series);
  // The seconds in order: what was due in the measured window and ended in that second.
  void add(const Snapshot& second);
  [[nodiscard]] const std::vector<BatchedLatencies>& batched() const noexcept { return batched_; }

 private:
  void merge_pairs();

  std::vector<BatchedLatencies> batched_;
  std::uint32_t seconds_each_ = 1, seconds_in_last_ = 0;
};

}  // namespace stampede
