#include "harness/protocol/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <system_error>

namespace stampede {

namespace {

constexpr std::size_t events_max = 256;  // told between two looks at what was posted
constexpr std::uint32_t events_of_reading = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t breaks = EPOLLHUP | EPOLLERR;

// However the telling ends, nothing of it is left.
struct Batch {
  ~Batch() { count = 0; }
  int& count;
};

boost::system::error_code last_error() noexcept {
  return {errno, boost::system::system_category()};
}

}  // namespace

EventLoop::EventLoop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_up_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{};
  // Edge-triggered: every write is told, and none needs to be read.
  event.events = EPOLLIN | EPOLLET;
  if (epoll_ >= 0 && wake_up_ >= 0 && ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_up_, &event) == 0) {
    return;
  }
  const int problem = errno;
  if (epoll_ >= 0) ::close(epoll_);
  if (wake_up_ >= 0) ::close(wake_up_);
  throw std::system_error(problem, std::system_category(), "an event loop");
}

EventLoop::~EventLoop() {
  ::close(wake_up_);
  ::close(epoll_);
}

void EventLoop::run() {
  while (true) {
    run_posted();
    if (!posted_.empty()) {
      take_events(0);
    } else if (waits_ > 0) {
      take_events(-1);
    } else if (!run_submitted()) {
      return;
    }
  }
}

void EventLoop::run_posted() {
  running_.swap(posted_);
  // By index: what is thrown must leave nothing that would be run twice.
  for (std::size_t i = 0; i < running_.size(); ++i) {
    const Call call = std::exchange(running_[i], Call{});
    try {
      call.call(call.with);
    } catch (...) {
      running_.erase(running_.begin(), running_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      posted_.insert(posted_.begin(), running_.begin(), running_.end());
      running_.clear();
      throw;
    }
  }
  running_.clear();
}

bool EventLoop::run_submitted() {
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(submitted_);
  }
  for (const auto& call : calls) call();
  return !calls.empty();
}

void EventLoop::submit(std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    submitted_.push_back(std::move(call));
  }
  const std::uint64_t one = 1;
  // It can fail only when 2^64 wake-ups are pending.
  (void)!::write(wake_up_, &one, sizeof one);
}

void EventLoop::take_events(int timeout_ms) {
  std::array<epoll_event, events_max> events;
  const int count =
      ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
  coming_ = events.data();
  coming_count_ = count;
  const Batch batch{coming_count_};
  while (coming_count_ > 0) {
    const epoll_event event = *coming_++;
    --coming_count_;
    if (event.data.ptr == nullptr) {
      run_submitted();
    } else if (event.data.ptr != this) {
      static_cast<EventSource*>(event.data.ptr)->on_events(event.events);
    }
  }
}

boost::system::error_code EventLoop::add(int descriptor, std::uint32_t events,
                                         EventSource& source) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.ptr = &source;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return last_error();
  return {};
}

void EventLoop::change(int descriptor, std::uint32_t events, EventSource& source) noexcept {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.ptr = &source;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
}

void EventLoop::remove(int descriptor, EventSource& source) noexcept {
  // Subtle: closing is not enough while a child process that is being started has a copy.
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
  for (int i = 0; i < coming_count_; ++i) {
    if (coming_[i].data.ptr == &source) coming_[i].data.ptr = this;  // nobody's
  }
}

boost::system::error_code SocketWatch::begin(int descriptor, bool tells_room) {
  readable_ = writable_ = ended_ = broken_ = false;
  tells_room_ = tells_room;
  const std::uint32_t room = tells_room ? std::uint32_t{EPOLLOUT} : 0U;
  const boost::system::error_code error = loop_.add(descriptor, events_of_reading | room, *this);
  if (!error) descriptor_ = descriptor;
  return error;
}

SocketWatch::Wait* SocketWatch::take(For purpose) noexcept {
  Wait* const wait = std::exchange(waiting_[static_cast<std::size_t>(purpose)], nullptr);
  if (wait != nullptr) loop_.end_wait();
  return wait;
}

void SocketWatch::end() noexcept {
  if (descriptor_ < 0) return;
  loop_.remove(descriptor_, *this);
  descriptor_ = -1;
  for (const For purpose : {For::reading, For::writing}) {
    Wait* const wait = take(purpose);
    if (wait == nullptr) continue;
    wait->ended_ = true;
    loop_.post(wait->waiting_);
  }
}

void SocketWatch::suspend(Wait& wait) {
  if (descriptor_ < 0 || is_due(wait)) {
    wait.ended_ = descriptor_ < 0;
    loop_.post(wait.waiting_);
    return;
  }
  waiting_[static_cast<std::size_t>(wait.for_)] = &wait;
  loop_.begin_wait();
  if (!wait.room_ || tells_room_) return;
  tells_room_ = true;
  loop_.change(descriptor_, events_of_reading | EPOLLOUT, *this);
}

void SocketWatch::on_events(std::uint32_t events) {
  if ((events & breaks) != 0) broken_ = true;
  if (broken_ || (events & EPOLLRDHUP) != 0) ended_ = true;
  if (ended_ || (events & EPOLLIN) != 0) readable_ = true;
  if (broken_ || (events & EPOLLOUT) != 0) writable_ = true;
  const auto due = [this](For purpose) -> Wait* {
    const Wait* const wait = waiting_[static_cast<std::size_t>(purpose)];
    return wait != nullptr && is_due(*wait) ? take(purpose) : nullptr;
  };
  Wait* const reader = due(For::reading);
  Wait* const writer = due(For::writing);
  // Subtle: the first that is resumed may be the end of this watch.
  if (reader != nullptr && writer != nullptr) loop_.post(writer->waiting_);
  if (Wait* const first = reader != nullptr ? reader : writer) first->waiting_.resume();
}

boost::system::error_code SocketWatch::Wait::await_resume() const noexcept {
  if (!ended_) return {};
  return boost::asio::error::operation_aborted;
}

}  // namespace stampede
