// Will the rows of a feeder last? Known before the start where the number of sessions is.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/diagnostic.hpp"
#include "harness/profile/profile.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {

// Rows that sessions of `run` take from a feeder at the least: one for each session of an open or
// instant scenario that names it in `feed`, and one for each `feed` step that no condition guards.
// Closed scenarios count with the users they begin with: how often these come round is not known.
// Of a feeder whose rows every one of `workers` goes through (`partition: none`) it is what the
// sessions of one worker take.
std::uint64_t rows_needed(const CompiledRun& run, std::uint32_t feeder, std::uint64_t seed,
                          Nanos length, std::uint32_t workers);

// One problem for each feeder that ends (queue, unique) with fewer rows than that.
[[nodiscard]] Diagnostics feeder_shortages(const Profile& profile, const CompiledRun& run);

}  // namespace stampede
