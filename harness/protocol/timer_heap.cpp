#include "harness/protocol/timer_heap.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace stampede {

Timer::~Timer() {
  if (place_ == nowhere) return;
  heap_->set_armed(*this, false);
  heap_->remove(place_);
}

TimerHeap::TimerHeap(EventLoop& loop)
    : loop_(loop), system_timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  int problem = errno;
  if (system_timer_ >= 0) {
    problem = loop_.add(system_timer_, EPOLLIN, *this).value();
    if (problem == 0) return;
    ::close(system_timer_);
  }
  throw std::system_error(problem, std::system_category(), "a timer");
}

TimerHeap::~TimerHeap() {
  for (const Entry& entry : heap_) entry.timer->place_ = Timer::nowhere;
  loop_.remove(system_timer_, *this);
  ::close(system_timer_);
}

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

void TimerHeap::insert(Timer& timer) {
  heap_.emplace_back();
  sift_up(heap_.size() - 1, Entry{timer.due_, &timer});
}

// The loop runs as long as there is an armed timer.
void TimerHeap::set_armed(Timer& timer, bool armed) noexcept {
  if (timer.armed_ == armed) return;
  timer.armed_ = armed;
  if (armed) {
    if (armed_++ == 0) loop_.begin_wait();
  } else {
    if (--armed_ == 0) loop_.end_wait();
  }
}

void TimerHeap::arm(Timer& timer, TimePoint due) {
  if (stopped_) return;
  timer.due_ = due;
  set_armed(timer, true);
  if (timer.place_ != Timer::nowhere) {
    if (heap_[timer.place_].due <= due) return;
    remove(timer.place_);
  }
  timer.heap_ = this;
  insert(timer);
  if (!firing_ && due < awaited_) await_first();
}

void TimerHeap::disarm(Timer& timer) noexcept {
  // The system timer stays as it is: one idle wake-up is cheaper than setting it anew.
  if (timer.armed_) set_armed(timer, false);
}

void TimerHeap::stop() {
  stopped_ = true;
  while (!heap_.empty()) {
    set_armed(*heap_.back().timer, false);
    remove(heap_.size() - 1);
  }
}

void TimerHeap::await_first() {
  awaited_ = heap_.front().due;
  if (awaited_ <= now()) {
    // Subtle: waiting for a time that has passed costs a system call and a turn of epoll.
    if (!std::exchange(posted_, true)) {
      loop_.post([](void* self) { static_cast<TimerHeap*>(self)->fire_due(); }, this);
    }
    return;
  }
  ++waits_;
  const auto since_boot = awaited_.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
  itimerspec at{};
  at.it_value.tv_sec = seconds.count();
  at.it_value.tv_nsec = (since_boot - seconds).count();
  ::timerfd_settime(system_timer_, TFD_TIMER_ABSTIME, &at, nullptr);
}

void TimerHeap::on_events(std::uint32_t) { fire_due(); }

void TimerHeap::fire_due() {
  posted_ = false;
  // One batch, so that sockets get their turn even when the worker is late with everything.
  const TimePoint until = now();
  firing_ = true;
  while (!heap_.empty() && heap_.front().due <= until) {
    const Entry first = heap_.front();
    Timer& timer = *first.timer;
    remove(0);
    if (!timer.armed_) continue;
    if (timer.due_ > first.due) {
      insert(timer);
      continue;
    }
    set_armed(timer, false);
    timer.fire_(timer.owner_);
  }
  firing_ = false;
  awaited_ = TimePoint::max();
  if (!heap_.empty() && !stopped_) await_first();
}

}  // namespace stampede
