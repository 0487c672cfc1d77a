// The generator's memory stays what it is while it works, however many requests it makes, and is
// what was said before the start. The server is a process of its own.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "harness/load/crowd_size.hpp"
#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"

// Sanitizers keep what was freed, and shadow what was not.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STAMPEDE_MEMORY_IS_SANITIZED 1
#endif
#endif
#if !defined(STAMPEDE_MEMORY_IS_SANITIZED)
#define STAMPEDE_MEMORY_IS_SANITIZED 0
#endif

namespace stampede::test {
namespace {

constexpr std::int64_t kibibyte = 1024;

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

class ServerProcess {
 public:
  ServerProcess() {
    int port_pipe[2], life_pipe[2];
    if (pipe(port_pipe) != 0 || pipe(life_pipe) != 0) throw std::runtime_error("pipe");
    child_ = fork();
    if (child_ == 0) {
      close(life_pipe[1]);
      const ::test::ScriptedServer server([](const ::test::Seen&) { return ::test::Reply{}; });
      const std::uint16_t port = server.port();
      (void)!write(port_pipe[1], &port, sizeof port);
      char byte = 0;
      (void)!read(life_pipe[0], &byte, 1);
      _exit(0);
    }
    close(life_pipe[0]);
    close(port_pipe[1]);
    life_ = life_pipe[1];
    if (read(port_pipe[0], &port_, sizeof port_) != sizeof port_) throw std::runtime_error("port");
    close(port_pipe[0]);
  }
  ~ServerProcess() {
    close(life_);
    waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  pid_t child_ = -1;
  int life_ = -1;
  std::uint16_t port_ = 0;
};

// Resident memory at these times from now, seen by a thread of its own.
class Observer {
 public:
  explicit Observer(std::vector<Nanos> times)
      : thread_([this, times = std::move(times), from = now()](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          for (const Nanos time : times) {
            never_.wait_until(lock, stop, from + time, [] { return false; });
            seen_.push_back(resident_bytes());
          }
        }) {}
  std::vector<std::int64_t> seen() {
    thread_.join();
    return seen_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any never_;
  std::vector<std::int64_t> seen_;
  std::jthread thread_;
};

// Whatever a request left behind, a few bytes of it would show: tens of thousands are made between
// the two looks.
TEST(Memory, IsTheSameAfterTwiceTheTime) {
  if (STAMPEDE_MEMORY_IS_SANITIZED != 0) GTEST_SKIP() << "sanitizers keep memory";
  const ServerProcess server;
  Drive drive;
  drive.model = "closed";
  drive.load = ClosedLoad{16, {{seconds{6}, 16}}};
  drive.length = seconds{6};
  drive.steps = {get("look", "/")};
  Observer observer({seconds{2}, seconds{5}});
  const Driven driven = drive.against(server.port());
  const std::vector<std::int64_t> seen = observer.seen();
  const auto requests = static_cast<std::int64_t>(driven.count(Outcome::ok));
  EXPECT_GT(requests, 1000);
  EXPECT_LT(seen[1] - seen[0], 512 * kibibyte + 16 * requests);
}

TEST(Memory, OfUsersIsWhatWasSaidBefore) {
  if (STAMPEDE_MEMORY_IS_SANITIZED != 0) GTEST_SKIP() << "sanitizers keep memory";
  constexpr std::uint32_t users = 2'000;
  const ServerProcess server;
  Drive drive;
  drive.model = "closed";
  drive.load = ClosedLoad{0, {{seconds{2}, users}, {seconds{2}, users}}};
  drive.length = seconds{4};
  drive.steps = {get("look", "/"), think(60)};
  const std::int64_t before = resident_bytes();
  Observer observer({milliseconds{3'500}});
  const Driven driven = drive.against(server.port());
  const std::int64_t grown = observer.seen().front() - before;
  const MemoryEstimate said = estimate_memory(driven.run, 1, seconds{9}, 0);
  const auto crowd = static_cast<std::int64_t>(said.crowd);
  EXPECT_EQ(said.users, users);
  EXPECT_EQ(driven.count(Outcome::ok), users);
  EXPECT_LT(grown,
            crowd + static_cast<std::int64_t>(said.figures + said.seconds) + 2048 * kibibyte);
  EXPECT_GT(grown, crowd / 4);
}

}  // namespace
}  // namespace stampede::test
