// Goal: what 9,700 users (20,000 descriptors) with an HTTP connection and a WebSocket each cost the
// generator. A measurement, not a check: disabled, run by hand with
// --gtest_also_run_disabled_tests. Method: the server is a process of its own, so that the memory
// and the processor time seen here are the generator's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

long resident_kilobytes() {
  std::ifstream file("/proc/self/statm");
  long total = 0, resident = 0;
  file >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

// Runs the server in a child until the pipe closes; returns the port.
std::uint16_t start_server_process(int& keep_alive) {
  int port_pipe[2], life_pipe[2];
  if (pipe(port_pipe) != 0 || pipe(life_pipe) != 0) throw std::runtime_error("pipe");
  if (fork() == 0) {
    close(life_pipe[1]);
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    ::test::ScriptedServer server([](const ::test::Seen&) { return ::test::Reply{}; },
                                  [](const std::optional<std::string>&) {
                                    ::test::WsReply reply;
                                    reply.texts = {R"({"t":"pos","position":8245,"total":9950})"};
                                    return reply;
                                  });
    const std::uint16_t port = server.port();
    (void)!write(port_pipe[1], &port, sizeof port);
    char byte = 0;
    (void)!read(life_pipe[0], &byte, 1);
    _exit(0);
  }
  close(life_pipe[0]);
  keep_alive = life_pipe[1];
  std::uint16_t port = 0;
  if (read(port_pipe[0], &port, sizeof port) != sizeof port) throw std::runtime_error("no server");
  return port;
}

TEST(Crowd, DISABLED_NineThousandSevenHundredUsers) {
  int keep_alive = -1;
  const std::uint16_t port = start_server_process(keep_alive);
  Drive drive;
  drive.model = "closed";
  drive.load = ClosedLoad{0, {{seconds{10}, 9'700}, {seconds{20}, 9'700}}};
  drive.length = seconds{30};
  drive.warm_up = seconds{15};
  drive.drain = seconds{1};
  StepSpec connect = ws_connect("/ws");
  std::get<WsConnectSpec>(connect.action).heartbeat_every = seconds{5};
  std::get<WsConnectSpec>(connect.action).heartbeat_text = R"({"t":"hb"})";
  StepSpec loop;
  StepSpec pause;
  pause.action = ThinkSpec{{RandomDuration::Kind::uniform, 5, 9}, {}};
  loop.action = LoopSpec{std::nullopt, 1000, {get("home", "/api/events/1/seats"), pause}};
  drive.steps = {connect, loop};
  const long before = resident_kilobytes();
  const Driven driven = drive.against(port);
  driven.expect_closed_balance();
  for (const LoadSecond& second : driven.seconds) {
    std::printf("%2u s: users %llu, sockets %llu, worker %.0f %%\n", second.second,
                static_cast<unsigned long long>(second.gauges.users_alive),
                static_cast<unsigned long long>(second.gauges.connections_open),
                100 * second.worker_cpu);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const SeriesSnapshot& home = driven.series("home");
  std::printf("requests/s %.0f, frames out/s %.0f, worker %.1f %%, peak %.1f kB a user\n",
              static_cast<double>(home.count()) / 15,
              static_cast<double>(driven.total().ws_frames_out) / 15,
              100 * driven.outcome.worker_cpu_max,
              static_cast<double>(usage.ru_maxrss - before) / 9'700);
  std::printf("lag p50 %.3f ms, p99 %.3f ms; response p99 %.3f ms; loop lag p99 %.3f ms\n",
              to_millis(*home.lag.quantile(0.5)), to_millis(*home.lag.quantile(0.99)),
              to_millis(*home.response[0].quantile(0.99)),
              to_millis(*driven.total().loop_lag.quantile(0.99)));
  close(keep_alive);
  wait(nullptr);
}

}  // namespace
}  // namespace stampede::test
