// One timer of the operating system per worker for all its due times: a binary heap of intrusive
// timers. Arming and disarming cost a few comparisons and no allocation, unlike one asio timer per
// wait.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <vector>

#include "harness/time.hpp"

namespace stampede {

// Something that shall happen at a time. Its owner disarms it before it dies.
class Timer {
 public:
  using Fire = void (*)(void* owner);
  Timer(Fire fire, void* owner) noexcept : fire_(fire), owner_(owner) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  [[nodiscard]] bool armed() const noexcept { return place_ != nowhere; }

 private:
  friend class TimerHeap;
  static constexpr std::uint32_t nowhere = 0xFFFFFFFF;
  Fire fire_;
  void* owner_;
  std::uint32_t place_ = nowhere;
};

// The grid of deadlines and heartbeats: they need no precision, and share wake-ups this way.
inline constexpr Nanos coarse_grid{std::chrono::milliseconds{10}};
// The next point of a grid at or after `t`.
inline TimePoint round_up(TimePoint t, Nanos grid) noexcept {
  const auto ticks = t.time_since_epoch().count(), step = grid.count();
  return TimePoint{Nanos{(ticks + step - 1) / step * step}};
}

class TimerHeap {
 public:
  explicit TimerHeap(boost::asio::io_context& io);
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;

  // Fires at `due` or a little later, on the worker's thread, once. Arming again moves it.
  void arm(Timer& timer, TimePoint due);
  void disarm(Timer& timer) noexcept;
  // Nothing fires any more, so that the event loop may run out of work.
  void stop();
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
  // How often the operating system was asked to wake the worker: never for what is due already.
  [[nodiscard]] std::uint64_t waits() const noexcept { return waits_; }

 private:
  using SystemTimer = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>,
                                                        boost::asio::io_context::executor_type>;
  struct Entry {
    TimePoint due;
    Timer* timer;
  };
  void place(std::size_t at, Entry entry) noexcept;
  void sift_up(std::size_t at, Entry entry) noexcept;
  void sift_down(std::size_t at, Entry entry) noexcept;
  void remove(std::size_t at) noexcept;
  void await_first();
  void fire_due();

  std::vector<Entry> heap_;
  SystemTimer system_timer_;
  TimePoint awaited_ = TimePoint::max();  // what system_timer_ is set to
  std::uint64_t waits_ = 0;
  bool firing_ = false, stopped_ = false;
};

}  // namespace stampede
