// Redis' seats of one event from MySQL's truth: after a loss of data, for a new event, on demand.
#pragma once

#include <memory>
#include <set>
#include <utility>

#include "target/domain/event.hpp"
#include "target/domain/task.hpp"
#include "target/service/seat_holds.hpp"
#include "target/service/seat_mirror.hpp"

namespace boxoffice {

struct ThreadContext;

class SeatRebuild {
 public:
  SeatRebuild(SeatHolds& seats, SeatLedger& ledger, Leases& leases);

  // Returns when the event is ready: rebuilt here or, where another instance is at it, there.
  // Throws StoreUnavailable.
  Task<void> rebuild(EventPtr event);
  // Starts rebuild() on its own, unless this object is at it already or the marker is there.
  void kick(asio::io_context& context, EventPtr event);

 private:
  Task<void> rebuild_if_needed(EventPtr event);
  Task<void> wait_ready(EventPtr event);

  SeatHolds& seats_;
  SeatLedger& ledger_;
  Leases& leases_;
  // Shared, because a kicked rebuild's end may come after this object's.
  std::shared_ptr<std::set<std::pair<std::uint64_t, std::uint32_t>>> running_;
};

// For a new event and for the admin: see SeatRebuild::rebuild.
Task<void> rebuild_event(ThreadContext& thread, EventPtr event);

}  // namespace boxoffice
