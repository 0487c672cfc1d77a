// How one booking invariant is counted, and which there are. Internal to harness/judge.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/judge/invariants.hpp"

namespace stampede {

inline constexpr std::size_t witnesses_max = 10;

// A check being made: what was looked at, and what was wrong.
struct InvariantCheck {
  std::string id, title, subject;  // subject: what `examined` counts, for people
  std::uint64_t examined = 0, bad = 0;
  std::vector<std::string> witnesses;
  std::string not_run;  // the reason; the check is then inconclusive

  void fail(std::string witness, std::uint64_t weight = 1);
};
[[nodiscard]] Finding to_finding(const InvariantCheck& check);

// A1–A9: as the probe counted them.
[[nodiscard]] std::vector<InvariantCheck> stored_row_checks(const FinalState& state);
// R1–R7: Redis against MySQL, and Redis in itself.
[[nodiscard]] std::vector<InvariantCheck> redis_checks(const FinalState& state);
// Seats that are neither sold nor free: nobody can have them any more.
[[nodiscard]] InvariantCheck undersell_check(const FinalState& state);
// L1–L5, L7, L8: the clients' ledger against MySQL.
[[nodiscard]] std::vector<InvariantCheck> ledger_checks(const Ledger& ledger,
                                                        const FinalState& state,
                                                        const InvariantOptions& options);

// A10 … A16, L6, R8: auctions and practice rooms; nothing when there were none.
[[nodiscard]] std::vector<InvariantCheck> game_checks(const Ledger& ledger,
                                                      const FinalState& state);

// A17; nothing when the provider of payments was no process of its own.
[[nodiscard]] std::vector<InvariantCheck> provider_checks(const FinalState& state);

// "event 1 seat 17"
[[nodiscard]] std::string seat_name(std::uint64_t event, std::uint32_t seat);

// What `:st` says of a seat: H:user:hold:exp:fence · P:user:order:exp:fence · S:user:order · L
struct SeatState {
  char kind = '?';  // '?': not of any known form
  std::uint64_t user = 0, order = 0, fence = 0;
  std::string hold;
  std::int64_t expires_ms = 0;
};
[[nodiscard]] SeatState parse_seat_state(const std::string& text);

}  // namespace stampede
