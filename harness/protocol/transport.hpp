// The byte stream below a client: a socket that is connected to the target. Clients read and write
// what there is and wait for more; how a connection is made is decided here alone.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <cstddef>

#include "harness/protocol/wire.hpp"

namespace stampede {

class Transport {
 public:
  explicit Transport(Wire& wire) : wire_(wire), socket_(wire.executor()) {}
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport() { close(); }

  // Connects to the next address of the target; an open connection is closed first. False: there is
  // none, and exchange.outcome and .problem say why, unless close() has ended the attempt.
  Task<bool> open(Exchange& exchange);

  // At most what the buffer takes, at once: error would_block when there is nothing (no room) now.
  // A buffer for reading holds 16 KiB or more: nothing is kept back then that a wait could miss.
  std::size_t read_some(void* buffer, std::size_t size, boost::system::error_code& error) noexcept {
    return socket_.read_some(asio::buffer(buffer, size), error);
  }
  std::size_t write_some(const void* bytes, std::size_t size,
                         boost::system::error_code& error) noexcept {
    return socket_.write_some(asio::buffer(bytes, size), error);
  }
  // To be awaited: a tuple of an error code. After would_block of a read, of a write.
  auto readable() { return socket_.async_wait(Socket::wait_read, asio::as_tuple(asio::deferred)); }
  auto writable() { return socket_.async_wait(Socket::wait_write, asio::as_tuple(asio::deferred)); }
  // The same for those who are called back, with an error code.
  template <class Handler>
  void when_readable(Handler&& handler) {
    socket_.async_wait(Socket::wait_read, std::forward<Handler>(handler));
  }
  template <class Handler>
  void when_writable(Handler&& handler) {
    socket_.async_wait(Socket::wait_write, std::forward<Handler>(handler));
  }

  // Nothing has come that nobody has read: no bytes, no end. One system call.
  bool quiet() noexcept;
  // What waits is woken with an error. Without effect when it is closed.
  void close() noexcept;

 private:
  Wire& wire_;
  Socket socket_;
};

}  // namespace stampede
