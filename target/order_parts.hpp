// How the order side is put together: the stores it needs, made for one thread. The routes and the
// workers of orders and payments include this; nobody else has to.
#pragma once

#include <memory>

#include "target/parts.hpp"
#include "target/service/event_streams.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/order_store.hpp"
#include "target/service/outbox.hpp"
#include "target/service/payment_store.hpp"

namespace boxoffice {

std::unique_ptr<OrderStore> make_order_store(MysqlPool& mysql, Metrics& metrics);
std::unique_ptr<PaymentStore> make_payment_store(MysqlPool& mysql, Metrics& metrics,
                                                 const Switches& switches);
std::unique_ptr<OutboxStore> make_outbox_store(MysqlPool& mysql, Metrics& metrics);
std::unique_ptr<EventStreams> make_event_streams(RedisClient& redis);

}  // namespace boxoffice
