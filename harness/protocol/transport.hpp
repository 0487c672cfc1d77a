// The byte stream below a client: a socket that is connected to the target, with TLS over it where
// the target wants it. Clients read and write what there is and wait for more; how a connection is
// made is decided here alone. Plain TCP pays one test of a pointer for the choice.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>

#include "harness/protocol/tls.hpp"
#include "harness/protocol/wire.hpp"

namespace stampede {

class Transport {
 public:
  explicit Transport(Wire& wire) : wire_(wire), watch_(wire.loop()) {}
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
    const ssize_t got = ::recv(socket_, buffer, size, 0);
    if (got <= 0) return note_unread(got, error);
    if (static_cast<std::size_t>(got) < size) watch_.drained();
    error = {};
    return static_cast<std::size_t>(got);
  }
  std::size_t write_some(const void* bytes, std::size_t size, boost::system::error_code& error) {
    if (secured_) return write_secured(bytes, size, error);
    const ssize_t moved = ::send(socket_, bytes, size, MSG_NOSIGNAL);
    if (moved < 0) return note_unwritten(error);
    error = {};
    return static_cast<std::size_t>(moved);
  }
  // To be awaited: an error code. Until there may be something to read (bytes, an end), or room to
  // write after would_block.
  auto readable() { return watch_.reading(read_crossed_); }
  auto writable() { return watch_.writing(write_crossed_); }
  // The same for those who are called back, with an error code.
  template <class Handler>
  void when_readable(Handler handler) {
    call_after(readable(), std::move(handler));
  }
  template <class Handler>
  void when_writable(Handler handler) {
    call_after(writable(), std::move(handler));
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

  template <class Handler>
  static SpawnedTask call_after(SocketWatch::Wait wait, Handler handler) {
    const boost::system::error_code error = co_await wait;
    handler(error);
  }
  std::size_t note_unread(ssize_t got, boost::system::error_code& error) noexcept;
  std::size_t note_unwritten(boost::system::error_code& error) noexcept;
  Task<bool> look_up(Exchange& exchange, AddressList& found);
  Task<bool> connect(Exchange& exchange, const AddressList& addresses);
  Task<boost::system::error_code> connect_to(const SocketAddress& address, bool& opened);
  void close_socket() noexcept;
  Task<bool> secure(Exchange& exchange);
  std::size_t read_secured(void* buffer, std::size_t size, boost::system::error_code& error);
  std::size_t write_secured(const void* bytes, std::size_t size, boost::system::error_code& error);

  Wire& wire_;
  SocketWatch watch_;
  int socket_ = -1;
  std::unique_ptr<TlsStream> tls_;  // only where the target wants it; kept for its session
  Lookup* lookup_ = nullptr;        // going on
  bool secured_ = false;
  // TLS must write before it can read on; must read before it can write on.
  bool read_crossed_ = false, write_crossed_ = false;
  bool closed_ = true;
};

}  // namespace stampede
