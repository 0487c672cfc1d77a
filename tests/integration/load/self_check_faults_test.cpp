// Goal: a fault that really happens to a generator or its target trips the row that is meant for
// it, and the same load without the fault does not. Method: real loads on loopback, twice each;
// then the judge. Only the rows in question are looked at: how noisy this machine is must not
// decide a test.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>

#include "tests/integration/load/judged.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;

Reply after(milliseconds delay) {
  Reply reply;
  reply.delay = delay;
  return reply;
}

// While it lives, threads that begin here come before those of all other programs, where that is
// allowed (as root): what else runs on this machine is no part of the fault. (A nice value would
// not do: it counts among the processes of one session only.)
class FirstInLine {
 public:
  FirstInLine() { come(SCHED_RR, 1); }
  ~FirstInLine() { come(SCHED_OTHER, 0); }
  FirstInLine(FirstInLine&&) = delete;

 private:
  static void come(int policy, int priority) {
    sched_param parameters{};
    parameters.sched_priority = priority;
    (void)sched_setscheduler(0, policy, &parameters);
  }
};

// The fault is there every time; where other programs hide it, it is made again. The first row that
// makes the run INVALID, or the last one of all.
Finding planted(const std::function<Finding()>& fault) {
  constexpr int tries_max = 5;
  Finding row = fault();
  for (int i = 1; i < tries_max && row.verdict != Verdict::invalid; ++i) row = fault();
  return row;
}

// L7: users who compute all the time take the worker's whole core.
TEST(SelfCheckFault, UsersWhoComputeTripL7) {
  const FirstInLine first;
  ScriptedServer server([](const Seen&) { return Reply{}; });
  const auto driven = [&server](std::uint32_t passes) {
    StepSpec compute;
    compute.action = SetSpec{{{"x", {"(x or 0) + 1", {}}}}};
    StepSpec loop;
    loop.action = LoopSpec{std::nullopt, passes, {std::move(compute)}};
    Drive drive;
    drive.model = "closed";
    drive.load = ClosedLoad{16, {{seconds{2}, 16}}};
    drive.length = seconds{2};
    drive.steps = {get("get", "/"), std::move(loop)};
    if (passes == 1) drive.steps.push_back(think(0.1));
    return drive.against(server.port());
  };
  expect_held(judged(driven(1)), {"cpu"});
  const Finding row = planted([&driven] { return row_of(judged(driven(20'000)), "cpu"); });
  EXPECT_EQ(row.verdict, Verdict::invalid) << row.measured;
}

// A listening socket whose queue holds two connections, and nobody takes them.
class FullListener {
 public:
  FullListener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, generic, size) != 0 || ::listen(socket_, 1) != 0 ||
        ::getsockname(socket_, generic, &size) != 0) {
      throw std::runtime_error("no listener");
    }
    port_ = ntohs(address.sin_port);
  }
  ~FullListener() { ::close(socket_); }
  FullListener(FullListener&&) = delete;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

// L9: the kernel drops SYNs at a full queue, and sends them again. The run's own connections say
// so, whatever other programs do.
TEST(SelfCheckFault, AFullListenQueueTripsL9) {
  const FullListener listener;
  Drive drive;
  drive.load = regular(40, seconds{1});
  drive.length = seconds{4};
  drive.steps = {get("get", "/", milliseconds{2500})};
  const auto findings = judged(drive.against(listener.port()));
  expect_invalid(findings, "segments");
  expect_invalid(findings, "kernel_path");

  ScriptedServer server([](const Seen&) { return Reply{}; });
  expect_held(judged(drive.against(server.port())), {"segments"});
}

// L10: a plan that wants all that this generator can give; and a target that is no slower than
// nothing at all.
TEST(SelfCheckFault, APlanAtTheLimitOfTheGeneratorTripsL10) {
  NullServer server;
  ASSERT_EQ(server.error(), "");
  Drive drive;
  drive.model = "closed";
  drive.load = ClosedLoad{16, {{seconds{2}, 16}}};
  drive.length = seconds{2};
  drive.steps = {get("get", "/")};
  JudgedWith with;
  with.limits.slo = milliseconds{1};
  const Finding rate = planted([&] {
    const Driven flood = drive.against(server.port());
    LoadPlan plan;
    plan.run = &flood.run;
    with.null_target = calibrate(plan, {}).result;
    return row_of(judged(flood, with), "null_rate");
  });
  ASSERT_TRUE(with.null_target);
  EXPECT_EQ(rate.verdict, Verdict::invalid) << rate.measured;

  ScriptedServer slow([](const Seen&) { return after(milliseconds{50}); });
  Drive gentle = drive;
  gentle.load = ClosedLoad{2, {{seconds{2}, 2}}};
  const auto clean = judged(gentle.against(slow.port()), with);
  expect_held(clean, {"null_rate"});
  expect_not_invalid(clean, "null_floor");
}

TEST(SelfCheckFault, ATargetAsQuickAsNothingTripsTheFloorOfL10) {
  NullServer server;
  ASSERT_EQ(server.error(), "");
  Drive drive;
  drive.load = regular(100, seconds{2});
  drive.length = seconds{2};
  drive.steps = {get("get", "/")};
  const Finding row = planted([&drive, &server] {
    const Driven quick = drive.against(server.port());
    LoadPlan plan;
    plan.run = &quick.run;
    JudgedWith with{.null_target = calibrate(plan, {}).result};
    if (!with.null_target) return Finding{};
    // 1 % of the SLO: what the instrument costs is more than that.
    with.limits.slo = with.null_target->response_p95 * 10;
    return row_of(judged(quick, with), "null_floor");
  });
  EXPECT_EQ(row.verdict, Verdict::invalid) << row.measured;
}

// L13: a second thread sees requests in flight whose times are in no book. Answers take 20 ms, so
// that what a busy machine adds is little beside it.
TEST(SelfCheckFault, AnswersThatAreInNoBookTripL13) {
  ScriptedServer server([](const Seen&) { return after(milliseconds{20}); });
  const auto row = [&server](std::uint32_t lose_every) {
    Drive drive;
    drive.load = regular(200, seconds{4});
    drive.length = seconds{4};
    drive.steps = {get("get", "/")};
    drive.mutation.lose_sample_every = lose_every;
    return row_of(judged(drive.against(server.port())), "little_sampled");
  };
  const Finding clean = row(0), faulty = row(40);
  if (faulty.standing == Finding::Standing::not_applicable) {
    GTEST_SKIP() << "this machine is too busy to look a thousand times in 4 s";
  }
  EXPECT_EQ(faulty.verdict, Verdict::invalid) << faulty.measured;
  EXPECT_GT(faulty.figure, 0.5) << faulty.measured;
  EXPECT_LT(std::abs(clean.figure), faulty.figure / 2) << clean.measured;
}

// Answers that come at once, while every core has other work to do: nothing is missing.
TEST(SelfCheckFault, ShortAnswersOnABusyMachineDoNotTripL13) {
  std::atomic<bool> over{false};
  std::vector<std::jthread> hogs;
  for (unsigned i = 0; i <= std::thread::hardware_concurrency(); ++i) {
    hogs.emplace_back([&over] {
      while (!over.load(std::memory_order_relaxed)) {
      }
    });
  }
  ScriptedServer server([](const Seen&) { return Reply{}; });
  for (const bool closed : {false, true}) {
    Drive drive;
    drive.length = seconds{3};
    drive.load = regular(2'000, drive.length);
    if (closed) {
      drive.model = "closed";
      drive.load = ClosedLoad{2, {{drive.length, 2}}};
    }
    drive.steps = {get("get", "/")};
    const Finding row = row_of(judged(drive.against(server.port())), "little_sampled");
    EXPECT_NE(row.verdict, Verdict::invalid) << row.measured;
  }
  over = true;
}

// L14: a target whose answers take longer from second to second, beside one whose answers do not.
TEST(SelfCheckFault, ATargetThatSlowsDownTripsL14) {
  const auto load = [](bool slows) {
    const TimePoint start = now();
    ScriptedServer server([start, slows](const Seen&) {
      const auto more = std::chrono::duration_cast<milliseconds>(now() - start) / 200;
      return after(milliseconds{40} + (slows ? more : milliseconds{0}));
    });
    Drive drive;
    drive.load = regular(40, seconds{44});
    drive.length = seconds{44};
    drive.steps = {get("get", "/")};
    return judged(drive.against(server.port()), {.steady_plan = true});
  };
  auto clean = std::async(std::launch::async, load, false);
  const auto faulty = load(true);
  expect_invalid(faulty, "stationary");
  expect_not_invalid(clean.get(), "stationary");
}

// L16: one of two workers has users whom the target serves more slowly.
TEST(SelfCheckFault, AWorkerWithOtherUsersTripsL16) {
  const auto load = [](bool differs) {
    ScriptedServer server([differs](const Seen& seen) {
      // Sessions are dealt out in turn: odd ones are the second worker's.
      const bool odd = (seen.target.back() - '0') % 2 == 1;
      return after(milliseconds{differs && odd ? 300 : 20});
    });
    Drive drive;
    drive.load = regular(340, seconds{7});
    drive.length = seconds{7};
    drive.workers = 2;
    drive.steps = {get("get", "/${session}")};
    return judged(drive.against(server.port()));
  };
  expect_invalid(load(true), "workers_alike");
  expect_not_invalid(load(false), "workers_alike");
}

// L17: more records than the ledger takes.
TEST(SelfCheckFault, ALedgerThatIsFullTripsL17) {
  ScriptedServer server([](const Seen&) { return Reply{}; });
  Drive drive;
  drive.load = regular(100, seconds{1});
  drive.workers = 2;
  drive.steps = {get("get", "/")};
  drive.steps.front().record = RecordSpec{"leave", {{"event", {"1", {}}}}, {}};
  expect_held(judged(drive.against(server.port())), {"ledger_overflow"});
  drive.ledger_entries_max = 30;
  const Driven full = drive.against(server.port());
  const auto findings = judged(full);
  expect_invalid(findings, "ledger_overflow");
  EXPECT_EQ(full.outcome.ledger.overflow(), 70U);
  expect_held(findings, {"session_balance", "request_balance", "little_identity"});
}

}  // namespace
}  // namespace stampede::test
