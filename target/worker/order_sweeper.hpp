// Ends orders that were not paid in time, and gives back payments that their order could not have.
#pragma once

#include <cstdint>
#include <map>

#include "target/service/order_store.hpp"
#include "target/service/payment_gateway.hpp"
#include "target/service/seat_holds.hpp"
#include "target/service/seat_settler.hpp"
#include "target/worker/worker_loop.hpp"

namespace boxoffice {

inline constexpr std::uint32_t sweep_batch_max = 200;
inline constexpr Millis sweep_period{500};

class OrderSweeper {
 public:
  OrderSweeper(WorkerPlace place, OrderStore& orders, SeatSettler& settler, Leases& leases,
               PaymentGateway& gateway);

  // One batch of expired orders. By lease while Redis is there, else by the database's own lock.
  Task<Millis> expire();
  // Two at once (the loop and the saga's consumer) would ask twice: the second does nothing.
  Task<Millis> refund();
  Task<Millis> collect_garbage();

 private:
  struct Debt {
    std::uint32_t tries = 0;
    TimePoint next;
  };
  Task<void> refund_all();
  Task<bool> refund_one(const RefundDue& due);  // false: to be tried again

  WorkerPlace place_;
  OrderStore& orders_;
  SeatSettler& settler_;
  Leases& leases_;
  PaymentGateway& gateway_;
  bool refunding_ = false;
  std::map<std::uint64_t, Debt> debts_;  // of refunds that failed
};

}  // namespace boxoffice
