// What boxoffice's clock says, against this machine's.
#pragma once

#include <optional>
#include <string>

#include "harness/time.hpp"
#include "harness/topology/topology.hpp"

namespace stampede {

struct TargetClockReading {
  // Target minus here, and how much that may be wrong: half the round trip, and half of the unit in
  // which the target tells its time.
  std::optional<Nanos> offset;
  Nanos uncertainty{0};
  std::string absent;   // why there is none
  bool applies = true;  // false: the target has no such clock
};

// Asks GET /api/time a few times and keeps the answer with the shortest round trip. The target
// stands for both of its time stamps with one: what it takes to answer is a part of the round trip,
// and so of the uncertainty. Only over plain HTTP.
[[nodiscard]] TargetClockReading read_target_clock(const TopologyEndpoints& at);

// The reading that an answer gives; `asked` and `answered` are since the epoch here, by this
// machine's wall clock. Pure.
[[nodiscard]] TargetClockReading clock_reading(std::int64_t target_epoch_ms, Nanos asked,
                                               Nanos answered);

}  // namespace stampede
