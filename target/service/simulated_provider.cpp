#include "target/service/simulated_provider.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "target/faults.hpp"
#include "target/service/instant.hpp"
#include "target/service/order_signals.hpp"

namespace boxoffice {

namespace {

constexpr std::int64_t late_by_ms = 1000;
constexpr std::size_t refund_tries_max = 100'000;

std::int64_t wall_ms() {
  return std::chrono::duration_cast<Millis>(wall_clock().time_since_epoch()).count();
}

std::string webhook_body(const Charge& charge, std::string_view status,
                         const std::string& fail_code, std::int64_t at_ms) {
  return fmt::format(
      R"({{"eventType":"PAYMENT_STATUS_CHANGED","createdAt":"{}","data":{{"paymentKey":"{}",)"
      R"("orderId":"{}","status":"{}","totalAmount":{},"approvedAt":{},"failure":{}}}}})",
      rfc3339(at_ms), charge.payment_key, charge.order, status, charge.amount,
      status == "DONE" ? '"' + rfc3339(at_ms) + '"' : "null",
      fail_code.empty() ? "null" : fmt::format(R"({{"code":"{}"}})", fail_code));
}

ChargeReport report_of(const ProviderAnswer& answer) {
  ChargeReport report;
  report.state = answer.approved ? ChargeReport::State::done : ChargeReport::State::aborted;
  report.fail_code = answer.approved ? "" : answer.fail_code;
  report.delay_ms = answer.delay_ms;
  return report;
}

}  // namespace

void send_webhooks(const PaymentConfig& config, const Charge& charge, const ProviderAnswer& answer,
                   const WebhookAddress& to, WebhookOutlet& outlet) {
  if (!answer.told) return;
  const WebhookMishaps mishaps = webhook_mishaps(config, charge.order);
  std::int64_t delay_ms = answer.delay_ms;
  if (mishaps.late) delay_ms = std::max(delay_ms, charge.order_left_ms + late_by_ms);
  const TimePoint due = Clock::now() + Millis(delay_ms);
  const std::int64_t at_ms = wall_ms() + delay_ms;
  const auto message = [&](std::string_view suffix, std::string_view status) {
    return WebhookMessage{
        .id = fmt::format("wh_{:x}_{}", hash64(config.seed, charge.order, 99), suffix),
        .body = webhook_body(charge, status, status == "ABORTED" ? answer.fail_code : "", at_ms),
        .host = to.host,
        .path_prefix = to.path_prefix,
        .port = to.port,
        .trace_id = charge.trace_id};
  };
  const std::string_view status = answer.approved ? "DONE" : "ABORTED";
  if (mishaps.forged) {
    WebhookMessage forged = message("forged", "DONE");
    forged.forged = true;
    outlet.deliver(std::move(forged), due);
  }
  WebhookMessage told = message("outcome", status);
  told.lose_first = mishaps.lost;
  if (mishaps.duplicate) outlet.deliver(told, due);
  outlet.deliver(std::move(told), due);
  if (mishaps.reordered) {
    outlet.deliver(message("started", "IN_PROGRESS"), due + Millis(config.retry_unit_ms));
  }
}

SimulatedProvider::SimulatedProvider(asio::io_context& io, const Switches& switches,
                                     WebhookOutlet* outlet)
    : io_(io), switches_(switches), outlet_(outlet) {}

std::int64_t SimulatedProvider::expected_delay_ms(const Charge& charge) const {
  return provider_answer(*switches_.payment(), charge.order, charge.payment_key).delay_ms;
}

Task<ChargeReport> SimulatedProvider::charge(Charge charge, TimePoint until) {
  const auto answer = provider_answer(*switches_.payment(), charge.order, charge.payment_key);
  const TimePoint decided = Clock::now() + Millis(answer.delay_ms);
  const bool in_time = answer.told && decided <= until;
  Wait wait(io_, in_time ? decided : until);
  co_await wait.done();
  ChargeReport report = report_of(answer);
  if (!in_time) report.state = ChargeReport::State::in_progress;
  co_return report;
}

Task<bool> SimulatedProvider::charge_by_webhook(Charge charge) {
  if (outlet_ == nullptr) co_return false;
  const auto config = switches_.payment();
  send_webhooks(*config, charge, provider_answer(*config, charge.order, charge.payment_key), {},
                *outlet_);
  co_return true;
}

Task<ChargeReport> SimulatedProvider::look_up(Charge charge, std::int64_t age_ms,
                                              std::int64_t delay_ms) {
  ChargeReport report =
      report_of(provider_answer(*switches_.payment(), charge.order, charge.payment_key));
  if (age_ms < delay_ms) report.state = ChargeReport::State::in_progress;
  co_return report;
}

Task<bool> SimulatedProvider::refund(Charge charge) {
  if (!refund_is_hard(*switches_.payment(), charge.order)) co_return true;
  if (refund_tries_.size() >= refund_tries_max) refund_tries_.clear();
  const std::uint32_t tries = ++refund_tries_[charge.payment_key];
  if (tries <= refund_refusals) co_return false;
  refund_tries_.erase(charge.payment_key);
  co_return true;
}

}  // namespace boxoffice
