// Pure functions over what the clients saw (ledger) and what is stored (final state). A check that
// could not run is inconclusive with the reason, never a pass.
#pragma once

#include <vector>

#include "harness/history/final_state.hpp"
#include "harness/history/ledger.hpp"
#include "harness/judge/finding.hpp"
#include "harness/time.hpp"

namespace stampede {

// What must be added to a point of the steady clock to get wall-clock time since 1970; taken now.
[[nodiscard]] Nanos wall_minus_steady();

struct InvariantOptions {
  Nanos wall_offset = wall_minus_steady();
  // The most by which the target's clock and this machine's may differ.
  Nanos clock_error = std::chrono::milliseconds{50};
  // How much later than it happened a client may hear of its admission. Pollers: at least their
  // period.
  Nanos admission_lag = std::chrono::seconds{2};
};

// A1–A9, R1–R7, L1–L5, L7, L8 of the specification §2.14.2, in that order, then the derived figures
// OVERSELL, UNDERSELL, LOST_SALE. Of auctions and practice rooms A10 … A16, L6 and R8 before those,
// and A17 where the provider of payments was a process of its own.
std::vector<Finding> booking_invariants(const Ledger& ledger, const FinalState& state,
                                        const InvariantOptions& options = {});

}  // namespace stampede
