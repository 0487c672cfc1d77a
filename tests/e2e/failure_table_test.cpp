// Goal: what each part does when a store is away, empty, read-only or half lost is what the
// specification's failure table says (domain §2.13), and it mends itself.
// Method: the real binary on private Redis and MariaDB servers, which are killed, emptied, damaged
// and switched to read-only under it; two instances, of which the lease's holder is stopped.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>

#include "tests/e2e/failure_table.hpp"

namespace boxoffice::test {
namespace {

TEST_F(FailureTable, RedisAwayHoldsFailClosedAndPaymentsGoOn) {
  open();
  const std::string pending = order_id(1), late = order_id(2), waiting = hold_id(3);
  EXPECT_EQ(seats().status, 200);
  redis_->kill();
  expect_down(hold(5));
  expect_down(order(waiting, "o3"));
  expect_down(enter_queue());
  EXPECT_EQ(ask("GET", "/api/events").status, 200) << "from the database";
  // Money needs no Redis: paid, confirmed, and what must be told waits in the outbox.
  const Answer paid = pay(pending);
  EXPECT_EQ(paid.status, 200) << paid.body;
  EXPECT_EQ(one("SELECT status FROM orders WHERE id=" + pending), "CONFIRMED");
  EXPECT_NE(one("SELECT COUNT(*) FROM outbox WHERE status='PENDING'"), "0");
  // The sweeper goes on by the database's own lock.
  mariadb_->sql("UPDATE orders SET expires_at=NOW(3)-INTERVAL 1 SECOND WHERE id=" + late,
                "boxoffice");
  EXPECT_TRUE(
      eventually([&] { return one("SELECT status FROM orders WHERE id=" + late) == "EXPIRED"; }));
  // The map: an old copy for a while, and then none.
  EXPECT_TRUE(eventually([&] { return seats().status == 503; }));
  for (int i = 0; i < 30; ++i) hold(5);
  EXPECT_NE(metrics().find("breaker_state{dep=\"redis\"} 2"), std::string::npos);
  const Answer ready = RawClient(boxes_[0]->port()).exchange("GET", "/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_NE(ready.body.find(R"("redis":"open")"), std::string::npos) << ready.body;

  redis_->start();  // and empty
  EXPECT_TRUE(eventually([&] { return hold(5).status == 201; })) << boxes_[0]->log();
  EXPECT_EQ(hold(1, 1).status, 422) << "the one that was paid meanwhile";
  EXPECT_EQ(hold(2, 1).status, 201) << "the one that expired meanwhile";
  EXPECT_TRUE(
      eventually([&] { return one("SELECT COUNT(*) FROM outbox WHERE status<>'SENT'") == "0"; }));
}

TEST_F(FailureTable, AStoppedRedisIsAsGoodAsNone) {
  open();
  EXPECT_EQ(hold(1).status, 201);
  redis_->pause();
  expect_down(hold(2));
  EXPECT_EQ(ask("GET", "/api/events").status, 200);
  redis_->resume();
  EXPECT_TRUE(eventually([&] { return hold(4).status == 201; })) << boxes_[0]->log();
}

TEST_F(FailureTable, RedisWithoutItsDataIsRebuiltAndOldHoldsAreOver) {
  open();
  const std::string sold = order_id(1);
  EXPECT_EQ(pay(sold).status, 200);
  order_id(2);
  const std::string held = hold_id(3);
  EXPECT_EQ(enter_queue(1).status / 100, 2);
  redis("FLUSHALL");
  Answer again = hold(4);
  EXPECT_TRUE(again.status == 201 || code(again) == "REBUILDING") << again.body;
  EXPECT_TRUE(eventually([&] { return hold(5).status == 201; }));
  EXPECT_EQ(code(hold(1, 1)), "SEAT_SOLD");
  EXPECT_EQ(code(hold(2, 1)), "SEAT_HELD");
  EXPECT_EQ(code(order(held, "o3")), "HOLD_EXPIRED");
  EXPECT_EQ(hold(3, 1).status, 201) << "the hold is gone, the seat is not";
  EXPECT_TRUE(eventually([&] { return enter_queue(1).status / 100 == 2; }));
}

// Nobody rebuilds by himself here, so it stays visible. What an operator does in the ordinary
// course of things, a reset or a new event, sends nobody away.
TEST_F(FailureTable, AnInstanceIsNotReadyWhileAnEventOnSaleIsNotRebuilt) {
  open({"--roles=all,-worker"});
  const auto ready = [&] { return RawClient(boxes_[0]->port()).exchange("GET", "/readyz"); };
  const auto admin = [&](const std::string& path, const std::string& body = "") {
    return RawClient(boxes_[0]->admin_port()).exchange("POST", path, admin_field, body);
  };
  EXPECT_EQ(ready().status, 200);
  redis("FLUSHALL");
  const Answer lost = ready();
  EXPECT_EQ(lost.status, 503);
  EXPECT_EQ(lost.json().at("waitingFor"), nlohmann::json({"events"})) << lost.body;
  EXPECT_NE(lost.head.find("Retry-After: 1\r\n"), std::string::npos) << lost.head;
  EXPECT_EQ(admin("/admin/rebuild?event=" + std::to_string(event_)).status, 200);
  EXPECT_EQ(ready().status, 503) << "the other one is on sale, too";
  EXPECT_EQ(admin("/admin/rebuild?event=" + std::to_string(queued_event_)).status, 200);
  EXPECT_EQ(ready().status, 200);

  std::atomic<bool> done{false};
  std::thread operator_at_work([&] {
    for (int i = 0; i < 15; ++i) {
      EXPECT_EQ(admin("/admin/events/" + std::to_string(event_) + "/reset").status, 200);
      EXPECT_EQ(admin("/admin/seed", R"({"events":[{"rows":20,"cols":50}]})").status, 200);
    }
    done = true;
  });
  while (!done) EXPECT_EQ(ready().status, 200);
  operator_at_work.join();
  // One that opens tomorrow has time.
  const std::string later =
      R"({"events":[{"rows":1,"cols":2,"saleOpenAt":"2099-01-01T00:00:00Z"}]})";
  const auto made = admin("/admin/seed", later).json().at("events").at(0);
  redis("DEL {e" + made.at("id").dump() + ".1}:ok");
  EXPECT_EQ(ready().status, 200);
}

// The marker is there and one seat's state is not: a second user may hold it, and no more.
TEST_F(FailureTable, ASeatThatRedisForgotIsHeldAgainButNeverSoldAgain) {
  open();
  EXPECT_EQ(pay(order_id(1)).status, 200);
  // Until nothing is on its way that would settle it again.
  EXPECT_TRUE(eventually([&] {
    const auto stats =
        RawClient(boxes_[0]->admin_port()).exchange("GET", "/admin/stats", admin_field).json();
    return stats.at("streamBacklog") == 0 && stats.at("backlog").at("outbox") == 0 &&
           code(hold(1, 1)) == "SEAT_SOLD";
  }));
  redis("HDEL " + key("st") + " 1");
  const std::string again = hold_id(1, 1);
  const Answer refused = order(again, "again", 1);
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(code(refused), "SEAT_CLAIMED");
  // The reconciler puts the ticket's owner back.
  EXPECT_TRUE(eventually([&] { return code(hold(1, 2)) == "SEAT_SOLD"; }));
  EXPECT_NE(metrics().find("repair_total{kind=\"missing\"} 1"), std::string::npos);
  EXPECT_EQ(one("SELECT COUNT(*) FROM tickets WHERE seat_no=1"), "1");
}

TEST_F(FailureTable, MysqlAwayHoldsGoOnForAWhileAndOrdersComeBackWithTheSameKey) {
  open({"--hold-backlog=3"});
  const std::string waiting = hold_id(1), pending = order_id(2);
  EXPECT_EQ(ask("GET", "/api/events").status, 200);
  EXPECT_EQ(seats().status, 200);
  EXPECT_EQ(enter_queue(1).status / 100, 2) << "the event's facts are known from here on";
  mariadb_->kill();
  EXPECT_EQ(hold(3).status, 201) << "Redis alone gives holds";
  EXPECT_EQ(seats().status, 200);
  EXPECT_EQ(ask("GET", "/api/events").status, 200) << "an old list";
  EXPECT_EQ(enter_queue(2).status / 100, 2);
  expect_down(order(waiting, "same"));
  EXPECT_EQ(ask("GET", "/api/reservations/" + waiting).status, 200) << "the hold was given back";
  expect_down(pay(pending));
  // Enough of them for the breaker; then a few holds more, and no more.
  for (int i = 0; i < 25; ++i) pay(pending);
  EXPECT_TRUE(eventually([&] { return hold(4, 3).status == 503; }));
  EXPECT_NE(hold(4, 3).body.find("orders cannot be taken now"), std::string::npos);

  mariadb_->start();
  EXPECT_TRUE(eventually([&] { return order(waiting, "same").status == 201; }));
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "2");
  EXPECT_TRUE(eventually([&] { return pay(pending).status == 200; }));
  EXPECT_TRUE(eventually([&] { return hold(6, 4).status == 201; }));
}

TEST_F(FailureTable, AReadOnlyMysqlTakesNoOrderAndLosesNone) {
  open();
  const std::string waiting = hold_id(1), pending = order_id(2);
  mariadb_->sql("SET GLOBAL read_only=1");
  EXPECT_EQ(ask("GET", "/api/events").status, 200);
  EXPECT_EQ(hold(3).status, 201);
  expect_down(order(waiting, "same"));
  EXPECT_EQ(ask("GET", "/api/reservations/" + waiting).status, 200) << "the hold was given back";
  expect_down(pay(pending));
  EXPECT_EQ(ask("GET", "/api/orders/" + pending).status, 200) << "reading is possible";
  mariadb_->sql("SET GLOBAL read_only=0");
  EXPECT_TRUE(eventually([&] { return order(waiting, "same").status == 201; }));
  EXPECT_TRUE(eventually([&] { return pay(pending).status == 200; }));
  EXPECT_EQ(one("SELECT COUNT(*) FROM payments WHERE status='DONE'"), "1");
}

// The holder of the sweeper's lease is stopped; the other takes over, and nothing is done twice
// when the first wakes up.
TEST_F(FailureTable, ALeaseOutlivesItsHolderByItsTimeOnly) {
  open({}, 2);
  const auto owns = [&](std::size_t box) {
    return metrics(box).find("lease_owner{name=\"sweep\"} 1") != std::string::npos;
  };
  EXPECT_TRUE(eventually([&] { return owns(0) != owns(1); }));
  const std::size_t holder = owns(0) ? 0 : 1, other = 1 - holder;
  const std::string first = order_id(1, 0, other), second = order_id(2, 0, other);
  boxes_[holder]->pause();
  mariadb_->sql("UPDATE orders SET expires_at=NOW(3)-INTERVAL 1 SECOND WHERE id=" + first,
                "boxoffice");
  EXPECT_TRUE(
      eventually([&] { return one("SELECT status FROM orders WHERE id=" + first) == "EXPIRED"; }));
  EXPECT_TRUE(owns(other));
  boxes_[holder]->signal(SIGCONT);
  mariadb_->sql("UPDATE orders SET expires_at=NOW(3)-INTERVAL 1 SECOND WHERE id=" + second,
                "boxoffice");
  EXPECT_TRUE(
      eventually([&] { return one("SELECT status FROM orders WHERE id=" + second) == "EXPIRED"; }));
  EXPECT_TRUE(eventually([&] { return !owns(holder) && owns(other); })) << "one of them";
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox WHERE type='ORDER_EXPIRED'"), "2");
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE live=1"), "0");
  EXPECT_TRUE(eventually([&] { return hold(1, 1, other).status == 201; }));
}

}  // namespace
}  // namespace boxoffice::test
