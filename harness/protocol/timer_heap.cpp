#include "harness/protocol/timer_heap.hpp"

#include <boost/asio/post.hpp>

#include "harness/protocol/task.hpp"

namespace stampede {

TimerHeap::TimerHeap(boost::asio::io_context& io) : system_timer_(io.get_executor()) {}

void TimerHeap::place(std::size_t at, Entry entry) noexcept {
  heap_[at] = entry;
  entry.timer->place_ = static_cast<std::uint32_t>(at);
}

void TimerHeap::sift_up(std::size_t at, Entry entry) noexcept {
  while (at > 0) {
    const std::size_t parent = (at - 1) / 2;
    if (heap_[parent].due <= entry.due) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, entry);
}

void TimerHeap::sift_down(std::size_t at, Entry entry) noexcept {
  while (true) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].due < heap_[child].due) ++child;
    if (entry.due <= heap_[child].due) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, entry);
}

void TimerHeap::remove(std::size_t at) noexcept {
  heap_[at].timer->place_ = Timer::nowhere;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  if (at > 0 && last.due < heap_[(at - 1) / 2].due) {
    sift_up(at, last);
  } else {
    sift_down(at, last);
  }
}

void TimerHeap::arm(Timer& timer, TimePoint due) {
  disarm(timer);
  if (stopped_) return;
  heap_.emplace_back();
  sift_up(heap_.size() - 1, Entry{due, &timer});
  if (!firing_ && due < awaited_) await_first();
}

void TimerHeap::disarm(Timer& timer) noexcept {
  // The system timer stays as it is: one idle wake-up is cheaper than setting it anew.
  if (timer.armed()) remove(timer.place_);
}

void TimerHeap::stop() {
  stopped_ = true;
  while (!heap_.empty()) remove(heap_.size() - 1);
  system_timer_.cancel();
}

void TimerHeap::await_first() {
  awaited_ = heap_.front().due;
  if (awaited_ <= now()) {
    // Subtle: waiting for a time that has passed costs a system call and a turn of epoll.
    boost::asio::post(system_timer_.get_executor(), Pooled{[this] { fire_due(); }});
    return;
  }
  ++waits_;
  system_timer_.expires_at(awaited_);
  system_timer_.async_wait(Pooled{[this](boost::system::error_code error) {
    if (!error) fire_due();
  }});
}

void TimerHeap::fire_due() {
  // One batch, so that sockets get their turn even when the worker is late with everything.
  const TimePoint until = now();
  firing_ = true;
  while (!heap_.empty() && heap_.front().due <= until) {
    Timer& timer = *heap_.front().timer;
    remove(0);
    timer.fire_(timer.owner_);
  }
  firing_ = false;
  awaited_ = TimePoint::max();
  if (!heap_.empty() && !stopped_) await_first();
}

}  // namespace stampede
