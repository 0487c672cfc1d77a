#include "target/service/order_watch.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <vector>

#include "target/domain/unavailable.hpp"

namespace boxoffice {

namespace {
constexpr std::size_t orders_per_look = 1000;
}

OrderWatch::OrderWatch(asio::io_context& io, OrderStore& store, OrderSignals& signals,
                       std::stop_token stop)
    : io_(io), store_(store), signals_(signals), stop_(std::move(stop)) {}

OrderWatch::Place::Place(std::shared_ptr<OrderWatch> watch, std::uint64_t order, TimePoint until)
    : watch_(std::move(watch)),
      wait_(watch_->io_, until),
      subscription_(watch_->signals_, order, wait_),
      at_(watch_->waiting_.emplace(order, wait_)) {
  watch_->enter();
}

OrderWatch::Place::~Place() { watch_->waiting_.erase(at_); }

void OrderWatch::enter() {
  if (looking_) return;
  looking_ = true;
  asio::co_spawn(io_, look_now_and_then(shared_from_this()),
                 [self = shared_from_this()](const std::exception_ptr& failure) {
                   self->looking_ = false;
                   // Without the looks the waiters would sit out their time: let them look.
                   if (failure != nullptr) self->wake_all();
                 });
}

Task<void> OrderWatch::look_now_and_then(std::shared_ptr<OrderWatch> self) {
  while (!self->waiting_.empty()) {
    Wait pause(self->io_, Clock::now() + watch_period);
    co_await pause.done();
    if (self->stop_.stop_requested()) self->wake_all();
    if (self->waiting_.empty()) break;
    try {
      co_await self->look();
    } catch (const StoreUnavailable&) {
      // The database is away: the waiters' own reads will say so; the next look tries again.
      continue;
    }
  }
}

Task<void> OrderWatch::look() {
  std::vector<std::uint64_t> orders;
  for (const auto& [order, wait] : waiting_) orders.push_back(order);
  std::ranges::sort(orders);
  orders.erase(std::ranges::unique(orders).begin(), orders.end());
  for (std::size_t begin = 0; begin < orders.size(); begin += orders_per_look) {
    const auto first = orders.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto count = std::min(orders_per_look, orders.size() - begin);
    ++looks_;
    const auto changed = co_await store_.not_pending(
        std::vector<std::uint64_t>(first, first + static_cast<std::ptrdiff_t>(count)));
    for (const OrderFacts& order : changed) {
      const auto [from, to] = waiting_.equal_range(order.id);
      for (auto at = from; at != to; ++at) at->second.wake();
    }
  }
}

void OrderWatch::wake_all() {
  for (auto& [order, wait] : waiting_) wait.wake();
}

}  // namespace boxoffice
