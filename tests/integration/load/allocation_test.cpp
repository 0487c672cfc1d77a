// A request in steady state takes nothing from the heap. The server of these tests reads the
// counter of the load threads' allocations at every so-many-th request: between two readings the
// load did nothing but requests, save for the one hand-over a second.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <thread>

#include "tests/integration/load/profile_builder.hpp"

// Sanitizers bring an operator new of their own, and their frames are not pooled: nothing to count.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STAMPEDE_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STAMPEDE_COUNTS_ALLOCATIONS 0
#else
#define STAMPEDE_COUNTS_ALLOCATIONS 1
#endif
#else
#define STAMPEDE_COUNTS_ALLOCATIONS 1
#endif

namespace {

std::atomic<std::uint64_t> allocations{0};  // by load threads

bool is_load_thread() noexcept {
  char name[16] = {};
  prctl(PR_GET_NAME, name);
  return std::string_view(name).starts_with("load-");
}

void count_allocation() noexcept {
  if (is_load_thread()) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

#if STAMPEDE_COUNTS_ALLOCATIONS
static void* counted(std::size_t size) {
  count_allocation();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
#endif

// Asio's memory for operations does not come from operator new. The linker's --wrap sends its calls
// here.
extern "C" void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
extern "C" void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size);
extern "C" void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  count_allocation();
  return __real_aligned_alloc(alignment, size);
}

namespace stampede::test {
namespace {

constexpr bool allocations_are_counted = STAMPEDE_COUNTS_ALLOCATIONS != 0;

constexpr std::uint64_t window = 64;  // requests
constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 62\r\n\r\n"
    R"({"id": "a value that is too long for a short string of C++  "})";

// Answers every request with the same text, and notes the counter at every window-th.
class CountingServer {
 public:
  CountingServer() : epoll_(epoll_create1(0)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    readings_.reserve(1 << 16);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 128), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    EXPECT_EQ(pipe(end_), 0);
    watch(listener_);
    watch(end_[0]);
    thread_ = std::thread([this] { serve(); });
  }
  ~CountingServer() {
    stop();
    for (const int fd : {end_[0], end_[1], listener_, epoll_}) close(fd);
  }
  CountingServer(const CountingServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // Allocations in each window, of the second half of all: the first brings the pools up.
  std::vector<std::uint64_t> windows() {
    stop();
    std::vector<std::uint64_t> taken;
    for (std::size_t i = readings_.size() / 2; i + 1 < readings_.size(); ++i) {
      taken.push_back(readings_[i + 1] - readings_[i]);
    }
    std::sort(taken.begin(), taken.end());
    return taken;
  }

 private:
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    EXPECT_EQ(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), 0);
  }
  void stop() {
    if (!thread_.joinable()) return;
    EXPECT_EQ(write(end_[1], "", 1), 1);
    thread_.join();
  }
  void serve() {
    std::array<epoll_event, 64> events;
    while (true) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == end_[0]) return;
        if (fd == listener_) {
          watch(accept(listener_, nullptr, nullptr));
        } else {
          reply(fd);
        }
      }
    }
  }
  void reply(int fd) {
    std::array<char, 4096> buffer;
    if (recv(fd, buffer.data(), buffer.size(), 0) <= 0) {
      close(fd);
      return;
    }
    if (++requests_ % window == 0 && readings_.size() < readings_.capacity()) {
      readings_.push_back(allocations.load(std::memory_order_relaxed));
    }
    (void)send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  int epoll_, listener_;
  int end_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::uint64_t requests_ = 0;
  std::vector<std::uint64_t> readings_;
  std::thread thread_;
};

// Of the middle one of all windows; windows that a hand-over falls into are the few largest.
std::uint64_t allocations_of_a_window(const std::function<Driven(std::uint16_t port)>& load) {
  CountingServer server;
  const Driven driven = load(server.port());
  EXPECT_GT(driven.count(Outcome::ok), 8 * window);
  EXPECT_EQ(driven.count(Outcome::ok), driven.total().requests_begun);
  const std::vector<std::uint64_t> windows = server.windows();
  if (windows.size() < 4) {
    ADD_FAILURE() << "too few requests: " << windows.size() << " windows";
    return 0;
  }
  return windows[windows.size() / 2];
}

std::uint64_t allocations_of_a_window(const Drive& load) {
  return allocations_of_a_window([&load](std::uint16_t port) { return load.against(port); });
}

// Eight users who repeat a request within one session: what a session remembers stays.
std::uint64_t allocations_of_a_repeated_step(const std::string& step) {
  const std::string yaml =
      "name: t\npersonas:\n  p:\n    - repeat: 1000\n      do:\n" + step +
      "scenarios:\n  s: {persona: p, model: closed, start: 8, stages: \"1s:8\"}\n";
  return allocations_of_a_window([&yaml](std::uint16_t port) {
    return drive_profile(yaml, {"127.0.0.1", port, "", "test", false, {}, {}, {}});
  });
}

Drive closed_load(StepSpec step) {
  Drive load;
  load.model = "closed";
  load.load = ClosedLoad{8, {{load.length, 8}}};
  load.steps = {std::move(step)};
  return load;
}

StepSpec order() {
  StepSpec step = post("order", "/orders/${user}?of=${session}",
                       R"({"seats": "a body that is longer than any short string", "n": 1})");
  std::get<HttpSpec>(step.action).headers = {{"Authorization", {"Bearer ${token}", {}}},
                                             {"Accept", {"application/json", {}}}};
  return step;
}

const std::vector<UserIdentity> people{{1, "a-token-that-is-longer-than-a-short-string"},
                                       {2, "another-token-longer-than-a-short-string"}};

TEST(Allocations, AClosedLoadTakesNothingForARequest) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  EXPECT_EQ(allocations_of_a_window(closed_load(get("ask", "/"))), 0u);
}

TEST(Allocations, ARequestWithTokenHeadersAndBodyTakesNothing) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  Drive load = closed_load(order());
  load.users = people;
  EXPECT_EQ(allocations_of_a_window(load), 0u);
}

TEST(Allocations, AnOpenLoadTakesNothingForARequest) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  Drive load;
  load.load = regular(2'000, load.length);
  load.steps = {get("ask", "/")};
  EXPECT_EQ(allocations_of_a_window(load), 0u);
}

TEST(Allocations, AThinkingUserTakesNothingForARequest) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  Drive load = closed_load(get("ask", "/"));
  load.steps.push_back(think(0.001));
  EXPECT_EQ(allocations_of_a_window(load), 0u);
}

TEST(Allocations, BranchesSideBySideAndGuardedStepsTakeNothing) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  StepSpec guarded;
  RetrySpec retry;
  retry.on = set_of(Outcome::shed);
  retry.retry_after = true;
  retry.steps = {get("style", "/style")};
  guarded.action = std::move(retry);
  StepSpec group;
  group.name = "page";
  group.waits = true;
  group.action = ParallelSpec{3, {{get("a", "/a/${uuid}")}, {get("b", "/b")}, {guarded}}};
  Drive load = closed_load(std::move(group));
  load.users = people;
  EXPECT_EQ(allocations_of_a_window(load), 0u);
}

TEST(Allocations, CapturesByHeaderAndPatternAndTemplatesOfThemTakeNothing) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  EXPECT_EQ(
      allocations_of_a_repeated_step("        - get: /orders/${kept|url}\n          name: ask\n"
                                     "          query: {of: \"${kept} ${hits}\", id: \"${uuid}\"}\n"
                                     "          headers: {X-Size: \"${size|base64}\"}\n"
                                     "          capture:\n"
                                     "            kept: {regex: '\"id\": \"([^\"]+)\"'}\n"
                                     "            size: {header: Content-Length}\n"
                                     "            kind: {header: Content-Type}\n"
                                     "            hits: {regex: a, match: count}\n"),
      0u);
}

TEST(Allocations, RequiredHeadersTakeNothing) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  Drive load = closed_load(get("ask", "/"));
  load.http.require = {"Content-Type", "Content-Length"};
  EXPECT_EQ(allocations_of_a_window(load), 0u);
}

TEST(Allocations, ChecksOfBodyAndHeadersTakeNothing) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  EXPECT_EQ(allocations_of_a_repeated_step(
                "        - get: /\n          name: ask\n          check:\n"
                "            - body contains a value that is too long for a short string\n"
                "            - body lacks another value that is too long for a short string\n"
                "            - body matches too long .* string\n"
                "            - header Content-Length == 62\n"
                "            - header Content-Length exists\n"),
            0u);
}

StepSpec asking_for(std::string pointer) {
  StepSpec step = get("ask", "/${kept|url}");
  CaptureSpec capture;
  capture.variable = "kept";
  capture.pointer = std::move(pointer);
  std::get<HttpSpec>(step.action).captures = {capture};
  return step;
}

// In every session anew.
TEST(Allocations, ACaptureByPointerTakesNothing) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  Drive load = closed_load(asking_for("/id"));
  load.variables = {{"kept", {"", {}}}};
  EXPECT_EQ(allocations_of_a_window(load), 0u);
}

TEST(Allocations, ManyPointersAndChecksOfOneAnswerTakeNothing) {
  if (!allocations_are_counted) GTEST_SKIP() << "frames are not kept under this sanitizer";
  EXPECT_EQ(allocations_of_a_repeated_step(
                "        - get: /\n          name: ask\n"
                "          capture: {a: /id, b: /id, c: /none?}\n"
                "          check:\n"
                "            - json /id != another value that is too long for a short string\n"
                "            - json /id contains too long for a short string\n"
                "            - json /none absent\n"),
            0u);
}

// The counter sees what a request takes: here the document that a whole object is captured from.
TEST(Allocations, TheDocumentOfAnObjectIsSeen) {
  if (!allocations_are_counted) GTEST_SKIP() << "operator new is the sanitizer's";
  StepSpec step = asking_for("");
  Drive load = closed_load(std::move(step));
  load.variables = {{"kept", {"", {}}}};
  EXPECT_GE(allocations_of_a_window(load), window);
}

}  // namespace
}  // namespace stampede::test
