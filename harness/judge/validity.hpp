// Did the run prove anything? Findings about the generator and its books, never about the target:
// each holds, warns, was lifted by the profile, was not run, does not apply, or makes the run
// INVALID, with the figure, the limit and a remedy. The self-checks carry their number, L1–L18.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/judge/finding.hpp"
#include "harness/judge/measured_run.hpp"
#include "harness/measure/self_measure.hpp"
#include "harness/measure/snapshot.hpp"
#include "harness/profile/profile.hpp"

namespace stampede {

struct ValidityFacts {
  const Snapshot* warm_up = nullptr;   // may be absent
  const Snapshot* measured = nullptr;  // must not be
  // Arrivals that the plan puts into the measured window; absent: only closed load, which has no
  // rate.
  std::optional<std::uint64_t> arrivals_planned;
  double worker_cpu_max = 0;  // 0…1, mean over the measured window of the busiest worker
  bool tainted = false;
  std::vector<std::string> taints;  // "defect oversell", "limiter off"
  std::string taint_unknown;        // why nobody could be asked; "": the target was asked
  std::uint64_t ledger_overflow = 0;
  // Why the log of the histograms ends before the run does; "": it does not. Lost: it could not be
  // written; else it has come to its own limit.
  std::string log_ended;
  bool log_lost = false;
  bool interrupted = false;
  std::string stopped_because;
  // For the self-checks; without them the rows that need them say "not run".
  const MeasuredRun* run = nullptr;  // series and seconds
  const SelfMeasure* self = nullptr;
  const std::vector<Gate>* gates = nullptr;
  bool steady_plan = false;  // the plan is the same in every second of the measured window
};

// "For % of SLO" when a profile has no latency gate: what people still wait for without thinking of
// something else.
inline constexpr Nanos default_slo{std::chrono::seconds{1}};

// The tightest latency (response time) that a gate allows with < or <=.
[[nodiscard]] std::optional<Nanos> tightest_latency(const std::vector<Gate>& gates);
// The profile's `slo`, else the tightest latency gate, else default_slo.
[[nodiscard]] Nanos slo_of(const std::vector<Gate>& gates, const ValiditySpec& limits);
// The tightest share of errors that a gate allows.
[[nodiscard]] std::optional<double> error_budget(const std::vector<Gate>& gates);

std::vector<Finding> judge_validity(const ValidityFacts& facts, const ValiditySpec& limits);

}  // namespace stampede
