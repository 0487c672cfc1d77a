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
                           Leases& leases, PaymentGateway& gateway)
    : place_(std::move(place)),
      orders_(orders),
      settler_(settler),
      leases_(leases),
      gateway_(gateway) {}

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
    place_.metrics.count("fenced_off", "name", "sweep");
    log_warning("sweeper fenced off", {{"newest", static_cast<std::int64_t>(off.newest)}});
  }
  // After a loss of Redis' data the fences begin anew below the database's. Its lock elects until
  // they have caught up; a holder that is really late is kept out by the same lock.
  if (fenced_off) expired = co_await orders_.expire(sweep_batch_max, std::nullopt);
  const bool full = expired.size() == sweep_batch_max;
  for (OrderFacts& order : expired) {
    place_.metrics.count("order", "result", "EXPIRED");
    place_.metrics.saga("expire", "DONE");
    settler_.decided(std::move(order));
  }
  co_return full ? Millis(0) : sweep_period;
}

// The provider first: money that it does not give back yet is not to be called refunded.
Task<bool> OrderSweeper::refund_one(const RefundDue& due) {
  OrderFacts order = due.order;
  if (!due.payment_key.empty()) {
    Charge charge{.payment_key = due.payment_key,
                  .method = {},
                  .order = order.id,
                  .amount = order.amount,
                  .trace_id = due.trace_id};
    const bool given = co_await gateway_.refund(std::move(charge));
    if (!given) co_return false;
  }
  const bool done = co_await orders_.refunded(order);
  if (!done) co_return true;  // somebody else was first
  place_.metrics.count("payment", "result", "CANCELED");
  place_.metrics.saga("refund", "DONE");
  order.status = OrderStatus::refunded;
  settler_.decided(std::move(order));
  co_return true;
}

Task<Millis> OrderSweeper::refund() {
  if (refunding_) co_return sweep_period;
  refunding_ = true;
  std::exception_ptr failure;
  try {
    co_await refund_all();
  } catch (...) {
    failure = std::current_exception();
  }
  refunding_ = false;
  if (failure != nullptr) std::rethrow_exception(failure);
  co_return sweep_period;
}

Task<void> OrderSweeper::refund_all() {
  const auto due = co_await orders_.refunds_due(sweep_batch_max);
  if (due.empty()) debts_.clear();
  for (const RefundDue& one : due) {
    const auto known = debts_.find(one.order.id);
    if (known != debts_.end() && known->second.next > Clock::now()) continue;
    bool failed = false;
    try {
      failed = !co_await refund_one(one);
    } catch (const StoreUnavailable&) {
      failed = true;
    }
    if (!failed) {
      debts_.erase(one.order.id);
    } else if (debts_.contains(one.order.id) || debts_.size() < debts_max) {
      Debt& debt = debts_[one.order.id];
      ++debt.tries;
      debt.next = Clock::now() + sweep_period * (1U << std::min(debt.tries, 7U));
      place_.metrics.saga("refund", "FAILED");
      if (debt.tries == alarm_after) {
        log_error("refund fails", {{"order", std::to_string(one.order.id)}});
      }
    }
  }
}

Task<Millis> OrderSweeper::collect_garbage() {
  co_await orders_.collect_garbage();
  co_return garbage_period;
}

}  // namespace boxoffice
