// Children: how they end is told, nothing but what is meant reaches them, and they can always be
// ended.
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/time.hpp"
#include "harness/topology/free_port.hpp"
#include "harness/topology/process.hpp"

namespace stampede {
namespace {

class Child : public testing::Test {
 protected:
  Child() {
    std::string name = (std::filesystem::temp_directory_path() / "child-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory = name;
  }
  ~Child() override { std::filesystem::remove_all(directory); }
  ProcessSpec shell(const std::string& script) const {
    return {"part", "/bin/sh", {"-c", script}, {"OWN=value"}, directory, directory / "log"};
  }
  std::string output_of(const std::string& script) const {
    Process process(shell(script), nullptr);
    EXPECT_TRUE(process.wait_for(std::chrono::seconds{5}));
    return process.last_words();
  }
  std::filesystem::path directory;
};

TEST_F(Child, TellsItsExitStatusAndLastWords) {
  Process process(shell("echo one; echo two >&2; exit 7"), nullptr);
  ASSERT_TRUE(process.wait_for(std::chrono::seconds{5}));
  EXPECT_FALSE(process.alive());
  EXPECT_EQ(process.ending(), "exited with status 7");
  EXPECT_EQ(process.last_words(), "one\ntwo");
}
TEST_F(Child, TellsTheSignal) {
  Process process(shell("kill -9 $$"), nullptr);
  ASSERT_TRUE(process.wait_for(std::chrono::seconds{5}));
  EXPECT_EQ(process.ending(), "ended by signal 9 (Killed)");
}
TEST_F(Child, AMissingProgramIsAnError) {
  ProcessSpec spec = shell("");
  spec.executable = "/nowhere/program";
  try {
    const Process process(spec, nullptr);
    FAIL() << "should have thrown";
  } catch (const TopologyError& error) {
    EXPECT_STREQ(error.what(), "part: cannot run /nowhere/program: No such file or directory");
  }
}
TEST_F(Child, IsKilledWhenItDoesNotListen) {
  Process process(shell("trap '' TERM; echo ready; while :; do sleep 0.05; done"), nullptr);
  while (process.last_words() != "ready") std::this_thread::sleep_for(std::chrono::milliseconds{5});
  const TimePoint begin = now();
  process.stop(std::chrono::milliseconds{100});
  EXPECT_EQ(process.ending(), "ended by signal 9 (Killed)");
  EXPECT_LT(now() - begin, std::chrono::seconds{3});
}
TEST_F(Child, InheritsNoDescriptorAndNoVariable) {
  const int leak = open("/dev/null", O_RDONLY);  // deliberately not close-on-exec
  ASSERT_GT(leak, 2);
  const std::string seen =
      output_of(fmt::format("[ -e /proc/self/fd/{} ] && echo leaked; env", leak));
  close(leak);
  EXPECT_EQ(seen.find("leaked"), std::string::npos) << seen;
  EXPECT_NE(seen.find("OWN=value"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("USER="), std::string::npos) << seen;
  EXPECT_NE(seen.find("HOME=" + directory.string()), std::string::npos) << seen;
}
TEST_F(Child, IsNotStartedWithBlockedSignals) {
  sigset_t term, old;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &old);
  Process process(shell("echo ready; while :; do sleep 0.05; done"), nullptr);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  while (process.last_words() != "ready") std::this_thread::sleep_for(std::chrono::milliseconds{5});
  process.stop(std::chrono::seconds{3});
  EXPECT_EQ(process.ending(), "ended by signal 15 (Terminated)");
}
TEST_F(Child, ReportsItsUsage) {
  Process process(shell("echo ready; i=0; while :; do i=$((i+1)); done"), nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds{150});
  const auto usage = process.usage();
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->role, "part");
  EXPECT_EQ(usage->pid, process.pid());
  EXPECT_GT(usage->cpu_seconds, 0.0);
  EXPECT_GT(usage->rss_bytes, 100'000U);
  EXPECT_GE(usage->rss_peak_bytes, usage->rss_bytes);
  EXPECT_EQ(usage->threads, 1U);
  EXPECT_GE(usage->descriptors, 3U);
  process.stop(std::chrono::seconds{1});
  EXPECT_FALSE(process.usage());
}
TEST(ProcessUsage, SwitchesAreThoseOfAllThreadsAndSocketsAreCounted) {
  const auto look = [] {
    ProcessUsage usage = usage_of("self", getpid()).value();
    EXPECT_EQ(usage.voluntary_switches + usage.sockets, 0U) << "the quick look has none of it";
    look_closely(usage);
    return usage;
  };
  const ProcessUsage before = look();
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(fd, 0);
  std::atomic<bool> counted = false;
  std::thread other([&counted] {
    for (int i = 0; i < 50; ++i) std::this_thread::sleep_for(std::chrono::microseconds{100});
    counted = true;
    while (counted) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  });
  while (!counted) std::this_thread::sleep_for(std::chrono::milliseconds{100});
  const ProcessUsage after = look();
  counted = false;
  other.join();
  close(fd);
  EXPECT_EQ(after.sockets, before.sockets + 1);
  EXPECT_GE(after.voluntary_switches, before.voluntary_switches + 50);
}

TEST_F(Child, LastWordsAreBounded) {
  std::ofstream log(directory / "big");
  for (int i = 0; i < 10000; ++i) log << "line " << i << "\n";
  log.close();
  EXPECT_EQ(tail_of(directory / "big", 2), "line 9998\nline 9999");
  EXPECT_LE(tail_of(directory / "big", 100000).size(), 2000U);
  EXPECT_EQ(tail_of(directory / "absent", 5), "");
}

TEST(FreePort, IsFreeAndAHeldOneNamesItsHolder) {
  const std::uint16_t port = free_port();
  EXPECT_EQ(port_holder(port), "");
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  EXPECT_EQ(port_holder(port), fmt::format("in use by topology_test (pid {})", getpid()));
  close(fd);
}

}  // namespace
}  // namespace stampede
