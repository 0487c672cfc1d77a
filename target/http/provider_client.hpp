// The payment provider in a process of its own (`--pg=process`), asked over HTTP on kept-alive
// connections of this thread. The protocol is that of routes_provider.cpp.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "target/config.hpp"
#include "target/service/circuit_breaker.hpp"
#include "target/service/payment_gateway.hpp"

namespace boxoffice {

inline constexpr std::size_t provider_connections_idle_max = 64;
inline constexpr Millis provider_quick{2000};  // of what has not to wait for a decision

// What the provider knows its customer by; made from the secret that both have.
std::string provider_token(const Config& config);

class ProviderClient final : public PaymentGateway {
 public:
  // `breaker` may be null; it outlives the client.
  ProviderClient(asio::io_context& io, const Config& config, CircuitBreaker* breaker);

  [[nodiscard]] std::int64_t expected_delay_ms(const Charge&) const override { return 0; }
  Task<ChargeReport> charge(Charge charge, TimePoint until) override;
  Task<bool> charge_by_webhook(Charge charge) override;
  Task<ChargeReport> look_up(Charge charge, std::int64_t age_ms, std::int64_t delay_ms) override;
  Task<bool> refund(Charge charge) override;
  // How the provider is to behave: the JSON of PUT /admin/payment. False: it was not reached.
  Task<bool> configure(std::string settings, std::string trace_id);

 private:
  using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
  struct Connection {
    explicit Connection(asio::io_context& io) : socket(io) {}
    Socket socket;
    boost::beast::flat_buffer buffer;
  };
  struct Said {
    int status = 0;     // 0: no answer
    bool sent = false;  // something may have reached the provider
    std::string body;
  };
  Task<Said> ask(std::string method, std::string path, std::string body, std::string trace_id,
                 TimePoint until);
  Task<Said> ask_once(std::string text, TimePoint until);
  Task<Said> ask_on(std::shared_ptr<Connection> connection, std::string text, TimePoint until);
  std::string body_of(const Charge& charge, bool webhook) const;

  asio::io_context& io_;
  const Config& config_;
  CircuitBreaker* breaker_;
  std::string token_;
  std::vector<std::shared_ptr<Connection>> idle_;
};

}  // namespace boxoffice
