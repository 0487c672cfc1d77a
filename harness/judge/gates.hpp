// Evaluates the gates of a profile on the measured window. No samples is inconclusive, never a
// pass; so is a gate on p95 or higher with fewer samples than the profile asks for.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "harness/diagnostic.hpp"
#include "harness/judge/finding.hpp"
#include "harness/judge/measured_run.hpp"
#include "harness/profile/profile.hpp"
#include "harness/profile/threshold.hpp"

namespace stampede {

// "≤", and whether a figure satisfies the comparison with its limit.
[[nodiscard]] std::string_view symbol_of(Threshold::Comparison comparison);
[[nodiscard]] bool holds(double figure, Threshold::Comparison comparison, double limit);

Finding judge(const Threshold& threshold, std::string_view text, const MeasuredRun& run);
std::vector<Finding> judge(const std::vector<Gate>& gates, const MeasuredRun& run);

// Before a run: a selector that names no series, a counter or an outcome that does not exist, a
// selector on a measure that is kept for the whole run only.
[[nodiscard]] Diagnostics check_gates(const std::vector<Gate>& gates,
                                      const std::vector<SeriesLabel>& series,
                                      const std::vector<std::string>& counters,
                                      std::string_view file);

// Ranks, from 1, of the two order statistics that enclose a quantile of n independent samples with
// 95 % confidence (normal form); absent where n has no such rank.
struct RankInterval {
  std::optional<std::uint64_t> lower, upper;
};
RankInterval quantile_ranks(double q, std::uint64_t n);

}  // namespace stampede
