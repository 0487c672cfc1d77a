// Seats in Redis: short-lived holds, and the mirror of what MySQL decided. The database's unique
// keys, not these, are the guarantee.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target/domain/event.hpp"
#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"

namespace boxoffice {

struct Hold {
  std::string id;  // 32 hex digits
  std::uint64_t user = 0, event = 0;
  std::uint32_t epoch = 0;
  std::vector<std::uint32_t> seats;
  std::uint64_t fence = 0;
  std::int64_t expires_ms = 0;  // Redis' clock, epoch ms
  // For take() only: of the entry pass that came along; its signature has been checked.
  std::int64_t pass_end_ms = 0, pass_issued_ms = 0;
  // Of the answer of take() and find(): Redis' clock then, and whether it was held before.
  std::int64_t now_ms = 0;
  bool again = false;
};
struct SeatStates {
  std::uint64_t version = 0;
  std::string bitmap;  // 2 bits per seat, as BITFIELD u2 lays them out; ceil(n/4) bytes
};

class SeatMirror;

// All throw StoreUnavailable("redis") when Redis is not reachable. A missing marker is the refusal
// `rebuilding`.
class SeatHolds {
 public:
  virtual ~SeatHolds() = default;
  // All seats or none. The same user's retry with the same id gives the same hold. A pass is
  // checked against the admitted in the same script, and slides the lease.
  virtual Task<Decision<Hold>> take(EventPtr event, Hold wanted, std::int64_t ttl_ms,
                                    bool check_admitted) = 0;
  virtual Task<Decision<Hold>> find(EventPtr event, std::string hold_id, std::uint64_t user) = 0;
  virtual Task<Decision<std::int64_t>> extend(EventPtr event, std::string hold_id,
                                              std::uint64_t user,
                                              std::int64_t add_ms) = 0;  // new expiry
  virtual Task<Decision<std::uint32_t>> release(EventPtr event, std::string hold_id,
                                                std::uint64_t user) = 0;
  // H → P. The hold as it was. `in_progress`: another request of the same user's is just making it
  // an order, perhaps on another instance.
  virtual Task<Decision<Hold>> pend(EventPtr event, std::string hold_id, std::uint64_t user,
                                    std::uint64_t order) = 0;
  // The order transaction did not happen: P → H (or free when its time is over).
  virtual Task<void> unpend(EventPtr event, const Hold& hold, std::uint64_t order) = 0;
  // MySQL decided: sold, or given back. Idempotent.
  virtual Task<void> settle(std::uint64_t event, std::uint32_t epoch, std::uint64_t order,
                            std::uint64_t user, bool sold, std::vector<std::uint32_t> seats) = 0;
  virtual Task<Decision<SeatStates>> states(EventPtr event) = 0;
  virtual Task<std::uint32_t> sweep(std::uint64_t event, std::uint32_t epoch) = 0;  // seats freed
  // For rebuild and repair; null: this store has none (a stand-in of a test).
  virtual SeatMirror* mirror() { return nullptr; }
};

// Where an order can find the event of a hold id. An id made here carries it (hold_id.hpp); one
// that a client chose is looked up through `hold:<id>` (set by take, TTL + 60 s).
class HoldDirectory {
 public:
  virtual ~HoldDirectory() = default;
  virtual Task<std::optional<std::uint64_t>> event_of(std::string hold_id) = 0;
  // A pended hold whose order's COMMIT was lost, kept for a minute so that any instance can place
  // the order again: the database's unique keys decide whether the first one happened.
  struct Lost {
    Hold hold;
    std::uint64_t order = 0;
  };
  virtual Task<void> keep_lost(Lost lost) = 0;
  virtual Task<std::optional<Lost>> lost_order(std::string hold_id) = 0;
};

// What MySQL knows of an event's seats: the source of a rebuild and of the reconciler.
struct LiveSeat {
  std::uint32_t seat = 0;
  std::uint64_t order = 0, user = 0, fence = 0;
  bool sold = false;            // a ticket exists (CONFIRMED); else order pending
  std::int64_t expires_ms = 0;  // of the order
};
struct SeatTruth {
  std::vector<LiveSeat> live;
  std::vector<std::uint32_t> locked;
  std::uint64_t fence_max = 0;
};
class SeatLedger {
 public:
  virtual ~SeatLedger() = default;
  virtual Task<SeatTruth> truth(std::uint64_t event,
                                std::uint32_t epoch) = 0;  // throws StoreUnavailable("mysql")
  // One of these seats that has a ticket. Throws StoreUnavailable("mysql"). Without a database (a
  // stand-in of a test): none has.
  virtual Task<std::optional<std::uint32_t>> sold_among(EventPtr event,
                                                        std::vector<std::uint32_t> seats) {
    (void)event, (void)seats;
    co_return std::nullopt;
  }
};

// Fenced leases for singleton jobs. nullopt: somebody else has it. Renew by asking again with the
// same owner.
class Leases {
 public:
  virtual ~Leases() = default;
  virtual Task<std::optional<std::uint64_t>> acquire(std::string name, Millis ttl) = 0;  // fence
  virtual Task<void> release(std::string name) = 0;
};

}  // namespace boxoffice
