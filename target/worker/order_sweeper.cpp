#include "target/worker/order_sweeper.hpp"

#include <algorithm>

#include "target/domain/unavailable.hpp"
#include "target/log.hpp"

namespace boxoffice {

namespace {

constexpr Millis lease_time{5000};
constexpr Millis garbage_period{60000};
constexpr std::uint32_t alarm_after = 8;
constexpr std::size_t debts_max = 10000;

struct Election {
  bool ours = false;
  std::optional<std::uint64_t> fence;
};

Task<Election> elect(Leases& leases) {
  Election election;
  try {
    election.fence = co_await leases.acquire("sweep", lease_time);
    election.ours = election.fence.has_value();
  } catch (const StoreUnavailable&) {
    election.ours = true;  // the database's lock decides
  }
  co_return election;
}

}  // namespace

OrderSweeper::OrderSweeper(WorkerPlace place, OrderStore& orders, SeatSettler& settler,
                           Leases& leases)
    : place_(std::move(place)), orders_(orders), settler_(settler), leases_(leases) {}

Task<Millis> OrderSweeper::expire() {
  const Election election = co_await elect(leases_);
  place_.metrics.gauge("lease_owner", "name", "sweep", election.ours ? 1 : 0);
  if (!election.ours) co_return sweep_period;
  std::vector<OrderFacts> expired;
  bool fenced_off = false;
  try {
    expired = co_await orders_.expire(sweep_batch_max, election.fence);
  } catch (const FencedOff& off) {
    fenced_off = true;
    log_warning("sweeper fenced off", {{"newest", static_cast<std::int64_t>(off.newest)}});
  }
  // After a loss of Redis' data the fences begin anew below the database's. Its lock elects until
  // they have caught up; a holder that is really late is kept out by the same lock.
  if (fenced_off) expired = co_await orders_.expire(sweep_batch_max, std::nullopt);
  const bool full = expired.size() == sweep_batch_max;
  for (OrderFacts& order : expired) {
    place_.metrics.count("order", "result", "EXPIRED");
    place_.metrics.count("saga", "step", "expired");
    settler_.decided(std::move(order));
  }
  co_return full ? Millis(0) : sweep_period;
}

// The provider takes a payment back at once and never refuses: a real one would be asked here.
Task<bool> OrderSweeper::refund_one(const RefundDue& due) {
  OrderFacts order = due.order;
  const bool done = co_await orders_.refunded(order);
  if (!done) co_return false;
  place_.metrics.count("payment", "result", "CANCELED");
  place_.metrics.count("saga", "step", "refunded");
  order.status = OrderStatus::refunded;
  settler_.decided(std::move(order));
  co_return true;
}

Task<Millis> OrderSweeper::refund() {
  const auto due = co_await orders_.refunds_due(sweep_batch_max);
  if (due.empty()) debts_.clear();
  for (const RefundDue& one : due) {
    const auto known = debts_.find(one.order.id);
    if (known != debts_.end() && known->second.next > Clock::now()) continue;
    bool failed = false;
    try {
      static_cast<void>(co_await refund_one(one));
    } catch (const StoreUnavailable&) {
      failed = true;
    }
    if (!failed) {
      debts_.erase(one.order.id);
    } else if (known != debts_.end() || debts_.size() < debts_max) {
      Debt& debt = debts_[one.order.id];
      ++debt.tries;
      debt.next = Clock::now() + sweep_period * (1U << std::min(debt.tries, 7U));
      if (debt.tries == alarm_after) {
        log_error("refund fails", {{"order", std::to_string(one.order.id)}});
      }
    }
  }
  co_return sweep_period;
}

Task<Millis> OrderSweeper::collect_garbage() {
  co_await orders_.collect_garbage();
  co_return garbage_period;
}

}  // namespace boxoffice
