// Did the run prove anything? Findings about the generator and its books, never about the target:
// each is a pass or makes the run INVALID, with the figure, the limit and a remedy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/judge/finding.hpp"
#include "harness/judge/measured_run.hpp"
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
  std::uint64_t ledger_overflow = 0;
  bool interrupted = false;
  std::string stopped_because;
};

std::vector<Finding> judge_validity(const ValidityFacts& facts, const ValiditySpec& limits);

}  // namespace stampede
