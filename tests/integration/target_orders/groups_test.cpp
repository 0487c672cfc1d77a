// The consumer groups beside `settle`: saga, notify, stats. Each has its effect exactly once,
// whatever comes twice, whoever dies, and also after Redis lost everything.
#include "target/worker/book_effects.hpp"
#include "target/worker/order_sweeper.hpp"
#include "target/worker/stream_consumer.hpp"
#include "tests/integration/target_orders/order_fixture.hpp"

namespace boxoffice {
namespace {

class Groups : public OrderFixture {
 protected:
  void SetUp() override {
    OrderFixture::SetUp();
    if (IsSkipped()) return;
    orders = make_order_store(*pool, metrics);
    outbox = make_outbox_store(*pool, metrics);
    books = make_event_books(*pool, metrics);
    streams = make_event_streams(*redis);
    settler = std::make_shared<SeatSettler>(io, *seats, *queue, *catalogue, signals, metrics);
    sweeper = std::make_unique<OrderSweeper>(place(), *orders, *settler, *leases, gateway);
  }
  WorkerPlace place() { return WorkerPlace{io, metrics, stop.get_token()}; }

  StreamConsumer::Effect effect_of(const std::string& group) {
    using Entries = std::vector<StreamEntry>;
    if (group == "notify") {
      return [this](Entries entries) { return notify_events(*books, std::move(entries)); };
    }
    if (group == "stats") {
      return [this](Entries entries) { return count_events(*books, std::move(entries)); };
    }
    return [this](Entries entries) { return advance_saga(*sweeper, std::move(entries)); };
  }
  StreamConsumer consumer(const std::string& group, const std::string& name,
                          StreamConsumer::Effect effect) {
    StreamConsumer::Setting setting;
    setting.group = group;
    setting.consumer = name;
    setting.streams = {"order", "pay"};
    setting.claim_idle = Millis(1);
    return {place(), *streams, *streams, *outbox, setting, std::move(effect)};
  }
  StreamConsumer consumer(const std::string& group) {
    return consumer(group, "a", effect_of(group));
  }
  void turn(StreamConsumer& of) { static_cast<void>(run(io, of.turn())); }
  void relay() { static_cast<void>(run(io, outbox->relay(*streams, 200))); }
  std::int64_t pending(const std::string& group) {
    return static_cast<std::int64_t>(run(io, streams->pending("order", group)) +
                                     run(io, streams->pending("pay", group)));
  }

  // One order of every end: two confirmed, one of them refunded; declined; cancelled; expired.
  void sell() {
    const std::string kept = placed(1, {1, 2});
    ASSERT_EQ(pay(1, kept).status, 200);
    const std::string returned = placed(2, {3});
    ASSERT_EQ(pay(2, returned).status, 200);
    ASSERT_EQ(call({"DELETE", "/api/orders/" + returned, "", 2, {}}).status, 202);
    static_cast<void>(run(io, sweeper->refund()));
    ASSERT_EQ(order_state(returned), "REFUNDED");
    ASSERT_EQ(pay(3, placed(3, {4}), "INVALID_CARD").status, 200);
    ASSERT_EQ(call({"DELETE", "/api/orders/" + placed(4, {5}), "", 4, {}}).status, 200);
    const std::string late = placed(5, {6});
    sql("UPDATE orders SET expires_at=NOW(3)-INTERVAL 1 SECOND WHERE id=" + late);
    ASSERT_EQ(run(io, orders->expire(200, std::nullopt)).size(), 1U);
  }
  void expect_figures() {
    EXPECT_EQ(one("SELECT CONCAT_WS(' ',created,confirmed,declined,cancelled,expired,refunded,"
                  "seats,revenue,refunded_amount) FROM event_sales WHERE event_id=7 AND epoch=1"),
              "5 2 1 1 1 1 3 3000 1000");
  }
  void expect_notices() {
    EXPECT_EQ(one("SELECT GROUP_CONCAT(CONCAT(type,' ',user_id) ORDER BY type,user_id) FROM "
                  "notices"),
              "ORDER_CANCELLED 4,ORDER_CONFIRMED 1,ORDER_CONFIRMED 2,ORDER_EXPIRED 5,"
              "ORDER_REFUNDED 2,PAYMENT_FAILED 3,REFUND_REQUESTED 2");
  }

  std::unique_ptr<OrderStore> orders;
  std::unique_ptr<OutboxStore> outbox;
  std::unique_ptr<EventBooks> books;
  std::unique_ptr<EventStreams> streams;
  std::shared_ptr<SeatSettler> settler;
  SimulatedProvider gateway{io, switches, nullptr};
  std::unique_ptr<OrderSweeper> sweeper;
};

TEST_F(Groups, StatsAndNotifyCountEachEventOnceAlsoWhenItComesTwice) {
  StreamConsumer stats = consumer("stats"), notify = consumer("notify");
  turn(stats);  // makes the group
  turn(notify);
  sell();
  relay();
  sql("UPDATE outbox SET status='PENDING'");  // as after a crash between sending and committing
  relay();
  EXPECT_GT(redis_command({"XLEN", "st:order"}).integer, 16);
  turn(stats);
  turn(notify);
  expect_figures();
  expect_notices();
  EXPECT_EQ(pending("stats"), 0);
  EXPECT_EQ(pending("notify"), 0);
  // What was sold is what the orders say.
  EXPECT_EQ(one("SELECT SUM(created) FROM event_sales"), one("SELECT COUNT(*) FROM orders"));
}

TEST_F(Groups, SagaAsksForARefundAtOnce) {
  StreamConsumer saga = consumer("saga");
  turn(saga);
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  ASSERT_EQ(call({"DELETE", "/api/orders/" + order, "", 1, {}}).status, 202);
  relay();
  EXPECT_EQ(order_state(order), "REFUND_PENDING") << "no sweeper runs here";
  turn(saga);
  EXPECT_EQ(order_state(order), "REFUNDED");
  EXPECT_EQ(one("SELECT status FROM payments"), "CANCELED");
  EXPECT_EQ(pending("saga"), 0);
}

TEST_F(Groups, WhatADeadConsumerLeftIsClaimedByAnother) {
  for (const char* group : {"stats", "notify", "saga"}) {
    StreamConsumer first = consumer(group);
    turn(first);
  }
  sell();
  relay();
  for (const char* group : {"stats", "notify", "saga"}) {
    StreamConsumer dying =
        consumer(group, "b", [](std::vector<StreamEntry>) -> Task<std::vector<StreamEntry>> {
          throw StoreUnavailable("mysql", "dies");
          co_return std::vector<StreamEntry>{};
        });
    EXPECT_THROW(turn(dying), StoreUnavailable);
    EXPECT_GT(pending(group), 0) << group;
    run_for(Millis(5));
    StreamConsumer heir = consumer(group);
    static_cast<void>(run(io, heir.take_over()));
    EXPECT_EQ(pending(group), 0) << group;
  }
  expect_figures();
  expect_notices();
}

// It died after its effect and before it said so: the heir does it again.
TEST_F(Groups, EffectThatWasNotAcknowledgedIsNotDoubled) {
  for (const char* group : {"stats", "notify"}) {
    StreamConsumer first = consumer(group);
    turn(first);
  }
  sell();
  relay();
  for (const char* group : {"stats", "notify"}) {
    StreamConsumer dying =
        consumer(group, "b",
                 [this, group](std::vector<StreamEntry> entries) -> Task<std::vector<StreamEntry>> {
                   const auto done = effect_of(group);
                   static_cast<void>(co_await done(std::move(entries)));
                   throw StoreUnavailable("redis", "dies before XACK");
                 });
    EXPECT_THROW(turn(dying), StoreUnavailable);
    run_for(Millis(5));
    StreamConsumer heir = consumer(group);
    static_cast<void>(run(io, heir.take_over()));
    EXPECT_EQ(pending(group), 0) << group;
  }
  expect_figures();
  expect_notices();
}

TEST_F(Groups, LossOfRedisIsReplayedFromTheOutboxAndChangesNoFigure) {
  StreamConsumer stats = consumer("stats"), notify = consumer("notify");
  turn(stats);
  turn(notify);
  sell();
  relay();
  turn(stats);  // the figures are written, the notices are not
  redis_command({"FLUSHALL"});
  turn(stats);
  turn(notify);  // both notice, make the groups anew, have the rows sent again
  EXPECT_NE(one("SELECT COUNT(*) FROM outbox WHERE status='PENDING'"), "0");
  relay();
  turn(stats);
  turn(notify);
  expect_figures();
  expect_notices();
}

// Figures that nobody waits for are written with a second's events at once.
TEST_F(Groups, AfterABatchThatWasNotFullItGathers) {
  StreamConsumer::Setting setting;
  setting.group = "stats";
  setting.consumer = "a";
  setting.streams = {"order", "pay"};
  setting.gather = Millis(700);
  StreamConsumer stats(place(), *streams, *streams, *outbox, setting, effect_of("stats"));
  EXPECT_EQ(run(io, stats.turn()), Millis(0));  // makes the group
  sell();
  relay();
  EXPECT_EQ(run(io, stats.turn()), Millis(700));
  expect_figures();
}

TEST_F(Groups, WorkersRunThemAll) {
  spawn_workers();
  sell();
  EXPECT_TRUE(eventually([&] {
    return one("SELECT COALESCE(SUM(refunded),0) FROM event_sales") == "1" &&
           one("SELECT COUNT(*) FROM notices") == "7";
  }));
  const RedisReply groups = redis_command({"XINFO", "GROUPS", "st:order"});
  std::string names;
  for (const RedisReply& group : groups.elements) names += group.elements.at(1).text + " ";
  EXPECT_EQ(groups.elements.size(), 4U) << names;
  expect_figures();
}

}  // namespace
}  // namespace boxoffice
