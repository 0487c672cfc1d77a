#include "target/http/server.hpp"

#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <list>

#include "target/http/connection.hpp"
#include "target/http/response_head.hpp"
#include "target/log.hpp"

namespace boxoffice {
namespace {

constexpr int backlog = 4096;
constexpr Millis accept_pause{50};
constexpr Millis drain_grain{20};
constexpr std::int64_t refused_retry_ms = 1000;

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

// Subtle: the loops and the connections are resumed, or destroyed with the io_context, after the
// server is gone; so they share what they use, and nothing of theirs points into the server.
struct HttpServer::Core {
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  using Self = std::shared_ptr<Core>;
  struct Listener {
    Acceptor acceptor;
    Surface surface;
    Timer pause;
  };

  explicit Core(std::shared_ptr<Lane> of_thread)
      : lane(std::move(of_thread)), deadline_clock(lane->io.get_executor()) {}

  static Task<void> accept_loop(Self self, Listener& listener);
  static Task<void> deadline_loop(Self self);
  static Task<bool> drain(Self self, TimePoint until);
  void welcome(Socket socket, Surface surface);
  void stop_accepting();

  std::shared_ptr<Lane> lane;
  std::list<Listener> listeners;
  Timer deadline_clock;
};

HttpServer::HttpServer(asio::io_context& io, const Config& config, Metrics& metrics,
                       const Switches& switches, ServerLoad& load, const RouteTable& table,
                       const ServerLimits& limits)
    : core_(std::make_shared<Core>(
          std::make_shared<Lane>(io, config, limits, metrics, switches, load, table))) {
  asio::co_spawn(io.get_executor(), Core::deadline_loop(core_), [](std::exception_ptr failure) {
    report_failure(failure, "deadline clock failed");
  });
}

HttpServer::~HttpServer() {
  core_->lane->draining = true;
  boost::system::error_code ignored;
  for (Core::Listener& listener : core_->listeners) {
    listener.acceptor.close(ignored);
    listener.pause.cancel();
  }
  core_->lane->watched.cut();
  core_->deadline_clock.cancel();
}

std::size_t HttpServer::open_connections() const noexcept { return core_->lane->watched.size(); }

std::uint16_t HttpServer::listen(const std::string& host, std::uint16_t port, Surface surface,
                                 bool shared) {
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(host), port);
  const Executor executor = core_->lane->io.get_executor();
  Acceptor acceptor(executor);
  acceptor.open(endpoint.protocol());
  acceptor.set_option(asio::socket_base::reuse_address(true));
  if (shared) share_port(acceptor);
  acceptor.bind(endpoint);
  acceptor.listen(backlog);
  acceptor.non_blocking(true);
  const std::uint16_t taken = acceptor.local_endpoint().port();
  Core::Listener& listener = core_->listeners.emplace_back(
      Core::Listener{std::move(acceptor), surface, Core::Timer(executor)});
  asio::co_spawn(executor, Core::accept_loop(core_, listener),
                 [](std::exception_ptr failure) { report_failure(failure, "accept loop failed"); });
  return taken;
}

Task<void> HttpServer::Core::accept_loop(Self self, Listener& listener) {
  Lane& lane = *self->lane;
  while (listener.acceptor.is_open() && !lane.draining) {
    auto [error, socket] = co_await listener.acceptor.async_accept(await_tuple);
    if (!error) {
      self->welcome(std::move(socket), listener.surface);
      continue;
    }
    if (error == asio::error::operation_aborted) continue;
    lane.metrics.count("accept_errors", "error", error.category().message(error.value()));
    if (!is_exhaustion(error)) continue;
    listener.pause.expires_after(accept_pause);
    const auto [paused] = co_await listener.pause.async_wait(await_tuple);
    if (paused) continue;
  }
}

void HttpServer::Core::welcome(Socket socket, Surface surface) {
  boost::system::error_code ignored;
  if (lane->load.connections.fetch_add(1, std::memory_order_relaxed) >=
      lane->config.connections_max) {
    lane->load.connections.fetch_sub(1, std::memory_order_relaxed);
    lane->metrics.count("connections_refused");
    const HttpRequest request = lane->no_request();
    No no;
    no.refusal = Refusal::overloaded;
    no.detail = "too many connections";
    no.retry_after_ms = refused_retry_ms;
    const std::string text = farewell(problem(no, request), request, lane->date());
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
    return;
  }
  socket.non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  auto connection = std::make_shared<HttpConnection>(*lane, std::move(socket), surface);
  asio::co_spawn(lane->io.get_executor(), HttpConnection::run(std::move(connection)),
                 [](std::exception_ptr failure) { report_failure(failure, "connection failed"); });
}

Task<void> HttpServer::Core::deadline_loop(Self self) {
  Lane& lane = *self->lane;
  while (!lane.draining || lane.watched.size() > 0) {
    self->deadline_clock.expires_after(lane.limits.deadline_grain);
    co_await self->deadline_clock.async_wait(await_tuple);
    lane.watched.tick(Clock::now());
  }
}

// Subtle: connections that wait in the backlog are reset when the listener closes, so they are
// taken first and served like those that were there before.
void HttpServer::Core::stop_accepting() {
  for (Listener& listener : listeners) {
    boost::system::error_code error;
    while (!error) {
      Socket socket = listener.acceptor.accept(error);
      if (!error) welcome(std::move(socket), listener.surface);
    }
    listener.acceptor.close(error);
    listener.pause.cancel();
  }
}

Task<bool> HttpServer::Core::drain(Self self, TimePoint until) {
  Lane& lane = *self->lane;
  self->stop_accepting();
  lane.draining = true;
  lane.watched.drain(Clock::now());
  Timer timer(lane.io.get_executor());
  while (lane.watched.size() > 0 && Clock::now() < until) {
    timer.expires_after(drain_grain);
    co_await timer.async_wait(await_tuple);
  }
  const bool clean = lane.watched.size() == 0;
  lane.watched.cut();
  self->deadline_clock.cancel();
  co_return clean;
}

Task<bool> HttpServer::drain(TimePoint until) { return Core::drain(core_, until); }

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
