// How the order side is put together: the stores it needs, made for one thread. The routes and the
// workers of orders and payments include this; nobody else has to.
#pragma once

#include <memory>

#include "target/parts.hpp"
#include "target/service/event_books.hpp"
#include "target/service/event_streams.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/order_store.hpp"
#include "target/service/outbox.hpp"
#include "target/service/payment_store.hpp"
#include "target/service/simulated_provider.hpp"

namespace boxoffice {

std::unique_ptr<OrderStore> make_order_store(MysqlPool& mysql, Metrics& metrics);
std::unique_ptr<PaymentStore> make_payment_store(MysqlPool& mysql, Metrics& metrics,
                                                 const Switches& switches);
// `switches` may be null: no defects.
std::unique_ptr<OutboxStore> make_outbox_store(MysqlPool& mysql, Metrics& metrics,
                                               const Switches* switches = nullptr);
std::unique_ptr<EventBooks> make_event_books(MysqlPool& mysql, Metrics& metrics);
// The provider as --pg says; without an outlet an inline one sends no webhooks.
std::unique_ptr<PaymentGateway> make_payment_gateway(asio::io_context& io, const Config& config,
                                                     const Switches& switches,
                                                     WebhookOutlet* outlet, Breakers* breakers);
std::unique_ptr<EventStreams> make_event_streams(RedisClient& redis);

}  // namespace boxoffice
