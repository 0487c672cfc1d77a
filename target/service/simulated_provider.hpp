// The simulated payment provider inside a process: waits by timers, sends its webhooks through an
// outlet. What it decides is a pure function (payment_provider.hpp), so it remembers nothing but
// how often a refund was asked for.
#pragma once

#include <boost/asio/io_context.hpp>
#include <unordered_map>

#include "target/service/payment_gateway.hpp"
#include "target/service/payment_provider.hpp"
#include "target/switches.hpp"

namespace boxoffice {

// One message of the provider to its customer.
struct WebhookMessage {
  std::string id, body;
  bool forged = false;      // signed with a wrong secret, and not repeated
  bool lose_first = false;  // the first try goes nowhere
  // Where to; an empty host: this very server.
  std::string host, path_prefix;
  std::uint16_t port = 0;
  std::string trace_id = {};  // of the charge
};
class WebhookOutlet {
 public:
  virtual ~WebhookOutlet() = default;
  virtual void deliver(WebhookMessage message, TimePoint due) = 0;
};

// Where a customer's webhooks go.
struct WebhookAddress {
  std::string host, path_prefix;
  std::uint16_t port = 0;
};

// All messages of one charge, mishaps included. An outcome that is not told sends nothing.
void send_webhooks(const PaymentConfig& config, const Charge& charge, const ProviderAnswer& answer,
                   const WebhookAddress& to, WebhookOutlet& outlet);

inline constexpr std::uint32_t refund_refusals = 2;  // of a refund that fails, before it succeeds

class SimulatedProvider final : public PaymentGateway {
 public:
  // Without an outlet nothing comes by webhook.
  SimulatedProvider(asio::io_context& io, const Switches& switches, WebhookOutlet* outlet);

  [[nodiscard]] std::int64_t expected_delay_ms(const Charge& charge) const override;
  Task<ChargeReport> charge(Charge charge, TimePoint until) override;
  Task<bool> charge_by_webhook(Charge charge) override;
  Task<ChargeReport> look_up(Charge charge, std::int64_t age_ms, std::int64_t delay_ms) override;
  Task<bool> refund(Charge charge) override;

 private:
  asio::io_context& io_;
  const Switches& switches_;
  WebhookOutlet* outlet_;
  std::unordered_map<std::string, std::uint32_t> refund_tries_;
};

}  // namespace boxoffice
