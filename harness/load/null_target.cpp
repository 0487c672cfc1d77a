#include "harness/load/null_target.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "harness/load/null_shape.hpp"

namespace stampede {

namespace {

constexpr std::string_view null_answer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view null_head = null_answer.substr(0, null_answer.size() - 2);
constexpr std::string_view head_end = "\r\n\r\n";
// As this program's own clients write it: they are the only ones that ask here.
constexpr std::string_view length_header = "\r\nContent-Length: ";
constexpr std::size_t head_bytes_max = 256 << 10;
constexpr std::uint32_t connections_per_worker = 16;
constexpr std::uint32_t connections_in_all_max = 512;
constexpr Nanos ceiling_length{std::chrono::milliseconds{400}};
constexpr Nanos ceiling_warm_up{std::chrono::milliseconds{100}};
// The floor is the least of so many looks: what other programs do to one of them is not its own.
constexpr int floor_looks = 3;
constexpr Nanos floor_warm_up{std::chrono::milliseconds{40}};  // connecting is no part of it
constexpr Nanos floor_length{std::chrono::milliseconds{200}};
constexpr Nanos floor_between{std::chrono::milliseconds{4}};

std::uint64_t body_length(std::string_view head) {
  const auto at = head.find(length_header);
  if (at == std::string_view::npos) return 0;
  const char* const digits = head.data() + at + length_header.size();
  std::uint64_t length = 0;
  std::from_chars(digits, head.data() + head.size(), length);
  return length;
}

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
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    if (peers_[i].open) close(static_cast<int>(i));
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
    if (peers_.size() <= place) peers_.resize(place + 1);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = connection;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, connection, &event) != 0) {
      close(connection);
      continue;
    }
    peers_[place] = Peer{.open = true};
  }
}

// False: the connection is over.
bool NullServer::answer(int connection) {
  std::array<char, 16384> buffer;
  const auto got = recv(connection, buffer.data(), buffer.size(), 0);
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
  Peer& peer = peers_[static_cast<std::size_t>(connection)];
  std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  std::string joined;
  if (!peer.head.empty()) {
    joined = std::exchange(peer.head, {}).append(text);
    text = joined;
  }
  while (!text.empty()) {
    if (peer.body_left == 0) {
      const auto end = text.find(head_end);
      if (end == std::string_view::npos) break;
      const std::string_view head = text.substr(0, end + 2);
      peer.head_only = head.starts_with("HEAD ");
      peer.body_left = body_length(head);
      text.remove_prefix(end + head_end.size());
    }
    const auto here = std::min<std::uint64_t>(peer.body_left, text.size());
    text.remove_prefix(here);
    peer.body_left -= here;
    if (peer.body_left > 0) break;
    const std::string_view said = peer.head_only ? null_head : null_answer;
    if (send(connection, said.data(), said.size(), MSG_NOSIGNAL) < 0) return false;
  }
  if (peer.body_left == 0) peer.head = text;
  return peer.head.size() <= head_bytes_max;
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
        peers_[static_cast<std::size_t>(ready)] = Peer{};
      }
    }
  }
}

namespace {

// For a run whose own requests cannot be asked here: GET /.
CompiledRun plain_run() {
  Profile profile;
  profile.name = "null";
  StepSpec step;
  step.name = "null";
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
  scenario.model = "closed";
  scenario.persona = "null";
  scenario.load = ClosedLoad{1, {{std::chrono::seconds{1}, 1}}};
  profile.scenarios.push_back(std::move(scenario));
  return compile(profile).value();
}

struct NullAnswers {
  std::uint64_t count = 0;  // of requests that are in the totals
  Histogram response;
};

// What was measured, or nothing where it could not be driven.
std::optional<NullAnswers> drive_null(const LoadPlan& like, const CompiledRun& run, Nanos warm_up,
                                      Nanos length, std::uint16_t port,
                                      const std::stop_token& stop) {
  LoadPlan plan;
  plan.run = &run;
  plan.target.host = "127.0.0.1";
  plan.target.port = port;
  plan.target.path_prefix = like.target.path_prefix;
  plan.target.host_header = "localhost";
  // How long a connection lives is a part of what a request costs; where it goes is not.
  plan.target.connection.max_requests = like.target.connection.max_requests;
  plan.target.connection.max_age = like.target.connection.max_age;
  plan.users = like.users;
  plan.seed = like.seed;
  plan.id_salt = like.id_salt;
  plan.workers = like.workers;
  plan.warm_up = warm_up;
  plan.length = length;
  plan.drain = std::chrono::seconds{1};
  plan.watch_self = false;
  NullAnswers answers;
  try {
    const LoadOutcome outcome = drive(plan, stop, {});
    if (outcome.interrupted) return std::nullopt;
    const std::size_t ok = static_cast<std::size_t>(Outcome::ok);
    for (std::size_t id = 0; id < outcome.measured.series.size(); ++id) {
      if (run.series[id].waits) continue;
      answers.count += outcome.measured.series[id].outcomes[ok];
      answers.response += outcome.measured.series[id].response[ok];
    }
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  return answers;
}

}  // namespace

Calibration calibrate(const LoadPlan& plan, std::stop_token stop) {
  Calibration out;
  const NullServer server;
  if (!server.error().empty()) {
    out.absent = "the null target did not start: " + server.error();
    return out;
  }
  const std::optional<NullShape> own = NullShape::of(*plan.run);
  const NullShape shape = own ? *own : *NullShape::of(plain_run());
  const std::uint32_t users =
      std::min(plan.workers * connections_per_worker, connections_in_all_max);
  const auto ceiling = drive_null(plan, shape.hurried(users, ceiling_length), ceiling_warm_up,
                                  ceiling_length, server.port(), stop);
  LoadPlan alone = plan;
  alone.workers = 1;
  std::optional<Nanos> p95;
  for (int look = 0; look < floor_looks; ++look) {
    const auto floor = drive_null(alone, shape.leisurely(floor_between, floor_length),
                                  floor_warm_up, floor_length, server.port(), stop);
    if (!floor) continue;
    const auto seen = floor->response.quantile(0.95);
    if (seen) p95 = std::min(p95.value_or(*seen), *seen);
  }
  if (!ceiling) {
    out.absent = "the load against the null target could not be driven";
    return out;
  }
  if (!p95 || ceiling->count == 0) {
    out.absent = "the null target did not answer";
    return out;
  }
  out.result =
      NullTarget{static_cast<double>(ceiling->count) / to_seconds(ceiling_length - ceiling_warm_up),
                 *p95, own.has_value()};
  return out;
}

}  // namespace stampede
