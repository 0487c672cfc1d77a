#include "harness/protocol/transport.hpp"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "harness/protocol/resolver.hpp"

namespace stampede {

namespace {

boost::system::error_code error_of(int number) noexcept {
  return {number, boost::system::system_category()};
}

// Of one target, before a connect is given up.
constexpr std::size_t tries_max = 8;

// Another address of the target may do better.
bool speaks_of_the_address(const boost::system::error_code& error) {
  return error == asio::error::connection_refused || error == asio::error::host_unreachable ||
         error == asio::error::network_unreachable || error == asio::error::timed_out ||
         error == asio::error::connection_reset || error.value() == ENOENT;
}

void add_segments(int socket, SegmentFigures& into) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return;
  ++into.connections;
  into.repeated += info.tcpi_total_retrans;
  into.unacknowledged += info.tcpi_unacked;
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  size = sizeof memory;
  if (::getsockopt(socket, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return;
  into.dropped += memory[SK_MEMINFO_DROPS];
}

}  // namespace

// Shared with the resolver's callback, which may come when nobody waits any more.
struct Transport::Lookup {
  explicit Lookup(EventLoop& loop) : sleeper(loop) {}
  Sleeper sleeper;
  boost::system::error_code error;
  AddressList found;
  bool done = false;
};

Task<bool> Transport::open(Exchange& exchange) {
  close();
  closed_ = false;
  const ServerAddress& server = wire_.server();
  bool fine = true;
  if (server.lookup_host.empty()) {
    fine = co_await connect(exchange, server.addresses);
  } else {
    AddressList found;
    fine = co_await look_up(exchange, found);
    if (fine) fine = co_await connect(exchange, found);
  }
  if (fine && wire_.tls() != nullptr) fine = co_await secure(exchange);
  if (!fine) {
    close();
    co_return false;
  }
  ++wire_.traffic().connections;
  co_return true;
}

Task<bool> Transport::look_up(Exchange& exchange, AddressList& found) {
  const ServerAddress& server = wire_.server();
  const TimePoint began = now();
  const auto lookup = std::make_shared<Lookup>(wire_.loop());
  lookup_ = lookup.get();
  wire_.resolver().resolve(server.lookup_host, server.lookup_port,
                           [lookup](const auto& error, const auto& results) {
                             lookup->error = error;
                             lookup->done = true;
                             for (const auto& entry : results) lookup->found.add(entry.endpoint());
                             lookup->sleeper.wake();
                           });
  while (!lookup->done && !closed_) co_await lookup->sleeper.sleep();
  lookup_ = nullptr;
  if (closed_) co_return false;
  if (lookup->error || lookup->found.all.empty()) {
    exchange.outcome = Outcome::connect_failed;
    exchange.failure = Failure::unresolved;
    exchange.problem = fmt::format("\"{}\": {}", server.lookup_host, lookup->error.message());
    co_return false;
  }
  wire_.figures().dns.record(now() - began);
  found = std::move(lookup->found);
  co_return true;
}

Task<bool> Transport::connect(Exchange& exchange, const AddressList& addresses) {
  const std::size_t turn = wire_.next_turn();
  const std::size_t tries = std::min(addresses.all.size(), tries_max);
  const TimePoint began = now();
  boost::system::error_code error;
  bool opened = false;
  for (std::size_t attempt = 0; attempt < tries; ++attempt) {
    error = co_await connect_to(addresses.at(turn, attempt), opened);
    if (closed_) co_return false;
    if (!error) {
      wire_.figures().connect.record(now() - began);
      co_return true;
    }
    if (!speaks_of_the_address(error)) break;
  }
  exchange.outcome = Outcome::connect_failed;
  const bool no_source = !opened && error.value() == EADDRNOTAVAIL;
  exchange.failure = no_source ? Failure::bad_source : failure_of_connect(error);
  exchange.problem = describe_connect_error(error, exchange.failure);
  co_return false;
}

// `opened`: there was a socket to connect.
Task<boost::system::error_code> Transport::connect_to(const SocketAddress& address, bool& opened) {
  close_socket();
  boost::system::error_code error;
  socket_ = wire_.open_socket(address, error);
  opened = !error;
  if (error) co_return error;
  const int result = ::connect(socket_, address.data(), static_cast<socklen_t>(address.size()));
  const bool pending = result != 0 && (errno == EINPROGRESS || errno == EINTR);
  if (result != 0 && !pending) co_return error_of(errno);
  error = watch_.begin(socket_, pending);
  if (error || !pending) co_return error;
  error = co_await watch_.writing();
  if (error) co_return error;
  int failed = 0;
  socklen_t size = sizeof failed;
  if (::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &failed, &size) != 0) failed = errno;
  co_return error_of(failed);
}

Task<bool> Transport::secure(Exchange& exchange) {
  const TimePoint began = now();
  if (!tls_) tls_ = std::make_unique<TlsStream>();
  auto progress = TlsStream::Progress::failed;
  if (tls_->begin(*wire_.tls(), socket_)) progress = tls_->handshake();
  while (progress != TlsStream::Progress::done && progress != TlsStream::Progress::failed) {
    const bool reading = progress == TlsStream::Progress::wants_read;
    if (reading) {
      watch_.drained();
    } else {
      watch_.full();
    }
    (void)co_await watch_.reading(!reading);
    if (closed_) co_return false;
    progress = tls_->handshake();
  }
  if (!tls_->drained()) watch_.not_drained();
  if (progress == TlsStream::Progress::failed) {
    const bool known = tls_->failure() != Failure::none;
    exchange.outcome = Outcome::connect_failed;
    exchange.failure = known ? tls_->failure() : Failure::other;
    exchange.problem = known ? tls_->problem() : "TLS: out of memory";
    co_return false;
  }
  wire_.figures().tls.record(now() - began);
  if (tls_->resumed()) ++wire_.figures().tls_resumed;
  secured_ = true;
  co_return true;
}

std::size_t Transport::note_unread(ssize_t got, boost::system::error_code& error) noexcept {
  if (got == 0) {
    error = asio::error::eof;
  } else if (errno == EAGAIN || errno == EINTR) {
    if (errno == EAGAIN) watch_.drained();
    error = asio::error::would_block;
  } else {
    error = error_of(errno);
  }
  return 0;
}

std::size_t Transport::note_unwritten(boost::system::error_code& error) noexcept {
  if (errno == EAGAIN || errno == EINTR) {
    if (errno == EAGAIN) watch_.full();
    error = asio::error::would_block;
  } else {
    error = error_of(errno);
  }
  return 0;
}

std::size_t Transport::read_secured(void* buffer, std::size_t size,
                                    boost::system::error_code& error) {
  std::size_t moved = 0;
  const auto progress = tls_->read(buffer, size, moved);
  read_crossed_ = progress == TlsStream::Progress::wants_write;
  if (read_crossed_) {
    watch_.full();
  } else if (tls_->drained()) {
    watch_.drained();
  } else {
    watch_.not_drained();
  }
  error = {};
  if (progress == TlsStream::Progress::failed) {
    error = asio::error::connection_aborted;
  } else if (progress != TlsStream::Progress::done) {
    error = asio::error::would_block;
  } else if (moved == 0) {
    error = asio::error::eof;
  }
  return moved;
}

std::size_t Transport::write_secured(const void* bytes, std::size_t size,
                                     boost::system::error_code& error) {
  std::size_t moved = 0;
  error = {};
  if (size == 0) return 0;
  const auto progress = tls_->write(bytes, size, moved);
  write_crossed_ = progress == TlsStream::Progress::wants_read;
  if (progress == TlsStream::Progress::wants_write) watch_.full();
  if (write_crossed_) watch_.drained();
  if (progress == TlsStream::Progress::failed) {
    error = asio::error::connection_aborted;
  } else if (progress != TlsStream::Progress::done) {
    error = asio::error::would_block;
  }
  return moved;
}

bool Transport::quiet() noexcept {
  if (secured_) {
    const bool nothing = tls_->quiet();
    if (!nothing) watch_.not_drained();
    return nothing;
  }
  char byte = 0;
  const auto got = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Failure Transport::failure_of(const boost::system::error_code& error) const {
  if (secured_ && tls_->failure() != Failure::none) return tls_->failure();
  return error == asio::error::eof ? Failure::closed : Failure::reset;
}

std::string Transport::describe(const boost::system::error_code& error) const {
  if (secured_ && tls_->failure() != Failure::none) return tls_->problem();
  return error.message();
}

void Transport::close() noexcept {
  closed_ = true;
  if (lookup_ != nullptr) lookup_->sleeper.wake();
  if (tls_) tls_->end();
  secured_ = read_crossed_ = write_crossed_ = false;
  close_socket();
}

void Transport::close_socket() noexcept {
  if (socket_ < 0) return;
  add_segments(socket_, wire_.figures().segments);
  watch_.end();
  ::close(std::exchange(socket_, -1));
}

}  // namespace stampede
