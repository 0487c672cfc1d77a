// The floor: what the kernel's part of a request costs a generator that does nothing else. No
// parsing, no statistics but the start lag, one thread.
//
//   raw_loop closed PORT CONNECTIONS SECONDS        each connection asks as soon as it is answered
//   raw_loop open PORT CONNECTIONS SECONDS RATE     RATE requests a second, evenly, on any free one
//   raw_loop users PORT USERS SECONDS RATE RAMP     users with exponential pauses, RATE in total;
//                                                   all of them have begun after RAMP seconds
//
// It prints one line of JSON: requests, lag_p99_ns.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
constexpr std::size_t request_size = sizeof request - 1;
// One loopback address has 28,232 ports, and finding one grows slow beyond the half of them.
constexpr std::uint32_t connections_per_source = 8'000;

std::int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * second_ns + t.tv_nsec;
}

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Loop {
 public:
  explicit Loop(std::uint16_t port) : port_(port), epoll_(epoll_create1(0)) {
    if (epoll_ < 0) die("epoll_create1");
  }

  // A connected, non-blocking socket in the set; `index` comes back with its events.
  int connect_one(std::uint32_t index) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) die("socket");
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / connections_per_source);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      die("connect");
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = (std::uint64_t{index} << 32) | static_cast<std::uint32_t>(fd);
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
    return fd;
  }

  static void ask(int fd) {
    if (send(fd, request, request_size, MSG_NOSIGNAL) != ssize_t{request_size}) die("send");
  }

  // Calls answered(index, fd) for what has come until `due` (absolute).
  template <class Answered>
  void turn(std::int64_t due, Answered answered) {
    const std::int64_t wait = std::max<std::int64_t>(0, due - now_ns());
    const timespec timeout{wait / second_ns, wait % second_ns};
    const int ready =
        epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
    std::array<char, 4096> buffer;
    for (int i = 0; i < ready; ++i) {
      const std::uint64_t data = events_[static_cast<std::size_t>(i)].data.u64;
      const int fd = static_cast<int>(data & 0xFFFFFFFF);
      if (recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT) <= 0) die("recv");
      answered(static_cast<std::uint32_t>(data >> 32), fd);
    }
  }

 private:
  std::uint16_t port_;
  int epoll_;
  std::array<epoll_event, 256> events_;
};

struct Told {
  std::uint64_t requests = 0;
  std::vector<std::int64_t> lags;
};

Told closed(Loop& loop, std::uint32_t connections, std::int64_t end) {
  Told told;
  for (std::uint32_t i = 0; i < connections; ++i) Loop::ask(loop.connect_one(i));
  while (now_ns() < end) {
    loop.turn(end, [&told](std::uint32_t, int fd) {
      ++told.requests;
      Loop::ask(fd);
    });
  }
  return told;
}

Told open(Loop& loop, std::uint32_t connections, std::int64_t end, double rate) {
  Told told;
  std::vector<int> idle;
  for (std::uint32_t i = 0; i < connections; ++i) idle.push_back(loop.connect_one(i));
  const std::int64_t begin = now_ns();
  std::uint64_t sent = 0;
  const auto due = [&] {
    return begin + static_cast<std::int64_t>((static_cast<double>(sent) + 0.5) / rate * 1e9);
  };
  while (now_ns() < end) {
    while (!idle.empty()) {
      const std::int64_t lag = now_ns() - due();
      if (lag < 0) break;
      Loop::ask(idle.back());
      idle.pop_back();
      told.lags.push_back(lag);
      ++sent;
    }
    loop.turn(idle.empty() ? end : std::min(end, due()), [&](std::uint32_t, int fd) {
      ++told.requests;
      idle.push_back(fd);
    });
  }
  return told;
}

Told users(Loop& loop, std::uint32_t count, std::int64_t end, double rate, double ramp) {
  using Due = std::pair<std::int64_t, std::uint32_t>;
  Told told;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> dues;
  std::mt19937_64 random(1);
  std::exponential_distribution<double> pause(rate / count);
  const auto drawn = [&] { return static_cast<std::int64_t>(pause(random) * 1e9); };
  std::vector<int> sockets(count, -1);
  const std::int64_t begin = now_ns();
  for (std::uint32_t i = 0; i < count; ++i) {
    dues.emplace(begin + static_cast<std::int64_t>(ramp * 1e9 * i / count) + drawn(), i);
  }
  while (now_ns() < end) {
    for (std::int64_t at = now_ns(); dues.top().first <= at; at = now_ns()) {
      const auto [due, index] = dues.top();
      dues.pop();
      if (sockets[index] < 0) sockets[index] = loop.connect_one(index);
      told.lags.push_back(now_ns() - due);
      Loop::ask(sockets[index]);
    }
    loop.turn(std::min(end, dues.top().first), [&](std::uint32_t index, int) {
      ++told.requests;
      dues.emplace(now_ns() + drawn(), index);
    });
  }
  return told;
}

std::int64_t p99(std::vector<std::int64_t>& values) {
  if (values.empty()) return 0;
  const auto place = static_cast<std::ptrdiff_t>(values.size() * 99 / 100);
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const int wanted = mode == "closed" ? 5 : mode == "open" ? 6 : mode == "users" ? 7 : 0;
  if (argc != wanted) {
    std::fputs("raw_loop closed|open|users PORT CONNECTIONS SECONDS [RATE [RAMP]]\n", stderr);
    return 64;
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  Loop loop(static_cast<std::uint16_t>(std::atoi(argv[2])));
  const auto connections = static_cast<std::uint32_t>(std::atoi(argv[3]));
  const std::int64_t end = now_ns() + static_cast<std::int64_t>(std::atof(argv[4]) * 1e9);
  Told told = mode == "closed" ? closed(loop, connections, end)
              : mode == "open"
                  ? open(loop, connections, end, std::atof(argv[5]))
                  : users(loop, connections, end, std::atof(argv[5]), std::atof(argv[6]));
  std::printf("{\"requests\": %llu, \"lag_p99_ns\": %lld}\n",
              static_cast<unsigned long long>(told.requests),
              static_cast<long long>(p99(told.lags)));
}
