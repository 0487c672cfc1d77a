// Where payments are stored for good (MySQL). Every transition of an order by a payment is one
// transaction here: both rows, the tickets, the outbox row, the webhook's inbox row and the stored
// response. All throw StoreUnavailable("mysql") and CommitUnknown.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "target/domain/task.hpp"
#include "target/service/idempotency.hpp"
#include "target/service/order.hpp"

namespace boxoffice {

struct PaymentStart {
  KeyRecord record;
  std::optional<OrderView> view;  // its payment is the live one
};
struct PaymentOpening {
  std::uint64_t id = 0, order = 0, user = 0;
  std::string key, method;
  std::int64_t delay_ms = 0;
};
enum class Opened : std::uint8_t { done, not_payable, live_exists, payment_key_taken, busy };

struct WebhookEntry {
  std::string id, payment_key, event_type, payload;
};
// What is written in the same transaction as the effect.
struct PaymentTail {
  std::optional<WebhookEntry> webhook;
  std::optional<KeyedResponse> keyed;
};
enum class Applied : std::uint8_t {
  done,
  duplicate,      // this webhook was stored before
  settled,        // the payment is not in progress any more
  not_pending,    // the order is not waiting for money any more
  seat_conflict,  // a ticket for one of the seats exists
  busy
};

struct OpenPayment {
  PaymentFacts payment;
  OrderFacts order;
  std::string trace_id = {};  // of the request that made the order; empty where nobody asks
};

class PaymentStore {
 public:
  virtual ~PaymentStore() = default;
  virtual Task<PaymentStart> start(IdempotencyKey key, std::uint64_t order) = 0;
  virtual Task<Opened> open(PaymentOpening opening, std::optional<KeyedResponse> keyed) = 0;
  virtual Task<std::optional<OpenPayment>> find(std::string payment_key) = 0;

  // Payment DONE, order CONFIRMED, tickets.
  virtual Task<Applied> confirm(OpenPayment open, PaymentTail tail) = 0;
  // Payment ABORTED; the order, if it still waits, CANCELLED and its seats given back.
  virtual Task<Applied> abort(OpenPayment open, std::string fail_code, PaymentTail tail) = 0;
  // Payment DONE, but the order cannot have it: REFUND_PENDING, its seats given back.
  virtual Task<Applied> owe_refund(OpenPayment open, std::string reason, PaymentTail tail) = 0;
  // ABORTED, and the order still waits: the provider never had it. False: it was not in progress.
  virtual Task<bool> void_payment(std::uint64_t payment, std::string fail_code) = 0;

  // For the defect pay_in_tx: a connection that nobody else has until what is returned is gone.
  virtual Task<std::shared_ptr<void>> hold_connection() { co_return nullptr; }

  // False: it was stored before.
  virtual Task<bool> store_webhook(WebhookEntry entry, std::string result) = 0;
  // In progress for longer than `age`; `all`: also those whose order does not wait any more.
  virtual Task<std::vector<OpenPayment>> unanswered(Millis age, bool all) = 0;
};

}  // namespace boxoffice
