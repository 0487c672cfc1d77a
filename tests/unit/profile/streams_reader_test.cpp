// The steps of WebSockets and event streams as the profile reader sees them.
#include <gtest/gtest.h>

#include "tests/unit/profile/reading.hpp"

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string with_steps(const std::string& steps, const std::string& top = {}) {
  return "name: t\nscenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\npersonas:\n  "
         "p:\n" +
         steps + top;
}

std::vector<StepSpec> read(const std::string& steps, const std::string& top = {}) {
  const Profile profile = test::read_good(with_steps(steps, top));
  const auto persona = profile.personas.find("p");
  return persona == profile.personas.end() ? std::vector<StepSpec>(8) : persona->second.steps;
}

std::string problems(const std::string& steps, const std::string& top = {}) {
  return test::problems_of(with_steps(steps, top));
}

TEST(StreamsReader, AWebSocketWithAllItsKeys) {
  const auto steps = read(
      "    - ws_connect: /ws\n      name: socket\n      ping_every: 20s\n      pong_timeout: 3s\n"
      "      message_max: 1e6\n      keep: 0\n      push_lag: {at: /sent/us, unit: us}\n"
      "    - ws_send: AAECAw==\n      binary: true\n"
      "    - ws_await: {}\n      name: any\n      contains: \"hello ${user}\"\n"
      "      matches: 'seat ([0-9]+) ${'\n"
      "    - ws_close: {code: 4001, reason: \"bye ${user}\"}\n    - ws_close: {}\n");
  const auto& connect = std::get<WsConnectSpec>(steps[0].action);
  EXPECT_EQ(connect.ping_every, seconds{20});
  EXPECT_EQ(connect.pong_timeout, seconds{3});
  EXPECT_EQ(connect.message_max, 1'000'000U);
  EXPECT_EQ(connect.keep, 0U);
  EXPECT_EQ(connect.push_lag->pointer, "/sent/us");
  EXPECT_EQ(connect.push_lag->unit, std::chrono::microseconds{1});
  EXPECT_TRUE(std::get<WsSendSpec>(steps[1].action).binary);
  EXPECT_EQ(std::get<WsAwaitSpec>(steps[2].action).contains->text, "hello ${user}");
  EXPECT_EQ(std::get<WsAwaitSpec>(steps[2].action).matches->text, "seat ([0-9]+) ${");
  EXPECT_EQ(std::get<WsCloseSpec>(steps[3].action).code, 4001);
  EXPECT_EQ(std::get<WsCloseSpec>(steps[3].action).reason.text, "bye ${user}");
  EXPECT_EQ(std::get<WsCloseSpec>(steps[4].action).code, 1000);
}

TEST(StreamsReader, AnEventStreamWithAllItsKeys) {
  const auto steps = read(
      "    - sse_connect: /events/${user}\n      name: feed\n      headers: {Authorization: x}\n"
      "      reconnect: {times: 5, after: 500ms}\n      message_max: 1000\n      push_lag: /ts\n"
      "    - sse_await: {/v: 2}\n      name: seats\n      event: seats\n      contains: x\n      "
      "matches: y+\n"
      "      unless: {/over: true}\n      capture: {v: /v}\n      timeout: 30s\n"
      "    - sse_close: {lost: true}\n    - sse_close: {}\n"
      "    - sse_read: false\n    - sse_read: true\n");
  const auto& connect = std::get<SseConnectSpec>(steps[0].action);
  EXPECT_EQ(connect.path.text, "/events/${user}");
  EXPECT_EQ(connect.headers.size(), 1U);
  EXPECT_EQ(connect.reconnects_max, 5U);
  EXPECT_EQ(connect.retry, milliseconds{500});
  EXPECT_EQ(connect.message_max, 1000U);
  EXPECT_EQ(connect.keep, 16U);
  EXPECT_EQ(connect.push_lag->unit, milliseconds{1});
  EXPECT_FALSE(steps[0].waits);
  const auto& await = std::get<SseAwaitSpec>(steps[1].action);
  EXPECT_EQ(await.event, "seats");
  EXPECT_EQ(await.data.where.size(), 1U);
  EXPECT_EQ(await.data.matches->text, "y+");
  EXPECT_EQ(await.data.unless.size(), 1U);
  EXPECT_EQ(await.data.captures.size(), 1U);
  EXPECT_TRUE(steps[1].waits) << "a wait that is meant";
  EXPECT_TRUE(std::get<SseCloseSpec>(steps[2].action).lost);
  EXPECT_FALSE(std::get<SseCloseSpec>(steps[3].action).lost);
  EXPECT_FALSE(std::get<SseReadSpec>(steps[4].action).reads);
  EXPECT_TRUE(std::get<SseReadSpec>(steps[5].action).reads);
}

TEST(StreamsReader, GatesMaySpeakOfWhatAStreamMeasures) {
  const std::string steps =
      "    - sse_connect: /e\n      name: feed\n      push_lag: /ts\n"
      "    - ws_connect: /w\n      name: socket\n";
  (void)read(steps,
             "gates: [feed_gap p95 < 1s, s.feed_first_event p95 < 1s, feed_reconnect errors < 1%,\n"
             "        feed_push_lag p99 < 500ms]\n");
  EXPECT_EQ(problems(steps, "gates: [socket_ping p95 < 1s]\n").substr(0, 38),
            "11:9 gate: unknown step \"socket_ping\" ")
      << "there are no pings without ping_every";
}

TEST(StreamsReader, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(problems("    - ws_connect: /ws\n      name: a\n      pong_timeout: 3s\n"
                     "      message_max: 0\n      push_lag: {at: ts, unit: h}\n"),
            "8:21 \"pong_timeout\" without \"ping_every\" | ping_every: 20s\n"
            "9:20 0 is out of range | from 1 to 16777216\n"
            "10:22 \"ts\" is not a JSON pointer | it starts with /, as in /ts\n"
            "10:32 \"h\" is no unit of time stamps | s, ms, us or ns\n");
  EXPECT_EQ(problems("    - ws_close: {code: 1005}\n    - ws_close: {code: 999}\n"
                     "    - ws_close: bye\n"),
            "6:24 1005 may not be sent | 1000 (normal), 1001 (going away), or one of your own from "
            "3000 to 4999\n"
            "7:24 999 is out of range | from 1000 to 4999\n"
            "8:17 \"ws_close\" takes no value | write ws_close: {}\n");
  EXPECT_EQ(problems("    - ws_await: {}\n      name: a\n      matches: ''\n"
                     "    - sse_await: {}\n      name: b\n      matches: {a: b}\n"),
            "8:17 an empty pattern is found in every message | matches: 'seat [0-9]+ is free', or "
            "leave the key out\n"
            "11:16 a text is wanted, not a map\n");
  EXPECT_EQ(problems("    - ws_send: not base64\n      binary: true\n"),
            "6:16 a binary message is written in base64 | ws_send: AAECAw==\n");
  EXPECT_EQ(
      problems("    - sse_connect: http://x/e\n      name: a\n      reconnect: {times: 1001}\n"
               "      keep: 1001\n"
               "    - sse_await: {v: 1}\n      name: b\n      evnt: x\n    - sse_close: 1\n"),
      "6:20 a path is wanted, not a whole URL | the host comes from the command line (--url) "
      "or the topology\n"
      "8:26 1001 is out of range | from 0 to 1000\n"
      "9:13 1001 is out of range | from 0 to 1000\n"
      "10:19 \"v\" is not a JSON pointer | it starts with /, as in /type\n"
      "12:7 unknown key \"evnt\" in a sse_await step | did you mean \"event\"?\n"
      "13:18 \"sse_close\" takes no value | write sse_close: {}\n");
  EXPECT_EQ(problems("    - sse_close: {lst: true}\n    - sse_close: {lost: 1}\n"),
            "6:19 unknown key \"lst\" in a sse_close | did you mean \"lost\"?\n"
            "7:25 true or false is wanted, not \"1\" | write true\n");
  EXPECT_EQ(problems("    - sse_read: never\n    - sse_read: {}\n      name: x\n"),
            "6:17 true or false is wanted, not \"never\"\n7:17 true or false is wanted, not a map\n"
            "8:7 unknown key \"name\" in a sse_read step | known are sse_read\n");
}

}  // namespace
}  // namespace stampede
