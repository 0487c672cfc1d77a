#include "harness/load/crowd_size.hpp"

#include <gtest/gtest.h>

#include "harness/profile/profile.hpp"

namespace stampede {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::uint64_t kibi = 1024;

// One scenario with a GET, and a load.
CompiledRun run_of(LoadShape load, bool websocket = false, bool recorded = false) {
  Profile profile;
  profile.name = "test";
  StepSpec ask;
  ask.name = "ask";
  HttpSpec http;
  http.method = "GET";
  http.path.text = "/";
  ask.action = http;
  if (recorded) ask.record = RecordSpec{"leave", {{"event", {"1", {}}}}, {}};
  profile.personas["p"] = Persona{"p", {ask}, {}};
  if (websocket) {
    StepSpec connect;
    connect.name = "socket";
    WsConnectSpec where;
    where.path.text = "/";
    connect.action = where;
    profile.personas["p"].steps.push_back(connect);
  }
  ScenarioSpec scenario;
  scenario.name = "s";
  scenario.persona = "p";
  scenario.load = std::move(load);
  profile.scenarios.push_back(std::move(scenario));
  auto compiled = compile(profile);
  EXPECT_TRUE(compiled.has_value());
  return std::move(*compiled);
}

ClosedLoad closed(double users) { return {users, {{seconds{60}, users}}}; }
OpenLoad open(double rate) { return {rate, {{seconds{60}, rate}}, Arrival::poisson}; }

TEST(MemoryEstimate, AUserNeedsLessThanThreeKibibytes) {
  const MemoryEstimate few = estimate_memory(run_of(closed(10)), 1, seconds{60}, 0);
  const MemoryEstimate many = estimate_memory(run_of(closed(10'010)), 1, seconds{60}, 0);
  EXPECT_EQ(many.users, 10'010u);
  const std::uint64_t user = (many.total() - few.total()) / 10'000;
  EXPECT_GT(user, kibi);
  EXPECT_LE(user, 3 * kibi);
}

TEST(MemoryEstimate, DoesNotGrowWithTheRateAndHardlyWithTime) {
  CompiledRun slow = run_of(open(100)), fast = run_of(open(20'000));
  slow.scenarios[0].users_max = fast.scenarios[0].users_max = 200;
  EXPECT_EQ(estimate_memory(slow, 1, seconds{60}, 0).total(),
            estimate_memory(fast, 1, seconds{60}, 0).total());
  const std::uint64_t hour =
      estimate_memory(slow, 1, hours{2}, 0).total() - estimate_memory(slow, 1, hours{1}, 0).total();
  EXPECT_LE(hour, 2 * kibi * kibi);
}

TEST(MemoryEstimate, CountsWorkersWebSocketsTokensAndTheLedger) {
  const MemoryEstimate plain = estimate_memory(run_of(open(100)), 1, seconds{60}, 0);
  EXPECT_EQ(plain.users, 200u);
  EXPECT_EQ(plain.ledger, 0u);
  EXPECT_GT(estimate_memory(run_of(open(100)), 4, seconds{60}, 0).figures, plain.figures);
  EXPECT_GT(estimate_memory(run_of(open(100), true), 1, seconds{60}, 0).crowd, plain.crowd);
  EXPECT_GT(estimate_memory(run_of(open(100)), 1, seconds{60}, 1000).crowd, plain.crowd);
  const MemoryEstimate told = estimate_memory(run_of(open(100), false, true), 1, seconds{60}, 0);
  EXPECT_GE(told.ledger, 6000 * sizeof(std::uint64_t));
}

TEST(MemoryEstimate, IsToldInOneLine) {
  MemoryEstimate estimate;
  estimate.users = 10'000;
  estimate.base = 26 * kibi * kibi + 1;
  EXPECT_EQ(memory_text(estimate), "memory: about 27 MiB for 10,000 users");
}

}  // namespace
}  // namespace stampede
