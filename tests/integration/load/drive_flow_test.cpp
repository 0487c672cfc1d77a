// Goal: steps that are tried again, run side by side or wait for other users do what they say, and
// every request of theirs ends in exactly one state, also when the run is cut off in the middle.
// Method: profiles as text against a server that follows a script.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "harness/load/phase.hpp"
#include "harness/profile/profile_reader.hpp"
#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;

Reply status(unsigned code, std::string headers = "") {
  Reply reply;
  reply.status = code;
  reply.headers = std::move(headers);
  return reply;
}
Reply after(milliseconds delay) {
  Reply reply;
  reply.delay = delay;
  return reply;
}

const std::string head = "name: t\ndrain: 5s\n";

struct Loaded {
  Profile profile;
  Driven driven;
  LoadPlan plan;
};

std::unique_ptr<Loaded> load(const std::string& text, std::uint16_t port) {
  auto loaded = std::make_unique<Loaded>();
  auto read = read_profile(text, "p.yaml", {});
  if (!read) throw std::runtime_error(render(read.error(), text));
  loaded->profile = std::move(*read);
  auto compiled = compile(loaded->profile);
  if (!compiled) throw std::runtime_error(render(compiled.error(), text));
  loaded->driven.run = std::move(*compiled);
  LoadPlan& plan = loaded->plan;
  plan.run = &loaded->driven.run;
  plan.target = {"127.0.0.1", port, "", "test"};
  plan.seed = loaded->profile.seed;
  plan.workers = loaded->profile.workers;
  plan.warm_up = loaded->profile.warm_up;
  plan.length = run_length(loaded->profile);
  plan.drain = loaded->profile.drain;
  return loaded;
}

// What was driven, with its balances checked.
Driven drive_text(const std::string& text, std::uint16_t port, std::stop_token stop = {}) {
  auto loaded = load(text, port);
  Driven& driven = loaded->driven;
  driven.outcome =
      drive(loaded->plan, stop, [&driven](const LoadSecond& s) { driven.seconds.push_back(s); });
  driven.expect_closed_balance();
  return std::move(driven);
}

std::uint64_t outcomes(const Driven& driven, const std::string& step, Outcome outcome) {
  return driven.series(step).outcomes[static_cast<std::size_t>(outcome)];
}
std::uint64_t counter(const Driven& driven, const std::string& name) {
  const auto& names = driven.run.counters;
  const auto at = std::find(names.begin(), names.end(), name) - names.begin();
  return driven.total().counters.at(static_cast<std::size_t>(at));
}

std::string sessions(int count, const std::string& steps, const std::string& more = "") {
  return head + more + "scenarios: {s: {persona: p, model: open, arrivals: regular, start: " +
         std::to_string(count) + ", stages: \"1s:" + std::to_string(count) +
         "\"}}\npersonas:\n  p:\n" + steps;
}

// ---- think

TEST(DriveThink, AsLongAsTheAnswerAskedFor) {
  std::map<std::string, std::chrono::steady_clock::time_point> refused;
  std::vector<milliseconds> waited;
  ScriptedServer server([&](const Seen& seen) {
    const auto now = std::chrono::steady_clock::now();
    const std::string session = seen.target.substr(3);
    if (seen.target.starts_with("/a/")) {
      refused[session] = now;
      Reply reply = status(429, "Retry-After: 1\r\n");
      reply.body = R"({"code":"RATE_LIMITED","retryAfterMs":130})";
      return reply;
    }
    waited.push_back(std::chrono::duration_cast<milliseconds>(now - refused[session]));
    return Reply{};
  });
  const Driven driven =
      drive_text(sessions(3,
                          "    - get: /a/${session}\n      name: a\n"
                          "    - think: {ms: retry_after_ms - 30}\n"
                          "    - get: /b/${session}\n      name: b\n"
                          "    - if: retry_after_ms == 0\n      then: [{count: asked_no_more}]\n"),
                 server.port());
  ASSERT_EQ(waited.size(), 3u);
  for (const milliseconds one : waited) EXPECT_GE(one, milliseconds{100});
  EXPECT_EQ(counter(driven, "asked_no_more"), 3u);
  // The wait is nobody's latency.
  EXPECT_LT(*driven.series("b").lag.quantile(0.5), milliseconds{50});
}

TEST(DriveThink, AHeaderAloneIsInMilliseconds) {
  std::vector<std::string> seen_targets;
  ScriptedServer server([&](const Seen& seen) {
    seen_targets.push_back(seen.target);
    return seen.target == "/a" ? status(503, "Retry-After: 2\r\n") : Reply{};
  });
  (void)drive_text(sessions(1,
                            "    - get: /a\n      name: a\n"
                            "    - get: /b/${retry_after_ms}\n      name: b\n"),
                   server.port());
  EXPECT_EQ(seen_targets, (std::vector<std::string>{"/a", "/b/2000"}));
}

TEST(DriveThink, WhatIsNoTimeEndsTheSession) {
  ScriptedServer server([](const Seen&) { return Reply{}; });
  for (const char* ms : {"'soon'", "1e12", "0/0", "nil"}) {
    const Driven driven = drive_text(sessions(2, std::string("    - think: {ms: \"") + ms +
                                                     "\"}\n    - get: /\n      name: a\n"),
                                     server.port());
    EXPECT_EQ(driven.total().sessions.failed, 2u) << ms;
  }
  const Driven back = drive_text(
      sessions(2, "    - think: {ms: 0 - 5}\n    - get: /\n      name: a\n"), server.port());
  EXPECT_EQ(back.total().sessions.completed, 2u) << "less than nothing is nothing";
}

// ---- retry

TEST(DriveRetry, EachTryIsASampleAndTheSessionGoesOn) {
  std::map<std::string, int> tries;
  ScriptedServer server([&tries](const Seen& seen) {
    // The first two tries of each session are refused.
    if (seen.target.starts_with("/a")) return status(++tries[seen.target] <= 2 ? 503 : 200);
    return Reply{};
  });
  const Driven driven =
      drive_text(sessions(5,
                          "    - get: /a/${session}\n      name: a\n"
                          "      retry: {times: 3, on: http_error, wait: 10ms, backoff: 2}\n"
                          "    - get: /b\n      name: b\n"),
                 server.port());
  EXPECT_EQ(outcomes(driven, "a", Outcome::http_error), 10u);
  EXPECT_EQ(outcomes(driven, "a", Outcome::ok), 5u);
  EXPECT_EQ(outcomes(driven, "b", Outcome::ok), 5u);
  EXPECT_EQ(counter(driven, "retries"), 10u);
  EXPECT_EQ(counter(driven, "retries_exhausted"), 0u);
  EXPECT_EQ(driven.total().sessions.completed, 5u);
  // A try is due when its wait is over: the waits are nobody's latency.
  EXPECT_LT(*driven.series("a").lag.quantile(0.5), milliseconds{50});
}

TEST(DriveRetry, WhatFailsToTheEndIsCountedAndTheRestOfTheBlockIsPassedOver) {
  ScriptedServer server([](const Seen& seen) { return status(seen.target == "/bad" ? 429 : 200); });
  const Driven driven = drive_text(
      sessions(4,
               "    - retry: {times: 2, on: shed, wait: 1ms}\n      do:\n"
               "        - get: /good\n          name: good\n"
               "        - get: /bad\n          name: bad\n"
               "        - get: /rest\n          name: rest\n"
               "    - if: outcome == 'shed'\n      then: [{get: /after, name: after}]\n"),
      server.port());
  EXPECT_EQ(driven.series("good").count(), 12u) << "a block is tried again from its first step";
  EXPECT_EQ(outcomes(driven, "bad", Outcome::shed), 12u);
  EXPECT_EQ(driven.series("rest").count(), 0u);
  EXPECT_EQ(driven.series("after").count(), 4u);
  EXPECT_EQ(counter(driven, "retries"), 8u);
  EXPECT_EQ(counter(driven, "retries_exhausted"), 4u);
  EXPECT_EQ(driven.total().sessions.completed, 4u);
}

TEST(DriveRetry, OtherOutcomesAreNotTriedAgain) {
  ScriptedServer server([](const Seen&) { return status(404); });
  const Driven driven =
      drive_text(sessions(3, "    - get: /a\n      name: a\n      retry: 5\n"), server.port());
  EXPECT_EQ(driven.series("a").count(), 3u);
  EXPECT_EQ(counter(driven, "retries"), 0u);
}

TEST(DriveRetry, ARefusedConnectionFailsTheSessionOnlyAtTheEnd) {
  const Driven driven =
      drive_text(sessions(4, "    - get: /a\n      name: a\n      retry: {times: 2, wait: 1ms}\n"),
                 ::test::unused_port());
  EXPECT_EQ(outcomes(driven, "a", Outcome::connect_failed), 12u);
  EXPECT_EQ(counter(driven, "retries_exhausted"), 4u);
  EXPECT_EQ(driven.total().sessions.failed, 4u);
}

TEST(DriveRetry, ABlockWithinABlock) {
  ScriptedServer server([](const Seen&) { return status(503); });
  const Driven driven =
      drive_text(sessions(1,
                          "    - retry: {times: 1, on: http_error, wait: 0s}\n      do:\n"
                          "        - repeat: 3\n          do:\n"
                          "            - get: /a\n              name: a\n"
                          "              retry: {times: 2, on: http_error, wait: 0s}\n"),
                 server.port());
  EXPECT_EQ(driven.series("a").count(), 6u) << "three tries, twice";
  EXPECT_EQ(counter(driven, "retries"), 5u);
  EXPECT_EQ(counter(driven, "retries_exhausted"), 3u);
}

TEST(DriveRetry, RetryAfterIsHonouredWhenAsked) {
  ScriptedServer server([](const Seen& seen) {
    return seen.number % 2 == 0 ? status(429, "Retry-After: 1\r\n") : Reply{};
  });
  const std::string step = "    - get: /a\n      name: a\n      retry: {times: 1, wait: 1ms";
  const auto took = [&](const std::string& rest) {
    const TimePoint began = now();
    const Driven driven =
        drive_text(head +
                       "scenarios: {s: {persona: p, model: instant, users: 1, every: 100ms}}\n"
                       "personas:\n  p:\n" +
                       step + rest + "}\n",
                   server.port());
    EXPECT_EQ(outcomes(driven, "a", Outcome::ok), 1u);
    return now() - began;
  };
  const Nanos honoured = took(", retry_after: true");
  EXPECT_GE(honoured, seconds{1});
  EXPECT_LT(took(", retry_after: true, wait_max: 10ms"), honoured) << "bounded";
  EXPECT_LT(took(""), honoured);
}

// ---- parallel

const std::string page =
    "    - parallel:\n"
    "        - get: /1\n          name: one\n"
    "        - get: /2\n          name: two\n"
    "        - - get: /3\n            name: three\n            capture: {x: /x}\n"
    "          - set: {y: x + 1}\n"
    "        - get: /4\n          name: four\n"
    "      name: page\n";

TEST(DriveParallel, BranchesRunSideBySideOverConnectionsOfTheUser) {
  ScriptedServer server([](const Seen& seen) {
    Reply reply = after(milliseconds{200});
    if (seen.target == "/3") reply.body = R"({"x":41})";
    if (seen.target.starts_with("/end")) reply.delay = milliseconds{0};
    return reply;
  });
  const Driven driven = drive_text(
      head +
          "scenarios: {s: {persona: p, model: instant, users: 2, rounds: 3, every: 700ms}}\n"
          "personas:\n  p:\n" +
          page + "    - get: /end/${y}\n      name: end\n",
      server.port());
  EXPECT_EQ(driven.series("page").count(), 6u);
  EXPECT_EQ(outcomes(driven, "three", Outcome::ok), 6u);
  const auto& whole = driven.series("page").response[0];
  EXPECT_GE(*whole.min(), milliseconds{200});
  EXPECT_LT(*whole.min(), milliseconds{800}) << "four times 200 ms, but not in a row";
  EXPECT_EQ(server.connections, 8u) << "four for each user, kept from page to page";
  EXPECT_EQ(driven.count(Outcome::assertion_failed), 0u);
}

TEST(DriveParallel, NoMoreBranchesAtOnceThanConnections) {
  std::mutex mutex;
  std::set<std::uint64_t> connections;
  ScriptedServer server([&](const Seen& seen) {
    const std::lock_guard lock(mutex);
    connections.insert(seen.connection);
    return after(milliseconds{20});
  });
  const Driven driven = drive_text(sessions(1, page + "      connections: 2\n"), server.port());
  EXPECT_EQ(connections.size(), 2u);
  EXPECT_EQ(outcomes(driven, "four", Outcome::ok), 1u);
}

TEST(DriveParallel, CapturesOfBranchesAreSeenAfterwardsAndNotByEachOther) {
  std::set<std::string> targets;
  ScriptedServer server([&targets](const Seen& seen) {
    targets.insert(seen.target);
    Reply reply = after(milliseconds{seen.target == "/a" ? 1 : 60});
    reply.body = R"({"v":")" + seen.target.substr(1) + R"("})";
    return reply;
  });
  (void)drive_text(
      sessions(1,
               "    - set: {x: \"'old'\"}\n"
               "    - parallel:\n"
               "        - get: /a\n          name: a\n          capture: {x: /v}\n"
               "        - - get: /b\n            name: b\n            capture: {y: /v}\n"
               "          - get: /c/${x}\n            name: c\n"
               "      name: page\n"
               "    - get: /end/${x}/${y}/${status}\n      name: end\n"),
      server.port());
  EXPECT_EQ(targets, (std::set<std::string>{"/a", "/b", "/c/old", "/end/a/b/200"}));
}

TEST(DriveParallel, RandomChoicesOfABranchDependOnTheBranchAlone) {
  const auto targets_with = [](bool first_is_slow) {
    std::multiset<std::string> targets;
    ScriptedServer server([&](const Seen& seen) {
      targets.insert(seen.target);
      return after(milliseconds{seen.target.starts_with("/a") == first_is_slow ? 40 : 1});
    });
    std::string branches;
    for (const char* name : {"a", "b", "c"}) {
      const std::string step = std::string("get: /") + name + "/${uuid}";
      branches += "        - - {\"get\": \"/" + std::string(name) + "/${uuid}\", name: " + name +
                  "1}\n          - {\"get\": \"/" + name + "/${uuid}\", name: " + name + "2}\n";
    }
    (void)drive_text(sessions(2, "    - parallel:\n" + branches +
                                     "      name: page\n      connections: 2\n"
                                     "    - get: /end/${uuid}\n      name: end\n"),
                     server.port());
    return targets;
  };
  EXPECT_EQ(targets_with(true), targets_with(false));
}

TEST(DriveParallel, TheGroupTellsOfTheFirstBranchThatWentWrong) {
  ScriptedServer server([](const Seen& seen) {
    return status(seen.target == "/2" ? 500 : seen.target == "/4" ? 409 : 200);
  });
  const std::string steps =
      "    - parallel: [{get: /1, name: one}, {get: /2, name: two}, {get: /4, name: four}]\n"
      "      name: page\n    - get: /end/${outcome}/${status}\n      name: end\n"
      "    - if: outcome == 'ok'\n      then: [{count: went_on}]\n";
  const Driven driven = drive_text(sessions(3, steps), server.port());
  EXPECT_EQ(outcomes(driven, "page", Outcome::http_error), 3u);
  EXPECT_EQ(counter(driven, "went_on"), 3u);
  EXPECT_EQ(driven.total().sessions.completed, 3u);
}

TEST(DriveParallel, ARetryWithinABranchAndAroundAGroup) {
  int two = 0, pages = 0;
  ScriptedServer server([&](const Seen& seen) {
    if (seen.target == "/1") ++pages;
    if (seen.target == "/2") return status(++two == 1 ? 429 : 200);
    if (seen.target == "/3") return status(pages == 1 ? 503 : 200);
    return Reply{};
  });
  const Driven driven =
      drive_text(sessions(1,
                          "    - retry: {times: 2, on: http_error, wait: 1ms}\n      do:\n"
                          "        - parallel:\n"
                          "            - get: /1\n              name: one\n"
                          "            - get: /2\n              name: two\n"
                          "              retry: {times: 1, wait: 1ms}\n"
                          "            - get: /3\n              name: three\n"
                          "          name: page\n"),
                 server.port());
  EXPECT_EQ(outcomes(driven, "two", Outcome::shed), 1u);
  EXPECT_EQ(outcomes(driven, "two", Outcome::ok), 2u);
  EXPECT_EQ(outcomes(driven, "page", Outcome::http_error), 1u);
  EXPECT_EQ(outcomes(driven, "page", Outcome::ok), 1u);
  EXPECT_EQ(counter(driven, "retries"), 2u);
}

TEST(DriveParallel, ARefusedConnectionFailsTheSessionOnce) {
  const Driven driven = drive_text(sessions(3, page), ::test::unused_port());
  EXPECT_EQ(driven.total().sessions.failed, 3u);
  EXPECT_EQ(outcomes(driven, "page", Outcome::connect_failed), 3u);
}

// ---- rendezvous

TEST(DriveRendezvous, UsersOfAllWorkersLeaveTogether) {
  std::mutex mutex;
  std::vector<TimePoint> came;
  ScriptedServer server([&](const Seen& seen) {
    if (seen.target != "/go") return after(milliseconds{(seen.number % 10) * 20});
    const std::lock_guard lock(mutex);
    came.push_back(now());
    return Reply{};
  });
  const Driven driven =
      drive_text(head +
                     "workers: 2\nscenarios: {s: {persona: p, model: instant, users: 20}}\n"
                     "personas:\n  p:\n    - get: /come\n      name: come\n"
                     "    - rendezvous: 20\n      name: gate\n      timeout: 5s\n"
                     "    - get: /go\n      name: go\n",
                 server.port());
  EXPECT_EQ(outcomes(driven, "gate", Outcome::ok), 20u);
  EXPECT_EQ(outcomes(driven, "go", Outcome::ok), 20u);
  const auto& waits = driven.series("gate").response[0];
  EXPECT_GE(*waits.max() - *waits.min(), milliseconds{100}) << "they came one after the other";
  // The instant of leaving is when the next step is due; what is late is lag, not part of the wait.
  const auto [first, last] = std::minmax_element(came.begin(), came.end());
  EXPECT_LT(*last - *first, *waits.max()) << "and left together";
}

TEST(DriveRendezvous, ATimeOutLetsGoWhoIsThere) {
  ScriptedServer server([](const Seen&) { return Reply{}; });
  const Driven driven =
      drive_text(sessions(3,
                          "    - rendezvous: 50\n      name: gate\n      timeout: 300ms\n"
                          "    - get: /go/${outcome}\n      name: go\n"),
                 server.port());
  EXPECT_EQ(outcomes(driven, "gate", Outcome::timed_out), 3u);
  EXPECT_EQ(outcomes(driven, "go", Outcome::ok), 3u);
  EXPECT_EQ(driven.total().sessions.completed, 3u);
}

// ---- pacing

TEST(DrivePacing, SessionsStartNoFasterThanThePaceAndLateOnesAreCounted) {
  ScriptedServer server(
      [](const Seen& seen) { return after(milliseconds{seen.number == 2 ? 350 : 0}); });
  const Driven driven =
      drive_text(head +
                     "scenarios: {s: {persona: p, model: closed, start: 1, stages: \"1500ms:1\", "
                     "pacing: 150ms}}\npersonas:\n  p:\n    - get: /a\n      name: a\n",
                 server.port());
  // 1.5 s hold ten sessions, one of which takes more than twice its time: the two starts it has
  // cost are not made up for.
  EXPECT_LE(driven.total().sessions.scheduled, 9u);
  EXPECT_GE(driven.total().sessions.scheduled, 4u);
  EXPECT_GE(counter(driven, "pacing_missed"), 1u);
  EXPECT_EQ(driven.total().sessions.completed, driven.total().sessions.scheduled);
}

// ---- cut off in the middle

// Each profile stands in the middle of something when it is stopped.
const std::vector<std::pair<std::string, std::string>>& middles() {
  static const std::vector<std::pair<std::string, std::string>> table{
      {"a wait between tries",
       "    - get: /bad\n      name: a\n      retry: {times: 9, on: http_error, wait: 1m, "
       "wait_max: 1m}\n"},
      {"a try", "    - get: /slow\n      name: a\n      timeout: 1m\n      retry: 3\n"},
      {"a group",
       "    - parallel:\n        - {\"get\": /slow, name: a, timeout: 1m}\n"
       "        - {\"get\": /fast, name: b}\n"
       "        - [{think: 1m}, {get: /never, name: c}]\n"
       "        - {\"get\": /queued, name: d}\n"
       "      name: page\n      connections: 2\n"},
      {"a rendezvous", "    - rendezvous: 1000\n      name: gate\n      timeout: 1m\n"}};
  return table;
}

Reply slow_or_bad(const Seen& seen) {
  if (seen.target == "/bad") return status(500);
  return after(milliseconds{seen.target == "/slow" ? 20'000 : 1});
}

TEST(DriveCutOff, AStopRequestLeavesNothingUncounted) {
  for (const auto& [what, steps] : middles()) {
    SCOPED_TRACE(what);
    ScriptedServer server(slow_or_bad);
    std::stop_source stop;
    std::jthread later([&stop, &server] {
      while (server.connections == 0 && !stop.stop_requested()) {
        std::this_thread::sleep_for(milliseconds{300});
        if (server.connections == 0) break;  // a rendezvous makes none
      }
      std::this_thread::sleep_for(milliseconds{100});
      stop.request_stop();
    });
    const TimePoint began = now();
    const Driven driven =
        drive_text(sessions(20, steps, "workers: 2\n"), server.port(), stop.get_token());
    EXPECT_LT(now() - began, seconds{15});
    EXPECT_TRUE(driven.outcome.interrupted);
    EXPECT_EQ(driven.total().sessions.completed, 0u);
    EXPECT_GT(driven.total().sessions.unfinished, 0u);
  }
}

TEST(DriveCutOff, TheEndOfTheDrainLeavesNothingUncounted) {
  for (const auto& [what, steps] : middles()) {
    SCOPED_TRACE(what);
    ScriptedServer server(slow_or_bad);
    std::string text = sessions(20, steps, "workers: 2\n");
    text.replace(text.find("drain: 5s"), 9, "drain: 100ms");
    const TimePoint began = now();
    const Driven driven = drive_text(text, server.port());
    EXPECT_LT(now() - began, seconds{15});
    EXPECT_EQ(driven.total().sessions.unfinished, 20u);
  }
}

// ---- setup and teardown

TEST(Phases, FindValuesForTheSessionsAndKeepTheirOwnBooks) {
  std::map<std::string, int> targets;
  ScriptedServer server([&targets](const Seen& seen) {
    ++targets[seen.target];
    Reply reply;
    if (seen.method == "POST") reply.body = R"({"id":77})";
    return reply;
  });
  auto loaded =
      load(sessions(5, "    - get: /p/${project}\n      name: a\n",
                    "setup:\n  - post: /p\n    name: create\n    capture: {project: /id}\n"
                    "teardown:\n  - delete: /p/${project}\n    name: remove\n"),
           server.port());
  CompiledRun& run = loaded->driven.run;
  const PhaseOutcome setup = run_phase(loaded->plan, PhaseKind::setup, seconds{10}, {});
  ASSERT_FALSE(setup.failed) << setup.problem;
  ASSERT_EQ(setup.values.size(), 1u);
  EXPECT_EQ(setup.measured.series.at(0).count(), 1u);
  for (const auto& value : setup.values) run.run_values.push_back(value);
  const LoadOutcome outcome = drive(loaded->plan, {}, [](const LoadSecond&) {});
  EXPECT_EQ(outcome.measured.requests_begun, 5u) << "the set-up is not part of the load";
  const PhaseOutcome teardown = run_phase(loaded->plan, PhaseKind::teardown, seconds{10}, {});
  EXPECT_FALSE(teardown.failed) << teardown.problem;
  EXPECT_EQ(targets, (std::map<std::string, int>{{"/p", 1}, {"/p/77", 6}}));
}

TEST(Phases, FailWithTheFirstAnswerThatIsNotOkAndSayWhich) {
  ScriptedServer server([](const Seen& seen) { return status(seen.target == "/b" ? 409 : 200); });
  auto loaded = load(sessions(1, "    - stop: {}\n",
                              "setup:\n  - get: /a\n    name: a\n  - get: /b\n    name: b\n"
                              "  - get: /c\n    name: c\n"),
                     server.port());
  const PhaseOutcome setup = run_phase(loaded->plan, PhaseKind::setup, seconds{10}, {});
  EXPECT_TRUE(setup.failed);
  EXPECT_EQ(setup.problem, "setup: b ended as conflict");
  EXPECT_EQ(server.requests, 2u);
}

TEST(Phases, ARetryThatSucceedsIsNoFailure) {
  ScriptedServer server([](const Seen& seen) { return status(seen.number == 0 ? 503 : 200); });
  auto loaded = load(
      sessions(
          1, "    - stop: {}\n",
          "setup:\n  - get: /a\n    name: a\n    retry: {times: 2, on: http_error, wait: 1ms}\n"
          "  - get: /b\n    name: b\n"),
      server.port());
  const PhaseOutcome setup = run_phase(loaded->plan, PhaseKind::setup, seconds{10}, {});
  EXPECT_FALSE(setup.failed) << setup.problem;
  EXPECT_EQ(server.requests, 3u);
}

TEST(Phases, AreBoundedAndCanBeInterrupted) {
  ScriptedServer server([](const Seen&) { return after(milliseconds{20'000}); });
  auto loaded =
      load(sessions(1, "    - stop: {}\n", "setup:\n  - get: /a\n    name: a\n    timeout: 1m\n"),
           server.port());
  const PhaseOutcome bounded = run_phase(loaded->plan, PhaseKind::setup, milliseconds{300}, {});
  EXPECT_TRUE(bounded.failed);
  EXPECT_FALSE(bounded.interrupted);
  EXPECT_NE(bounded.problem.find("not done within 0.3 s"), std::string::npos) << bounded.problem;
  std::stop_source stop;
  stop.request_stop();
  const PhaseOutcome stopped =
      run_phase(loaded->plan, PhaseKind::setup, seconds{30}, stop.get_token());
  EXPECT_TRUE(stopped.failed);
  EXPECT_TRUE(stopped.interrupted);
  EXPECT_LT(stopped.took, seconds{15});
}

}  // namespace
}  // namespace stampede::test
