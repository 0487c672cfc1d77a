// Where orders are stored for good (MySQL). All throw StoreUnavailable("mysql"), and CommitUnknown
// when the connection broke inside a commit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target/domain/task.hpp"
#include "target/service/idempotency.hpp"
#include "target/service/order.hpp"

namespace boxoffice {

// busy: another transaction kept a row locked through all retries.
enum class Placed : std::uint8_t { done, key_taken, hold_taken, seat_claimed, over_quota, busy };
enum class Cancelled : std::uint8_t { cancelled, refund_pending, already_final, key_taken, busy };

struct RefundDue {
  OrderFacts order;
  std::string payment_key;  // empty: no payment of it is DONE
  std::string trace_id;     // of the request that made the order
};

class OrderStore {
 public:
  virtual ~OrderStore() = default;
  virtual Task<KeyRecord> look_up(IdempotencyKey key) = 0;
  virtual Task<Placed> place(NewOrder order, KeyedResponse keyed) = 0;
  virtual Task<std::optional<OrderView>> find(std::uint64_t order) = 0;
  virtual Task<std::optional<OrderFacts>> find_by_hold(std::string hold_id) = 0;
  // `order` as it was read; the transition is conditional on its status still being that.
  virtual Task<Cancelled> cancel(OrderFacts order, std::optional<KeyedResponse> keyed) = 0;
  // The state now of those of the orders that are not pending any more.
  virtual Task<std::vector<OrderFacts>> not_pending(std::vector<std::uint64_t> orders) = 0;

  // Expires up to `limit` overdue orders and returns them. With a fence, a newer fence in the
  // database makes it throw FencedOff; without one the database's own lock is taken, and an empty
  // answer may mean that another has it.
  virtual Task<std::vector<OrderFacts>> expire(std::uint32_t limit,
                                               std::optional<std::uint64_t> fence) = 0;
  virtual Task<std::vector<RefundDue>> refunds_due(std::uint32_t limit) = 0;
  // REFUND_PENDING → REFUNDED, its payment CANCELED. False: it was not pending.
  virtual Task<bool> refunded(OrderFacts order) = 0;
  // Deletes idempotency keys, consumed marks and sent outbox rows older than 24 h, a bounded
  // number.
  virtual Task<void> collect_garbage() = 0;
};

// Another holder of the lease has written with a newer fence than ours.
struct FencedOff {
  std::uint64_t newest = 0;
};

}  // namespace boxoffice
