// The event loop of one worker: who waits for a socket, and what is to be resumed next. Everything
// runs on the thread that called run(), save submit().
//
// Why not asio's: a wait there costs an epoll_ctl and an operation of its own, for every answer.
// Here a socket is registered once, edge-triggered, and its watch remembers what it heard; a wait
// in steady state is a pointer kept, and its end one jump.
#pragma once

#include <boost/system/error_code.hpp>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

struct epoll_event;

namespace stampede {

// What a descriptor's events go to. It is taken off the loop before it dies.
class EventSource {
 public:
  // `events` as of epoll. May destroy the source.
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~EventSource() = default;
};

class EventLoop {
 public:
  // Throws std::system_error when there is no descriptor left.
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Until nothing is left that anybody waits for. What a resumed coroutine or a call throws comes
  // out of it. May be called again.
  void run();

  // Runs in the next turn of the loop, never on the caller's stack.
  void post(std::coroutine_handle<> waiting) { posted_.push_back({resume, waiting.address()}); }
  void post(void (*call)(void*), void* with) { posted_.push_back({call, with}); }
  // co_await loop.turn(): everybody else has a turn first.
  [[nodiscard]] auto turn() noexcept { return Turn{this}; }
  // From any thread: `call` runs on the loop's thread if that still runs.
  void submit(std::function<void()> call);

  // While more is begun than ended, run() does not return.
  void begin_wait() noexcept { ++waits_; }
  void end_wait() noexcept { --waits_; }

  // Edge-triggered: events are told once, when they come. The error is of epoll_ctl.
  boost::system::error_code add(int descriptor, std::uint32_t events, EventSource& source);
  void change(int descriptor, std::uint32_t events, EventSource& source) noexcept;
  // No event reaches the source any more, not even one that has come already.
  void remove(int descriptor, EventSource& source) noexcept;

 private:
  struct Call {
    void (*call)(void*);
    void* with;
  };
  struct Turn {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const { loop->post(waiting); }
    void await_resume() const noexcept {}
    EventLoop* loop;
  };
  static void resume(void* waiting) { std::coroutine_handle<>::from_address(waiting).resume(); }
  void run_posted();
  bool run_submitted();
  void take_events(int timeout_ms);

  int epoll_, wake_up_;
  std::vector<Call> posted_, running_;
  std::uint64_t waits_ = 0;
  epoll_event* coming_ = nullptr;  // of the batch that is being told
  int coming_count_ = 0;
  std::mutex mutex_;  // of what follows
  std::vector<std::function<void()>> submitted_;
};

// One socket in the loop. It remembers that there is something to read, or room to write, until it
// is told otherwise; so a wait never misses what came before it.
class SocketWatch final : public EventSource {
 public:
  enum class For : std::uint8_t { reading, writing };

  // co_await: resumes in a turn of the loop; an error: the watch has ended.
  class Wait {
   public:
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      waiting_ = waiting;
      watch_.suspend(*this);
    }
    boost::system::error_code await_resume() const noexcept;

   private:
    friend class SocketWatch;
    Wait(SocketWatch& watch, For purpose, bool room) : watch_(watch), for_(purpose), room_(room) {}
    SocketWatch& watch_;
    For for_;
    bool room_;  // waits for room to write, not for something to read
    bool ended_ = false;
    std::coroutine_handle<> waiting_;
  };

  explicit SocketWatch(EventLoop& loop) noexcept : loop_(loop) {}
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;
  ~SocketWatch() { end(); }

  // `tells_room`: it is of interest from the beginning that there is room to write.
  boost::system::error_code begin(int descriptor, bool tells_room);
  // Who waits is resumed with an error. To be called before the socket is closed.
  void end() noexcept;

  // One wait for each purpose at a time. A reader may have to wait for room (TLS), and a writer for
  // something to read: `crossed`.
  Wait reading(bool crossed = false) noexcept { return {*this, For::reading, crossed}; }
  Wait writing(bool crossed = false) noexcept { return {*this, For::writing, !crossed}; }

  // Everything that had come has been read: the next wait is for more. Without effect after the
  // peer's end, which is told once only.
  void drained() noexcept { readable_ = ended_; }
  // There is more to read than the socket shows.
  void not_drained() noexcept { readable_ = true; }
  void full() noexcept { writable_ = broken_; }

  void on_events(std::uint32_t events) override;

 private:
  void suspend(Wait& wait);
  [[nodiscard]] bool is_due(const Wait& wait) const noexcept {
    return wait.room_ ? writable_ : readable_;
  }
  Wait* take(For purpose) noexcept;

  EventLoop& loop_;
  int descriptor_ = -1;
  bool readable_ = false, writable_ = false, tells_room_ = false;
  bool ended_ = false, broken_ = false;  // the peer's end; the connection's
  Wait* waiting_[2] = {};                // by purpose
};

}  // namespace stampede
