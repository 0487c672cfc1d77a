// Task: the coroutine of everything that waits on a worker. A task starts when it is awaited, ends
// in its awaiter, and may await other tasks, and what the event loop waits for.
//
// Why not asio::awaitable: it takes a fresh frame from the heap for most nested calls, and carries
// an executor, a cancellation state and a stack of frames along. Here a frame comes from a free
// list of its thread, so a request in steady state allocates nothing, and resuming is one jump.
//
// Subtle: a suspended task is resumed by the operation it waits for and by nothing else; when the
// event loop is destroyed first, its frame is left alone (sessions refer to each other in no safe
// order of destruction).
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace stampede {

// Memory of coroutine frames: a free list per thread and size, never more than was in use at once.
class FramePool {
 public:
  static void* take(std::size_t size);
  static void give(void* frame, std::size_t size) noexcept;

  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool();

 private:
  static constexpr std::size_t step = 64, classes = 64;  // frames up to 4 KiB are kept
  struct Free {
    Free* next;
  };
  static FramePool& of_this_thread() noexcept;
  Free* free_[classes] = {};
};

class TaskPromiseCore {
 public:
  static void* operator new(std::size_t size) { return FramePool::take(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    FramePool::give(frame, size);
  }

  struct End {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      return ended.promise().awaiting;
    }
    void await_resume() const noexcept {}
  };
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] End final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { problem = std::current_exception(); }

  std::coroutine_handle<> awaiting;
  std::exception_ptr problem;
};

template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : TaskPromiseCore {
    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    void return_value(T value) { result.emplace(std::move(value)); }
    T take() { return std::move(*result); }
    std::optional<T> result;
  };
  using Handle = std::coroutine_handle<promise_type>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  Handle await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().awaiting = awaiting;
    return handle_;
  }
  T await_resume() {
    if (handle_.promise().problem) std::rethrow_exception(handle_.promise().problem);
    return handle_.promise().take();
  }

 private:
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Handle handle_;
};

template <>
struct Task<void>::promise_type : TaskPromiseCore {
  Task get_return_object() { return Task(Handle::from_promise(*this)); }
  void return_void() const noexcept {}
  void take() const noexcept {}
};

// A task that nobody awaits. It is destroyed at its end.
struct SpawnedTask {
  struct promise_type {
    static void* operator new(std::size_t size) { return FramePool::take(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
      FramePool::give(frame, size);
    }
    SpawnedTask get_return_object() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    // What `ended` throws goes to whoever resumed: out of the event loop.
    void unhandled_exception() { throw; }
  };
};

// Runs a task, from now until its first wait on the caller's stack; ended(std::exception_ptr) is
// called after its end, when its frame is gone.
template <class Ended>
SpawnedTask spawn(Task<void> task, Ended ended) {
  std::exception_ptr problem;
  {
    Task<void> running = std::move(task);
    try {
      co_await running;
    } catch (...) {
      problem = std::current_exception();
    }
  }
  ended(problem);
}

}  // namespace stampede
