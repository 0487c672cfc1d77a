#include "harness/load/null_target.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "harness/load/load.hpp"

namespace stampede {

namespace {

constexpr std::string_view null_answer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::uint32_t connections_per_worker = 16;
constexpr std::uint32_t connections_in_all_max = 512;
constexpr Nanos ceiling_length{std::chrono::milliseconds{400}};
constexpr Nanos ceiling_warm_up{std::chrono::milliseconds{100}};
// The floor is the least of so many looks: what other programs do to one of them is not its own.
constexpr int floor_looks = 3;
constexpr Nanos floor_length{std::chrono::milliseconds{160}};
constexpr double floor_rate = 250;

}  // namespace

NullServer::NullServer() {
  error_ = open();
  if (error_.empty()) thread_ = std::thread([this] { serve(); });
}

std::string NullServer::open() {
  const auto because = [](const char* what) {
    return std::string(what) + ": " + std::strerror(errno);
  };
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener_ < 0) return because("no socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, generic, size) != 0 || listen(listener_, connections_max) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    return because("cannot listen on loopback");
  }
  port_ = ntohs(address.sin_port);
  poll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (poll_ < 0 || wake_ < 0) return because("no epoll");
  for (const int each : {listener_, wake_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = each;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, each, &event) != 0) return because("no epoll");
  }
  return {};
}

NullServer::~NullServer() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake_, &one, sizeof one);
    thread_.join();
  }
  for (std::size_t i = 0; i < matched_.size(); ++i) {
    if (matched_[i] != 0xFF) close(static_cast<int>(i));
  }
  for (const int each : {listener_, poll_, wake_}) {
    if (each >= 0) close(each);
  }
}

void NullServer::accept_all() {
  while (true) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return;
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto place = static_cast<std::size_t>(connection);
    if (matched_.size() <= place) matched_.resize(place + 1, 0xFF);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = connection;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, connection, &event) != 0) {
      close(connection);
      continue;
    }
    matched_[place] = 0;
  }
}

// False: the connection is over.
bool NullServer::answer(int connection) {
  std::array<char, 4096> buffer{};
  const auto got = recv(connection, buffer.data(), buffer.size(), 0);
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
  unsigned char& matched = matched_[static_cast<std::size_t>(connection)];
  for (ssize_t i = 0; i < got; ++i) {
    const char c = buffer[static_cast<std::size_t>(i)];
    if (c == head_end[matched]) {
      ++matched;
    } else {
      matched = c == '\r' ? 1 : 0;
    }
    if (matched < head_end.size()) continue;
    matched = 0;
    if (send(connection, null_answer.data(), null_answer.size(), MSG_NOSIGNAL) < 0) return false;
  }
  return true;
}

void NullServer::serve() {
  std::array<epoll_event, 64> events{};
  while (true) {
    const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) return;
    for (int i = 0; i < count; ++i) {
      const int ready = events[static_cast<std::size_t>(i)].data.fd;
      if (ready == wake_) return;
      if (ready == listener_) {
        accept_all();
      } else if (!answer(ready)) {
        close(ready);
        matched_[static_cast<std::size_t>(ready)] = 0xFF;
      }
    }
  }
}

namespace {

Profile null_profile(LoadShape load) {
  Profile profile;
  profile.name = "null";
  StepSpec step;
  step.name = "null";
  step.timeout = std::chrono::seconds{2};
  HttpSpec http;
  http.method = "GET";
  http.path.text = "/";
  step.action = std::move(http);
  Persona persona;
  persona.name = "null";
  persona.steps.push_back(std::move(step));
  profile.personas.emplace("null", std::move(persona));
  ScenarioSpec scenario;
  scenario.name = "null";
  scenario.model = std::holds_alternative<OpenLoad>(load) ? "open" : "closed";
  scenario.persona = "null";
  scenario.load = std::move(load);
  profile.scenarios.push_back(std::move(scenario));
  return profile;
}

// What was measured, or nothing where it could not be driven.
std::optional<Snapshot> drive_null(LoadShape load, Nanos warm_up, std::uint32_t workers,
                                   std::uint16_t port, const std::stop_token& stop) {
  const Profile profile = null_profile(std::move(load));
  const auto compiled = compile(profile);
  if (!compiled.has_value()) return std::nullopt;
  LoadPlan plan;
  plan.run = &*compiled;
  plan.target = {"127.0.0.1", port, "", "localhost"};
  plan.workers = workers;
  plan.warm_up = warm_up;
  plan.length = run_length(profile);
  plan.drain = std::chrono::seconds{1};
  plan.watch_self = false;
  try {
    LoadOutcome outcome = drive(plan, stop, {});
    if (outcome.interrupted) return std::nullopt;
    return std::move(outcome.measured);
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

}  // namespace

Calibration calibrate(std::uint32_t workers, std::stop_token stop) {
  Calibration out;
  const NullServer server;
  if (!server.error().empty()) {
    out.absent = "the null target did not start: " + server.error();
    return out;
  }
  const std::uint32_t users = std::min(workers * connections_per_worker, connections_in_all_max);
  ClosedLoad closed{static_cast<double>(users), {{ceiling_length, static_cast<double>(users)}}};
  const auto ceiling = drive_null(std::move(closed), ceiling_warm_up, workers, server.port(), stop);
  const std::size_t ok = static_cast<std::size_t>(Outcome::ok);
  std::optional<Nanos> p95;
  for (int look = 0; look < floor_looks; ++look) {
    OpenLoad open{floor_rate, {{floor_length, floor_rate}}, Arrival::regular};
    const auto floor = drive_null(std::move(open), Nanos{0}, 1, server.port(), stop);
    if (!floor || floor->series.empty()) continue;
    const auto seen = floor->series[0].response[ok].quantile(0.95);
    if (seen) p95 = std::min(p95.value_or(*seen), *seen);
  }
  if (!ceiling || ceiling->series.empty()) {
    out.absent = "the load against the null target could not be driven";
    return out;
  }
  if (!p95) {
    out.absent = "the null target did not answer";
    return out;
  }
  out.result = NullTarget{static_cast<double>(ceiling->series[0].outcomes[ok]) /
                              to_seconds(ceiling_length - ceiling_warm_up),
                          *p95};
  return out;
}

}  // namespace stampede
