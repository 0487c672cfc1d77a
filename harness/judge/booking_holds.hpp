// For how long a client could be certain to have a seat, and whether two were certain at once.
// Internal to harness/judge.
#pragma once

#include "harness/judge/booking_checks.hpp"

namespace stampede {

// Adds to `check` each pair of acknowledged holds of one seat that certainly existed at one
// instant.
void find_overlapping_holds(const Ledger& ledger, const InvariantOptions& options,
                            InvariantCheck& check);

}  // namespace stampede
