#include "target/http/server.hpp"

#include <sys/socket.h>

#include "target/http/connection.hpp"
#include "target/log.hpp"

namespace boxoffice {
namespace {

constexpr int backlog = 4096;
constexpr Millis accept_pause{50};
constexpr Millis drain_grain{20};

// Subtle: a shared port needs SO_REUSEPORT before the bind, which Asio has no public name for.
void share_port(Acceptor& acceptor) {
  const int on = 1;
  if (setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    throw boost::system::system_error(errno, boost::system::system_category(), "SO_REUSEPORT");
  }
}

// No descriptors or memory left: trying again at once would only burn the processor.
bool is_exhaustion(const boost::system::error_code& error) noexcept {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system ||
         error == boost::system::errc::not_enough_memory ||
         error == boost::system::errc::no_buffer_space;
}

}  // namespace

HttpServer::HttpServer(asio::io_context& io, const Config& config, Metrics& metrics,
                       const Switches& switches, ServerLoad& load, const RouteTable& table,
                       const ServerLimits& limits)
    : lane_(io, config, limits, metrics, switches, load, table),
      deadline_clock_(io.get_executor()) {
  ++loops_;
  asio::co_spawn(io.get_executor(), deadline_loop(), [this](std::exception_ptr failure) {
    --loops_;
    report_failure(failure, "deadline clock failed");
  });
}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::listen(const std::string& host, std::uint16_t port, Surface surface,
                                 bool shared) {
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(host), port);
  Acceptor acceptor(lane_.io.get_executor());
  acceptor.open(endpoint.protocol());
  acceptor.set_option(asio::socket_base::reuse_address(true));
  if (shared) share_port(acceptor);
  acceptor.bind(endpoint);
  acceptor.listen(backlog);
  acceptor.non_blocking(true);
  const std::uint16_t taken = acceptor.local_endpoint().port();
  Listener& listener = listeners_.emplace_back(
      Listener{std::move(acceptor), surface, Timer(lane_.io.get_executor())});
  ++loops_;
  asio::co_spawn(lane_.io.get_executor(), accept_loop(listener),
                 [this](std::exception_ptr failure) {
                   --loops_;
                   report_failure(failure, "accept loop failed");
                 });
  return taken;
}

Task<void> HttpServer::accept_loop(Listener& listener) {
  while (listener.acceptor.is_open() && !lane_.draining) {
    auto [error, socket] = co_await listener.acceptor.async_accept(await_tuple);
    if (!error) {
      welcome(std::move(socket), listener.surface);
      continue;
    }
    if (error == asio::error::operation_aborted) continue;
    lane_.metrics.count("accept_errors", "error", error.category().message(error.value()));
    if (!is_exhaustion(error)) continue;
    listener.pause.expires_after(accept_pause);
    const auto [paused] = co_await listener.pause.async_wait(await_tuple);
    if (paused) continue;
  }
}

void HttpServer::welcome(Socket socket, Surface surface) {
  boost::system::error_code ignored;
  if (lane_.load.connections.fetch_add(1, std::memory_order_relaxed) >=
      lane_.config.connections_max) {
    lane_.load.connections.fetch_sub(1, std::memory_order_relaxed);
    lane_.metrics.count("connections_refused");
    constexpr std::string_view refusal =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(refusal), ignored);
    return;
  }
  socket.non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  auto connection = std::make_shared<HttpConnection>(lane_, std::move(socket), surface);
  asio::co_spawn(lane_.io.get_executor(), HttpConnection::run(std::move(connection)),
                 [](std::exception_ptr failure) { report_failure(failure, "connection failed"); });
}

Task<void> HttpServer::deadline_loop() {
  while (!lane_.draining || lane_.watched.size() > 0) {
    deadline_clock_.expires_after(lane_.limits.deadline_grain);
    co_await deadline_clock_.async_wait(await_tuple);
    lane_.watched.tick(Clock::now());
  }
}

// Subtle: connections that wait in the backlog are reset when the listener closes, so they are
// taken first and served like those that were there before.
void HttpServer::stop_accepting() {
  for (Listener& listener : listeners_) {
    boost::system::error_code error;
    while (!error) {
      Socket socket = listener.acceptor.accept(error);
      if (!error) welcome(std::move(socket), listener.surface);
    }
    listener.acceptor.close(error);
    listener.pause.cancel();
  }
}

Task<bool> HttpServer::drain(TimePoint until) {
  stop_accepting();
  lane_.draining = true;
  lane_.watched.drain(Clock::now());
  Timer timer(lane_.io.get_executor());
  while (lane_.watched.size() > 0 && Clock::now() < until) {
    timer.expires_after(drain_grain);
    co_await timer.async_wait(await_tuple);
  }
  const bool clean = lane_.watched.size() == 0;
  lane_.watched.cut();
  deadline_clock_.cancel();
  co_return clean;
}

boost::system::error_code probe_port(const std::string& host, std::uint16_t port) {
  asio::io_context io(1);
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(host), port);
  Acceptor acceptor(io.get_executor());
  boost::system::error_code error;
  acceptor.open(endpoint.protocol());
  acceptor.set_option(asio::socket_base::reuse_address(true));
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1, error);
  return error;
}

}  // namespace boxoffice
