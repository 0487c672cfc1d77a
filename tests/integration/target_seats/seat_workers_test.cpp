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

// Two instances: the first reads, sleeps through its lease, and wakes with what it read.
TEST_F(SeatWorkersOnRedis, AReconcilerThatSleptThroughItsLeaseWritesNothing) {
  const EventPtr event = ready(open_event(1, 10));
  const std::string lease = "reconcile:{e1." + std::to_string(event->epoch) + "}";
  const auto other = make_leases(*redis);
  const auto sleeper = run(io, leases->acquire(lease, Millis(30)));
  ASSERT_TRUE(sleeper);
  SeatChanges stale;
  stale.live.push_back({4, 900, 9, 5, true, 0});
  EXPECT_TRUE(run(io, seats->mirror()->repair(event, stale, lease, *sleeper))) << "awake";
  EXPECT_EQ(seat_state(*event, 4), "S:9:900");
  pass(40);
  const auto heir = run(io, other->acquire(lease, Millis(5000)));
  ASSERT_TRUE(heir);
  SeatChanges truth;
  truth.freed.push_back(4);
  EXPECT_TRUE(run(io, seats->mirror()->repair(event, truth, lease, *heir)));
  EXPECT_EQ(seat_state(*event, 4), "");
  EXPECT_FALSE(run(io, seats->mirror()->repair(event, stale, lease, *sleeper))) << "fenced off";
  EXPECT_EQ(seat_state(*event, 4), "");
  expect_consistent(*event);
}

// The same between reading and repairing inside the worker: its lease is another's by then.
class LeasesOfASleeper final : public Leases {
 public:
  explicit LeasesOfASleeper(Leases& real) : real_(real) {}
  Task<std::optional<std::uint64_t>> acquire(std::string name, Millis ttl) override {
    if (!name.starts_with("reconcile:")) co_return co_await real_.acquire(std::move(name), ttl);
    if (++asked_ <= 2) co_return std::uint64_t{asked_};  // two looks
    co_return std::uint64_t{99};                         // at the repair: somebody was between
  }
  Task<void> release(std::string name) override { co_await real_.release(std::move(name)); }

 private:
  Leases& real_;
  std::uint64_t asked_ = 0;
};

TEST_F(SeatWorkersOnRedis, AReconcilerAsksAgainBeforeItRepairs) {
  const EventPtr event = ready(open_event(1, 10));
  events.events[1] = event;
  ledger.known.live.push_back({4, 900, 9, 5, true, 0});
  LeasesOfASleeper sleeper(*leases);
  const ThreadContext asleep{io,     config,  metrics,    switches, *redis,
                             *mysql, events,  *catalogue, *seats,   *directory,
                             ledger, sleeper, *queue,     0,        stop.get_token()};
  ThreadContext mine = asleep;
  workers = spawn_seat_workers(mine);
  pass(7500);
  EXPECT_NE(metrics.exposition().find("fenced_off_total{name=\"reconcile\"} "), std::string::npos);
  EXPECT_EQ(seat_state(*event, 4), "");
  stop.request_stop();
  pass(400);
  workers.reset();
}

}  // namespace
}  // namespace boxoffice
