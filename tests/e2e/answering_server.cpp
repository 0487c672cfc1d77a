#include "tests/e2e/answering_server.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <vector>

namespace stampede::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Client {
  int socket;
  std::string text;
  std::vector<Clock::time_point> due;  // of answers
};

// False when the client is gone.
bool take_requests(Client& client, std::chrono::milliseconds delay) {
  std::array<char, 8192> buffer{};
  const ssize_t got = recv(client.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got == 0) return false;
  if (got > 0) client.text.append(buffer.data(), static_cast<std::size_t>(got));
  for (auto end = client.text.find("\r\n\r\n"); end != std::string::npos;
       end = client.text.find("\r\n\r\n")) {
    client.text.erase(0, end + 4);
    client.due.push_back(Clock::now() + delay);
  }
  return true;
}

void answer_due(Client& client, int status) {
  while (!client.due.empty() && client.due.front() <= Clock::now()) {
    const std::string text =
        "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 2\r\n\r\nok";
    send(client.socket, text.data(), text.size(), MSG_NOSIGNAL);
    client.due.erase(client.due.begin());
  }
}

}  // namespace

AnsweringServer::AnsweringServer(Manner manner) : manner_(manner) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 1024) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("AnsweringServer: no socket");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

AnsweringServer::~AnsweringServer() {
  done_ = true;
  thread_.join();
  close(listener_);
}

std::string AnsweringServer::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

void AnsweringServer::serve() {
  std::vector<Client> clients;
  std::optional<Clock::time_point> first_request;
  bool frozen = manner_.freeze_after.count() == 0;
  while (!done_) {
    std::vector<pollfd> watched{{listener_, POLLIN, 0}};
    for (const Client& client : clients) watched.push_back({client.socket, POLLIN, 0});
    poll(watched.data(), watched.size(), 1);
    if (!frozen && first_request && Clock::now() > *first_request + manner_.freeze_after) {
      std::this_thread::sleep_for(manner_.freeze);
      frozen = true;
    }
    for (int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); socket >= 0;
         socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) {
      const int on = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      clients.push_back({socket, {}, {}});
    }
    std::erase_if(clients, [&](Client& client) {
      const bool alive = take_requests(client, manner_.delay);
      if (!client.due.empty() && !first_request) {
        first_request = Clock::now();
        asked_ = true;
      }
      answer_due(client, manner_.status);
      if (!alive) close(client.socket);
      return !alive;
    });
  }
  for (const Client& client : clients) close(client.socket);
}

}  // namespace stampede::test
