// Where users of all workers wait for each other and leave together. The one thing that workers
// share: a word per point, touched only when a user arrives or gives up. Who completes a group
// posts the instant of leaving to every worker's event loop; nobody ever waits for a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "harness/protocol/wire.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/time.hpp"

namespace stampede {

class RendezvousDesk;

// Of the run. Groups that meet at a point follow each other: `group` numbers them.
class RendezvousHall {
 public:
  // Users leave so much after the last came: time enough for every worker to hear of it. What a
  // worker needs longer is its skew, and shows as the start lag of the next step.
  static constexpr Nanos lead{std::chrono::milliseconds{2}};

  explicit RendezvousHall(const std::vector<RendezvousPoint>& points);
  // Before the workers run.
  void enlist(RendezvousDesk& desk) { desks_.push_back(&desk); }

  struct Arrival {
    std::uint32_t group = 0;
    bool completes = false;  // the caller was the last that was waited for: it must release()
  };
  Arrival arrive(std::uint32_t point) noexcept;
  // A user that goes away. False: its group has been released meanwhile.
  bool leave(std::uint32_t point, std::uint32_t group) noexcept;
  // Ends the waiting of an incomplete group; true for the one caller that must then release() it.
  bool close(std::uint32_t point, std::uint32_t group) noexcept;
  // Tells every worker, the caller's own included.
  void release(std::uint32_t point, std::uint32_t group, TimePoint instant, bool complete);

 private:
  // Group number in the high half, users waiting in the low one.
  std::vector<std::atomic<std::uint64_t>> words_;
  std::vector<std::uint32_t> users_;
  std::vector<RendezvousDesk*> desks_;
};

// Of one worker, used on its thread but for the posts that reach it.
class RendezvousDesk {
 public:
  struct Waiter {
    std::uint32_t point = 0, group = 0;
    Sleeper* bed = nullptr;  // woken when released
    bool released = false, complete = false;
    TimePoint instant;
  };

  RendezvousDesk(RendezvousHall& hall, EventLoop& loop) : hall_(hall), loop_(loop) {
    hall.enlist(*this);
  }
  RendezvousDesk(const RendezvousDesk&) = delete;
  RendezvousDesk& operator=(const RendezvousDesk&) = delete;

  // The waiter has come to waiter.point; it stays until it is released or taken off.
  void arrive(Waiter& waiter);
  // It has waited too long: all of its group leave, unless they have been released already.
  void time_out(const Waiter& waiter);
  // It will not wait any longer.
  void leave(Waiter& waiter);
  [[nodiscard]] std::size_t waiting() const noexcept { return waiters_.size(); }

 private:
  friend class RendezvousHall;
  void release(std::uint32_t point, std::uint32_t group, TimePoint instant, bool complete);

  RendezvousHall& hall_;
  EventLoop& loop_;
  std::vector<Waiter*> waiters_;
};

}  // namespace stampede
