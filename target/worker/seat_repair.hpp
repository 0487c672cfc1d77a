// What differs between Redis' seats and MySQL's truth, and what to do about it. Pure: no store, no
// clock of its own.
//
// The two are never read at the same instant, so a single difference proves nothing: Redis is read
// first and MySQL after it, and a difference must still be there when both are read again.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "target/domain/task.hpp"
#include "target/service/seat_holds.hpp"
#include "target/service/seat_mirror.hpp"

namespace boxoffice {

struct SeatDifference {
  enum class Kind : std::uint8_t {
    pending_without_order,  // P in Redis, no live row: freed, but only after 30 s (a COMMIT may
                            // run)
    missing,                // live in MySQL, free or another's in Redis: written
    unsettled,              // sold in MySQL, still P of that order in Redis: written, in time
    sold_without_ticket,    // S in Redis, no live row: freed, in time
    lock_missing,           // locked in MySQL, free in Redis: locked
    lock_left               // locked in Redis only: freed
  };
  Kind kind{};
  std::uint32_t seat = 0;
  std::uint64_t order = 0, user = 0;
  LiveSeat live;  // of `missing` and `unsettled`
  bool operator==(const SeatDifference& other) const noexcept {
    return kind == other.kind && seat == other.seat && order == other.order;
  }
};
std::string_view name_of(SeatDifference::Kind kind) noexcept;

[[nodiscard]] std::vector<SeatDifference> compare(const std::vector<MirrorSeat>& mirror,
                                                  const SeatTruth& truth);

// Remembers since when each difference has been seen.
class RepairList {
 public:
  // Gives those that have lasted long enough to be real.
  [[nodiscard]] std::vector<SeatDifference> due(const std::vector<SeatDifference>& seen,
                                                TimePoint now);
  // Something waits to be confirmed by a second look.
  [[nodiscard]] bool suspicious() const noexcept { return suspicious_; }

 private:
  struct Since {
    SeatDifference difference;
    TimePoint first;
  };
  std::map<std::uint32_t, Since> known_;
  bool suspicious_ = false;
};

// What the outbox is about to settle anyway must not count as damage: it gets the time for it.
inline constexpr Millis pending_patience{30000}, settle_patience{10000};
inline constexpr Millis second_look{1000};
[[nodiscard]] Millis patience_with(SeatDifference::Kind kind) noexcept;

}  // namespace boxoffice
