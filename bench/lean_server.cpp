// A loopback server that costs as little as a server can: it answers whatever ends in an empty line
// with the same few bytes, and keeps no memory per connection. It prints its port, and ends with
// its standard input.
//
//   GET /status   active connections and requests, as nginx's stub_status tells them
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr int backlog = 4096;

int listen_on_any_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(fd, backlog) != 0 || getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size)) {
    std::perror("lean_server");
    std::exit(1);
  }
  std::printf("%u\n", unsigned{ntohs(address.sin_port)});
  std::fflush(stdout);
  return fd;
}

class LeanServer {
 public:
  LeanServer() : epoll_(epoll_create1(0)), listener_(listen_on_any_port()) {
    watch(listener_);
    watch(STDIN_FILENO);
  }

  void serve() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == STDIN_FILENO) return;
        if (fd == listener_) {
          accept_all();
        } else {
          reply(fd);
        }
      }
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      std::perror("epoll_ctl");
      std::exit(1);
    }
  }

  void accept_all() {
    while (true) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ++connections_;
      watch(fd);
    }
  }

  // Requests are small: each comes whole, or the client is not one of ours.
  void reply(int fd) {
    const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) {
      --connections_;
      close(fd);
      return;
    }
    std::string_view text(buffer_.data(), static_cast<std::size_t>(got));
    if (text.starts_with("GET /status ")) {
      const std::string body = "Active connections: " + std::to_string(connections_) +
                               "\nserver accepts handled requests\n 0 0 " +
                               std::to_string(requests_) + "\n";
      const std::string whole =
          "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
          "\r\n\r\n" + body;
      (void)send(fd, whole.data(), whole.size(), MSG_NOSIGNAL);
      return;
    }
    ++requests_;
    (void)send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  int epoll_, listener_;
  std::uint64_t connections_ = 0, requests_ = 0;
  std::array<char, 16384> buffer_;
};

}  // namespace

int main() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  LeanServer().serve();
}
