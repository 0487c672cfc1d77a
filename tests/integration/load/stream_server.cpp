#include "tests/integration/load/stream_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "harness/protocol/websocket_client.hpp"

namespace stampede::test {

using Connection = StreamServer::Connection;

Connection::Connection(int descriptor, std::uint64_t connection_number)
    : number(connection_number), descriptor_(descriptor) {}

bool Connection::fill() {
  char buffer[4096];
  const auto got = ::recv(descriptor_, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  input_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

bool Connection::read_head() {
  std::size_t end = std::string::npos;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return false;
  }
  head = input_.substr(0, end + 2);
  input_.erase(0, end + 4);
  return true;
}

std::string Connection::header(std::string_view name) const {
  const std::string wanted = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(wanted);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + wanted.size();
  return head.substr(begin, head.find('\r', begin) - begin);
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Connection::accept_websocket(std::string_view fields) {
  send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      websocket_accept(header("Sec-WebSocket-Key")) + "\r\n" + std::string(fields) + "\r\n");
}

void Connection::send_frame(unsigned first_byte, std::string_view payload) {
  std::string frame(1, static_cast<char>(first_byte));
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(payload.size()));
  } else {
    frame.push_back(127);
    for (int shift = 56; shift >= 0; shift -= 8) {
      frame.push_back(static_cast<char>(payload.size() >> shift & 0xFF));
    }
  }
  send(frame.append(payload));
}

void Connection::send_close(std::uint16_t code) { send_frame(0x88, close_payload(code)); }

std::optional<StreamServer::Frame> Connection::read_frame() {
  const auto byte = [this](std::size_t at) { return static_cast<std::uint8_t>(input_[at]); };
  const auto need = [this](std::size_t size) {
    while (input_.size() < size) {
      if (!fill()) return false;
    }
    return true;
  };
  if (!need(2)) return std::nullopt;
  Frame frame;
  frame.opcode = byte(0) & 0x0FU;
  frame.masked = (byte(1) & 0x80U) != 0;
  std::size_t length = byte(1) & 0x7FU;
  std::size_t at = 2;
  if (length == 126) {
    if (!need(4)) return std::nullopt;
    length = static_cast<std::size_t>(byte(2)) << 8U | byte(3);
    at = 4;
  }
  if (frame.masked) {
    if (!need(at + 4)) return std::nullopt;
    std::memcpy(&frame.mask, input_.data() + at, 4);
    at += 4;
  }
  if (!need(at + length)) return std::nullopt;
  frame.payload = input_.substr(at, length);
  for (std::size_t i = 0; frame.masked && i < length; ++i) {
    frame.payload[i] = static_cast<char>(frame.payload[i] ^ input_[at - 4 + i % 4]);
  }
  input_.erase(0, at + length);
  return frame;
}

std::optional<StreamServer::Frame> Connection::await_frame(unsigned opcode) {
  while (auto frame = read_frame()) {
    if (frame->opcode == opcode) return frame;
  }
  return std::nullopt;
}

void Connection::begin_events() {
  send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void Connection::send_chunk(std::string_view text) {
  char size[24];
  const int digits = std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  send(std::string(size, static_cast<std::size_t>(digits)).append(text).append("\r\n"));
}

void Connection::await_end() {
  while (fill()) input_.clear();
}

StreamServer::StreamServer(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool fine =
      ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(listener_, 512) == 0 &&
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (!fine) throw std::runtime_error("no loopback port to listen on");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept(); });
}

StreamServer::~StreamServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
  }
  threads_.clear();
  ::close(listener_);
}

void StreamServer::accept() {
  while (true) {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    open_.push_back(descriptor);
    threads_.emplace_back(
        [this, descriptor, number = connections++] { serve(descriptor, number); });
  }
}

void StreamServer::serve(int descriptor, std::uint64_t number) {
  Connection connection(descriptor, number);
  if (connection.read_head()) script_(connection);
  const std::lock_guard lock(mutex_);
  std::erase(open_, descriptor);
  ::close(descriptor);
}

}  // namespace stampede::test
