// Pure functions over what the clients saw (ledger) and what is stored (final state). A check that could not run is
// inconclusive with the reason, never a pass.
#pragma once

#include <vector>

#include "harness/history/ledger.hpp"
#include "harness/history/final_state.hpp"
#include "harness/judge/finding.hpp"

namespace stampede {

// A1–A9, R1–R7, L1–L5, L7, L8 of the specification §2.14.2, in that order, then the derived figures OVERSELL, UNDERSELL, LOST_SALE.
std::vector<Finding> booking_invariants(const Ledger& ledger, const FinalState& state);

}  // namespace stampede
