// How far people got on their way to a ticket, and how long that took them, by what their clients
// were told: a pure function of the ledger. It judges nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/history/ledger.hpp"
#include "harness/judge/invariants.hpp"
#include "harness/measure/histogram.hpp"

namespace stampede {

// A stage and the sessions that reached it: entered admitted held ordered paid confirmed.
struct FunnelStage {
  std::string_view name;
  std::uint64_t sessions = 0;
  // Those of them that reached the stage before as well; absent for the first one.
  std::optional<std::uint64_t> from_before;
};

// What became of the holds that were acknowledged; each is in exactly one of the other counts.
struct HoldFates {
  std::uint64_t acknowledged = 0;
  std::uint64_t ended = 0;    // by an order or a release, acknowledged
  std::uint64_t ran_out = 0;  // its time was over before that
  std::uint64_t unknown = 0;  // an answer that would tell was lost
  std::uint64_t open = 0;     // still held when the record ends, or never told until when
  Histogram dwell;            // of the ended ones: from the answer of the hold to that of its end
};

struct BookingFunnel {
  std::vector<FunnelStage> stages;  // those that the record speaks of
  std::optional<HoldFates> holds;   // absent: no hold was asked for
  // From the first try to enter to the news of the admission, of the first one of each session.
  std::optional<Histogram> queue_wait;  // absent: nobody was admitted
};

// `wall_offset` as in InvariantOptions: holds end by the clock on the wall.
[[nodiscard]] BookingFunnel booking_funnel(const Ledger& ledger,
                                           Nanos wall_offset = wall_minus_steady());

}  // namespace stampede
