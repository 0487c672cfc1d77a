// Goal: WebSocket steps measure waiting for a message, heartbeats go on whatever the session does,
// and a server that closes is noticed. Method: our client against Boost.Beast's server side.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;
using ::test::WsReply;
using Said = std::optional<std::string>;

Reply answer(const Seen&) { return {}; }

Drive one_session(std::vector<StepSpec> steps) {
  Drive drive;
  drive.model = "partly-open";
  drive.load = regular(5, seconds{1});
  drive.steps = std::move(steps);
  return drive;
}

TEST(DriveWebSocket, AwaitsTheMessageThatMatches) {
  ScriptedServer server(answer, [](const Said& said) {
    WsReply reply;
    if (!said) reply.texts = {R"({"t":"pos","position":3})"};
    if (said == "go") {
      reply.texts = {R"({"t":"pos","position":1})", R"({"t":"admitted","entryToken":"abc"})"};
    }
    return reply;
  });
  StepSpec await = ws_await("/t", "admitted");
  CaptureSpec token;
  token.variable = "entry";
  token.pointer = "/entryToken";
  std::get<WsAwaitSpec>(await.action).captures = {token};
  const Driven driven =
      one_session({ws_connect("/ws"), ws_send("go"), await, get("home", "/${entry}")})
          .against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.series("message").outcomes[0], 5u);
  EXPECT_EQ(driven.total().sessions.completed, 5u);
  EXPECT_EQ(server.requests, 5u);
  EXPECT_GE(driven.total().ws_frames_in, 5u * 3) << "texts, and the answers to the close";
}

TEST(DriveWebSocket, MessagesThatCameBeforeTheWaitCount) {
  ScriptedServer server(answer, [](const Said& said) {
    WsReply reply;
    if (!said) reply.texts = {R"({"t":"pos"})", R"({"t":"admitted"})"};
    return reply;
  });
  const Driven driven = one_session({ws_connect("/ws"), think(0.2), ws_await("/t", "admitted")})
                            .against(server.port());
  EXPECT_EQ(driven.series("message").outcomes[0], 5u);
}

TEST(DriveWebSocket, AnUnlessMessageEndsTheWaitAsGone) {
  ScriptedServer server(answer, [](const Said&) {
    WsReply reply;
    reply.texts = {R"({"t":"ghosted"})"};
    return reply;
  });
  StepSpec await = ws_await("/t", "admitted");
  std::get<WsAwaitSpec>(await.action).unless = {{{"/t", Source{"ghosted", {}}}}};
  const Driven driven = one_session({ws_connect("/ws"), await}).against(server.port());
  EXPECT_EQ(driven.series("message").outcomes[static_cast<std::size_t>(Outcome::gone)], 5u);
}

TEST(DriveWebSocket, AMessageThatNeverComesTimesOut) {
  ScriptedServer server(answer, [](const Said&) { return WsReply{}; });
  const Driven driven =
      one_session({ws_connect("/ws"), ws_await("/t", "admitted", milliseconds{200})})
          .against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::timed_out), 5u);
  EXPECT_EQ(driven.total().sessions.completed, 5u);
}

TEST(DriveWebSocket, HeartbeatsGoOnWhileTheSessionThinks) {
  std::atomic<int> beats = 0;
  ScriptedServer server(answer, [&beats](const Said& said) {
    if (said == "beat") ++beats;
    return WsReply{};
  });
  StepSpec connect = ws_connect("/ws");
  std::get<WsConnectSpec>(connect.action).heartbeat_every = milliseconds{100};
  std::get<WsConnectSpec>(connect.action).heartbeat_text = "beat";
  const Driven driven = one_session({connect, think(1)}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_GE(beats, 5 * 7);
  EXPECT_LE(beats, 5 * 10);
}

TEST(DriveWebSocket, SaysGoodbyeWhenTheSessionEnds) {
  ScriptedServer server(answer, [](const Said&) { return WsReply{}; });
  const Driven driven = one_session({ws_connect("/ws"), think(0.05)}).against(server.port());
  EXPECT_EQ(driven.total().sessions.completed, 5u);
  EXPECT_GE(server.websockets_closed, 4u) << "the last may still have been on its way";
  EXPECT_EQ(server.close_code, 1000u);
}

TEST(DriveWebSocket, AnswersPings) {
  ScriptedServer server(answer, [](const Said& said) {
    WsReply reply;
    reply.ping = !said;
    return reply;
  });
  (void)one_session({ws_connect("/ws"), think(0.2)}).against(server.port());
  EXPECT_EQ(server.pongs, 5u);
}

TEST(DriveWebSocket, AServerThatClosesDuringAWaitIsADisconnect) {
  ScriptedServer server(answer, [](const Said& said) {
    WsReply reply;
    if (said) reply.close_code = 4410;
    return reply;
  });
  const Driven driven =
      one_session({ws_connect("/ws"), ws_send("x"), ws_await("/t", "a")}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::disconnected), 5u);
  EXPECT_NE(driven.example(Outcome::disconnected).find("4410"), std::string::npos)
      << driven.example(Outcome::disconnected);
}

TEST(DriveWebSocket, AServerThatClosedBeforeASendFailsTheSession) {
  ScriptedServer server(answer, [](const Said&) {
    WsReply reply;
    reply.drop = true;
    return reply;
  });
  const Driven driven = one_session({ws_connect("/ws"), think(0.2), get("home", "/"), ws_send("x")})
                            .against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.series("home").outcomes[0], 5u) << "until then the session goes on";
  EXPECT_EQ(driven.total().sessions.failed, 5u);
}

TEST(DriveWebSocket, ARefusedUpgradeFailsTheSession) {
  ScriptedServer server([](const Seen&) {
    Reply reply;
    reply.status = 401;
    return reply;
  });
  const Driven driven = one_session({ws_connect("/ws"), get("home", "/")}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::http_error), 5u);
  EXPECT_EQ(driven.series("home").count(), 0u);
  EXPECT_EQ(driven.total().sessions.failed, 5u);
}

TEST(DriveWebSocket, AnUpgradeThatTheServerDidNotMeanIsMalformed) {
  ScriptedServer server([](const Seen&) {
    Reply reply;
    reply.status = 101;
    reply.headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n";
    return reply;
  });
  const Driven driven = one_session({ws_connect("/ws")}).against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::malformed), 5u);
  EXPECT_EQ(driven.total().sessions.failed, 5u);
}

TEST(DriveWebSocket, WithoutAServerTheConnectFails) {
  const Driven driven =
      one_session({ws_connect("/ws"), get("home", "/")}).against(::test::unused_port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::connect_failed), 5u);
  EXPECT_EQ(driven.total().sessions.failed, 5u);
}

TEST(DriveWebSocket, AWaitCutOffByTheDrainIsUnfinished) {
  ScriptedServer server(answer, [](const Said&) { return WsReply{}; });
  Drive drive = one_session({ws_connect("/ws"), ws_await("/t", "a", seconds{60})});
  drive.drain = milliseconds{200};
  const Driven driven = drive.against(server.port());
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::unfinished), 5u);
  EXPECT_EQ(driven.total().sessions.unfinished, 5u);
}

}  // namespace
}  // namespace stampede::test
