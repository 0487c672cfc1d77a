// Tells Redis what the database decided: sold, or given back; and gives up the buyer's place in the
// waiting room. Idempotent. Whoever committed calls it at once; the `settle` consumer of the event
// streams repeats it from the database's state, so that nothing is lost while Redis is away.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "target/metrics.hpp"
#include "target/service/catalogue.hpp"
#include "target/service/order.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/queue_places.hpp"
#include "target/service/seat_holds.hpp"

namespace boxoffice {

class SeatSettler : public std::enable_shared_from_this<SeatSettler> {
 public:
  SeatSettler(asio::io_context& io, SeatHolds& seats, QueuePlaces& queue, Catalogue& catalogue,
              OrderSignals& signals, Metrics& metrics);

  // After a commit: wakes who waits for the order and settles without making the caller wait.
  void decided(OrderFacts order);
  // Throws StoreUnavailable. Nothing to do for a pending order or one of an older epoch.
  Task<void> settle(OrderFacts order);

 private:
  asio::io_context& io_;
  SeatHolds& seats_;
  QueuePlaces& queue_;
  Catalogue& catalogue_;
  OrderSignals& signals_;
  Metrics& metrics_;
};

}  // namespace boxoffice
