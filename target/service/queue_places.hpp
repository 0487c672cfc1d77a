// The waiting room's places in Redis: strict FIFO by sequence, heartbeats, sliding leases, atomic
// admission.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "target/domain/event.hpp"
#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"

namespace boxoffice {

struct Place {
  enum class State : std::uint8_t { waiting, admitted, absent };
  State state = State::absent;
  std::int64_t position = 0, total = 0;  // waiting: from 1
  std::int64_t sequence = 0;             // waiting
  std::int64_t lease_end_ms = 0;         // admitted
  bool fresh = false;                    // entered by this very call
  std::int64_t base = 0;                 // waiting: which life of the queue `sequence` belongs to
  std::int64_t pass_end_ms = 0;          // admitted: the hard end, whatever the lease
  bool ghosted = false;                  // absent: given up after silence, not long ago
};
struct Admission {
  std::uint32_t admitted = 0, ghosts = 0, lapsed = 0;
  std::uint64_t waiting = 0, active = 0;
};

// The place somebody had, from a token whose signature has been checked.
struct KnownPlace {
  std::int64_t base = 0, sequence = 0;
};
class QueueFeed;

// All throw StoreUnavailable("redis").
class QueuePlaces {
 public:
  virtual ~QueuePlaces() = default;
  virtual Task<Decision<Place>> enter(EventPtr event, std::uint64_t user, double random) = 0;
  virtual Task<Place> look(EventPtr event, std::uint64_t user, bool heartbeat) = 0;
  virtual Task<bool> leave(std::uint64_t event, std::uint32_t epoch, std::uint64_t user,
                           bool completed) = 0;
  virtual Task<Admission> admit(EventPtr event) = 0;
  // As enter(); where the queue's data was lost since, the place comes back.
  virtual Task<Decision<Place>> enter_again(EventPtr event, std::uint64_t user, double random,
                                            KnownPlace) {
    return enter(std::move(event), user, random);
  }
  // For who watches many places at once; null: this store has none (a stand-in of a test).
  virtual QueueFeed* feed() { return nullptr; }
};

}  // namespace boxoffice
