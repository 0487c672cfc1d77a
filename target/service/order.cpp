#include "target/service/order.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace boxoffice {

namespace {

constexpr std::array<std::string_view, 6> status_names{
    "PAYMENT_PENDING", "CONFIRMED", "CANCELLED", "EXPIRED", "REFUND_PENDING", "REFUNDED"};

// Codes and keys are of our own alphabet, but what came from a provider is quoted all the same.
std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string payment_json(const std::optional<PaymentFacts>& payment) {
  if (!payment) return "null";
  return fmt::format(
      R"({{"paymentKey":{},"method":{},"status":{},"amount":{},"failCode":{}}})",
      json_text(payment->key), json_text(payment->method), json_text(payment->status),
      payment->amount,
      payment->fail_code.empty() ? std::string("null") : json_text(payment->fail_code));
}

}  // namespace

No refused(Refusal refusal, std::string detail, std::int64_t retry_after_ms) {
  No no;
  no.refusal = refusal;
  no.detail = std::move(detail);
  no.retry_after_ms = retry_after_ms;
  return no;
}

std::string_view name_of(OrderStatus status) noexcept {
  return status_names[static_cast<std::size_t>(status)];
}

std::optional<OrderStatus> order_status(std::string_view name) noexcept {
  for (std::size_t i = 0; i < status_names.size(); ++i) {
    if (status_names[i] == name) return static_cast<OrderStatus>(i);
  }
  return {};
}

std::string seats_text(const std::vector<std::uint32_t>& seats) {
  return fmt::format("{}", fmt::join(seats, ","));
}

std::vector<std::uint32_t> seats_of(std::string_view text) {
  std::vector<std::uint32_t> seats;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::uint32_t seat = 0;
    const auto [next, error] = std::from_chars(at, end, seat);
    if (error != std::errc{}) break;
    seats.push_back(seat);
    at = next + 1;
  }
  return seats;
}

std::string receipt_json(const OrderFacts& order) {
  return fmt::format(
      R"({{"orderId":"{}","status":"{}","amount":{},"seatIds":[{}],"expiresAt":"{}"}})", order.id,
      name_of(order.status), order.amount, seats_text(order.seats), rfc3339(order.expires_ms));
}

std::string view_json(const OrderView& view) {
  const OrderFacts& order = view.order;
  std::string tickets;
  for (const std::uint32_t seat : view.tickets) {
    if (!tickets.empty()) tickets += ',';
    tickets += fmt::format(R"({{"seatId":{}}})", seat);
  }
  return fmt::format(
      R"({{"orderId":"{}","status":"{}","reason":{},"eventId":{},"amount":{},"seatIds":[{}],)"
      R"("expiresAt":"{}","payment":{},"tickets":[{}]}})",
      order.id, name_of(order.status),
      order.reason.empty() ? std::string("null") : json_text(order.reason), order.event,
      order.amount, seats_text(order.seats), rfc3339(order.expires_ms), payment_json(view.payment),
      tickets);
}

std::string event_json(const OrderFacts& order) {
  return fmt::format(
      R"({{"orderId":"{}","userId":"{}","eventId":{},"epoch":{},"amount":{},"seats":[{}]}})",
      order.id, order.user, order.event, order.epoch, order.amount, seats_text(order.seats));
}

std::optional<OrderFacts> event_facts(std::string_view payload) {
  const auto json = nlohmann::json::parse(payload, nullptr, false);
  if (!json.is_object()) return {};
  try {
    OrderFacts facts;
    facts.id = std::stoull(json.at("orderId").get<std::string>());
    facts.user = std::stoull(json.at("userId").get<std::string>());
    facts.event = json.at("eventId").get<std::uint64_t>();
    facts.epoch = json.at("epoch").get<std::uint32_t>();
    facts.amount = json.value("amount", std::uint64_t{0});
    facts.seats = json.at("seats").get<std::vector<std::uint32_t>>();
    return facts;
  } catch (const std::exception&) {
    return {};  // not one of ours: the caller counts it as dead
  }
}

}  // namespace boxoffice
