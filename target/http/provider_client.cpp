#include "target/http/provider_client.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <nlohmann/json.hpp>

#include "target/http/response_head.hpp"
#include "target/log.hpp"
#include "target/order_parts.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

constexpr auto as_values = asio::as_tuple(use_task);

ChargeReport report_of(int status, const std::string& body) {
  using State = ChargeReport::State;
  ChargeReport report;
  if (status == 404) report.state = State::unknown;
  if (status != 200) return report;
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return report;
  const auto state = json.find("status");
  const std::string name =
      state != json.end() && state->is_string() ? state->get<std::string>() : "";
  if (name == "DONE") report.state = State::done;
  if (name == "ABORTED") report.state = State::aborted;
  if (name == "CANCELED") report.state = State::canceled;
  if (const auto code = json.find("failCode"); code != json.end() && code->is_string()) {
    report.fail_code = code->get<std::string>().substr(0, 48);
  }
  if (const auto delay = json.find("delayMs"); delay != json.end() && delay->is_number_integer()) {
    report.delay_ms = delay->get<std::int64_t>();
  }
  return report;
}

}  // namespace

std::string provider_token(const Config& config) {
  return sign_webhook(config.webhook_secret, "pg", 0, "customer").substr(3);
}

ProviderClient::ProviderClient(asio::io_context& io, const Config& config, CircuitBreaker* breaker)
    : io_(io), config_(config), breaker_(breaker), token_(provider_token(config)) {}

std::string ProviderClient::body_of(const Charge& charge, bool webhook) const {
  std::string to = "null";
  if (webhook) {
    const auto host = config_.host == "0.0.0.0" ? std::string("127.0.0.1") : config_.host;
    to = fmt::format(R"({{"host":"{}","port":{},"prefix":"{}"}})", host, config_.port,
                     config_.path_prefix);
  }
  return fmt::format(
      R"({{"paymentKey":"{}","orderId":"{}","amount":{},"method":"{}","orderLeftMs":{},)"
      R"("webhook":{}}})",
      charge.payment_key, charge.order, charge.amount, charge.method, charge.order_left_ms, to);
}

Task<ChargeReport> ProviderClient::charge(Charge charge, TimePoint until) {
  const Said said =
      co_await ask("POST", "/v1/payments", body_of(charge, false), charge.trace_id, until);
  ChargeReport report = report_of(said.status, said.body);
  // Only what certainly never left this machine may be tried again under another key.
  if (said.status == 0 && !said.sent) report.state = ChargeReport::State::unreachable;
  co_return report;
}

Task<bool> ProviderClient::charge_by_webhook(Charge charge) {
  const Said said = co_await ask("POST", "/v1/payments", body_of(charge, true), charge.trace_id,
                                 Clock::now() + provider_quick);
  co_return said.status == 202;
}

Task<ChargeReport> ProviderClient::look_up(Charge charge, std::int64_t, std::int64_t) {
  const Said said = co_await ask("GET", "/v1/payments/" + charge.payment_key, "", charge.trace_id,
                                 Clock::now() + provider_quick);
  ChargeReport report = report_of(said.status, said.body);
  if (said.status == 0) report.state = ChargeReport::State::unreachable;
  co_return report;
}

Task<bool> ProviderClient::refund(Charge charge) {
  const Said said = co_await ask("POST", "/v1/payments/" + charge.payment_key + "/cancel",
                                 fmt::format(R"({{"orderId":"{}"}})", charge.order),
                                 charge.trace_id, Clock::now() + provider_quick);
  co_return said.status == 200;
}

Task<bool> ProviderClient::configure(std::string settings, std::string trace_id) {
  const Said said = co_await ask("PUT", "/v1/settings", std::move(settings), std::move(trace_id),
                                 Clock::now() + provider_quick);
  co_return said.status == 200;
}

Task<ProviderClient::Said> ProviderClient::ask(std::string method, std::string path,
                                               std::string body, std::string trace_id,
                                               TimePoint until) {
  const std::string text = fmt::format(
      "{} {} HTTP/1.1\r\nHost: {}:{}\r\nAuthorization: Bearer {}\r\ntraceparent: "
      "{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      method, path, config_.pg_host, config_.pg_port, token_, traceparent_of(trace_id), body.size(),
      body);
  if (breaker_ == nullptr) co_return co_await ask_once(text, until);
  if (!breaker_->allow(Clock::now())) co_return Said{};
  Said said = co_await ask_once(text, until);
  breaker_->record(said.status != 0, Clock::now());
  if (said.status == 0) log_debug("provider gave no answer", {{"path", path}});
  co_return said;
}

Task<ProviderClient::Said> ProviderClient::ask_once(std::string text, TimePoint until) {
  Said said;
  // A kept connection may have been closed by the other side: that says nothing about the provider,
  // and a charge that comes twice is the same charge.
  while (!idle_.empty() && said.status == 0) {
    auto kept = std::move(idle_.back());
    idle_.pop_back();
    const bool earlier = said.sent;
    said = co_await ask_on(kept, text, until);
    said.sent = said.sent || earlier;
    if (said.status == 0 && Clock::now() >= until) co_return said;
  }
  if (said.status != 0) co_return said;
  const bool earlier = said.sent;
  said = co_await ask_on(std::make_shared<Connection>(io_), text, until);
  said.sent = said.sent || earlier;
  co_return said;
}

// One deadline for all: the timer closes the socket, and what waits for it ends.
Task<ProviderClient::Said> ProviderClient::ask_on(std::shared_ptr<Connection> connection,
                                                  std::string text, TimePoint until) {
  namespace http = boost::beast::http;
  Socket& socket = connection->socket;
  Said said;
  boost::system::error_code ignored;
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> deadline(io_, until);
  deadline.async_wait([connection](const boost::system::error_code& cancelled) {
    boost::system::error_code closing;
    if (!cancelled) connection->socket.close(closing);
  });
  if (!socket.is_open()) {
    const auto address = asio::ip::make_address(config_.pg_host, ignored);
    const auto [failed] = co_await socket.async_connect({address, config_.pg_port}, as_values);
    if (failed) {
      socket.close(ignored);
      co_return said;
    }
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  }
  const auto [unwritten, written] =
      co_await asio::async_write(socket, asio::buffer(text), as_values);
  said.sent = written > 0;
  http::response_parser<http::string_body> parser;
  boost::system::error_code unread = unwritten;
  if (!unread) {
    const auto [failed, size] =
        co_await http::async_read(socket, connection->buffer, parser, as_values);
    unread = failed;
  }
  deadline.cancel();
  if (unread) {
    socket.close(ignored);
    co_return said;
  }
  said.status = static_cast<int>(parser.get().result_int());
  said.body = std::move(parser.get().body());
  const bool keep = parser.get().keep_alive() && idle_.size() < provider_connections_idle_max;
  if (keep && socket.is_open()) idle_.push_back(std::move(connection));
  co_return said;
}

namespace {

// The defect refund_not_sent, between the desk and the real thing.
class ForgetfulGateway final : public PaymentGateway {
 public:
  ForgetfulGateway(std::unique_ptr<PaymentGateway> real, const Switches& switches)
      : real_(std::move(real)), switches_(switches) {}

  [[nodiscard]] std::int64_t expected_delay_ms(const Charge& charge) const override {
    return real_->expected_delay_ms(charge);
  }
  Task<ChargeReport> charge(Charge charge, TimePoint until) override {
    return real_->charge(std::move(charge), until);
  }
  Task<bool> charge_by_webhook(Charge charge) override {
    return real_->charge_by_webhook(std::move(charge));
  }
  Task<ChargeReport> look_up(Charge charge, std::int64_t age_ms, std::int64_t delay_ms) override {
    return real_->look_up(std::move(charge), age_ms, delay_ms);
  }
  Task<bool> refund(Charge charge) override {
    if (switches_.refund_not_sent) co_return true;
    co_return co_await real_->refund(std::move(charge));
  }

 private:
  std::unique_ptr<PaymentGateway> real_;
  const Switches& switches_;
};

std::unique_ptr<PaymentGateway> make_real_gateway(asio::io_context& io, const Config& config,
                                                  const Switches& switches, WebhookOutlet* outlet,
                                                  Breakers* breakers) {
  if (!config.pg_host.empty()) {
    return std::make_unique<ProviderClient>(io, config,
                                            breakers != nullptr ? &breakers->pg : nullptr);
  }
  return std::make_unique<SimulatedProvider>(io, switches, outlet);
}

}  // namespace

std::unique_ptr<PaymentGateway> make_payment_gateway(asio::io_context& io, const Config& config,
                                                     const Switches& switches,
                                                     WebhookOutlet* outlet, Breakers* breakers) {
  auto gateway = make_real_gateway(io, config, switches, outlet, breakers);
  if (!config.lab) return gateway;
  return std::make_unique<ForgetfulGateway>(std::move(gateway), switches);
}

}  // namespace boxoffice
