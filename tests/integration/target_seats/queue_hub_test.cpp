#include "target/faults.hpp"
#include "target/http/ws_queue.hpp"
#include "tests/integration/target_seats/redis_fixture.hpp"

namespace boxoffice {
namespace {

// One socket's far side.
struct Line final : WebSocketPeer {
  bool send(std::string text) override {
    if (code == 0) texts.push_back(nlohmann::json::parse(text));
    return code == 0;
  }
  void close(std::uint16_t with, std::string) override {
    if (code == 0) code = with;
  }
  [[nodiscard]] std::vector<nlohmann::json> of(const std::string& type) const {
    std::vector<nlohmann::json> list;
    for (const auto& text : texts) {
      if (text.at("t") == type) list.push_back(text);
    }
    return list;
  }
  std::vector<nlohmann::json> texts;
  std::uint16_t code = 0;
};
struct Client {
  std::unique_ptr<WebSocketHandler> handler;
  std::shared_ptr<Line> line = std::make_shared<Line>();
  std::uint16_t refused = 0;
};

// While it lives the application's clock is wrong by so much.
struct SkewedClock {
  explicit SkewedClock(std::int64_t by_ms) { Faults::of_process().clock_skew_ms = by_ms; }
  ~SkewedClock() { Faults::of_process().clock_skew_ms = 0; }
  SkewedClock(const SkewedClock&) = delete;
  SkewedClock& operator=(const SkewedClock&) = delete;
};

class QueueHubOnRedis : public RedisFixture {
 protected:
  void SetUp() override {
    RedisFixture::SetUp();
    if (!redis) return;
    catalogue = std::make_unique<Catalogue>(events);
    hub = make_hub();
  }
  void TearDown() override {
    stop.request_stop();
    io.restart();
    io.run_for(Millis(120));
  }
  std::shared_ptr<QueueHub> make_hub() {
    QueueHub::Parts parts{io,       *catalogue, *queue,           seats.get(), metrics,
                          "secret", 100,        stop.get_token(), &switches};
    auto made = std::make_shared<QueueHub>(std::move(parts));
    QueueHub::start(made);
    return made;
  }
  EventPtr serve(EventInfo info, std::int64_t push_ms = 60) {
    info.queue.on = true;
    info.queue.push_ms = push_ms;
    const EventPtr event = ready(info);
    events.events[event->id] = event;
    return event;
  }
  Client connect(QueueHub& to, std::optional<std::uint64_t> user, std::uint64_t event = 1) {
    Client client;
    WebSocketAccept accept = run(io, to.accept(user, event, true));
    client.refused = accept.refusal_close_code;
    client.handler = std::move(accept.handler);
    if (client.handler) client.handler->opened(client.line);
    return client;
  }
  void enter(const EventPtr& event, std::uint64_t user) {
    ASSERT_TRUE(run(io, queue->enter(event, user, 0.5)));
  }
  void pass(int ms) { run(io, sleep_for(Millis(ms))); }

  FixedEvents events;
  std::unique_ptr<Catalogue> catalogue;
  std::stop_source stop;
  std::shared_ptr<QueueHub> hub;
};

TEST_F(QueueHubOnRedis, WhoMayNotComeIsToldWhy) {
  EventInfo info = open_event(1, 10);
  serve(info);
  EXPECT_EQ(connect(*hub, std::nullopt).refused, 4401);
  EXPECT_EQ(connect(*hub, 7, 2).refused, 4404);
  info.id = 3;
  info.status = "ENDED";
  serve(info);
  EXPECT_EQ(connect(*hub, 7, 3).refused, 4410);
}

// The sale closes in an hour, or has closed an hour ago; our clock says the opposite each time.
TEST_F(QueueHubOnRedis, TheEndOfASaleIsToldByTheClockOfRedis) {
  constexpr std::int64_t hour_ms = 3600000;
  EventInfo info = open_event(1, 10);
  const std::int64_t now_ms = run(io, queue->feed()->now_ms());
  info.sale_close_ms = now_ms + hour_ms;
  enter(serve(info), 5);
  info.id = 3;
  info.sale_close_ms = now_ms - hour_ms;
  serve(info);
  const SkewedClock fast(2 * hour_ms);
  const Client open = connect(*hub, 5);
  pass(300);
  EXPECT_EQ(open.line->code, 0);
  const SkewedClock slow(-2 * hour_ms);
  const Client late = connect(*hub, 7, 3);
  EXPECT_TRUE(eventually([&] { return late.line->code == 4410; }));
}

TEST_F(QueueHubOnRedis, PositionsArePushedOnChangeAndNeverRise) {
  EventInfo info = open_event(1, 10);
  info.queue.rate = 1000;
  info.queue.burst = 1;
  const EventPtr event = serve(info);
  for (std::uint64_t user = 1; user <= 5; ++user) enter(event, user);
  const Client client = connect(*hub, 5);
  pass(200);
  ASSERT_EQ(client.line->of("pos").size(), 1U);  // no change, no push
  EXPECT_EQ(client.line->of("pos")[0].at("position"), 5);
  EXPECT_EQ(client.line->of("pos")[0].at("total"), 5);
  for (std::size_t told = 2; told <= 5; ++told) {
    ASSERT_EQ(run(io, queue->admit(event)).admitted, 1U);
    ASSERT_TRUE(eventually([&] { return client.line->of("pos").size() == told; }));
  }
  std::int64_t last = 100;
  for (const auto& told : client.line->of("pos")) {
    EXPECT_LT(told.at("position"), last);
    last = told.at("position");
  }
  EXPECT_EQ(last, 1);
  run(io, queue->admit(event));
  ASSERT_TRUE(eventually([&] { return client.line->of("admitted").size() == 1; }));
  const std::string token = client.line->of("admitted")[0].at("entryToken");
  const auto pass_read = PassSigner("secret").read_pass(token);
  ASSERT_TRUE(pass_read);
  EXPECT_EQ(pass_read->user, 5U);
}

TEST_F(QueueHubOnRedis, TheDefectTellsEverybodyOfEachAdmission) {
  EventInfo info = open_event(1, 10);
  info.queue.rate = 1000;
  info.queue.burst = 2;
  const EventPtr event = serve(info);
  std::vector<Client> clients;
  for (std::uint64_t user = 1; user <= 4; ++user) {
    enter(event, user);
    clients.push_back(connect(*hub, user));
  }
  pass(200);
  ASSERT_EQ(run(io, queue->admit(event)).admitted, 2U);
  ASSERT_TRUE(eventually([&] { return clients[1].line->of("admitted").size() == 1; }));
  for (const Client& client : clients) EXPECT_TRUE(client.line->of("entry-allowed").empty());
  switches.broadcast_all = true;
  pass(50);
  ASSERT_EQ(run(io, queue->admit(event)).admitted, 2U);
  for (const Client& client : clients) {
    EXPECT_TRUE(eventually([&] { return client.line->of("entry-allowed").size() == 2; }));
  }
}

TEST_F(QueueHubOnRedis, WhoIsAdmittedAlreadyHearsItAtOnceAndOnce) {
  const EventPtr event = serve(open_event(1, 10));
  enter(event, 5);
  run(io, queue->admit(event));
  const Client client = connect(*hub, 5);
  pass(300);
  EXPECT_EQ(client.line->of("admitted").size(), 1U);
  EXPECT_EQ(client.line->code, 0);
}

TEST_F(QueueHubOnRedis, AnIdleSocketHearsOfItsEntryAndIsIdleAgainAfterLeaving) {
  EventInfo info = open_event(1, 10);
  info.queue.heartbeat_ms = 300;
  info.queue.rate = info.queue.burst = 0;
  const EventPtr event = serve(info);
  const Client client = connect(*hub, 5);
  pass(150);
  EXPECT_TRUE(client.line->texts.empty());
  enter(event, 5);
  client.handler->message("{\"t\":\"hb\"}");
  pass(150);
  EXPECT_EQ(client.line->of("pos").size(), 1U);
  run(io, queue->leave(event->id, event->epoch, 5, false));
  pass(150);
  client.handler->message("{\"t\":\"hb\"}");
  pass(400);
  EXPECT_EQ(client.line->code, 0);
  EXPECT_TRUE(client.line->of("ghosted").empty());
  EXPECT_EQ(command({"EXISTS", key(*event, "qw"), key(*event, "qh")}).integer, 0);
}

TEST_F(QueueHubOnRedis, FramesKeepThePlaceAndSilenceLosesIt) {
  EventInfo info = open_event(1, 10);
  info.queue.heartbeat_ms = 300;
  info.queue.rate = info.queue.burst = 0;
  const EventPtr event = serve(info);
  enter(event, 5);
  enter(event, 6);
  const Client beating = connect(*hub, 5), silent = connect(*hub, 6);
  for (int i = 0; i < 12; ++i) {
    beating.handler->message("{}");
    pass(60);
    run(io, queue->admit(event));
  }
  EXPECT_EQ(beating.line->code, 0);
  EXPECT_TRUE(beating.line->of("ghosted").empty());
  EXPECT_EQ(silent.line->of("ghosted").size(), 1U);
  EXPECT_EQ(silent.line->code, 4408);
}

TEST_F(QueueHubOnRedis, WhoIsGivenUpHearsItBeforeTheNextRoundOfPositions) {
  EventInfo info = open_event(1, 10);
  info.queue.heartbeat_ms = 600'000;
  info.queue.rate = info.queue.burst = 0;
  const EventPtr event = serve(info, 180'000);  // a round is longer than the test
  enter(event, 5);
  enter(event, 6);
  const Client silent = connect(*hub, 5), other = connect(*hub, 6);
  ASSERT_TRUE(eventually([&] { return other.line->of("pos").size() == 1; }));
  pass(200);  // the first round is over
  command({"ZADD", key(*event, "qh"), "1", "5"});
  ASSERT_EQ(run(io, queue->admit(event)).ghosts, 1U);
  EXPECT_TRUE(eventually([&] { return silent.line->of("ghosted").size() == 1; }));
  EXPECT_TRUE(other.line->of("ghosted").empty());
}

TEST_F(QueueHubOnRedis, WhoEnteredAgainIsNoGhost) {
  EventInfo info = open_event(1, 10);
  info.queue.heartbeat_ms = 600'000;
  info.queue.rate = info.queue.burst = 0;
  const EventPtr event = serve(info, 180'000);
  enter(event, 5);
  const Client client = connect(*hub, 5);
  ASSERT_TRUE(eventually([&] { return client.line->of("pos").size() == 1; }));
  command({"ZADD", key(*event, "qh"), "1", "5"});
  ASSERT_EQ(run(io, queue->admit(event)).ghosts, 1U);
  ASSERT_TRUE(run(io, queue->enter(event, 5, 0.5)));
  pass(300);
  EXPECT_TRUE(client.line->of("ghosted").empty());
}

TEST_F(QueueHubOnRedis, ANewerConnectionReplacesTheOlderHereAndElsewhere) {
  const EventPtr event = serve(open_event(1, 10));
  enter(event, 5);
  const auto elsewhere = make_hub();
  const Client first = connect(*hub, 5);
  pass(150);
  const Client second = connect(*hub, 5);
  EXPECT_EQ(first.line->code, 4409);
  pass(150);
  const Client third = connect(*elsewhere, 5);
  EXPECT_TRUE(eventually([&] { return second.line->code == 4409; }));
  EXPECT_EQ(third.line->code, 0);
  second.handler->closed();
  EXPECT_EQ(elsewhere->sessions(), 1U);
}

TEST_F(QueueHubOnRedis, AnEndedSaleSendsEverybodyAway) {
  EventInfo info = open_event(1, 10);
  const EventPtr event = serve(info);
  enter(event, 5);
  const Client client = connect(*hub, 5);
  pass(100);
  EventInfo ended = *event;
  ended.status = "ENDED";
  events.events[1] = std::make_shared<EventInfo>(ended);
  catalogue->forget(1);
  EXPECT_TRUE(eventually([&] { return client.line->code == 4410; }));
}

TEST_F(QueueHubOnRedis, ALossOfDataIsToldAndThePlaceCanBeTakenAgain) {
  EventInfo info = open_event(1, 10);
  info.queue.rate = info.queue.burst = 0;
  const EventPtr event = serve(info);
  enter(event, 5);
  const Client client = connect(*hub, 5);
  pass(150);
  command({"FLUSHALL"});
  ready(*event);
  EXPECT_TRUE(eventually([&] { return client.line->of("ghosted").size() == 1; }));
  enter(event, 5);
  client.handler->message("{}");
  EXPECT_TRUE(eventually([&] { return client.line->of("pos").size() == 2; }));
}

TEST_F(QueueHubOnRedis, AnOutageIsToldOnceAndTheSocketStays) {
  EventInfo info = open_event(1, 10);
  info.queue.rate = info.queue.burst = 0;
  const EventPtr event = serve(info);
  enter(event, 5);
  const Client client = connect(*hub, 5);
  pass(150);
  redis_server().kill();
  pass(300);
  redis_server().start();
  run(io, redis->wait_connected(in(Millis(3000))));
  pass(100);
  EXPECT_EQ(client.line->of("degraded").size(), 1U);
  EXPECT_EQ(client.line->code, 0);
}

TEST_F(QueueHubOnRedis, WhoWaitsHearsThatAllIsSoldAndThatASeatCameBack) {
  EventInfo info = open_event(1, 2);
  info.queue.rate = info.queue.burst = 0;
  const EventPtr event = serve(info);
  enter(event, 5);
  const Client client = connect(*hub, 5);
  pass(150);
  EXPECT_TRUE(client.line->of("event").empty());
  run(io, seats->settle(1, event->epoch, 70, 9, true, {0}));
  pass(1200);
  EXPECT_TRUE(client.line->of("event").empty()) << "one seat is left";
  run(io, seats->settle(1, event->epoch, 71, 9, true, {1}));
  ASSERT_TRUE(eventually([&] { return client.line->of("event").size() == 1; }));
  EXPECT_EQ(client.line->of("event")[0].at("state"), "SOLD_OUT");
  run(io, seats->settle(1, event->epoch, 71, 9, false, {1}));
  ASSERT_TRUE(eventually([&] { return client.line->of("event").size() == 2; }));
  EXPECT_EQ(client.line->of("event")[1].at("state"), "ON_SALE");
}

TEST_F(QueueHubOnRedis, WhoIsSentBackToTheTailHearsTheNewPosition) {
  EventInfo info = open_event(1, 2);
  info.queue.requeue = true;
  info.queue.cap = 1;
  const EventPtr event = serve(info);
  enter(event, 5);
  run(io, queue->admit(event));
  enter(event, 6);
  enter(event, 7);
  const Client client = connect(*hub, 5);
  ASSERT_TRUE(eventually([&] { return client.line->of("admitted").size() == 1; }));
  Hold other;
  other.id = std::string(32, 'a');
  other.user = 9;
  other.seats = {0};
  ASSERT_TRUE(run(io, seats->take(event, other, 60000, false)));
  const std::int64_t pass_end = run(io, queue->look(event, 5, false)).pass_end_ms;
  for (std::uint32_t loss = 1; loss <= requeue_losses; ++loss) {
    ASSERT_EQ(run(io, queue->look(event, 5, false)).state, Place::State::admitted) << loss;
    Hold wanted;
    wanted.id = std::string(31, 'b') + std::to_string(loss);
    wanted.user = 5;
    wanted.seats = {0};
    wanted.pass_end_ms = pass_end;
    const auto taken = run(io, seats->take(event, wanted, 60000, true));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().refusal, Refusal::seat_held);
  }
  ASSERT_TRUE(eventually([&] { return !client.line->of("pos").empty(); }));
  EXPECT_EQ(client.line->of("pos")[0].at("position"), 3);
  EXPECT_EQ(run(io, queue->admit(event)).admitted, 1U);  // the place is the next one's
  EXPECT_EQ(run(io, queue->look(event, 6, false)).state, Place::State::admitted);
}

}  // namespace
}  // namespace boxoffice
