// The set-up or tear-down of a run: steps that one user runs once, on the calling thread, with a
// connection and books of its own.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "harness/load/load.hpp"

namespace stampede {

struct PhaseOutcome {
  Snapshot measured;  // by series of the phase
  bool failed = false, interrupted = false;
  std::string problem;  // for people: why it failed
  // What the sessions of the run shall see of it.
  std::vector<std::pair<std::uint32_t, Value>> values;
  Nanos took{0};
};

enum class PhaseKind : std::uint8_t { setup, teardown };

// It fails with the first sample that is not ok and is not tried again, or when it takes longer
// than `length_max`. Acts as the first of the plan's users. Throws std::runtime_error for what
// makes it impossible (unresolvable host).
PhaseOutcome run_phase(const LoadPlan& plan, PhaseKind kind, Nanos length_max,
                       std::stop_token stop);

}  // namespace stampede
