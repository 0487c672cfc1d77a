#include "target/service/seat_settler.hpp"

#include <boost/asio/co_spawn.hpp>

namespace boxoffice {

SeatSettler::SeatSettler(asio::io_context& io, SeatHolds& seats, QueuePlaces& queue,
                         Catalogue& catalogue, OrderSignals& signals, Metrics& metrics)
    : io_(io),
      seats_(seats),
      queue_(queue),
      catalogue_(catalogue),
      signals_(signals),
      metrics_(metrics) {}

namespace {

Task<void> settle_for(std::shared_ptr<SeatSettler> settler, OrderFacts order) {
  co_await settler->settle(std::move(order));
}

}  // namespace

void SeatSettler::decided(OrderFacts order) {
  signals_.changed(order.id);
  signals_.changed(OrderSignals::outbox);
  asio::co_spawn(io_, settle_for(shared_from_this(), std::move(order)),
                 [self = shared_from_this()](const std::exception_ptr& failure) {
                   // A failure is no loss: the event of the same commit settles again.
                   self->metrics_.saga("settle", failure == nullptr ? "DONE" : "DEFERRED");
                 });
}

Task<void> SeatSettler::settle(OrderFacts order) {
  if (order.status == OrderStatus::payment_pending) co_return;
  const auto event = co_await catalogue_.event(order.event);
  // A reset made new keys: writing to the old ones would leave garbage behind.
  if (event && (*event)->epoch > order.epoch) co_return;
  const bool sold = order.status == OrderStatus::confirmed;
  co_await seats_.settle(order.event, order.epoch, order.id, order.user, sold, order.seats);
  if (!sold || !event || !(*event)->queue.on) co_return;
  static_cast<void>(co_await queue_.leave(order.event, order.epoch, order.user, true));
}

}  // namespace boxoffice
