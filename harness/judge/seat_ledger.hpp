// Where every seat of a run is in the end: a pure function of the final state. It judges nothing;
// UNDERSELL names the seats that are lost.
#pragma once

#include <cstdint>
#include <optional>

#include "harness/history/final_state.hpp"

namespace stampede {

struct SeatLedger {
  std::uint64_t total = 0;                       // of the run's events
  std::uint64_t free = 0, held = 0, locked = 0;  // by Redis; a hold whose time is over is free
  std::uint64_t pending = 0, sold = 0;           // by MySQL: unpaid orders, tickets
  // What is in none of these (above 0: lost), or in two of them (below 0: sold twice, or out of
  // step).
  [[nodiscard]] std::int64_t unaccounted() const {
    return static_cast<std::int64_t>(total) -
           static_cast<std::int64_t>(free + held + pending + sold + locked);
  }
};

// nullopt: a store was not read, is not rebuilt, or the run had no seats.
[[nodiscard]] std::optional<SeatLedger> seat_ledger(const FinalState& state);

}  // namespace stampede
