// What the routes of orders and those of payments need on one thread.
#pragma once

#include <memory>

#include "target/order_parts.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/seat_settler.hpp"

namespace boxoffice {

// Where the composition gave no signals of the process, each side has its own: who waits for an
// order then finds the change by looking.
class OrderSide {
 public:
  explicit OrderSide(ThreadContext& thread)
      : own_signals_(std::make_unique<OrderSignals>()),
        signals(thread.order_signals != nullptr ? *thread.order_signals : *own_signals_),
        settler(std::make_shared<SeatSettler>(thread.io, thread.seats, thread.queue,
                                              thread.catalogue, signals, thread.metrics)) {}

 private:
  std::unique_ptr<OrderSignals> own_signals_;

 public:
  OrderSignals& signals;
  const std::shared_ptr<SeatSettler> settler;
};

}  // namespace boxoffice
