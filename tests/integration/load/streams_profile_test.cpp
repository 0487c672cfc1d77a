// Goal: a profile as people write it uses a WebSocket, an event stream and requests in one persona.
// Method: YAML through the real reader and compiler, driven against a server that plays all three.
#include <gtest/gtest.h>

#include "tests/integration/load/profile_builder.hpp"
#include "tests/integration/load/stream_server.hpp"

namespace stampede::test {
namespace {

using Connection = StreamServer::Connection;

const std::string live_seats = R"yaml(
name: live-seats
variables: {show: "7"}
drain: 10s
personas:
  watcher:
    - get: /shows/${show}
      name: show
      capture: {version: /version}
    - sse_connect: /shows/${show}/seats/stream?from=${version}
      name: seats
      reconnect: {times: 2, after: 50ms}
      push_lag: {at: /at, unit: us}
    - sse_await: {}
      name: snapshot
      event: snapshot
    - ws_connect: /shows/${show}/queue
      name: queue
      protocol: tk.queue.v1
      ping_every: 20ms
      pong_timeout: 5s
      message_max: 1000
      push_lag: /ts
    - ws_send: {t: join, show: "${show}"}
    - ws_await: {/t: admitted}
      name: admission
      unless: {/t: over}
      capture: {pass: /pass}
    - sse_await: {/pass: "${pass}"}
      name: seat
      event: seats
      contains: pass
      matches: '"say":"(free|left)"'
    - ws_close: {code: 4000, reason: "pass ${pass}"}
    - sse_close: {}
    - if: pass == 'p7' and ws_code == 0
      then: [{count: through}]
scenarios:
  watchers: {model: partly-open, persona: watcher, stages: "100ms:30", start: 30, arrivals: regular}
gates:
  - seats_first_event p95 < 5s
  - queue_ping p95 < 5s
  - seats_gap p99 < 5s
  - errors == 0
)yaml";

std::string clock_us() {
  using namespace std::chrono;
  const auto since = system_clock::now().time_since_epoch();
  return std::to_string(duration_cast<microseconds>(since).count());
}

void play_queue(Connection& connection) {
  connection.accept_websocket("Sec-WebSocket-Protocol: tk.queue.v1\r\n");
  connection.send_text(R"({"t":"pos","position":3,"ts":)" + clock_us().substr(0, 13) + "}");
  bool pinged = false;
  while (const auto frame = connection.read_frame()) {
    if (frame->opcode == 9) connection.send_frame(0x8A, frame->payload);
    if (frame->opcode == 8) return connection.send_frame(0x88, frame->payload);
    // Nobody is let in before a ping was measured.
    if (frame->opcode == 9 && !pinged) {
      pinged = true;
      connection.send_frame(0x01, R"({"t":"admitted",)");
      connection.send_frame(0x80, R"("pass":"p7"})");
    }
  }
}

void play_seats(Connection& connection) {
  connection.begin_events();
  const std::string stamp = R"("at":)" + clock_us();
  if (connection.header("Last-Event-ID").empty()) {
    // Half of what there is; then the connection is lost.
    return connection.send_chunk("retry: 20\nid: 1-0\nevent: snapshot\ndata: {" + stamp + "}\n\n");
  }
  connection.send_chunk("id: 2-0\nevent: seats\ndata: {\"pass\":\"p7\",\"say\":\"taken\"," + stamp +
                        "}\n\nid: 3-0\nevent: seats\ndata: {\"pass\":\"p7\",\"say\":\"free\"," +
                        stamp + "}\n\n");
  connection.await_end();
}

void play(Connection& connection) {
  if (connection.head.starts_with("GET /shows/7 ")) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"version\":1}");
    connection.await_end();
  } else if (connection.head.starts_with("GET /shows/7/seats/stream?from=1 ")) {
    play_seats(connection);
  } else if (connection.head.starts_with("GET /shows/7/queue ")) {
    play_queue(connection);
  }
}

TEST(StreamsProfile, OnePersonaUsesRequestsAWebSocketAndAnEventStream) {
  StreamServer server(play);
  const Driven driven =
      drive_profile(live_seats, {"127.0.0.1", server.port(), "", "test", false, {}, {}, {}});
  driven.expect_closed_balance();
  constexpr std::uint64_t people = 3;
  EXPECT_EQ(driven.total().sessions.completed, people);
  EXPECT_EQ(driven.total().counters, std::vector<std::uint64_t>{people});
  for (const char* step : {"show", "seats", "snapshot", "queue", "admission", "seat",
                           "seats_reconnect", "seats_first_event", "queue_push_lag"}) {
    EXPECT_EQ(driven.series(step).outcomes[0], people) << step;
    EXPECT_EQ(driven.series(step).count(), people) << step;
  }
  EXPECT_EQ(driven.series("seats_gap").outcomes[0], 2 * people);
  EXPECT_EQ(driven.series("seats_push_lag").outcomes[0], 3 * people);
  EXPECT_GE(driven.series("queue_ping").outcomes[0], people);
  const StreamCounts& streams = driven.total().streams;
  EXPECT_GE(streams.close_codes.at(4000), people - 1) << "the last may still have been on its way";
  EXPECT_EQ(streams.events, 3 * people);
  EXPECT_EQ(streams.messages_in, 2 * people);
  EXPECT_EQ(streams.malformed + streams.push_lag_unusable, people)
      << "only the message of admission had no stamp";
}

}  // namespace
}  // namespace stampede::test
