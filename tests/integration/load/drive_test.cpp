// Goal: every arrival and every request is accounted for, whatever the server does, and lateness is
// charged to whoever waited. Method: real sockets on the loopback against a server that follows a
// script.
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;

Reply answer(const Seen&) { return {}; }
Reply of_kind(Reply::Kind kind) {
  Reply reply;
  reply.kind = kind;
  return reply;
}

TEST(Drive, EveryArrivalOfAnOpenLoadIsDriven) {
  ScriptedServer server(answer);
  Drive drive;
  drive.load = regular(400, seconds{1});
  drive.steps = {get("home", "/")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.total().sessions.scheduled, 400u);
  EXPECT_EQ(driven.total().sessions.completed, 400u);
  EXPECT_EQ(driven.outcome.scheduled_measured, 400u);
  EXPECT_EQ(driven.count(Outcome::ok), 400u);
  EXPECT_EQ(server.requests, 400u);
  EXPECT_LT(server.connections, 200u) << "connections of finished sessions are used again";
  EXPECT_GT(driven.total().bytes_in, 400u * 20);
  EXPECT_GT(driven.total().loop_lag.count(), 20u);
}

// As wrk2 does it: one connection, a server of 20 ms, 100 arrivals a second for half a second. Half
// of them come due while their connection is busy; they wait, are sent, and carry their waiting.
TEST(Drive, ArrivalsThatFindNoFreeUserWaitWhenTold) {
  ScriptedServer server([](const Seen&) {
    std::this_thread::sleep_for(milliseconds{20});
    return Reply{};
  });
  Drive drive;
  OpenLoad load = regular(100, milliseconds{500});
  load.waits_when_full = true;
  drive.load = load;
  drive.length = seconds{2};
  drive.users_max = 1;
  drive.steps = {get("home", "/")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.total().sessions.scheduled, 50u);
  EXPECT_EQ(driven.total().sessions.not_sent, 0u);
  EXPECT_EQ(driven.count(Outcome::ok), 50u);
  EXPECT_EQ(server.connections, 1u);
  const SeriesSnapshot& series = driven.series("home");
  // 50 × 20 ms of service within 500 ms of arrivals: the last waits for 500 ms at least.
  EXPECT_GE(*series.response[0].max(), milliseconds{480});
  EXPECT_GE(*series.lag.max(), milliseconds{460});
}

TEST(Drive, WhatStillWaitsAtTheEndWasNotSent) {
  ScriptedServer server([](const Seen&) {
    std::this_thread::sleep_for(milliseconds{50});
    return Reply{};
  });
  Drive drive;
  OpenLoad load = regular(100, milliseconds{500});
  load.waits_when_full = true;
  drive.load = load;
  drive.length = milliseconds{500};
  drive.users_max = 1;
  drive.steps = {get("home", "/")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.total().sessions.scheduled, 50u);
  EXPECT_GE(driven.total().sessions.not_sent, 30u);
  EXPECT_EQ(driven.total().sessions.not_sent + driven.count(Outcome::ok), 50u);
}

TEST(Drive, WorkersShareTheArrivals) {
  ScriptedServer server(answer);
  Drive drive;
  drive.load = regular(300, seconds{1});
  drive.workers = 3;
  drive.steps = {get("home", "/")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), 300u);
}

TEST(Drive, WarmUpIsKeptApartByIntendedTime) {
  ScriptedServer server(answer);
  Drive drive;
  drive.load = regular(100, seconds{1});
  drive.warm_up = milliseconds{500};
  drive.steps = {get("home", "/")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.outcome.warm_up.sessions.scheduled, 50u);
  EXPECT_EQ(driven.total().sessions.scheduled, 50u);
  EXPECT_EQ(driven.outcome.scheduled_measured, 50u);
}

// A frozen server answers each request quickly once it runs again; only the time since the intended
// start shows it.
TEST(Drive, AStallIsChargedToEveryWaitingArrival) {
  ScriptedServer server([](const Seen& seen) {
    if (seen.number == 100) std::this_thread::sleep_for(milliseconds{600});
    return Reply{};
  });
  Drive drive;
  drive.load = regular(200, seconds{2});
  drive.length = seconds{2};
  drive.model = "closed-like";
  drive.users_max = 0;
  drive.steps = {get("home", "/")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  const SeriesSnapshot& home = driven.series("home");
  EXPECT_EQ(home.count(), 400u);
  const auto& response = home.response[static_cast<std::size_t>(Outcome::ok)];
  EXPECT_GT(*response.quantile(0.99), milliseconds{400});
  EXPECT_GT(*response.quantile(0.85), milliseconds{150}) << "about 120 of 400 arrivals waited";
  EXPECT_LT(*response.quantile(0.5), milliseconds{100});
}

TEST(Drive, EachFailureOfTheServerHasItsOwnOutcome) {
  const std::vector<std::pair<Reply::Kind, Outcome>> table{
      {Reply::Kind::reset, Outcome::disconnected},
      {Reply::Kind::close, Outcome::disconnected},
      {Reply::Kind::half_body, Outcome::disconnected},
      {Reply::Kind::garbage, Outcome::malformed},
      {Reply::Kind::silence, Outcome::timed_out}};
  for (const auto& [kind, outcome] : table) {
    ScriptedServer server([how = kind](const Seen&) { return of_kind(how); });
    Drive drive;
    drive.load = regular(40, milliseconds{500});
    drive.length = milliseconds{500};
    drive.steps = {get("home", "/", milliseconds{300})};
    const Driven driven = drive.against(server.port());
    SCOPED_TRACE(name_of(outcome));
    driven.expect_closed_balance();
    EXPECT_EQ(driven.count(outcome), 20u);
    EXPECT_EQ(driven.total().sessions.completed, 20u);
    EXPECT_NE(driven.example(outcome), "");
  }
}

TEST(Drive, ATimeoutEntersWithItsValue) {
  ScriptedServer server([](const Seen&) { return of_kind(Reply::Kind::silence); });
  Drive drive;
  drive.load = regular(10, milliseconds{500});
  drive.length = milliseconds{500};
  drive.steps = {get("home", "/", milliseconds{300})};
  const Driven driven = drive.against(server.port());
  const auto& home = driven.series("home").response[static_cast<std::size_t>(Outcome::timed_out)];
  ASSERT_EQ(home.count(), 5u);
  EXPECT_GE(*home.min(), milliseconds{300});
  EXPECT_LT(*home.quantile(0.5), milliseconds{450});
}

TEST(Drive, ARefusedConnectionFailsTheSession) {
  Drive drive;
  drive.load = regular(40, milliseconds{500});
  drive.length = milliseconds{500};
  drive.steps = {get("home", "/"), get("never", "/")};
  const Driven driven = drive.against(::test::unused_port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::connect_failed), 20u);
  EXPECT_EQ(driven.total().sessions.failed, 20u);
  EXPECT_EQ(driven.series("never").count(), 0u);
  EXPECT_NE(driven.example(Outcome::connect_failed).find("refused"), std::string::npos);
}

TEST(Drive, StatusesAreClassifiedAndTheCodeIsAVariable) {
  ScriptedServer server([](const Seen& seen) {
    Reply reply;
    if (seen.target == "/hold") {
      reply.status = 409;
      reply.body = R"({"code":"SEAT_HELD"})";
    }
    if (seen.target == "/busy") {
      reply.status = 503;
      reply.body = R"({"code":"OVERLOADED"})";
    }
    if (seen.target == "/broken") reply.status = 500;
    return reply;
  });
  Drive drive;
  drive.load = regular(10, seconds{1});
  drive.model = "partly-open";
  drive.steps = {post("hold", "/hold", "{}"), get("told", "/told?${status}-${outcome}-${code}"),
                 get("busy", "/busy"), get("broken", "/broken")};
  std::get<HttpSpec>(drive.steps[1].action).path.text = "/told?${status}-${outcome}-${code}";
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.series("hold").outcomes[static_cast<std::size_t>(Outcome::conflict)], 10u);
  EXPECT_EQ(driven.series("busy").outcomes[static_cast<std::size_t>(Outcome::shed)], 10u);
  EXPECT_EQ(driven.series("broken").outcomes[static_cast<std::size_t>(Outcome::http_error)], 10u);
  EXPECT_EQ(server.connections, 10u) << "a partly-open session has a connection of its own";
}

TEST(Drive, VariablesOfTheLastAnswerReachTheNextRequest) {
  std::string target;
  ScriptedServer server([&target](const Seen& seen) {
    Reply reply;
    if (seen.target.starts_with("/told")) {
      target = seen.target;
    } else {
      reply.status = 410;
      reply.body = R"({"code":"HOLD_EXPIRED"})";
    }
    return reply;
  });
  Drive drive;
  drive.load = regular(1, seconds{1});
  drive.steps = {get("first", "/first"), get("told", "/told?${status}-${outcome}-${code}")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(target, "/told?410-gone-HOLD_EXPIRED");
}

TEST(Drive, ACaptureThatFindsNothingIsAnAssertionFailure) {
  ScriptedServer server([](const Seen&) {
    Reply reply;
    reply.body = R"({"id":7})";
    return reply;
  });
  Drive drive;
  drive.load = regular(10, seconds{1});
  StepSpec good = get("good", "/");
  CaptureSpec id;
  id.variable = "found";
  id.pointer = "/id";
  std::get<HttpSpec>(good.action).captures = {id};
  StepSpec bad = get("bad", "/${found}");
  id.pointer = "/absent";
  id.variable = "lost";
  std::get<HttpSpec>(bad.action).captures = {id};
  drive.steps = {good, bad};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.series("good").outcomes[0], 10u);
  EXPECT_EQ(driven.series("bad").outcomes[static_cast<std::size_t>(Outcome::assertion_failed)],
            10u);
}

TEST(Drive, WhatIsStillRunningAfterTheDrainIsUnfinished) {
  ScriptedServer server([](const Seen&) { return of_kind(Reply::Kind::silence); });
  Drive drive;
  drive.load = regular(50, seconds{1});
  drive.drain = milliseconds{200};
  drive.steps = {get("home", "/", seconds{60})};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::unfinished), 50u);
  EXPECT_EQ(driven.total().sessions.unfinished, 50u);
  const auto& age = driven.series("home").response[static_cast<std::size_t>(Outcome::unfinished)];
  EXPECT_GT(*age.max(), seconds{1}) << "recorded at its age";
}

TEST(Drive, UsersMaxTurnsArrivalsAwayAndCountsThem) {
  ScriptedServer server(answer);
  Drive drive;
  drive.model = "partly-open";
  drive.load = regular(100, seconds{1});
  drive.users_max = 10;
  drive.steps = {get("home", "/"), think(3)};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.total().sessions.scheduled, 100u);
  EXPECT_EQ(driven.total().sessions.not_sent, 90u);
  EXPECT_EQ(driven.total().sessions.completed, 10u);
}

TEST(Drive, AnInstantFiresAllItsUsersTogetherAndInEveryRound) {
  std::vector<std::string> targets;
  ScriptedServer server([&targets](const Seen& seen) {
    targets.push_back(seen.target);
    return Reply{};
  });
  Drive drive;
  drive.model = "instant";
  drive.load = InstantLoad{20, 2, milliseconds{500}, {}};
  drive.start_at = milliseconds{300};
  drive.length = seconds{2};
  StepSpec connect;
  connect.name = "connection";
  connect.action = ConnectSpec{};
  drive.prepare = {connect};
  drive.steps = {get("fire", "/${round}/${user}")};
  for (std::uint64_t i = 0; i < 50; ++i) drive.users.push_back({1000 + i, ""});
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.total().sessions.scheduled, 40u);
  EXPECT_EQ(driven.total().sessions.completed, 40u);
  EXPECT_EQ(driven.outcome.scheduled_measured, 40u);
  EXPECT_EQ(driven.series("connection").outcomes[0], 20u) << "connections last over the rounds";
  const SeriesSnapshot& fire = driven.series("fire");
  EXPECT_EQ(fire.outcomes[0], 40u);
  EXPECT_LT(*fire.lag.quantile(0.5), milliseconds{450});
  std::sort(targets.begin(), targets.end());
  ASSERT_EQ(targets.size(), 40u);
  EXPECT_EQ(targets.front(), "/0/1000");
  EXPECT_EQ(targets.back(), "/1/1019") << "the same users fire in every round";
}

TEST(Drive, AUserWhoIsNotReadyAtTheInstantFiresLate) {
  ScriptedServer server([](const Seen& seen) {
    Reply reply;
    if (seen.target == "/prepare") reply.delay = milliseconds{700};
    return reply;
  });
  Drive drive;
  drive.model = "instant";
  drive.load = InstantLoad{5, 1, seconds{1}, {}};
  drive.start_at = milliseconds{300};
  drive.length = seconds{1};
  drive.prepare = {get("prepare", "/prepare")};
  drive.steps = {get("fire", "/fire")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_GT(*driven.series("fire").lag.min(), milliseconds{300});
}

TEST(Drive, AClosedRampHasAsManyUsersAsTheShapeSays) {
  ScriptedServer server([](const Seen&) {
    Reply reply;
    reply.delay = milliseconds{20};
    return reply;
  });
  Drive drive;
  drive.model = "closed";
  drive.load = ClosedLoad{0, {{seconds{1}, 10}, {seconds{1}, 10}, {seconds{1}, 0}}};
  drive.length = seconds{3};
  drive.steps = {get("home", "/")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.total().sessions.failed + driven.total().sessions.unfinished, 0u);
  ASSERT_GE(driven.seconds.size(), 3u);
  EXPECT_GE(driven.seconds[1].gauges.users_alive, 9u);
  EXPECT_LE(driven.seconds[1].gauges.users_alive, 10u);
  EXPECT_EQ(server.connections, 10u) << "a closed user keeps its connection";
  EXPECT_GT(driven.count(Outcome::ok), 100u);
  EXPECT_LT(driven.count(Outcome::ok), 1100u);
}

TEST(Drive, AStopRequestClosesTheBalanceAtOnce) {
  ScriptedServer server([](const Seen& seen) {
    return seen.number % 2 == 0 ? Reply{} : of_kind(Reply::Kind::silence);
  });
  Drive drive;
  drive.model = "partly-open";
  drive.load = regular(100, seconds{60});
  drive.length = seconds{60};
  drive.steps = {get("home", "/", seconds{60}), think(30)};
  std::stop_source stop;
  std::jthread stopper([&stop] {
    std::this_thread::sleep_for(milliseconds{500});
    stop.request_stop();
  });
  const TimePoint began = now();
  const Driven driven = drive.against(server.port(), stop.get_token());
  EXPECT_LT(now() - began, seconds{10});
  driven.expect_closed_balance();
  EXPECT_TRUE(driven.outcome.interrupted);
  EXPECT_NE(driven.outcome.stopped_because, "");
  EXPECT_GT(driven.total().sessions.unfinished, 10u);
  EXPECT_EQ(driven.total().sessions.completed, 0u);
}

TEST(Drive, AStopRequestClosesTheBalanceOfEveryShape) {
  ScriptedServer server([](const Seen& seen) {
    return seen.target == "/slow" ? of_kind(Reply::Kind::silence) : Reply{};
  });
  const std::vector<std::pair<std::string, LoadShape>> shapes{
      {"closed", ClosedLoad{20, {{seconds{60}, 20}}}},
      {"instant", InstantLoad{20, 50, milliseconds{100}, {}}},
      {"instant", InstantLoad{20, 1, seconds{1}, {}}}};
  for (const auto& [model, shape] : shapes) {
    Drive drive;
    drive.model = model;
    drive.load = shape;
    drive.length = seconds{60};
    // The last shape is stopped before its instant has come.
    const bool early = &shape == &shapes.back().second;
    drive.start_at = model == "closed" ? milliseconds{0} : milliseconds{early ? 30'000 : 100};
    drive.steps = {get("home", "/"), get("slow", "/slow", milliseconds{150})};
    std::stop_source stop;
    std::jthread stopper([&stop] {
      std::this_thread::sleep_for(milliseconds{700});
      stop.request_stop();
    });
    const Driven driven = drive.against(server.port(), stop.get_token());
    SCOPED_TRACE(model);
    driven.expect_closed_balance();
    EXPECT_TRUE(driven.outcome.interrupted);
    EXPECT_EQ(driven.total().sessions.scheduled == 0, early);
  }
}

TEST(Drive, AConnectionThatDiedWhileIdleIsReplacedWithoutAnError) {
  ScriptedServer server([](const Seen&) {
    Reply reply;
    reply.close_after = true;
    return reply;
  });
  Drive drive;
  drive.load = regular(20, seconds{1});
  drive.steps = {get("home", "/")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), 20u);
  EXPECT_EQ(driven.total().connections, server.connections);
}

// A POST must not be sent twice, so the connection is looked at before.
TEST(Drive, APostDoesNotGoIntoADeadConnection) {
  ScriptedServer server([](const Seen&) {
    Reply reply;
    reply.close_after = true;
    return reply;
  });
  Drive drive;
  drive.load = regular(20, seconds{1});
  drive.steps = {post("hold", "/", "{}")};
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 20u);
  EXPECT_EQ(server.requests, 20u);
}

TEST(Drive, APostWhoseAnswerIsLostIsNotRepeated) {
  ScriptedServer server([](const Seen& seen) {
    return seen.nth_on_connection == 0 ? Reply{} : of_kind(Reply::Kind::close);
  });
  Drive drive;
  drive.load = regular(10, seconds{1});
  drive.steps = {post("first", "/", "{}"), post("second", "/", "{}")};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.series("second").outcomes[static_cast<std::size_t>(Outcome::disconnected)], 10u);
  EXPECT_EQ(server.requests, 20u);
}

TEST(Drive, AnswersInPiecesAreWhole) {
  ScriptedServer server([](const Seen&) {
    Reply reply;
    reply.in_pieces = true;
    reply.body = R"({"id":"a whole body"})";
    return reply;
  });
  Drive drive;
  drive.load = regular(10, seconds{1});
  drive.steps = {get("home", "/")};
  CaptureSpec id;
  id.variable = "found";
  id.pointer = "/id";
  std::get<HttpSpec>(drive.steps[0].action).captures = {id};
  const Driven driven = drive.against(server.port());
  EXPECT_EQ(driven.count(Outcome::ok), 10u);
}

// A body that a capture looks into is kept, and only up to the limit.
TEST(Drive, AKeptBodyOverTheLimitIsMalformed) {
  ScriptedServer server([](const Seen&) {
    Reply reply;
    reply.body.assign((1 << 20) + 1, 'x');
    return reply;
  });
  Drive drive;
  drive.load = regular(3, seconds{1});
  StepSpec step = get("home", "/");
  CaptureSpec capture;
  capture.variable = "x";
  capture.pointer = "/x";
  std::get<HttpSpec>(step.action).captures = {capture};
  drive.steps = {step};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::malformed), 3u);
}

TEST(Drive, TheLedgerTellsWhatWasDone) {
  ScriptedServer server([](const Seen& seen) {
    Reply reply;
    reply.status = seen.number % 2 == 0 ? 201 : 504;
    return reply;
  });
  Drive drive;
  drive.load = regular(10, seconds{1});
  StepSpec hold = post("hold", "/hold", "{}");
  RecordSpec record;
  record.kind = "hold";
  record.fields = {{"event", {"4", {}}}, {"key", {"k${session}", {}}}, {"seats", {"[3,17]", {}}}};
  hold.record = record;
  drive.steps = {hold};
  drive.users = {{77, "t"}};
  const Driven driven = drive.against(server.port());
  const auto& entries = driven.outcome.ledger.entries();
  ASSERT_EQ(entries.size(), 10u);
  std::uint64_t applied = 0;
  for (const LedgerEntry& entry : entries) {
    EXPECT_EQ(entry.user, 77u);
    EXPECT_EQ(entry.event, 4u);
    EXPECT_EQ(entry.seats, (std::vector<std::uint32_t>{3, 17}));
    EXPECT_EQ(entry.key, "k" + std::to_string(entry.session));
    EXPECT_LE(entry.invoked, entry.completed);
    applied += entry.certainty == Certainty::applied;
    EXPECT_NE(entry.certainty, Certainty::not_applied);
  }
  EXPECT_EQ(applied, 5u);
}

TEST(Drive, ALoadBeyondTheDescriptorLimitSaysHowToRaiseIt) {
  Drive drive;
  drive.load = regular(1, seconds{1});
  drive.users_max = 3'000'000'000;
  drive.steps = {get("home", "/")};
  try {
    (void)drive.against(1);
    FAIL() << "a load that needs 3,000,000,000 files began";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("3000000200"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("ulimit"), std::string::npos);
  }
}

}  // namespace
}  // namespace stampede::test
