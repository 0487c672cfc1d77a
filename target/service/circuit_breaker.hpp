// Stops asking what does not answer: a dependency that fails half of its calls is left alone for a
// while, and its callers are refused at once instead of waiting for a deadline each.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>

#include "target/domain/task.hpp"

namespace boxoffice {

inline constexpr std::chrono::seconds breaker_window{10};
inline constexpr std::chrono::seconds breaker_pause{5};
inline constexpr std::uint32_t breaker_calls_min = 20, breaker_probes = 3;

// Any thread may call any function. Every allowed call is to be recorded once.
class CircuitBreaker {
 public:
  enum class State : std::uint8_t { closed, half_open, open };
  static std::string_view name_of(State state) noexcept;

  // Told about every change, under the breaker's lock.
  explicit CircuitBreaker(std::function<void(State)> changed = {}) : changed_(std::move(changed)) {}

  // False: do not ask now. `now` is told by the caller.
  [[nodiscard]] bool allow(TimePoint now);
  void record(bool good, TimePoint now);
  [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_relaxed); }

 private:
  struct Second {
    std::int64_t number = -1;
    std::uint32_t calls = 0, failures = 0;
  };
  void turn(State state, TimePoint now);
  Second& second_of(TimePoint now);
  bool fails_too_often(TimePoint now) const;

  std::function<void(State)> changed_;
  std::atomic<State> state_{State::closed};
  std::mutex mutex_;
  std::array<Second, breaker_window.count()> seconds_;
  TimePoint since_;  // of the state
  std::uint32_t probes_left_ = 0, probes_good_ = 0;
};

// Those of a process.
struct Breakers {
  explicit Breakers(
      const std::function<void(std::string_view, CircuitBreaker::State)>& changed = {})
      : redis(of("redis", changed)), mysql(of("mysql", changed)), pg(of("pg", changed)) {}
  CircuitBreaker redis, mysql, pg;
  // Given while no order can be made of them; back to 0 when the database is.
  std::atomic<std::uint32_t> holds_without_mysql{0};

 private:
  static std::function<void(CircuitBreaker::State)> of(
      std::string_view name,
      const std::function<void(std::string_view, CircuitBreaker::State)>& changed) {
    if (!changed) return {};
    return [name, changed](CircuitBreaker::State state) { changed(name, state); };
  }
};

}  // namespace boxoffice
