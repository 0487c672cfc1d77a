#include "target/http/webhook_courier.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "target/faults.hpp"
#include "target/http/response_head.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

constexpr std::array<std::uint32_t, 7> retry_units{1, 4, 16, 64, 256, 1024, 4096};
constexpr auto idle_look = std::chrono::seconds(1);
constexpr auto as_values = asio::as_tuple(use_task);

std::int64_t wall_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(wall_clock().time_since_epoch()).count();
}

}  // namespace

// A trip takes one of the places; the next parcel may go when it ends.
class WebhookCourier::Trip {
 public:
  explicit Trip(WebhookCourier& courier) : courier_(courier) { ++courier_.trips_; }
  ~Trip() {
    --courier_.trips_;
    courier_.next_due_.wake();
  }
  Trip(Trip&&) = delete;

 private:
  WebhookCourier& courier_;
};

WebhookCourier::WebhookCourier(asio::io_context& io, const Config& config, const Switches& switches,
                               Metrics& metrics, std::stop_token stop)
    : io_(io),
      config_(config),
      switches_(switches),
      metrics_(metrics),
      stop_(std::move(stop)),
      next_due_(io, TimePoint::max()) {}

void WebhookCourier::deliver(WebhookMessage message, TimePoint due) {
  put(Parcel{due, next_number_++, std::move(message), 0});
}

void WebhookCourier::put(Parcel parcel) {
  if (heap_.size() >= webhooks_waiting_max) {
    // The reconciler asks about the payment instead.
    metrics_.count("webhook_courier", "result", "overflow");
    return;
  }
  const bool first = heap_.empty() || parcel.due < heap_.top().due;
  heap_.push(std::move(parcel));
  if (first) next_due_.wake();
  if (dispatching_) return;
  dispatching_ = true;
  asio::co_spawn(io_, dispatch(shared_from_this()),
                 [self = shared_from_this()](const std::exception_ptr& failure) {
                   self->dispatching_ = false;
                   if (failure != nullptr) {
                     self->metrics_.count("webhook_courier", "result", "stopped");
                   }
                 });
}

Task<void> WebhookCourier::dispatch(std::shared_ptr<WebhookCourier> self) {
  while (!self->heap_.empty() && !self->stop_.stop_requested()) {
    const bool ready = self->heap_.top().due <= Clock::now();
    if (!ready || self->trips_ >= webhook_connections_max) {
      const TimePoint look = Clock::now() + idle_look;
      self->next_due_.rearm(ready ? look : std::min(self->heap_.top().due, look));
      co_await self->next_due_.done();
      continue;
    }
    Parcel parcel = self->heap_.top();
    self->heap_.pop();
    asio::co_spawn(self->io_, carry(self, std::move(parcel)),
                   [self](const std::exception_ptr& failure) {
                     if (failure != nullptr) {
                       self->metrics_.count("webhook_courier", "result", "failed");
                     }
                   });
  }
}

Task<void> WebhookCourier::carry(std::shared_ptr<WebhookCourier> self, Parcel parcel) {
  const Trip trip(*self);
  int status = 0;
  if (parcel.message.lose_first && parcel.tries == 0) {
    self->metrics_.count("webhook_courier", "result", "lost");
  } else {
    const WebhookAddress address = self->address_of(parcel);
    const std::string to = fmt::format("{}:{}", address.host, address.port);
    std::shared_ptr<Connection> connection = self->kept_connection(to);
    const bool kept = connection != nullptr;
    if (!kept) connection = std::make_shared<Connection>(self->io_);
    connection->to = to;
    status = co_await self->post(connection, parcel);
    if (status == 0 && kept) {
      // The server may have closed an idle connection: that is no failed try.
      connection = std::make_shared<Connection>(self->io_);
      connection->to = to;
      status = co_await self->post(connection, parcel);
    }
    const bool room = self->idle_.size() < webhook_connections_max;
    if (connection->socket.is_open() && room) self->idle_.push_back(std::move(connection));
  }
  if (status == 200) {
    self->metrics_.count("webhook_courier", "result", "delivered");
  } else if (!parcel.message.forged) {
    self->retry(std::move(parcel));
  }
}

void WebhookCourier::retry(Parcel parcel) {
  if (parcel.tries >= retry_units.size()) {
    metrics_.count("webhook_courier", "result", "given_up");
    return;
  }
  metrics_.count("webhook_courier", "result", "retried");
  const std::uint64_t units = retry_units[parcel.tries];
  parcel.due =
      Clock::now() + Millis(static_cast<std::int64_t>(units * switches_.payment()->retry_unit_ms));
  ++parcel.tries;
  put(std::move(parcel));
}

WebhookAddress WebhookCourier::address_of(const Parcel& parcel) const {
  const WebhookMessage& message = parcel.message;
  if (!message.host.empty()) return {message.host, message.path_prefix, message.port};
  const auto host = config_.host == "0.0.0.0" ? std::string("127.0.0.1") : config_.host;
  return {host, config_.path_prefix, config_.port};
}

std::shared_ptr<WebhookCourier::Connection> WebhookCourier::kept_connection(const std::string& to) {
  for (auto at = idle_.begin(); at != idle_.end(); ++at) {
    if ((*at)->to != to) continue;
    auto kept = std::move(*at);
    idle_.erase(at);
    return kept;
  }
  return nullptr;
}

std::string WebhookCourier::request_text(const Parcel& parcel) const {
  const WebhookMessage& message = parcel.message;
  const WebhookAddress to = address_of(parcel);
  const std::int64_t now = wall_seconds();
  const std::string_view secret =
      message.forged ? std::string_view("not the secret") : config_.webhook_secret;
  return fmt::format(
      "POST {}/webhooks/payments HTTP/1.1\r\nHost: {}:{}\r\nContent-Type: application/json\r\n"
      "Webhook-Id: {}\r\nWebhook-Timestamp: {}\r\nWebhook-Signature: {}\r\ntraceparent: {}\r\n"
      "Content-Length: {}\r\n\r\n{}",
      to.path_prefix, to.host, to.port, message.id, now,
      sign_webhook(secret, message.id, now, message.body), traceparent_of(message.trace_id),
      message.body.size(), message.body);
}

// The answer's status; 0 when there was none in time. Closes the connection unless it can be kept.
Task<int> WebhookCourier::post(std::shared_ptr<Connection> connection, const Parcel& parcel) {
  namespace http = boost::beast::http;
  Socket& socket = connection->socket;
  // One deadline for all: the timer closes the socket, and what waits for it ends.
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> deadline(
      io_, webhook_answer_max);
  deadline.async_wait([connection](const boost::system::error_code& cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) connection->socket.close(ignored);
  });
  boost::system::error_code ignored;
  if (!socket.is_open()) {
    const WebhookAddress to = address_of(parcel);
    const auto address = asio::ip::make_address(to.host, ignored);
    if (ignored) co_return 0;
    const auto [failed] = co_await socket.async_connect({address, to.port}, as_values);
    if (failed) {
      socket.close(ignored);
      co_return 0;
    }
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  }
  const std::string text = request_text(parcel);
  const auto [unwritten, written] =
      co_await asio::async_write(socket, asio::buffer(text), as_values);
  http::response_parser<http::string_body> parser;
  boost::system::error_code unread = unwritten;
  if (!unread) {
    const auto [failed, size] =
        co_await http::async_read(socket, connection->buffer, parser, as_values);
    unread = failed;
  }
  deadline.cancel();
  if (unread || !parser.get().keep_alive()) socket.close(ignored);
  co_return unread ? 0 : static_cast<int>(parser.get().result_int());
}

}  // namespace boxoffice
