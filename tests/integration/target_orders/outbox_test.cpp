// From the outbox to the event streams to their effect, with the accidents on the way: a crash
// between sending and committing, a consumer that dies, Redis without its data; and the sweeper.
#include "target/worker/order_sweeper.hpp"
#include "target/worker/outbox_relay.hpp"
#include "target/worker/settle_effect.hpp"
#include "target/worker/stream_consumer.hpp"
#include "tests/integration/target_orders/order_fixture.hpp"

namespace boxoffice {
namespace {

// Appends, and then dies.
class CrashAfterAppend final : public EventStreams {
 public:
  explicit CrashAfterAppend(EventStreams& real) : real_(real) {}
  Task<std::vector<std::string>> append(std::vector<OutboxRow> rows) override {
    static_cast<void>(co_await real_.append(std::move(rows)));
    throw StoreUnavailable("redis", "crash");
  }
  Task<bool> create_group(std::string, std::string) override { co_return false; }
  Task<StreamRead> read(std::string, std::string, std::vector<std::string>, std::uint32_t,
                        Millis) override {
    co_return StreamRead{};
  }
  Task<void> acknowledge(std::string, std::vector<StreamEntry>) override { co_return; }
  Task<StreamClaim> claim(std::string, std::string, std::string, Millis, std::uint32_t) override {
    co_return StreamClaim{};
  }
  Task<void> bury(std::string, StreamEntry) override { co_return; }
  Task<std::uint64_t> pending(std::string, std::string) override { co_return 0; }
  Task<void> trim(std::string) override { co_return; }

 private:
  EventStreams& real_;
};

class Outbox : public OrderFixture {
 protected:
  void SetUp() override {
    OrderFixture::SetUp();
    if (IsSkipped()) return;
    orders = make_order_store(*pool, metrics);
    outbox = make_outbox_store(*pool, metrics);
    streams = make_event_streams(*redis);
    settler = std::make_shared<SeatSettler>(io, *seats, *queue, *catalogue, signals, metrics);
    settle = consumer("a", [this](std::vector<StreamEntry> entries) {
      return settle_events(*orders, *settler, std::move(entries));
    });
  }
  std::unique_ptr<StreamConsumer> consumer(const std::string& name, StreamConsumer::Effect effect) {
    StreamConsumer::Setting setting;
    setting.group = "settle";
    setting.consumer = name;
    setting.streams = {"order", "pay"};
    setting.claim_idle = Millis(1);
    return std::make_unique<StreamConsumer>(place(), *streams, *streams, *outbox, setting,
                                            std::move(effect));
  }
  WorkerPlace place() { return WorkerPlace{io, metrics, stop.get_token()}; }
  Relayed relay() { return run(io, outbox->relay(*streams, 200)); }
  void consume() { static_cast<void>(run(io, settle->turn())); }
  void lose_data() {
    redis_command({"FLUSHALL"});
    redis_command({"SET", event_key(event_id, 1, "vr"), "1"});
  }
  std::int64_t length(const std::string& stream) {
    return redis_command({"XLEN", "st:" + stream}).integer;
  }
  std::int64_t unacknowledged() {
    return static_cast<std::int64_t>(run(io, streams->pending("order", "settle")));
  }
  std::string unsent() { return one("SELECT COUNT(*) FROM outbox WHERE status<>'SENT'"); }

  std::unique_ptr<OrderStore> orders;
  std::unique_ptr<OutboxStore> outbox;
  std::unique_ptr<EventStreams> streams;
  std::shared_ptr<SeatSettler> settler;
  std::unique_ptr<StreamConsumer> settle;
  SimulatedProvider gateway{io, switches, nullptr};
};

TEST_F(Outbox, RelaySendsEachRowOnceAndMarksIt) {
  placed(1, {3});
  placed(2, {4});
  EXPECT_EQ(relay().sent, 2U);
  EXPECT_EQ(relay().sent, 0U);
  EXPECT_EQ(length("order"), 2);
  EXPECT_EQ(unsent(), "0");
  const RedisReply entries = redis_command({"XRANGE", "st:order", "-", "+", "COUNT", "1"});
  EXPECT_EQ(one("SELECT stream_id FROM outbox ORDER BY id LIMIT 1"),
            entries.elements.at(0).elements.at(0).text);
}

TEST_F(Outbox, RelaysAtOnceShareTheRows) {
  for (std::uint32_t i = 0; i < 8; ++i) placed(i + 1, {i});
  std::uint32_t sent = 0;
  int left = 4;
  for (int i = 0; i < 4; ++i) {
    asio::co_spawn(io, outbox->relay(*streams, 200),
                   [&](const std::exception_ptr& failure, Relayed relayed) {
                     EXPECT_FALSE(failure);
                     sent += relayed.sent;
                     --left;
                   });
  }
  EXPECT_TRUE(eventually([&] { return left == 0; }));
  EXPECT_EQ(sent, 8U);
  EXPECT_EQ(length("order"), 8);
}

TEST_F(Outbox, CrashBetweenSendingAndCommittingSendsTwice) {
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  consume();  // makes the group
  CrashAfterAppend crash(*streams);
  EXPECT_THROW(run(io, outbox->relay(crash, 200)), StoreUnavailable);
  EXPECT_EQ(unsent(), "2") << "still pending";
  // The rows are free when the broken transaction was rolled back.
  EXPECT_TRUE(eventually([&] { return relay().sent == 2; }));
  EXPECT_EQ(length("order"), 4) << "each of the two came twice";
  consume();
  EXPECT_EQ(seat_state(3), "S");
  EXPECT_EQ(redis_command({"HGET", event_key(event_id, 1, "uq"), "1"}).number(), 1);
  EXPECT_EQ(unacknowledged(), 0);
}

// The confirmation comes again when the order was refunded and the seat sold on.
TEST_F(Outbox, OldEventDoesNotUndoWhatCameLater) {
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  ASSERT_EQ(call({"DELETE", "/api/orders/" + order, "", 1, {}}).status, 202);
  ASSERT_TRUE(eventually([&] { return seat_state(3).empty(); }));
  hold(2, {3});
  consume();
  relay();  // created, confirmed, refund requested: all late
  consume();
  EXPECT_EQ(seat_state(3), "H");
}

// Without the event's version key `settle` does nothing: the rebuild, which is not here, will read
// the database. The key alone stands for a rebuild that was before the payment.
TEST_F(Outbox, LossOfRedisDataIsMadeGood) {
  consume();
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  relay();
  lose_data();
  EXPECT_EQ(seat_state(3), "");
  consume();  // notices, makes the groups anew, has the rows sent again
  EXPECT_EQ(unsent(), "2");
  EXPECT_EQ(relay().sent, 2U);
  consume();
  EXPECT_EQ(seat_state(3), "S");
  EXPECT_EQ(unacknowledged(), 0);
}

TEST_F(Outbox, WhatWasSentInTheLastDayIsSentAgainAfterALoss) {
  consume();
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  relay();
  sql("UPDATE outbox SET available_at=available_at-INTERVAL 23 HOUR");
  lose_data();
  consume();
  EXPECT_EQ(unsent(), "2");
}

TEST_F(Outbox, WorkersRecoverByThemselves) {
  spawn_workers();
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  ASSERT_TRUE(eventually([&] { return unsent() == "0"; }));
  lose_data();
  EXPECT_TRUE(eventually([&] { return seat_state(3) == "S"; }));
  EXPECT_TRUE(eventually([&] { return unsent() == "0"; }));
}

TEST_F(Outbox, ReplaySparesWhatIsMarkedConsumed) {
  placed(1, {3});
  placed(2, {4});
  relay();
  const std::uint64_t first = std::stoull(one("SELECT MIN(id) FROM outbox"));
  EXPECT_TRUE(run(io, outbox->mark_consumed("books", first)));
  EXPECT_FALSE(run(io, outbox->mark_consumed("books", first))) << "seen before";
  EXPECT_EQ(run(io, outbox->replay(std::chrono::seconds(600), "books")), 1U);
  EXPECT_EQ(unsent(), "1");
  EXPECT_EQ(run(io, outbox->replay(std::chrono::seconds(600), "settle")), 1U);
  EXPECT_EQ(unsent(), "2");
}

TEST_F(Outbox, EventOfADeadConsumerIsTakenOver) {
  consume();
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  ASSERT_TRUE(eventually([&] { return seat_state(3) == "S"; }));
  redis_command({"HDEL", event_key(event_id, 1, "st"), "3"});
  relay();
  const auto dying = consumer("b", [](std::vector<StreamEntry>) -> Task<std::vector<StreamEntry>> {
    throw StoreUnavailable("redis", "dies");
    co_return std::vector<StreamEntry>{};
  });
  EXPECT_THROW(run(io, dying->turn()), StoreUnavailable);
  EXPECT_EQ(unacknowledged(), 2);
  run_for(Millis(5));
  static_cast<void>(run(io, settle->take_over()));
  EXPECT_EQ(unacknowledged(), 0);
  EXPECT_EQ(seat_state(3), "S");
}

TEST_F(Outbox, WhatFailsTooOftenIsBuried) {
  consume();
  placed(1, {3});
  relay();
  int tries = 0;
  const auto failing =
      consumer("b", [&tries](std::vector<StreamEntry>) -> Task<std::vector<StreamEntry>> {
        ++tries;
        throw StoreUnavailable("redis", "fails");
        co_return std::vector<StreamEntry>{};
      });
  EXPECT_THROW(run(io, failing->turn()), StoreUnavailable);
  for (int i = 0; i < 20 && unacknowledged() > 0; ++i) {
    run_for(Millis(5));
    try {
      static_cast<void>(run(io, failing->take_over()));
    } catch (const StoreUnavailable&) {
      continue;
    }
  }
  EXPECT_EQ(tries, 8);
  EXPECT_EQ(unacknowledged(), 0);
  EXPECT_EQ(length("dead"), 1);
  EXPECT_EQ(metric("dead_total"), 1U);
}

TEST_F(Outbox, StrangeEntriesAreBuriedAndOthersGoOn) {
  consume();
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  redis_command({"XADD", "st:order", "*", "oid", "1", "t", "ORDER_CONFIRMED", "p", "nonsense"});
  relay();
  consume();
  EXPECT_EQ(length("dead"), 1);
  EXPECT_EQ(unacknowledged(), 0);
  EXPECT_EQ(seat_state(3), "S");
}

TEST_F(Outbox, TrimDropsOnlyWhatIsAcknowledged) {
  consume();
  placed(1, {3});
  relay();
  consume();
  // Approximate trimming works in whole nodes of 100 entries.
  for (int i = 0; i < 250; ++i) {
    redis_command({"XADD", "st:order", "*", "oid", "1", "t", "ORDER_CREATED", "p", "{}"});
  }
  static_cast<void>(run(io, settle->trim()));
  EXPECT_EQ(length("order"), 251) << "not read yet";
  for (int i = 0; i < 5; ++i) consume();
  static_cast<void>(run(io, settle->trim()));
  EXPECT_LT(length("order"), 110);
}

TEST_F(Outbox, RelayIsWokenByACommit) {
  OutboxRelay woken(place(), *outbox, *streams, signals);
  asio::steady_timer later(io, Millis(20));
  later.async_wait([this](auto) { signals.changed(OrderSignals::outbox); });
  const TimePoint begun = Clock::now();
  static_cast<void>(run(io, woken.turn()));
  EXPECT_LT(Clock::now() - begun, Millis(150));
}

TEST_F(Outbox, SweeperEndsOrdersThatWereNotPaid) {
  const std::string late = placed(1, {3, 4});
  const std::string good = placed(2, {5});
  sql("UPDATE orders SET expires_at=NOW(3)-INTERVAL 1 SECOND WHERE id=" + late);
  OrderSweeper sweeper(place(), *orders, *settler, *leases, gateway);
  static_cast<void>(run(io, sweeper.expire()));
  EXPECT_EQ(order_state(late), "EXPIRED");
  EXPECT_EQ(order_state(good), "PAYMENT_PENDING");
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE live=1"), "1");
  EXPECT_EQ(one("SELECT used FROM user_event_quota WHERE user_id=1"), "0");
  EXPECT_EQ(one("SELECT used FROM user_event_quota WHERE user_id=2"), "1");
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox WHERE type='ORDER_EXPIRED'"), "1");
  EXPECT_TRUE(eventually([&] { return seat_state(3).empty() && seat_state(4).empty(); }));
  EXPECT_EQ(seat_state(5), "P");
}

TEST_F(Outbox, SweeperTakesManyOrdersOfOneUserTogether) {
  const std::string first = placed(1, {3});
  const std::string second = placed(1, {4, 5});
  sql("UPDATE orders SET expires_at=NOW(3)-INTERVAL 1 SECOND");
  EXPECT_EQ(run(io, orders->expire(200, 1)).size(), 2U);
  EXPECT_EQ(one("SELECT used FROM user_event_quota WHERE user_id=1"), "0");
}

TEST_F(Outbox, SweeperWithAnOldFenceStops) {
  const std::string late = placed(1, {3});
  sql("UPDATE orders SET expires_at=NOW(3)-INTERVAL 1 SECOND");
  sql("INSERT INTO fences VALUES ('sweep',100)");
  EXPECT_THROW(run(io, orders->expire(200, 5)), FencedOff);
  EXPECT_EQ(order_state(late), "PAYMENT_PENDING");
  EXPECT_EQ(run(io, orders->expire(200, 101)).size(), 1U);
  EXPECT_EQ(one("SELECT token FROM fences"), "101");
}

TEST_F(Outbox, SweeperWorksWithoutRedis) {
  const std::string late = placed(1, {3});
  sql("UPDATE orders SET expires_at=NOW(3)-INTERVAL 1 SECOND");
  OrderSweeper sweeper(place(), *orders, *settler, *leases, gateway);
  order_redis().kill();
  run_for(Millis(50));
  static_cast<void>(run(io, sweeper.expire()));
  EXPECT_EQ(order_state(late), "EXPIRED");
  order_redis().start();
  // The lock was given back.
  EXPECT_EQ(one("SELECT IS_FREE_LOCK('boxoffice_sweep')"), "1");
}

TEST_F(Outbox, ExpiryAndPaymentAtOnceHaveOneWinner) {
  for (std::uint32_t round = 0; round < 5; ++round) {
    const std::string order = placed(round + 1, {round});
    sql("UPDATE orders SET expires_at=NOW(3)+INTERVAL 20000 MICROSECOND WHERE id=" + order);
    bool swept = false;
    asio::steady_timer timer(io, Millis(20 + round));
    timer.async_wait([&](auto) {
      asio::co_spawn(io, orders->expire(200, std::nullopt),
                     [&](const std::exception_ptr&, const auto&) { swept = true; });
    });
    const Reply reply = pay(round + 1, order);
    EXPECT_TRUE(eventually([&] { return swept; }));
    const std::string state = order_state(order);
    const std::string tickets = one("SELECT COUNT(*) FROM tickets WHERE order_id=" + order);
    const std::string live =
        one("SELECT COUNT(*) FROM order_seats WHERE live=1 AND order_id=" + order);
    if (reply.status == 200) {
      EXPECT_EQ(state, "CONFIRMED");
      EXPECT_EQ(tickets + live, "11");
    } else {
      EXPECT_EQ(reply.status, 410) << reply.body.dump();
      EXPECT_EQ(tickets + live, "00") << state;
    }
  }
}

TEST_F(Outbox, GarbageOlderThanADayIsCollected) {
  placed(1, {3});
  relay();
  run(io, orders->collect_garbage());
  EXPECT_EQ(one("SELECT COUNT(*) FROM idempotency_keys"), "1");
  sql("UPDATE idempotency_keys SET created_at=NOW(6)-INTERVAL 25 HOUR");
  sql("UPDATE outbox SET available_at=NOW(6)-INTERVAL 25 HOUR");
  run(io, orders->collect_garbage());
  EXPECT_EQ(one("SELECT COUNT(*) FROM idempotency_keys"), "0");
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox"), "0");
}

}  // namespace
}  // namespace boxoffice
