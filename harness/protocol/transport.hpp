// The byte stream below a client: a socket that is connected to the target, with TLS over it where
// the target wants it. Clients read and write what there is and wait for more; how a connection is
// made is decided here alone. Plain TCP pays one test of a pointer for the choice.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "harness/protocol/tls.hpp"
#include "harness/protocol/wire.hpp"

namespace stampede {

class Transport {
 public:
  explicit Transport(Wire& wire) : wire_(wire), socket_(wire.executor()) {}
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport() { close(); }

  // Finds an address of the target, connects, makes it secure; an open connection is closed first.
  // False: there is none, and exchange.outcome, .failure and .problem say why, unless close() has
  // ended the attempt.
  Task<bool> open(Exchange& exchange);

  // At most what the buffer takes, at once: error would_block when there is nothing (no room) now.
  // A buffer for reading holds 16 KiB or more: nothing is kept back then that a wait could miss.
  std::size_t read_some(void* buffer, std::size_t size, boost::system::error_code& error) {
    if (secured_) return read_secured(buffer, size, error);
    return socket_.read_some(asio::buffer(buffer, size), error);
  }
  std::size_t write_some(const void* bytes, std::size_t size, boost::system::error_code& error) {
    if (secured_) return write_secured(bytes, size, error);
    return socket_.write_some(asio::buffer(bytes, size), error);
  }
  // To be awaited: a tuple of an error code. After would_block of a read, of a write.
  auto readable() { return socket_.async_wait(wait_to_read(), asio::as_tuple(asio::deferred)); }
  auto writable() { return socket_.async_wait(wait_to_write(), asio::as_tuple(asio::deferred)); }
  // The same for those who are called back, with an error code.
  template <class Handler>
  void when_readable(Handler&& handler) {
    socket_.async_wait(wait_to_read(), std::forward<Handler>(handler));
  }
  template <class Handler>
  void when_writable(Handler&& handler) {
    socket_.async_wait(wait_to_write(), std::forward<Handler>(handler));
  }

  // Nothing has come that nobody has read: no bytes, no end. One system call.
  bool quiet() noexcept;
  // What `error` of a read or a write means, in one class and a text for people.
  [[nodiscard]] Failure failure_of(const boost::system::error_code& error) const;
  [[nodiscard]] std::string describe(const boost::system::error_code& error) const;
  // What waits is woken with an error. Without effect when it is closed.
  void close() noexcept;
  // The user is another one from now on: resumes nothing of the last one's.
  void forget_user() noexcept {
    if (tls_) tls_->forget_session();
  }

 private:
  struct Lookup;

  [[nodiscard]] Socket::wait_type wait_to_read() const noexcept {
    return read_crossed_ ? Socket::wait_write : Socket::wait_read;
  }
  [[nodiscard]] Socket::wait_type wait_to_write() const noexcept {
    return write_crossed_ ? Socket::wait_read : Socket::wait_write;
  }
  Task<bool> look_up(Exchange& exchange, AddressList& found);
  Task<bool> connect(Exchange& exchange, const AddressList& addresses);
  Task<bool> secure(Exchange& exchange);
  std::size_t read_secured(void* buffer, std::size_t size, boost::system::error_code& error);
  std::size_t write_secured(const void* bytes, std::size_t size, boost::system::error_code& error);

  Wire& wire_;
  Socket socket_;
  std::unique_ptr<TlsStream> tls_;  // only where the target wants it; kept for its session
  Lookup* lookup_ = nullptr;        // going on
  bool secured_ = false;
  // TLS must write before it can read on; must read before it can write on.
  bool read_crossed_ = false, write_crossed_ = false;
  bool closed_ = true;
};

}  // namespace stampede
