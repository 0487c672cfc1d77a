// Orders and payments as plain values, and how they are written as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "target/domain/refusal.hpp"
#include "target/service/instant.hpp"

namespace boxoffice {

enum class OrderStatus : std::uint8_t {
  payment_pending,
  confirmed,
  cancelled,
  expired,
  refund_pending,
  refunded
};
std::string_view name_of(OrderStatus status) noexcept;
std::optional<OrderStatus> order_status(std::string_view name) noexcept;

struct OrderFacts {
  std::uint64_t id = 0, user = 0, event = 0;
  std::uint32_t epoch = 0;
  OrderStatus status = OrderStatus::payment_pending;
  std::string reason;
  std::uint64_t amount = 0;
  std::vector<std::uint32_t> seats;  // ascending
  std::int64_t expires_ms = 0;       // the database's clock
};

struct PaymentFacts {
  std::uint64_t id = 0;
  std::string key, method, status, fail_code;
  std::uint64_t amount = 0;
  std::int64_t delay_ms = 0;
  std::int64_t age_ms = 0;  // since it was asked for, by the database's clock
};
struct OrderView {
  OrderFacts order;
  std::optional<PaymentFacts> payment;  // the latest
  std::vector<std::uint32_t> tickets;
};

No refused(Refusal refusal, std::string detail = {}, std::int64_t retry_after_ms = 0);

struct NewOrder {
  OrderFacts facts;
  std::vector<std::uint32_t> prices;  // as facts.seats
  std::string hold_id;
  std::uint64_t fence = 0;
  std::uint32_t max_per_user = 0;
  std::string trace_id;
};

// Of rfc3339(), the one way times are written.
inline std::string utc_text(std::int64_t epoch_ms) { return rfc3339(epoch_ms); }
std::string receipt_json(const OrderFacts& order);  // the answer of POST /api/orders
std::string view_json(const OrderView& view);       // the answer of GET /api/orders/{id}
std::string event_json(const OrderFacts& order);    // the payload of an outbox row
std::optional<OrderFacts> event_facts(std::string_view payload);  // of event_json
std::string seats_text(const std::vector<std::uint32_t>& seats);  // 1,2,3
std::vector<std::uint32_t> seats_of(std::string_view text);

}  // namespace boxoffice
