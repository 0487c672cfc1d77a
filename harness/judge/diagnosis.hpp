// Where to look when a run was not as it should be, in the order in which an operator looks: server
// errors first, then the logs, then CPU and the connections of database and cache. Remarks only:
// they decide nothing, but a warning stands in every report.
#pragma once

#include <vector>

#include "harness/history/operation_facts.hpp"
#include "harness/judge/finding.hpp"

namespace stampede {

// The alarms that an operator of such a system sets first (target/ops/alerts.yaml has the same).
inline constexpr double server_error_share_max = 0.05;
inline constexpr double process_cpu_share_max = 0.70;  // of a core
inline constexpr double connection_share_max = 0.90;

// All have the verdict pass; those beyond a limit are `warned`, those that nobody could tell
// `not_run`.
std::vector<Finding> diagnose(const OperationFacts& facts);

}  // namespace stampede
