// TLS over a connected, non-blocking socket, by OpenSSL directly: no memory buffers in between, and
// none kept while a connection rests. Never blocks, never throws for what the peer does.
#pragma once

#include <memory>
#include <string>

#include "harness/connection.hpp"
#include "harness/failure.hpp"

// OpenSSL's own names, so that only tls.cpp needs its headers.
struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace stampede {

// A session that the server will take up again: of one user, or of a worker.
class TlsSession {
 public:
  TlsSession() = default;
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession() { forget(); }
  void forget() noexcept;

 private:
  friend class TlsContext;
  friend class TlsStream;
  ssl_session_st* session_ = nullptr;
};

// What all connections of one worker have in common: trusted CAs, own certificate, versions.
class TlsContext {
 public:
  // `host` is verified, and sent as SNI when it is a name; spec.server_name takes its place. Throws
  // std::runtime_error that names the file, the reason and the mend.
  TlsContext(const TlsSpec& spec, const std::string& host);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  [[nodiscard]] TlsResumption resumption() const noexcept { return resumption_; }
  TlsSession& shared_session() noexcept { return shared_; }

 private:
  friend class TlsStream;
  ssl_ctx_st* context_;
  std::string name_;
  bool is_address_;
  TlsResumption resumption_;
  TlsSession shared_;  // TlsResumption::worker
};

// Where the bytes of a connection come from.
struct TlsSource {
  int descriptor = -1;
  bool drained = false;  // the last read took all that there was
};

// One connection. The socket stays its owner's, and open as long as this lives.
class TlsStream {
 public:
  enum class Progress : std::uint8_t { done, wants_read, wants_write, failed };

  TlsStream() = default;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream() { end(); }

  // A new connection over `descriptor`; resumes what an earlier one of the same user left.
  // False: out of memory.
  bool begin(TlsContext& context, int descriptor);
  // To be called again once the socket is as wanted.
  Progress handshake();
  [[nodiscard]] bool resumed() const noexcept;

  // As of a socket, in bytes of the application. done: `moved` bytes, or (reading, moved 0) the
  // peer's end. A buffer for reading holds a whole record (16 KiB): nothing that was decrypted
  // stays behind unseen.
  Progress read(void* buffer, std::size_t size, std::size_t& moved);
  Progress write(const void* bytes, std::size_t size, std::size_t& moved);
  // Nothing has come for the application, and no end; takes in what TLS itself sends.
  bool quiet();
  // All that the socket had has been read and looked at: there is nothing before more comes.
  [[nodiscard]] bool drained() const noexcept;

  // After failed: the class and a text for people.
  [[nodiscard]] Failure failure() const noexcept { return failure_; }
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

  // Says goodbye if that is still possible, at once, and lets go of the socket.
  void end() noexcept;
  // The user is another one from now on.
  void forget_session() noexcept { own_.forget(); }

 private:
  Progress judge(int result);
  void explain(int kind);

  ssl_st* ssl_ = nullptr;
  TlsSource source_;
  TlsSession own_;  // TlsResumption::user
  std::string problem_;
  Failure failure_ = Failure::none;
  bool secured_ = false;
  bool heard_ = false;  // something of the application
};

}  // namespace stampede
