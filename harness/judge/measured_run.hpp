// What gates judge: the measured window of a run with the names of its series. And the latency of a
// selection of series, with its censored values kept apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/judge/gauge_gates.hpp"
#include "harness/measure/snapshot.hpp"
#include "harness/profile/threshold.hpp"

namespace stampede {

// A row of the series table; the index is the SeriesId.
struct SeriesLabel {
  std::string scenario, step;
  bool transaction = false;
  bool waits = false;  // not in the totals: declared waits, and what is no request of its own
  std::map<std::string, std::string> tags{};
};

// A second that lies wholly in the measured window (neither warm-up nor drain).
struct MeasuredSecond {
  std::uint64_t requests = 0, transactions = 0, users_alive = 0;
  std::optional<Nanos> response_p95 = std::nullopt;
};

// A figure of data in which some values are lower bounds. `low` counts these at their value, `high`
// as if they had never come; equal when the figure is not touched by them, and absent `high`: at
// least `low`.
struct LatencyFigure {
  Nanos low{0};
  std::optional<Nanos> high;
  [[nodiscard]] bool at_least() const { return high != low; }
};

struct Latencies {
  Histogram known, censored;
  [[nodiscard]] std::uint64_t count() const { return known.count() + censored.count(); }
  [[nodiscard]] Histogram all() const;
  [[nodiscard]] std::optional<LatencyFigure> quantile(double q) const;
  [[nodiscard]] std::optional<LatencyFigure> mean() const;
  [[nodiscard]] std::optional<LatencyFigure> max() const;
};

using Selection = std::vector<SeriesId>;
// Both names empty: every series but those that wait. Scenario empty: that step in every scenario.
Selection select_series(const std::vector<SeriesLabel>& series, const std::string& scenario,
                        const std::string& step);
// Of a gate: its step, its tag (all series that have it but those that wait), or all.
Selection select_series(const std::vector<SeriesLabel>& series, const Threshold& threshold);

// The latencies of a selection in parts that follow each other in time.
struct BatchedLatencies {
  Selection selection;
  Threshold::LatencyClock clock{};
  std::vector<Latencies> parts{};
};
// nullptr: there are none of that selection.
const BatchedLatencies* find_batches(const std::vector<BatchedLatencies>& batched,
                                     const Selection& selection, Threshold::LatencyClock clock);

struct MeasuredRun {
  Snapshot measured;
  std::vector<SeriesLabel> series;
  std::vector<std::string> counters;
  std::vector<MeasuredSecond> seconds;
  double measured_seconds = 0;
  // Everything that ended in `seconds` (the sum of their snapshots), for rates. `measured` holds
  // what was due in the window or after it: sessions go on in the drain, and their requests count
  // for latency and errors, but as throughput they would flatter it. Absent: rates are those of
  // `measured`.
  std::optional<Snapshot> ended_in_seconds;
  std::uint64_t samples_min = 10'000;  // validity.samples_min: for gates on p95 or higher
  // Of gates on quantiles, for their intervals (latency_batches.hpp); may be empty.
  std::vector<BatchedLatencies> batched{};
  GaugeTable gauges{};
};

// What rates are made of, and the seconds to divide by.
const Snapshot& rate_snapshot(const MeasuredRun& run);
double rate_seconds(const MeasuredRun& run);

Latencies latencies(const Snapshot& measured, const Selection& selection,
                    Threshold::LatencyClock clock);

struct Tally {
  std::uint64_t requests = 0, errors = 0, shed = 0, transactions = 0;
  std::array<std::uint64_t, outcome_count> outcomes{};
};
Tally tally(const Snapshot& measured, const std::vector<SeriesLabel>& series,
            const Selection& selection);

}  // namespace stampede
