// Reads the target's state itself, from MariaDB and from Redis.
#pragma once

#include <vector>

#include "harness/history/final_state.hpp"
#include "harness/topology/boxoffice_admin.hpp"
#include "harness/topology/topology.hpp"

namespace stampede {

// Never throws for an unreachable store: have_* stays false and *_problem says why.
// The target should be quiet: what still changes while it is read is reported as a problem.
FinalState read_final_state(const TopologyEndpoints& endpoints,
                            const std::vector<SeededEvent>& events, const SeededGames& games = {});

}  // namespace stampede
