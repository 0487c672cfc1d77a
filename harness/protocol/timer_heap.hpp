// One timer of the operating system per worker for all its due times: a binary heap of intrusive
// timers. Arming and disarming cost a few comparisons and no allocation.
//
// Lazy: a disarmed timer keeps its place in the heap until that comes up, and arming it later than
// that moves nothing. So the deadline of a request, which hardly ever fires, costs two stores.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/protocol/event_loop.hpp"
#include "harness/time.hpp"

namespace stampede {

class TimerHeap;

// Something that shall happen at a time. A heap in which it was armed outlives it.
class Timer {
 public:
  using Fire = void (*)(void* owner);
  Timer(Fire fire, void* owner) noexcept : fire_(fire), owner_(owner) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();
  [[nodiscard]] bool armed() const noexcept { return armed_; }

 private:
  friend class TimerHeap;
  static constexpr std::uint32_t nowhere = 0xFFFFFFFF;
  Fire fire_;
  void* owner_;
  TimerHeap* heap_ = nullptr;  // where it has a place
  TimePoint due_;              // not before the time of its place
  std::uint32_t place_ = nowhere;
  bool armed_ = false;
};

// The grid of deadlines and heartbeats: they need no precision, and share wake-ups this way.
inline constexpr Nanos coarse_grid{std::chrono::milliseconds{10}};
// The next point of a grid at or after `t`.
inline TimePoint round_up(TimePoint t, Nanos grid) noexcept {
  const auto ticks = t.time_since_epoch().count(), step = grid.count();
  return TimePoint{Nanos{(ticks + step - 1) / step * step}};
}

class TimerHeap final : public EventSource {
 public:
  // Throws std::system_error when there is no descriptor left.
  explicit TimerHeap(EventLoop& loop);
  ~TimerHeap();
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;

  // Fires at `due` or a little later, on the worker's thread, once. Arming again moves it.
  void arm(Timer& timer, TimePoint due);
  void disarm(Timer& timer) noexcept;
  // Nothing fires any more, so that the event loop may come to its end.
  void stop();
  // Timers that are armed.
  [[nodiscard]] std::size_t size() const noexcept { return armed_; }
  // How often the operating system was asked to wake the worker: never for what is due already.
  [[nodiscard]] std::uint64_t waits() const noexcept { return waits_; }

  void on_events(std::uint32_t events) override;

 private:
  friend class Timer;
  struct Entry {
    TimePoint due;
    Timer* timer;
  };
  void place(std::size_t at, Entry entry) noexcept;
  void sift_up(std::size_t at, Entry entry) noexcept;
  void sift_down(std::size_t at, Entry entry) noexcept;
  void insert(Timer& timer);
  void remove(std::size_t at) noexcept;
  void set_armed(Timer& timer, bool armed) noexcept;
  void await_first();
  void fire_due();

  EventLoop& loop_;
  int system_timer_;
  std::vector<Entry> heap_;
  std::size_t armed_ = 0;
  TimePoint awaited_ = TimePoint::max();  // what system_timer_ is set to
  std::uint64_t waits_ = 0;
  bool firing_ = false, stopped_ = false, posted_ = false;
};

}  // namespace stampede
