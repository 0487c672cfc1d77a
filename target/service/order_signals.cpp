#include "target/service/order_signals.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <vector>

namespace boxoffice {

struct Wait::State {
  State(asio::io_context& io, TimePoint until)
      : context(io), timer(io.get_executor(), until), end(until) {}
  asio::io_context& context;
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer;
  TimePoint end;
};

Wait::Wait(asio::io_context& context, TimePoint until)
    : state_(std::make_shared<State>(context, until)) {}

Task<void> Wait::done() {
  const auto state = state_;
  // An expired timer costs a turn of the loop: not awaited.
  if (over()) co_return;
  co_await state->timer.async_wait(asio::as_tuple(use_task));
}

void Wait::wake() {
  state_->end = TimePoint::min();
  state_->timer.expires_at(TimePoint::min());
}

void Wait::wake_from_afar() {
  asio::post(state_->context.get_executor(), [wait = *this]() mutable { wait.wake(); });
}

bool Wait::over() const noexcept { return Clock::now() >= state_->end; }

void Wait::rearm(TimePoint until) {
  state_->end = until;
  state_->timer.expires_at(until);
}

void OrderSignals::changed(std::uint64_t topic) {
  std::vector<Wait> woken;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = entries_.equal_range(topic);
    for (auto at = first; at != last; ++at) woken.push_back(at->second.wait);
  }
  for (Wait& wait : woken) wait.wake_from_afar();
}

OrderSignals::Subscription::Subscription(OrderSignals& signals, std::uint64_t topic, Wait wait)
    : signals_(signals), topic_(topic) {
  const std::lock_guard lock(signals_.mutex_);
  number_ = signals_.next_number_++;
  signals_.entries_.emplace(topic, Entry{number_, std::move(wait)});
}

OrderSignals::Subscription::~Subscription() {
  const std::lock_guard lock(signals_.mutex_);
  const auto [first, last] = signals_.entries_.equal_range(topic_);
  for (auto at = first; at != last; ++at) {
    if (at->second.number != number_) continue;
    signals_.entries_.erase(at);
    return;
  }
}

}  // namespace boxoffice
