// Reads the target's state itself, from MariaDB and from Redis.
#pragma once

#include <vector>

#include "harness/topology/boxoffice_admin.hpp"
#include "harness/topology/topology.hpp"
#include "harness/history/final_state.hpp"

namespace stampede {

// Never throws for an unreachable store: have_* stays false and *_problem says why.
FinalState read_final_state(const TopologyEndpoints& endpoints, const std::vector<SeededEvent>& events);

}  // namespace stampede
