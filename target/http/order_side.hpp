// What the routes of orders and those of payments need on one thread.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "target/http/jwt.hpp"
#include "target/order_parts.hpp"
#include "target/service/idempotency.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/seat_settler.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

// Signals of one thread, for a composition that gives none of the process: payments then wake the
// waiting orders of their own thread, and those of other threads find the change by looking.
class ThreadSignals final : public asio::execution_context::service {
 public:
  using key_type = ThreadSignals;
  static inline asio::execution_context::id id;
  explicit ThreadSignals(asio::execution_context& context) : service(context) {}
  OrderSignals signals;

 private:
  void shutdown() override {}
};

inline constexpr std::size_t key_of_its_own_bytes = 16;

class OrderSide {
 public:
  explicit OrderSide(ThreadContext& thread)
      : signals(thread.order_signals != nullptr
                    ? *thread.order_signals
                    : asio::use_service<ThreadSignals>(thread.io).signals),
        settler(std::make_shared<SeatSettler>(thread.io, thread.seats, thread.queue,
                                              thread.catalogue, signals, thread.metrics)) {}

  OrderSignals& signals;
  const std::shared_ptr<SeatSettler> settler;
};

// The key that a request came with. Two defects: with idem_off no key is like another, with
// idem_ignores_body no body differs from another.
inline IdempotencyKey idempotency_key(const HttpRequest& request, std::string scope,
                                      std::string_view content, const Switches& switches) {
  IdempotencyKey key{request.caller->user, std::move(scope),
                     std::string(request.header("Idempotency-Key")),
                     sha256_hex(switches.idem_ignores_body ? std::string_view() : content)};
  if (switches.idem_off && !key.key.empty()) key.key = random_hex(key_of_its_own_bytes);
  return key;
}

}  // namespace boxoffice
