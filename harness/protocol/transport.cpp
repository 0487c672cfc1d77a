#include "harness/protocol/transport.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace stampede {

Task<bool> Transport::open(Exchange& exchange) {
  close();
  const SocketAddress& address = wire_.next_address();
  boost::system::error_code error = wire_.open_socket(socket_, address);
  if (!error) {
    const auto [failure] = co_await socket_.async_connect(address, asio::as_tuple(asio::deferred));
    error = failure;
    if (!socket_.is_open()) co_return false;  // close() was called meanwhile
  }
  if (!error) error = wire_.settle_socket(socket_, address);
  if (error) {
    exchange.outcome = Outcome::connect_failed;
    exchange.problem = describe_connect_error(error);
    close();
    co_return false;
  }
  ++wire_.traffic().connections;
  co_return true;
}

bool Transport::quiet() noexcept {
  char byte = 0;
  const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Transport::close() noexcept {
  boost::system::error_code ignored;  // the descriptor is released in any case
  socket_.close(ignored);
}

}  // namespace stampede
