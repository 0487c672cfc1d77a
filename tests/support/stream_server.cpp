#include "tests/support/stream_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <csignal>
#include <cstring>
#include <stdexcept>

namespace test {

// One connection, plain or TLS.
struct StreamServer::Stream {
  int descriptor;
  SSL* ssl = nullptr;

  // 0: its end.
  std::size_t read(char* buffer, std::size_t size) {
    if (ssl != nullptr) {
      std::size_t got = 0;
      return SSL_read_ex(ssl, buffer, size, &got) == 1 ? got : 0;
    }
    const auto got = ::recv(descriptor, buffer, size, 0);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }
  bool write(const std::string& text) {
    if (ssl != nullptr) {
      std::size_t written = 0;
      return SSL_write_ex(ssl, text.data(), text.size(), &written) == 1;
    }
    const auto written = ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
    return written == static_cast<ssize_t>(text.size());
  }
};

StreamServer::StreamServer(StreamServerOptions options)
    : options_(std::move(options)), context_(nullptr, &SSL_CTX_free) {
  listen();
  if (!options_.certificate.certificate.empty()) set_up_tls();
  acceptor_ = std::thread([this] { accept(); });
}

StreamServer::~StreamServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
  if (!options_.socket_path.empty()) ::unlink(options_.socket_path.c_str());
}

void StreamServer::listen() {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = AF_INET;
  if (!options_.socket_path.empty()) {
    auto* const local = reinterpret_cast<sockaddr_un*>(&storage);
    family = AF_UNIX;
    options_.socket_path.copy(local->sun_path, sizeof local->sun_path - 1);
    size = sizeof(sockaddr_un);
  } else if (options_.address.find(':') != std::string::npos) {
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    family = AF_INET6;
    inet_pton(family, options_.address.c_str(), &v6->sin6_addr);
    size = sizeof(sockaddr_in6);
  } else {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&storage);
    inet_pton(family, options_.address.c_str(), &v4->sin_addr);
    size = sizeof(sockaddr_in);
  }
  storage.ss_family = static_cast<sa_family_t>(family);
  listener_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&storage), size) != 0 ||
      ::listen(listener_, 1024) != 0) {
    throw std::runtime_error("cannot listen: " + std::string(std::strerror(errno)));
  }
  size = sizeof storage;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&storage), &size);
  if (family == AF_INET) port_ = ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
  if (family == AF_INET6) port_ = ntohs(reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port);
}

int StreamServer::select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                                  const unsigned char* in, unsigned in_size, void* self) {
  auto* const server = static_cast<StreamServer*>(self);
  for (unsigned at = 0; at < in_size; at += in[at] + 1U) {
    server->note(server->protocols_, {reinterpret_cast<const char*>(in + at + 1), in[at]});
  }
  *out = in + 1;
  *out_size = in[0];
  return SSL_TLSEXT_ERR_OK;
}

void StreamServer::set_up_tls() {
  context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_min_proto_version(context, options_.min_version);
  SSL_CTX_set_max_proto_version(context, options_.max_version);
  SSL_CTX_set_alpn_select_cb(context, &select_protocol, this);
  const auto& files = options_.certificate;
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error("the test's certificate is not usable");
  }
  static constexpr unsigned char id[] = "test";
  SSL_CTX_set_session_id_context(context, id, sizeof id - 1);
  if (options_.client_ca.empty()) return;
  SSL_CTX_load_verify_file(context, options_.client_ca.c_str());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

void StreamServer::note(std::set<std::string>& into, std::string text) {
  const std::lock_guard lock(mutex_);
  into.insert(std::move(text));
}

std::string StreamServer::last_head() const {
  const std::lock_guard lock(mutex_);
  return last_head_;
}

void StreamServer::accept() {
  while (true) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int descriptor =
        ::accept4(listener_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    ++connections;
    char text[INET6_ADDRSTRLEN] = "";
    if (peer.ss_family == AF_INET) {
      inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&peer)->sin_addr, text, sizeof text);
    }
    note(peers_, text);
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(descriptor);
      return;
    }
    open_.insert(descriptor);
    threads_.emplace_back([this, descriptor] {
      serve(descriptor);
      const std::lock_guard inner(mutex_);
      open_.erase(descriptor);
      ::close(descriptor);
    });
  }
}

void StreamServer::serve(int descriptor) {
  // OpenSSL's own socket code writes without MSG_NOSIGNAL. In this thread alone: our client must do
  // without.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  Stream stream{descriptor};
  if (!options_.greeting.empty()) (void)stream.write(options_.greeting);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(context_ ? SSL_new(context_.get()) : nullptr,
                                                      &SSL_free);
  if (ssl) {
    stream.ssl = ssl.get();
    SSL_set_fd(ssl.get(), descriptor);
    if (SSL_accept(ssl.get()) != 1) return;
    ++handshakes;
    if (SSL_session_reused(ssl.get()) == 1) ++resumed;
    const char* const name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
    note(server_names_, name == nullptr ? "" : name);
    note(versions_, SSL_get_version(ssl.get()));
  }
  std::string input;
  std::string buffer(4096, '\0');
  for (unsigned nth = 0; options_.answers_max == 0 || nth < options_.answers_max; ++nth) {
    std::size_t end = 0;
    while ((end = input.find("\r\n\r\n")) == std::string::npos) {
      const std::size_t got = stream.read(buffer.data(), buffer.size());
      if (got == 0) {
        if (ssl && (SSL_get_shutdown(ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0) ++goodbyes;
        return;
      }
      input.append(buffer, 0, got);
    }
    const std::string head = input.substr(0, end + 4);
    input.erase(0, end + 4);
    ++requests;
    const std::size_t host = head.find("Host: ");
    if (host != std::string::npos) {
      note(hosts_, head.substr(host + 6, head.find("\r\n", host) - host - 6));
    }
    {
      const std::lock_guard lock(mutex_);
      last_head_ = head;
    }
    if (!answer(stream, head)) return;
  }
}

// Reads small masked frames and sends their texts back, until a close frame or the end.
void StreamServer::talk(Stream& stream, const std::string& head) {
  const std::size_t at = head.find("Sec-WebSocket-Key: ") + 19;
  const std::string key = head.substr(at, head.find("\r\n", at) - at);
  const std::string whole = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(whole.data(), whole.size(), digest, &size, EVP_sha1(), nullptr);
  char accept[64] = "";
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(accept), digest, static_cast<int>(size));
  const auto frame = [](const std::string& text) {
    return std::string("\x81") + static_cast<char>(text.size()) + text;
  };
  if (!stream.write("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: " +
                    std::string(accept) + "\r\n\r\n" + frame(R"({"t":"hello"})"))) {
    return;
  }
  std::string input;
  std::string buffer(4096, '\0');
  for (std::size_t got = 1; got > 0;) {
    while (input.size() >= 6 && input.size() >= 6U + (input[1] & 0x7F)) {
      const std::size_t length = input[1] & 0x7F;
      std::string text = input.substr(6, length);
      for (std::size_t i = 0; i < length; ++i) {
        text[i] = static_cast<char>(text[i] ^ input[2 + i % 4]);
      }
      if ((input[0] & 0x0F) == 8) return;
      input.erase(0, 6 + length);
      if (!stream.write(frame(text))) return;
    }
    got = stream.read(buffer.data(), buffer.size());
    input.append(buffer, 0, got);
  }
}

bool StreamServer::answer(Stream& stream, const std::string& head) {
  if (head.find("Upgrade: websocket") != std::string::npos) {
    talk(stream, head);
    return false;
  }
  const std::string text = options_.protocol + " 200 OK\r\n" + options_.headers +
                           "Content-Length: " + std::to_string(options_.body.size()) + "\r\n\r\n";
  const bool body = !head.starts_with("HEAD");
  if (!stream.write(body ? text + options_.body : text)) return false;
  return head.find("Connection: close") == std::string::npos &&
         options_.headers.find("Connection: close") == std::string::npos;
}

}  // namespace test
