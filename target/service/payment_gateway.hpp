// The payment provider as the use cases of payments see it, wherever it runs: in this process
// (simulated_provider.hpp) or in one of its own (http/provider_client.hpp). Nothing here throws:
// a provider that is away is an answer, too.
#pragma once

#include <cstdint>
#include <string>

#include "target/domain/task.hpp"

namespace boxoffice {

struct Charge {
  std::string payment_key, method;
  std::uint64_t order = 0, amount = 0;
  std::int64_t order_left_ms = 0;  // until the order's deadline
  std::string trace_id = {};       // of the request that it belongs to; empty: of none
};

struct ChargeReport {
  enum class State : std::uint8_t {
    unknown,      // the provider never heard of it
    in_progress,  // not decided, or not told in time
    done,
    aborted,
    canceled,
    unreachable  // the provider was not asked
  };
  State state = State::in_progress;
  std::string fail_code;  // of `aborted`
  std::int64_t delay_ms = 0;
};

class PaymentGateway {
 public:
  virtual ~PaymentGateway() = default;
  // What is known before: for the payment's row. 0 where only the provider knows.
  [[nodiscard]] virtual std::int64_t expected_delay_ms(const Charge& charge) const = 0;
  // Waits for the decision until `until`. A key that was charged before gives the same decision.
  virtual Task<ChargeReport> charge(Charge charge, TimePoint until) = 0;
  // The outcome comes by webhook. False: the provider could not be told.
  virtual Task<bool> charge_by_webhook(Charge charge) = 0;
  // `age_ms` since the payment was opened, of which `delay_ms` were to be waited.
  virtual Task<ChargeReport> look_up(Charge charge, std::int64_t age_ms, std::int64_t delay_ms) = 0;
  // The money goes back; repeated, it has gone back. False: not now.
  virtual Task<bool> refund(Charge charge) = 0;
};

}  // namespace boxoffice
