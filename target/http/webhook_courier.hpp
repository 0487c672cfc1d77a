// The provider's side of webhooks: signs and posts them to their address (this server's own when
// the provider is inline) over kept-alive connections, and tries again after 1, 4, 16, … units.
// Messages wait in a heap, not in a timer each.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <memory>
#include <queue>
#include <stop_token>
#include <string>
#include <vector>

#include "target/config.hpp"
#include "target/metrics.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/simulated_provider.hpp"
#include "target/switches.hpp"

namespace boxoffice {

inline constexpr std::size_t webhooks_waiting_max = 100'000;
inline constexpr std::size_t webhook_connections_max = 32;
inline constexpr Millis webhook_answer_max{10000};

class WebhookCourier final : public WebhookOutlet,
                             public std::enable_shared_from_this<WebhookCourier> {
 public:
  WebhookCourier(asio::io_context& io, const Config& config, const Switches& switches,
                 Metrics& metrics, std::stop_token stop);

  void deliver(WebhookMessage message, TimePoint due) override;

 private:
  using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
  struct Connection {
    explicit Connection(asio::io_context& io) : socket(io) {}
    Socket socket;
    boost::beast::flat_buffer buffer;
    std::string to;  // host:port
  };
  struct Parcel {
    TimePoint due;
    std::uint64_t number = 0;  // those due at once keep their order
    WebhookMessage message;
    std::uint32_t tries = 0;
  };
  struct Later {
    bool operator()(const Parcel& a, const Parcel& b) const noexcept {
      return a.due != b.due ? a.due > b.due : a.number > b.number;
    }
  };
  class Trip;

  static Task<void> dispatch(std::shared_ptr<WebhookCourier> self);
  static Task<void> carry(std::shared_ptr<WebhookCourier> self, Parcel parcel);
  Task<int> post(std::shared_ptr<Connection> connection, const Parcel& parcel);
  std::string request_text(const Parcel& parcel) const;
  WebhookAddress address_of(const Parcel& parcel) const;
  std::shared_ptr<Connection> kept_connection(const std::string& to);
  void put(Parcel parcel);
  void retry(Parcel parcel);

  asio::io_context& io_;
  const Config& config_;
  const Switches& switches_;
  Metrics& metrics_;
  std::stop_token stop_;
  std::priority_queue<Parcel, std::vector<Parcel>, Later> heap_;
  std::uint64_t next_number_ = 0;
  std::vector<std::shared_ptr<Connection>> idle_;
  std::size_t trips_ = 0;
  bool dispatching_ = false;
  Wait next_due_;
};

}  // namespace boxoffice
