// A small HTTP server over any stream: IPv4, IPv6 or a Unix-domain socket, plain or TLS (OpenSSL's
// server side, which our client's code has no part in). One thread per connection. A WebSocket gets
// {"t":"hello"} first and then its own texts back.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/certificates.hpp"

namespace test {

struct StreamServerOptions {
  std::string socket_path;  // a Unix-domain socket; else an address:
  std::string address = "127.0.0.1";
  // TLS, when there is a certificate.
  IssuedFiles certificate;
  std::string client_ca;  // the client must show a certificate of this CA
  int min_version = TLS1_2_VERSION, max_version = TLS1_3_VERSION;
  std::string protocol = "HTTP/1.1";
  std::string headers;  // of each answer, whole lines
  std::string body = "{}";
  std::string greeting;      // sent before anything came
  unsigned answers_max = 0;  // of one connection, then it is closed unannounced; 0: no limit
};

class StreamServer {
 public:
  explicit StreamServer(StreamServerOptions options);
  ~StreamServer();
  StreamServer(const StreamServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  std::atomic<unsigned> connections{0}, handshakes{0}, resumed{0}, requests{0};
  std::atomic<unsigned> goodbyes{0};  // TLS connections that the client ended properly
  // What was seen so far.
  std::set<std::string> server_names() const { return copy(server_names_); }
  std::set<std::string> protocols() const { return copy(protocols_); }  // offered by ALPN
  std::set<std::string> versions() const { return copy(versions_); }
  std::set<std::string> peers() const { return copy(peers_); }  // the clients' addresses
  std::set<std::string> hosts() const { return copy(hosts_); }  // Host headers
  std::string last_head() const;

 private:
  struct Stream;
  std::set<std::string> copy(const std::set<std::string>& from) const {
    const std::lock_guard lock(mutex_);
    return from;
  }
  void note(std::set<std::string>& into, std::string text);
  void listen();
  void set_up_tls();
  void accept();
  void serve(int descriptor);
  bool answer(Stream& stream, const std::string& head);
  static void talk(Stream& stream, const std::string& head);
  static int select_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                             const unsigned char* in, unsigned in_size, void* self);

  StreamServerOptions options_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::set<std::string> server_names_, protocols_, versions_, peers_, hosts_;
  std::string last_head_;
  std::set<int> open_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace test
