// Goal: what WebSockets and event streams measure, and what they do with a server that breaks the
// rules. Method: servers that send exactly the bytes of a script; figures are compared with what
// the server saw, or counted.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "harness/protocol/frame_codec.hpp"
#include "tests/integration/load/profile_builder.hpp"
#include "tests/integration/load/stream_server.hpp"

namespace stampede::test {
namespace {

using Connection = StreamServer::Connection;
using std::string_literals::operator""s;

constexpr std::uint64_t sessions = 3;

Drive three_sessions(std::vector<StepSpec> steps) {
  Drive drive;
  drive.model = "partly-open";
  drive.load = regular(30, milliseconds{100});
  drive.length = milliseconds{100};
  drive.steps = std::move(steps);
  return drive;
}

StepSpec of(decltype(StepSpec::action) action) {
  StepSpec spec;
  spec.action = std::move(action);
  return spec;
}

StepSpec ws_any(Nanos timeout = seconds{5}) {
  StepSpec spec = ws_await("/unused", "", timeout);
  std::get<WsAwaitSpec>(spec.action).where.clear();
  return spec;
}

StepSpec sse_connect(SseConnectSpec connect = {}) {
  StepSpec spec;
  spec.name = "feed";
  spec.timeout = seconds{5};
  connect.path.text = "/events";
  spec.action = std::move(connect);
  return spec;
}

StepSpec sse_await(std::string event = {}, Nanos timeout = seconds{5}) {
  StepSpec spec;
  spec.name = "event";
  spec.timeout = timeout;
  spec.waits = true;
  SseAwaitSpec await;
  await.event = std::move(event);
  spec.action = std::move(await);
  return spec;
}

std::uint64_t of(const SeriesSnapshot& series, Outcome outcome) {
  return series.outcomes[static_cast<std::size_t>(outcome)];
}

Nanos longest(const SeriesSnapshot& series) { return series.response[0].max().value_or(Nanos{0}); }
Nanos shortest(const SeriesSnapshot& series) { return series.response[0].min().value_or(Nanos{0}); }

std::int64_t wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// --- WebSocket ----------------------------------------------------------------------------------

TEST(DriveWebSocketStreams, PingsMeasureTheRoundTrip) {
  StreamServer server([](Connection& connection) {
    connection.accept_websocket();
    while (const auto frame = connection.await_frame(9))
      connection.send_frame(0x8A, frame->payload);
  });
  StepSpec connect = ws_connect("/ws");
  std::get<WsConnectSpec>(connect.action).ping_every = milliseconds{50};
  const Driven driven = three_sessions({connect, think(0.5)}).against(server.port());
  driven.expect_closed_balance();
  const SeriesSnapshot& pings = driven.series("socket_ping");
  EXPECT_GE(of(pings, Outcome::ok), 3 * sessions);
  EXPECT_LE(of(pings, Outcome::ok), 10 * sessions);
  EXPECT_EQ(pings.count(), of(pings, Outcome::ok));
  EXPECT_GT(longest(pings), Nanos{0});
  EXPECT_LT(longest(pings), milliseconds{500});
}

TEST(DriveWebSocketStreams, AnUnansweredPingEndsTheSocket) {
  StreamServer server([](Connection& connection) {
    connection.accept_websocket();
    connection.await_end();
  });
  StepSpec connect = ws_connect("/ws");
  auto& spec = std::get<WsConnectSpec>(connect.action);
  spec.ping_every = milliseconds{30};
  spec.pong_timeout = milliseconds{60};
  const Driven driven = three_sessions({connect, ws_any()}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("socket_ping"), Outcome::timed_out), sessions);
  EXPECT_EQ(of(driven.series("message"), Outcome::disconnected), sessions);
  EXPECT_EQ(driven.total().streams.close_codes.at(1006), sessions);
}

TEST(DriveWebSocketStreams, APingUnderWayAtTheEndOfTheDrainIsUnfinished) {
  StreamServer server([](Connection& connection) {
    connection.accept_websocket();
    connection.await_end();
  });
  StepSpec connect = ws_connect("/ws");
  std::get<WsConnectSpec>(connect.action).ping_every = milliseconds{20};
  Drive drive = three_sessions({connect, think(60)});
  drive.drain = milliseconds{300};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("socket_ping"), Outcome::unfinished), sessions);
  EXPECT_EQ(driven.series("socket_ping").count(), sessions) << "one ping at a time";
}

TEST(DriveWebSocketStreams, AnswersThePingsOfTheServerWithTheirPayload) {
  std::atomic<unsigned> right{0};
  StreamServer server([&right](Connection& connection) {
    connection.accept_websocket();
    connection.send_frame(0x89, "are you there?");
    const auto pong = connection.await_frame(10);
    if (pong && pong->masked && pong->payload == "are you there?") ++right;
    connection.send_text("done");
    connection.await_end();
  });
  const Driven driven = three_sessions({ws_connect("/ws"), ws_any()}).against(server.port());
  EXPECT_EQ(right, sessions);
  EXPECT_EQ(driven.total().streams.pings_answered, sessions);
}

TEST(DriveWebSocketStreams, ClosesWithTheCodeAndReasonOfTheStep) {
  std::mutex mutex;
  std::multiset<std::string> closed;
  StreamServer server([&](Connection& connection) {
    connection.accept_websocket();
    const auto frame = connection.await_frame(8);
    if (frame) {
      const std::lock_guard lock(mutex);
      closed.insert(frame->payload);
    }
    connection.send_close(4001);
  });
  const Driven driven =
      three_sessions(
          {ws_connect("/ws"), of(WsCloseSpec{4001, Source{"bye ${session}", {}}}), think(0.1)})
          .against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(closed, (std::multiset<std::string>{"\x0f\xa1"
                                                "bye 0",
                                                "\x0f\xa1"
                                                "bye 1",
                                                "\x0f\xa1"
                                                "bye 2"}));
  EXPECT_GE(driven.total().streams.close_codes.at(4001), sessions - 1)
      << "the last may still have been on its way";
}

TEST(DriveWebSocketStreams, TheServersCodeIsAVariableAndCounted) {
  StreamServer server([](Connection& connection) {
    connection.accept_websocket();
    connection.send_close(connection.number == 0 ? std::uint16_t{4410} : std::uint16_t{1012});
    connection.await_end();
  });
  const StepSpec over = of(IfSpec{Source{"ws_code == 4410", {}}, {of(CountSpec{"over"})}, {}});
  const StepSpec restart =
      of(IfSpec{Source{"ws_code == 1012", {}}, {of(CountSpec{"restart"})}, {}});
  const Driven driven =
      three_sessions({ws_connect("/ws"), ws_any(), over, restart}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.total().counters, (std::vector<std::uint64_t>{1, sessions - 1}));
  EXPECT_EQ(driven.total().streams.close_codes.at(4410), 1u);
  EXPECT_EQ(driven.total().streams.close_codes.at(1012), sessions - 1);
}

// What a server sends that breaks a rule; the code with which it is told so.
void expect_given_up(const std::function<void(Connection&)>& offend, std::uint16_t code) {
  std::atomic<unsigned> told{0};
  StreamServer server([&](Connection& connection) {
    connection.accept_websocket();
    offend(connection);
    const auto frame = connection.await_frame(8);
    if (frame && frame->payload.substr(0, 2) == close_payload(code)) ++told;
  });
  StepSpec connect = ws_connect("/ws");
  std::get<WsConnectSpec>(connect.action).message_max = 100'000;
  const Driven driven = three_sessions({connect, ws_any()}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("message"), Outcome::malformed), sessions) << code;
  EXPECT_EQ(driven.total().streams.malformed, sessions) << code;
  EXPECT_EQ(told, sessions) << code;
}

TEST(DriveWebSocketStreams, AMessageOverTheLimitIsMalformed) {
  expect_given_up([](Connection& c) { c.send_frame(0x81, std::string(100'001, 'x')); }, 1009);
}
TEST(DriveWebSocketStreams, FragmentsOverTheLimitAreMalformed) {
  expect_given_up(
      [](Connection& c) {
        c.send_frame(0x01, std::string(60'000, 'x'));
        c.send_frame(0x80, std::string(60'000, 'x'));
      },
      1009);
}
TEST(DriveWebSocketStreams, TextThatIsNoUtf8IsMalformed) {
  expect_given_up([](Connection& c) { c.send_text("\xff\xfe"); }, 1007);
}
TEST(DriveWebSocketStreams, ALongControlFrameIsMalformed) {
  expect_given_up([](Connection& c) { c.send_frame(0x89, std::string(126, 'p')); }, 1002);
}

TEST(DriveWebSocketStreams, FragmentsWithinTheLimitAreOneMessage) {
  StreamServer server([](Connection& connection) {
    connection.accept_websocket();
    connection.send_frame(0x01, "{\"t\":\"wh");
    connection.send_frame(0x89, "between");
    connection.send_frame(0x00, "ol");
    connection.send_frame(0x80, "e\"}");
    connection.await_end();
  });
  const Driven driven =
      three_sessions({ws_connect("/ws"), ws_await("/t", "whole")}).against(server.port());
  EXPECT_EQ(of(driven.series("message"), Outcome::ok), sessions);
  EXPECT_EQ(driven.total().streams.messages_in, sessions);
}

TEST(DriveWebSocketStreams, EveryFrameHasAMaskOfItsOwn) {
  std::mutex mutex;
  std::set<std::uint32_t> masks;
  StreamServer server([&](Connection& connection) {
    connection.accept_websocket();
    for (int i = 0; i < 4; ++i) {
      const auto frame = connection.read_frame();
      const std::lock_guard lock(mutex);
      if (frame && frame->masked) masks.insert(frame->mask);
    }
  });
  (void)three_sessions({ws_connect("/ws"), ws_send("a"), ws_send("b"), ws_send("c"), ws_send("d")})
      .against(server.port());
  // The server may still be reading what was sent.
  const auto seen = [&] {
    const std::lock_guard lock(mutex);
    return masks.size();
  };
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (seen() < 4 * sessions && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(seen(), 4 * sessions);
}

TEST(DriveWebSocketStreams, BinaryMessagesAreSentFromBase64AndCounted) {
  std::atomic<unsigned> right{0};
  StreamServer server([&right](Connection& connection) {
    connection.accept_websocket();
    const auto frame = connection.read_frame();
    if (frame && frame->opcode == 2 && frame->payload == "\x00\x01\xff"s) ++right;
    connection.send_frame(0x82, "\xff\xfe");
    connection.send_text("and then a text");
    connection.await_end();
  });
  StepSpec contains = ws_any();
  std::get<WsAwaitSpec>(contains.action).contains = Source{"then a", {}};
  const Driven driven =
      three_sessions({ws_connect("/ws"), of(WsSendSpec{{"AAH/", {}}, true}), contains})
          .against(server.port());
  EXPECT_EQ(right, sessions);
  EXPECT_EQ(driven.total().streams.binary_in, sessions);
  EXPECT_EQ(of(driven.series("message"), Outcome::ok), sessions);
}

TEST(DriveWebSocketStreams, AwaitsAMessageInWhichAPatternIsFound) {
  StreamServer server([](Connection& connection) {
    connection.accept_websocket();
    connection.send_text("seat none is free");
    connection.send_text("Seat 12 is taken");
    connection.send_text("Seat 7 is free");
    connection.send_text("SEAT 8 IS FREE");
    connection.await_end();
  });
  StepSpec first = ws_any();
  std::get<WsAwaitSpec>(first.action).matches = Source{"Seat [0-9]+ is free", {}};
  StepSpec second = ws_any();
  second.name = "second";
  std::get<WsAwaitSpec>(second.action).matches = Source{"(?i)seat 8", {}};
  StepSpec never = ws_any(milliseconds{100});
  never.name = "never";
  std::get<WsAwaitSpec>(never.action).matches = Source{"^seat 9", {}};
  const Driven driven =
      three_sessions({ws_connect("/ws"), first, second, never}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("message"), Outcome::ok), sessions);
  EXPECT_EQ(of(driven.series("second"), Outcome::ok), sessions);
  EXPECT_EQ(of(driven.series("never"), Outcome::timed_out), sessions);
}

TEST(DriveWebSocketStreams, PushLagIsReceivedMinusStamped) {
  StreamServer server([](Connection& connection) {
    connection.accept_websocket();
    connection.send_text("{\"ts\":" + std::to_string(wall_clock_ms() - 2000) + "}");
    connection.send_text("{\"ts\":\"" + std::to_string(wall_clock_ms() - 2000) + "\"}");
    connection.send_text("{\"ts\":" + std::to_string(wall_clock_ms() + 60'000) + "}");
    connection.send_text("{\"ts\":17}");
    connection.send_text("no JSON");
    connection.send_text("{\"last\":true}");
    connection.await_end();
  });
  StepSpec connect = ws_connect("/ws");
  std::get<WsConnectSpec>(connect.action).push_lag = PushLagSpec{"/ts", milliseconds{1}, {}};
  const Driven driven = three_sessions({connect, ws_await("/last", "true")}).against(server.port());
  driven.expect_closed_balance();
  const SeriesSnapshot& lag = driven.series("socket_push_lag");
  EXPECT_EQ(of(lag, Outcome::ok), 2 * sessions);
  EXPECT_GE(shortest(lag), seconds{2} - milliseconds{2});
  EXPECT_LT(longest(lag), seconds{30});
  EXPECT_EQ(lag.lag.count(), 0u) << "nothing was sent that could have been late";
  EXPECT_EQ(driven.total().streams.push_lag_negative, sessions);
  EXPECT_EQ(driven.total().streams.push_lag_unusable, 3 * sessions);
}

TEST(DriveWebSocketStreams, AnotherSubProtocolThanAskedIsMalformed) {
  for (const std::string fields :
       {"", "Sec-WebSocket-Protocol: b\r\n", "Sec-WebSocket-Protocol: a\r\n"}) {
    StreamServer server([&fields](Connection& connection) {
      connection.accept_websocket(fields);
      connection.await_end();
    });
    StepSpec connect = ws_connect("/ws");
    std::get<WsConnectSpec>(connect.action).protocol = "a";
    const Driven driven = three_sessions({connect}).against(server.port());
    const bool agreed = fields.find(": a") != std::string::npos;
    EXPECT_EQ(driven.count(Outcome::malformed), agreed ? 0 : sessions) << fields;
    EXPECT_EQ(driven.count(Outcome::ok), agreed ? sessions : 0) << fields;
  }
}

// --- event streams ------------------------------------------------------------------------------

TEST(DriveEventStreams, MeasuresTheFirstEventAndTheGaps) {
  constexpr milliseconds pause{40};
  StreamServer server([&](Connection& connection) {
    EXPECT_EQ(connection.header("Accept"), "text/event-stream");
    connection.begin_events();
    std::this_thread::sleep_for(pause);
    connection.send_chunk(": a comment\n\nevent: snapshot\ndata: {\"v\":1}\n\n");
    std::this_thread::sleep_for(pause);
    connection.send_chunk("event: seats\nda");
    connection.send_chunk("ta: {\"v\":2,\"by\":\"me\"}\n\n");
    std::this_thread::sleep_for(pause);
    connection.send_chunk("data: last\n\n");
    connection.await_end();
  });
  StepSpec seats = sse_await("seats");
  auto& condition = std::get<SseAwaitSpec>(seats.action).data;
  condition.where.emplace_back("/v", Source{"2", {}});
  CaptureSpec capture;
  capture.variable = "by";
  capture.pointer = "/by";
  condition.captures = {capture};
  StepSpec last = sse_await();
  std::get<SseAwaitSpec>(last.action).data.contains = Source{"last", {}};
  const StepSpec mine = of(IfSpec{Source{"by == 'me'", {}}, {of(CountSpec{"mine"})}, {}});
  const Driven driven =
      three_sessions({sse_connect(), seats, mine, last, of(SseCloseSpec{})}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("feed"), Outcome::ok), sessions);
  EXPECT_EQ(of(driven.series("event"), Outcome::ok), 2 * sessions);
  EXPECT_EQ(driven.total().counters, std::vector<std::uint64_t>{sessions});
  EXPECT_EQ(driven.total().streams.events, 3 * sessions);
  const SeriesSnapshot& first = driven.series("feed_first_event");
  EXPECT_EQ(first.count(), sessions);
  EXPECT_GE(shortest(first), pause);
  const SeriesSnapshot& gap = driven.series("feed_gap");
  EXPECT_EQ(gap.count(), 2 * sessions);
  EXPECT_GE(shortest(gap), pause / 2) << "the sender paused, though it may have been late";
  EXPECT_EQ(driven.total().sessions.completed, sessions);
}

TEST(DriveEventStreams, ConnectsAgainWithTheLastIdAfterTheServersDelay) {
  using Clock = std::chrono::steady_clock;
  constexpr milliseconds asked{150};
  std::mutex mutex;
  std::vector<std::string> ids;
  Clock::time_point dropped;
  Clock::time_point back;
  StreamServer server([&](Connection& connection) {
    connection.begin_events();
    const std::string id = connection.header("Last-Event-ID");
    if (id.empty()) {
      connection.send_chunk("retry: 150\nid: seven\ndata: a\n\nid: eight\ndata: half an event\n");
      const std::lock_guard lock(mutex);
      dropped = Clock::now();
      return;
    }
    {
      const std::lock_guard lock(mutex);
      ids.push_back(id);
      back = Clock::now();
    }
    connection.send_chunk("id: 9\ndata: b\n\n");
    connection.await_end();
  });
  StepSpec second = sse_await();
  std::get<SseAwaitSpec>(second.action).data.contains = Source{"b", {}};
  Drive drive = three_sessions({sse_connect(), second});
  drive.load = regular(10, milliseconds{100});
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(ids, std::vector<std::string>{"seven"}) << "the id of a whole event";
  EXPECT_GE(back - dropped, asked - milliseconds{1});
  EXPECT_LT(back - dropped, seconds{3}) << "the server's delay, not the default";
  EXPECT_EQ(of(driven.series("feed_reconnect"), Outcome::ok), 1u);
  EXPECT_EQ(driven.total().streams.reconnects, 1u);
  EXPECT_EQ(of(driven.series("event"), Outcome::ok), 1u);
  EXPECT_GE(longest(driven.series("feed_gap")), asked) << "the silence between two connections";
}

TEST(DriveEventStreams, WhatTheProfileLosesConnectsAgainWithTheLastId) {
  std::mutex mutex;
  std::vector<std::string> ids;
  StreamServer server([&](Connection& connection) {
    connection.begin_events();
    const std::string id = connection.header("Last-Event-ID");
    if (!id.empty()) {
      const std::lock_guard lock(mutex);
      ids.push_back(id);
    }
    connection.send_chunk(id.empty() ? "retry: 20\nid: seven\ndata: a\n\n" : "data: b\n\n");
    connection.await_end();
  });
  StepSpec second = sse_await();
  std::get<SseAwaitSpec>(second.action).data.contains = Source{"b", {}};
  const std::vector<StepSpec> steps{sse_connect(), sse_await(), of(SseCloseSpec{true}), second};
  const Driven driven = three_sessions(steps).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(ids, std::vector<std::string>(sessions, "seven"));
  EXPECT_EQ(of(driven.series("event"), Outcome::ok), 2 * sessions);
  EXPECT_EQ(of(driven.series("feed_reconnect"), Outcome::ok), sessions);
  EXPECT_EQ(server.connections, 2 * sessions);
}

TEST(DriveEventStreams, KeepsAsManyUnreadEventsAsTheStepSays) {
  StreamServer server([&](Connection& connection) {
    connection.begin_events();
    connection.send_chunk("data: a\n\ndata: b\n\ndata: c\n\n");
    connection.await_end();
  });
  const ThinkSpec rest{{RandomDuration::Kind::constant, 0.1, 0}, {}};
  for (const std::uint32_t keep : {0U, 1U, 2U, 16U}) {
    StepSpec connect = sse_connect();
    std::get<SseConnectSpec>(connect.action).keep = keep;
    StepSpec await = sse_await();
    std::get<SseAwaitSpec>(await.action).data.contains = Source{"b", {}};
    await.timeout = milliseconds{50};
    const Driven driven = three_sessions({connect, of(rest), await}).against(server.port());
    driven.expect_closed_balance();
    const std::uint64_t kept = std::min(keep, 3U);
    EXPECT_EQ(driven.total().streams.unread_dropped, (3 - kept) * sessions) << keep;
    const Outcome expected = keep >= 2 ? Outcome::ok : Outcome::timed_out;
    EXPECT_EQ(of(driven.series("event"), expected), sessions) << keep;
  }
}

// What a client that hangs does: the server's bytes wait, and its end is not seen.
TEST(DriveEventStreams, WhoDoesNotReadGetsNothingUntilItReadsAgain) {
  using Clock = std::chrono::steady_clock;
  constexpr milliseconds silence{200};
  std::mutex mutex;
  std::vector<Clock::duration> away;
  std::vector<Clock::time_point> ended(sessions);
  StreamServer server([&](Connection& connection) {
    connection.begin_events();
    const auto stamp = [] {
      const auto at = std::chrono::system_clock::now().time_since_epoch();
      return std::to_string(std::chrono::duration_cast<milliseconds>(at).count());
    };
    const std::string id = connection.header("Last-Event-ID");
    if (!id.empty()) {
      {
        const std::lock_guard lock(mutex);
        away.push_back(Clock::now() - ended.at(std::stoul(id)));
      }
      connection.send_chunk("data: c\n\n");
      return connection.await_end();
    }
    const std::string number = std::to_string(connection.number);
    connection.send_chunk("retry: 20\nid: " + number + "\ndata: a\n\n");
    std::this_thread::sleep_for(silence / 4);  // it has stopped reading
    connection.send_chunk("data: {\"b\":1,\"at\":" + stamp() + "}\n\n");
    const std::lock_guard lock(mutex);
    ended.at(connection.number) = Clock::now();
  });
  StepSpec connect = sse_connect();
  std::get<SseConnectSpec>(connect.action).push_lag = PushLagSpec{"/at", milliseconds{1}, {}};
  StepSpec second = sse_await();
  std::get<SseAwaitSpec>(second.action).data.where.emplace_back("/b", Source{"1", {}});
  StepSpec third = sse_await();
  std::get<SseAwaitSpec>(third.action).data.contains = Source{"c", {}};
  const ThinkSpec hang{{RandomDuration::Kind::constant, to_seconds(silence), 0}, {}};
  const Driven driven = three_sessions({connect, sse_await(), of(SseReadSpec{false}), of(hang),
                                        of(SseReadSpec{true}), second, third})
                            .against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("event"), Outcome::ok), 3 * sessions);
  EXPECT_EQ(driven.series("feed_push_lag").count(), sessions);
  EXPECT_GE(shortest(driven.series("feed_push_lag")), silence / 2);
  EXPECT_LT(shortest(driven.series("feed_gap")), silence / 2) << "its own silence is no gap";
  ASSERT_EQ(away.size(), sessions);
  EXPECT_GE(*std::min_element(away.begin(), away.end()), silence / 2) << "the end is not seen";
}

TEST(DriveEventStreams, ToReadOnHidesNoGap) {
  constexpr milliseconds silence{120};
  StreamServer server([&](Connection& connection) {
    connection.begin_events();
    connection.send_chunk("data: a\n\n");
    std::this_thread::sleep_for(silence);
    connection.send_chunk("data: b\n\n");
    connection.await_end();
  });
  const ThinkSpec half{{RandomDuration::Kind::constant, to_seconds(silence) / 2, 0}, {}};
  const Driven driven =
      three_sessions({sse_connect(), sse_await(), of(half), of(SseReadSpec{true}), sse_await()})
          .against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.series("feed_gap").count(), sessions);
  EXPECT_GE(shortest(driven.series("feed_gap")), silence * 3 / 4);
}

// Who loses the connection while it does not read, and reads again over the next one.
TEST(DriveEventStreams, SilenceOutlivesAConnection) {
  StreamServer server([&](Connection& connection) {
    connection.begin_events();
    const bool again = !connection.header("Last-Event-ID").empty();
    connection.send_chunk(again ? "data: b\n\n" : "retry: 20\nid: 1\ndata: a\n\n");
    if (!again) connection.send_chunk("data: never seen\n\n");
    connection.await_end();
  });
  StepSpec second = sse_await();
  std::get<SseAwaitSpec>(second.action).data.contains = Source{"b", {}};
  const ThinkSpec hang{{RandomDuration::Kind::constant, 0.05, 0}, {}};
  const std::vector<StepSpec> steps{
      sse_connect(),          sse_await(), of(SseReadSpec{false}), of(hang),
      of(SseCloseSpec{true}), of(hang),    of(SseReadSpec{true}),  second};
  const Driven driven = three_sessions(steps).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("event"), Outcome::ok), 2 * sessions);
  EXPECT_EQ(server.connections, 2 * sessions);
}

TEST(DriveEventStreams, A204EndsTheStreamForGood) {
  StreamServer server([](Connection& connection) {
    if (!connection.header("Last-Event-ID").empty()) {
      connection.send("HTTP/1.1 204 No Content\r\n\r\n");
      return;
    }
    connection.begin_events();
    connection.send_chunk("retry: 10\nid: 1\ndata: a\n\n");
    connection.send_chunk("");
  });
  StepSpec never = sse_await("never");
  const Driven driven = three_sessions({sse_connect(), never, sse_await()}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("event"), Outcome::gone), 2 * sessions);
  EXPECT_EQ(of(driven.series("feed_reconnect"), Outcome::gone), sessions);
  EXPECT_EQ(server.connections, 2 * sessions);
  EXPECT_EQ(driven.series("feed_gap").count(), 0u) << "an announced end is no gap";
}

TEST(DriveEventStreams, TriesInARowAreBounded) {
  StreamServer server([](Connection& connection) {
    connection.begin_events();
    connection.send_chunk("retry: 10\n\n");
  });
  SseConnectSpec spec;
  spec.reconnects_max = 2;
  const Driven driven = three_sessions({sse_connect(spec), sse_await()}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(server.connections, 3 * sessions);
  EXPECT_EQ(of(driven.series("event"), Outcome::disconnected), sessions);
  EXPECT_EQ(of(driven.series("feed_first_event"), Outcome::disconnected), sessions);
}

TEST(DriveEventStreams, WhatIsNoEventStreamFailsTheSession) {
  const std::vector<std::pair<std::string, Outcome>> table{
      {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno",
       Outcome::malformed},
      {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", Outcome::http_error},
      {"SSH-2.0-x\r\n\r\n", Outcome::malformed},
      {"", Outcome::disconnected},
  };
  for (const auto& [answer, outcome] : table) {
    StreamServer server([&text = answer](Connection& connection) { connection.send(text); });
    const Driven driven = three_sessions({sse_connect(), sse_await()}).against(server.port());
    driven.expect_closed_balance();
    EXPECT_EQ(of(driven.series("feed"), outcome), sessions) << answer;
    EXPECT_EQ(driven.series("event").count(), 0u) << answer;
    EXPECT_EQ(driven.total().sessions.failed, sessions) << answer;
  }
}

TEST(DriveEventStreams, AnEventOverTheLimitEndsTheStream) {
  StreamServer server([](Connection& connection) {
    connection.begin_events();
    connection.send_chunk("data: " + std::string(2000, 'x') + "\n\n");
    connection.await_end();
  });
  SseConnectSpec spec;
  spec.message_max = 1000;
  const Driven driven = three_sessions({sse_connect(spec), sse_await()}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("event"), Outcome::malformed), sessions);
  EXPECT_EQ(driven.total().streams.malformed, sessions);
  EXPECT_EQ(server.connections, sessions) << "no second try";
}

TEST(DriveEventStreams, WhatTheDrainCutsIsUnfinished) {
  StreamServer server([](Connection& connection) {
    connection.begin_events();
    if (connection.number > 0) connection.send_chunk("data: a\n\n");
    connection.await_end();
  });
  Drive drive = three_sessions({sse_connect(), think(0.05), sse_await("never", seconds{60})});
  drive.drain = milliseconds{300};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("event"), Outcome::unfinished), sessions);
  EXPECT_EQ(of(driven.series("feed_first_event"), Outcome::unfinished), 1u);
  EXPECT_EQ(of(driven.series("feed_gap"), Outcome::unfinished), sessions - 1);
  EXPECT_EQ(driven.total().sessions.unfinished, sessions);
}

TEST(DriveEventStreams, ATryUnderWayAtTheEndOfTheDrainIsUnfinished) {
  StreamServer server([](Connection& connection) {
    if (!connection.header("Last-Event-ID").empty()) return connection.await_end();
    connection.begin_events();
    connection.send_chunk("retry: 10\nid: 1\ndata: a\n\n");
  });
  Drive drive = three_sessions({sse_connect(), think(60)});
  drive.drain = milliseconds{300};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("feed_reconnect"), Outcome::unfinished), sessions);
}

TEST(DriveEventStreams, PushLagOfEvents) {
  StreamServer server([](Connection& connection) {
    connection.begin_events();
    connection.send_chunk("data: {\"at\":" + std::to_string(wall_clock_ms() * 1000) + "}\n\n");
    connection.await_end();
  });
  SseConnectSpec spec;
  spec.push_lag = PushLagSpec{"/at", std::chrono::microseconds{1}, {}};
  const Driven driven = three_sessions({sse_connect(spec), sse_await()}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(of(driven.series("feed_push_lag"), Outcome::ok), sessions);
  EXPECT_LT(longest(driven.series("feed_push_lag")), seconds{10});
}

}  // namespace
}  // namespace stampede::test
