// The use cases of payments: authorise (sync answer or webhook), the provider's webhook, and asking
// the provider again. The provider is waited for outside any transaction; what it said is applied
// by conditional updates, so that whoever comes second finds the work done.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"
#include "target/metrics.hpp"
#include "target/service/idempotency.hpp"
#include "target/service/order_ids.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/payment_gateway.hpp"
#include "target/service/payment_store.hpp"
#include "target/service/seat_settler.hpp"
#include "target/switches.hpp"

namespace boxoffice {

inline constexpr Millis provider_answer_max{10000};  // longer: 504, and the reconciler finds out

struct AuthoriseRequest {
  IdempotencyKey key;  // key.key may be empty for a confirm
  std::uint64_t user = 0, order = 0;
  std::string method;
  std::optional<std::uint64_t> amount;
  std::string payment_key;  // of a confirm: chosen by the client
  std::string test_code;    // lab mode only
  std::string trace_id;
};

class PaymentDesk {
 public:
  struct Needs {
    asio::io_context& io;
    PaymentStore& store;
    SeatSettler& settler;
    const Switches& switches;
    Metrics& metrics;
    PaymentGateway& gateway;
    OrderIds ids;
    Millis answer_max = provider_answer_max;
  };
  explicit PaymentDesk(Needs needs);

  Task<Decision<Answer>> authorise(AuthoriseRequest request);
  // A genuine webhook; the result is what became of it. `malformed` is the only no.
  Task<Decision<std::string>> webhook(std::string id, std::string body);
  // Asks the provider about payments that were not answered for `age`. The number applied.
  Task<std::uint32_t> reconcile(Millis age, bool all);
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_; }

 private:
  struct Outcome {
    bool approved = false;
    std::string fail_code;
  };
  // What the payment's order came to, for the caller's answer.
  enum class Ended : std::uint8_t { paid, declined, refunded, before, duplicate };

  Task<Decision<Answer>> authorise_once(AuthoriseRequest request);
  Task<Decision<Answer>> start_payment(AuthoriseRequest request, OrderView view);
  Task<Decision<Answer>> answer_by_webhook(AuthoriseRequest request, PaymentOpening opening,
                                           Charge charge);
  Task<Decision<Answer>> answer_at_once(AuthoriseRequest request, OrderView view,
                                        PaymentOpening opening, Charge charge);
  Task<Ended> apply(OpenPayment open, Outcome outcome, PaymentTail tail);
  Task<Ended> apply_approval(OpenPayment open, PaymentTail tail);
  Task<ChargeReport> charge(Charge charge);
  Task<ChargeReport> charge_in_turn(Charge charge);
  std::string new_payment_key(std::uint64_t id, const std::string& test_code) const;

  Needs needs_;
  std::uint32_t in_flight_ = 0;
  bool one_at_a_time_ = false;         // somebody pays: of the defect saga_serial
  std::deque<Wait> waiting_for_turn_;  // likewise
};

}  // namespace boxoffice
