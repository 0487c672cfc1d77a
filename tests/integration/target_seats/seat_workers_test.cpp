#include "target/store/mysql.hpp"
#include "tests/integration/target_seats/redis_fixture.hpp"

namespace boxoffice {
namespace {

// The workers on a private Redis; MySQL is played by what the fixture knows.
class SeatWorkersOnRedis : public RedisFixture {
 protected:
  void SetUp() override {
    RedisFixture::SetUp();
    if (!redis) return;
    config.mysql_port = 1;  // never asked
    mysql = std::make_unique<MysqlPool>(io, config, 1);
    catalogue = std::make_unique<Catalogue>(events);
    context = std::make_unique<ThreadContext>(
        ThreadContext{io, config, metrics, switches, *redis, *mysql, events, *catalogue, *seats,
                      *directory, ledger, *leases, *queue, 0, stop.get_token()});
  }
  void TearDown() override {
    stop.request_stop();
    io.restart();
    io.run_for(Millis(400));
  }
  void pass(int ms) { run(io, sleep_for(Millis(ms))); }

  Config config;
  FixedEvents events;
  std::stop_source stop;
  std::unique_ptr<MysqlPool> mysql;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<ThreadContext> context;
  std::shared_ptr<void> workers;
};

TEST_F(SeatWorkersOnRedis, AnEventIsRebuiltSweptAndItsQueueAdmitted) {
  EventInfo info = open_event(1, 10);
  info.queue.on = true;
  events.events[1] = std::make_shared<EventInfo>(info);
  workers = spawn_seat_workers(*context);
  // No marker was there: made by the watch.
  ASSERT_TRUE(eventually([&] { return command({"EXISTS", key(info, "ok")}).integer == 1; }));
  Hold hold;
  hold.id = std::string(32, 'a');
  hold.user = 7;
  hold.seats = {2};
  ASSERT_TRUE(run(io, seats->take(events.events[1], hold, 50, false)));
  ASSERT_TRUE(run(io, queue->enter(events.events[1], 7, 0.5)));
  const auto state = [&] { return run(io, queue->look(events.events[1], 7, false)).state; };
  EXPECT_TRUE(eventually([&] { return state() == Place::State::admitted; }));
  EXPECT_TRUE(eventually([&] { return seat_state(info, 2).empty(); }));
  switches.admissions_paused = true;
  ASSERT_TRUE(run(io, queue->enter(events.events[1], 8, 0.5)));
  pass(250);
  EXPECT_EQ(run(io, queue->look(events.events[1], 8, false)).state, Place::State::waiting);
}

TEST_F(SeatWorkersOnRedis, AnotherInstanceTakesTheAdmissionOver) {
  EventInfo info = open_event(1, 10);
  info.queue.on = true;
  events.events[1] = std::make_shared<EventInfo>(info);
  const auto other = make_leases(*redis);
  ASSERT_TRUE(run(io, other->acquire("admit:1", Millis(600))));  // and then it dies
  workers = spawn_seat_workers(*context);
  pass(100);
  ASSERT_TRUE(run(io, queue->enter(events.events[1], 7, 0.5)));
  pass(250);
  EXPECT_EQ(run(io, queue->look(events.events[1], 7, false)).state, Place::State::waiting);
  const auto state = [&] { return run(io, queue->look(events.events[1], 7, false)).state; };
  EXPECT_TRUE(eventually([&] { return state() == Place::State::admitted; }));
}

TEST_F(SeatWorkersOnRedis, WhatIsMissingInRedisIsWrittenAfterASecondLook) {
  const EventPtr event = ready(open_event(1, 10));
  events.events[1] = event;
  ledger.known.live.push_back({4, 900, 9, 5, true, 0});  // lost in Redis
  workers = spawn_seat_workers(*context);
  pass(7500);
  EXPECT_EQ(seat_state(*event, 4), "S:9:900");
  expect_consistent(*event);
  EXPECT_NE(metrics.exposition().find("repair_total{kind=\"missing\"} 1"), std::string::npos);
}

}  // namespace
}  // namespace boxoffice
