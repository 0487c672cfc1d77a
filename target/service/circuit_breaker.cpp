#include "target/service/circuit_breaker.hpp"

namespace boxoffice {

namespace {

std::int64_t second_number(TimePoint now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
}

}  // namespace

std::string_view CircuitBreaker::name_of(State state) noexcept {
  if (state == State::open) return "open";
  return state == State::half_open ? "half_open" : "closed";
}

void CircuitBreaker::turn(State state, TimePoint now) {
  since_ = now;
  probes_left_ = breaker_probes;
  probes_good_ = 0;
  if (state == State::closed) seconds_.fill({});
  state_.store(state, std::memory_order_relaxed);
  if (changed_) changed_(state);
}

bool CircuitBreaker::allow(TimePoint now) {
  if (state() == State::closed) return true;
  const std::lock_guard lock(mutex_);
  if (state() == State::closed) return true;
  if (now - since_ >= breaker_pause) {
    // Half open for so long means that probes got lost on the way: let others try.
    if (state() == State::open) turn(State::half_open, now);
    if (probes_left_ == 0) turn(State::half_open, now);
  }
  if (state() == State::open || probes_left_ == 0) return false;
  --probes_left_;
  return true;
}

CircuitBreaker::Second& CircuitBreaker::second_of(TimePoint now) {
  const std::int64_t number = second_number(now);
  Second& second = seconds_[static_cast<std::size_t>(number) % seconds_.size()];
  if (second.number != number) second = {number, 0, 0};
  return second;
}

bool CircuitBreaker::fails_too_often(TimePoint now) const {
  const std::int64_t oldest = second_number(now) - breaker_window.count();
  std::uint32_t calls = 0, failures = 0;
  for (const Second& second : seconds_) {
    if (second.number <= oldest) continue;
    calls += second.calls;
    failures += second.failures;
  }
  return calls >= breaker_calls_min && 2 * failures >= calls;
}

void CircuitBreaker::record(bool good, TimePoint now) {
  const std::lock_guard lock(mutex_);
  switch (state()) {
    case State::open:
      return;  // of a call that began before
    case State::half_open:
      if (!good) return turn(State::open, now);
      if (++probes_good_ >= breaker_probes) turn(State::closed, now);
      return;
    case State::closed:
      break;
  }
  Second& second = second_of(now);
  ++second.calls;
  if (good) return;
  ++second.failures;
  if (fails_too_often(now)) turn(State::open, now);
}

}  // namespace boxoffice
