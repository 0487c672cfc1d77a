// Goal: when this machine has no descriptor or no port left, each connection that could not be made
// is counted as just that, and nothing is lost. Method: a child process that has few of them: by
// RLIMIT_NOFILE, and by a network namespace with ten local ports.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>

#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

constexpr int not_possible_here = 77;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
constexpr bool sanitized = true;  // its runtime needs descriptors and threads of its own
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

// The child's exit code; its words are on stderr.
int in_a_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    int code = 70;
    try {
      code = body();
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "child: %s\n", problem.what());
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

::test::Reply slow(const ::test::Seen&) {
  ::test::Reply reply;
  reply.delay = milliseconds{300};
  return reply;
}

// Forty sessions that are all connected at once.
Drive forty() {
  Drive drive;
  drive.load = regular(400, milliseconds{100});
  drive.length = milliseconds{100};
  drive.steps = {get("home", "/")};
  return drive;
}

int judge(const Driven& driven, Failure failure) {
  const std::uint64_t fine = driven.count(Outcome::ok);
  const std::uint64_t failed = driven.count(Outcome::connect_failed);
  std::fprintf(stderr, "child: %llu ok, %llu failed%s\n", static_cast<unsigned long long>(fine),
               static_cast<unsigned long long>(failed), driven.all_failures().c_str());
  const bool told = failed > 0 && driven.failures(failure) == failed;
  return told && fine > 0 && fine + failed == 40 && driven.total().sessions.failed == failed ? 0
                                                                                             : 1;
}

TEST(Exhaustion, NoDescriptorLeft) {
  if (sanitized) GTEST_SKIP() << "not under sanitizers";
  ::test::ScriptedServer server(slow);
  const std::uint16_t port = server.port();
  EXPECT_EQ(in_a_child([port] {
              const rlimit limit{1200, 1200};
              setrlimit(RLIMIT_NOFILE, &limit);
              int last = -1;
              for (int next = dup(0); next >= 0; next = dup(0)) last = next;
              for (int i = 0; i < 24; ++i) close(last - i);
              return judge(forty().against(port), Failure::out_of_descriptors);
            }),
            0);
}

bool enter_own_network() {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  const bool up = ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  close(socket);
  const int range = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
  if (range < 0) return false;
  constexpr std::string_view ten = "40000 40009";
  const bool set = write(range, ten.data(), ten.size()) == static_cast<ssize_t>(ten.size());
  close(range);
  return up && set;
}

TEST(Exhaustion, NoPortLeft) {
  if (sanitized) GTEST_SKIP() << "not under sanitizers";
  const int code = in_a_child([] {
    if (!enter_own_network()) return not_possible_here;
    ::test::ScriptedServer server(slow);
    return judge(forty().against(server.port()), Failure::out_of_ports);
  });
  if (code == not_possible_here) GTEST_SKIP() << "no network namespace of its own is allowed here";
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace stampede::test
