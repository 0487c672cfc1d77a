// The seats in Redis as a mirror of the database: what a rebuild and the reconciler need.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "target/domain/event.hpp"
#include "target/domain/task.hpp"
#include "target/service/seat_holds.hpp"

namespace boxoffice {

struct MirrorSeat {
  std::uint32_t seat = 0;
  char kind = 'H';                    // H held, P order pending, S sold, L locked
  std::uint64_t user = 0, order = 0;  // order: of P and S
};
// What to write. In this order; seats named twice end as the last says.
struct SeatChanges {
  std::vector<LiveSeat> live;
  std::vector<std::uint32_t> locked, freed;
};

// All throw StoreUnavailable("redis").
class SeatMirror {
 public:
  virtual ~SeatMirror() = default;
  virtual Task<bool> ready(EventPtr event) = 0;  // the marker is there
  // Takes the marker away and empties the mirror; holds are refused until finish(). Gives the turn.
  virtual Task<std::uint64_t> begin(EventPtr event) = 0;
  // False: somebody began after this turn, and the marker is theirs to set.
  virtual Task<bool> finish(EventPtr event, std::uint64_t turn, std::uint64_t fence_floor) = 0;
  // In batches. `force` replaces what is there (a repair), else only what is absent is written.
  virtual Task<void> write(EventPtr event, SeatChanges changes, bool force) = 0;
  // As write() with force, in the name of a fenced lease of the event ("reconcile:{e7.1}"). False:
  // a newer fence was given meanwhile, and from then on nothing was written.
  virtual Task<bool> repair(EventPtr event, SeatChanges changes, std::string lease,
                            std::uint64_t fence) = 0;
  virtual Task<std::vector<MirrorSeat>> all(EventPtr event) = 0;
};

}  // namespace boxoffice
