#include "tests/support/known_answer_server.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace test {

namespace {

Nanos monotonic() { return std::chrono::steady_clock::now().time_since_epoch(); }

void watch(int poll, int file) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = file;
  epoll_ctl(poll, EPOLL_CTL_ADD, file, &event);
}

}  // namespace

KnownAnswerServer::KnownAnswerServer(Plan plan) : plan_(std::move(plan)), queue_(plan_.freezes) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  poll_ = epoll_create1(EPOLL_CLOEXEC);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (poll_ < 0 || timer_ < 0 ||
      bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 4096) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("KnownAnswerServer: no socket");
  }
  port_ = ntohs(address.sin_port);
  watch(poll_, listener_);
  watch(poll_, timer_);
  thread_ = std::thread([this] { serve(); });
}

KnownAnswerServer::~KnownAnswerServer() {
  stop();
  for (const int file : {listener_, poll_, timer_}) close(file);
}

std::vector<KnownAnswerServer::Served> KnownAnswerServer::stop() {
  done_ = true;
  if (thread_.joinable()) thread_.join();
  return served_;
}

Nanos KnownAnswerServer::since_origin() const { return monotonic() - origin_; }

void KnownAnswerServer::serve() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), -10);  // as it may; else as it is
  std::array<epoll_event, 256> events{};
  while (!done_) {
    const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 50);
    for (int i = 0; i < count; ++i) {
      const int file = events[static_cast<std::size_t>(i)].data.fd;
      if (file == listener_) {
        accept_all();
      } else if (file == timer_) {
        std::uint64_t expired = 0;
        (void)!read(timer_, &expired, sizeof expired);
      } else if (!read_from(file)) {
        clients_.erase(file);
        std::erase_if(waiting_, [file](const Answer& answer) { return answer.socket == file; });
        close(file);
      }
    }
    answer_due();
    set_timer();
  }
  for (const auto& [file, text] : clients_) close(file);
}

void KnownAnswerServer::accept_all() {
  for (int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); client >= 0;
       client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) {
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    clients_[client];
    watch(poll_, client);
  }
}

bool KnownAnswerServer::read_from(int socket) {
  std::array<char, 4096> buffer{};
  const ssize_t got = recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got == 0) return false;
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  std::string& text = clients_[socket];
  text.append(buffer.data(), static_cast<std::size_t>(got));
  for (auto end = text.find("\r\n\r\n"); end != std::string::npos; end = text.find("\r\n\r\n")) {
    text.erase(0, end + 4);
    take_request(socket);
  }
  return true;
}

void KnownAnswerServer::take_request(int socket) {
  const std::uint64_t number = served_.size();
  const Nanos planned = plan_.planned ? plan_.planned(number) : Nanos{0};
  const Nanos first = plan_.freezes.every;
  if (number == 0) {
    origin_ = monotonic() - planned;
  } else if (plan_.planned && planned < first - std::chrono::milliseconds{100}) {
    // Subtle: only before the first freeze, and only when the queue is empty: an origin that moves
    // must not move work that is under way.
    const Nanos earlier = monotonic() - planned;
    if (waiting_.empty()) origin_ = std::min(origin_, earlier);
  }
  Served served{since_origin(), plan_.service(number), Nanos{0}, Nanos{0}};
  served.due = queue_.serve(served.arrived, served.service);
  served_.push_back(served);
  waiting_.push_back({socket, number});
}

void KnownAnswerServer::answer_due() {
  while (!waiting_.empty()) {
    const Answer answer = waiting_.front();
    Served& served = served_[answer.number];
    if (served.due > since_origin()) return;
    waiting_.pop_front();
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nService-Time-Ns: " +
                             std::to_string(served.service.count()) +
                             "\r\nContent-Length: 2\r\n\r\nok";
    served.sent = since_origin();
    (void)send(answer.socket, text.data(), text.size(), MSG_NOSIGNAL);
  }
}

void KnownAnswerServer::set_timer() {
  itimerspec when{};
  if (!waiting_.empty()) {
    const Nanos at = origin_ + served_[waiting_.front().number].due;
    when.it_value.tv_sec = at.count() / 1'000'000'000;
    when.it_value.tv_nsec = at.count() % 1'000'000'000;
  }
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace test
