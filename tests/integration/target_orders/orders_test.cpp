// Orders against a real database and a real Redis: every answer of their routes, and the guards
// that hold when Redis does not.
#include "target/service/order_watch.hpp"
#include "target/store/schema.hpp"
#include "tests/integration/target_orders/order_fixture.hpp"

namespace boxoffice {
namespace {

class Orders : public OrderFixture {};

TEST_F(Orders, PlacingClaimsTheSeatsInOneTransaction) {
  const std::string id = hold(1, {3, 12});
  const Reply reply = call(order_call(1, id, "k1"));
  ASSERT_EQ(reply.status, 201) << reply.body.dump();
  EXPECT_EQ(reply.body["status"], "PAYMENT_PENDING");
  EXPECT_EQ(reply.body["amount"], 1500);
  EXPECT_EQ(reply.body["seatIds"], nlohmann::json::parse("[3,12]"));
  ASSERT_TRUE(reply.body["orderId"].is_string());
  const std::string order = reply.body["orderId"];
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE live=1 AND order_id=" + order), "2");
  EXPECT_EQ(one("SELECT used FROM user_event_quota WHERE user_id=1"), "2");
  EXPECT_EQ(one("SELECT type FROM outbox WHERE agg_id=" + order), "ORDER_CREATED");
  EXPECT_EQ(one("SELECT state FROM idempotency_keys WHERE user_id=1"), "DONE");
  EXPECT_EQ(one("SELECT LOWER(HEX(hold_id)) FROM orders"), id);
  EXPECT_EQ(seat_state(3), "P");
  // The receipt's deadline is the row's, to the millisecond.
  EXPECT_EQ(one("SELECT DATE_FORMAT(expires_at,'%Y-%m-%dT%T') FROM orders"),
            reply.body["expiresAt"].get<std::string>().substr(0, 19));
  // What is left of a hold of 60 s.
  EXPECT_EQ(one("SELECT expires_at BETWEEN NOW(3)+INTERVAL 50 SECOND AND NOW(3)+INTERVAL 61 SECOND"
                " FROM orders"),
            "1");
}

TEST_F(Orders, ShortHoldStillGivesHalfAMinuteToPay) {
  const Reply reply = call(order_call(1, hold(1, {1}, 2000), "k1"));
  ASSERT_EQ(reply.status, 201);
  EXPECT_EQ(one("SELECT expires_at>NOW(3)+INTERVAL 28 SECOND FROM orders"), "1");
}

TEST_F(Orders, SameKeyGivesTheFirstResultAgain) {
  const std::string id = hold(1, {3});
  const Reply first = call(order_call(1, id, "k1"));
  const Reply again = call(order_call(1, id, "k1"));
  ASSERT_EQ(first.status, 201);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_FALSE(first.replayed());
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "1");
}

TEST_F(Orders, SameKeyWithAnotherBodyIsRefused) {
  ASSERT_EQ(call(order_call(1, hold(1, {3}), "k1")).status, 201);
  const Reply other = call(order_call(1, hold(1, {4}), "k1"));
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.code(), "IDEMPOTENCY_KEY_REUSED");
  EXPECT_EQ(seat_state(4), "H");
}

TEST_F(Orders, SameKeyOfAnotherUserIsAnotherKey) {
  ASSERT_EQ(call(order_call(1, hold(1, {3}), "k1")).status, 201);
  EXPECT_EQ(call(order_call(2, hold(2, {4}), "k1")).status, 201);
}

TEST_F(Orders, SameHoldWithAnotherKeyIsTheSameOrder) {
  const std::string id = hold(1, {3});
  const Reply first = call(order_call(1, id, "k1"));
  const Reply other = call(order_call(1, id, "k2"));
  EXPECT_EQ(other.status, 201);
  EXPECT_EQ(other.body["orderId"], first.body["orderId"]);
  EXPECT_TRUE(other.replayed());
}

TEST_F(Orders, TwentyAtOnceWithOneKeyMakeOneOrder) {
  const std::string id = hold(1, {3});
  std::vector<Call> calls(20, order_call(1, id, "k1"));
  std::set<std::string> orders;
  for (const Reply& reply : call_all(std::move(calls))) {
    if (reply.status == 201) {
      orders.insert(reply.body["orderId"]);
    } else {
      EXPECT_EQ(reply.status, 409) << reply.body.dump();
      EXPECT_EQ(reply.code(), "IN_PROGRESS");
    }
  }
  EXPECT_EQ(orders.size(), 1U);
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "1");
}

TEST_F(Orders, TwentyAtOnceWithOneHoldMakeOneOrder) {
  const std::string id = hold(1, {3});
  std::vector<Call> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(order_call(1, id, fmt::format("k{}", i)));
  std::set<std::string> orders;
  for (const Reply& reply : call_all(std::move(calls))) {
    ASSERT_EQ(reply.status, 201) << reply.body.dump();
    orders.insert(reply.body["orderId"]);
  }
  EXPECT_EQ(orders.size(), 1U);
}

// At another instance the order has taken the hold and its transaction is still running.
TEST_F(Orders, AHoldThatIsBeingOrderedElsewhereIsInProgressAndNotOver) {
  const std::string id = hold(1, {3});
  const auto event = run(io, catalogue->event(event_id));
  ASSERT_TRUE(event);
  const auto pending = run(io, seats->pend(*event, id, 1, 900));
  ASSERT_TRUE(pending);
  const Reply meanwhile = call(order_call(1, id, "k1"));
  EXPECT_EQ(meanwhile.status, 409) << meanwhile.body.dump();
  EXPECT_EQ(meanwhile.code(), "IN_PROGRESS");
  run(io, seats->unpend(*event, *pending, 900));
  EXPECT_EQ(call(order_call(1, id, "k1")).status, 201) << "it came to nothing there";
}

TEST_F(Orders, RefusesHoldsThatAreOverForeignOrNone) {
  const std::string foreign = hold(2, {5});
  EXPECT_EQ(call(order_call(1, foreign, "k1")).code(), "FORBIDDEN");
  EXPECT_EQ(call(order_call(1, std::string(32, '0'), "k2")).code(), "HOLD_EXPIRED");
  const std::string brief = hold(1, {6}, 50);
  run_for(Millis(80));
  const Reply over = call(order_call(1, brief, "k3"));
  EXPECT_EQ(over.status, 410);
  EXPECT_EQ(over.code(), "HOLD_EXPIRED");
  Call bad = order_call(1, "nonsense", "k4");
  EXPECT_EQ(call(bad).status, 422);
  bad.body = "{";
  EXPECT_EQ(call(bad).status, 400);
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "0");
}

TEST_F(Orders, TakesTheLongFormOfTheBody) {
  const std::string id = hold(1, {7, 8});
  Call call_with = order_call(1, id, "k1");
  call_with.body = R"({"eventId":7,"seatIds":[8,9],"holdId":")" + id + "\"}";
  EXPECT_EQ(call(call_with).code(), "VALIDATION_FAILED");
  EXPECT_EQ(seat_state(7), "H") << "given back";
  call_with.body = R"({"eventId":7,"seatIds":[8,7],"holdId":")" + id + "\"}";
  EXPECT_EQ(call(call_with).status, 201);
}

// Redis forgets, as after a failover with a lost tail, and gives the seat to another: the unique
// key in the database refuses the second order.
TEST_F(Orders, SecondOrderOfASeatIsRefusedByTheDatabase) {
  const std::string first = placed(1, {3});
  redis_command({"HDEL", event_key(event_id, 1, "st"), "3"});
  const Reply second = call(order_call(2, hold(2, {3, 4}), "k2"));
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(second.code(), "SEAT_CLAIMED");
  EXPECT_EQ(seat_state(4), "H") << "the hold is given back";
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE seat_no=3 AND live=1"), "1");
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "1") << "nothing of the second remains";
  EXPECT_EQ(one("SELECT COUNT(*) FROM idempotency_keys WHERE user_id=2"), "0");
}

TEST_F(Orders, QuotaIsKeptByTheDatabase) {
  sql("INSERT INTO user_event_quota VALUES (7,1,1,3,4)");
  const Reply reply = call(order_call(1, hold(1, {3, 4}), "k1"));
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.code(), "QUOTA_EXCEEDED");
  EXPECT_EQ(seat_state(3), "H");
  EXPECT_EQ(one("SELECT used FROM user_event_quota WHERE user_id=1"), "3");
}

// The planted defect: without the guard the same two orders are both sold.
TEST_F(Orders, WithoutTheGuardASeatIsSoldTwice) {
  run(io, apply_guards(*pool, false));
  switches.no_guard1 = true;
  const std::string first = placed(1, {3});
  redis_command({"HDEL", event_key(event_id, 1, "st"), "3"});
  const std::string second = placed(2, {3});
  EXPECT_EQ(pay(1, first).body["status"], "DONE");
  EXPECT_EQ(pay(2, second).body["status"], "DONE");
  EXPECT_EQ(order_state(first), "CONFIRMED");
  EXPECT_EQ(order_state(second), "CONFIRMED");
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE seat_no=3 AND live=1"), "2");
}

TEST_F(Orders, ReadingIsForTheOwner) {
  const std::string order = placed(1, {3});
  const Reply mine = call(read_call(1, order));
  EXPECT_EQ(mine.status, 200);
  EXPECT_EQ(mine.body["orderId"], order);
  EXPECT_EQ(mine.body["status"], "PAYMENT_PENDING");
  EXPECT_TRUE(mine.body["payment"].is_null());
  EXPECT_TRUE(mine.body["tickets"].empty());
  EXPECT_EQ(call(read_call(2, order)).status, 403);
  EXPECT_EQ(call(read_call(1, "12345")).status, 404);
  EXPECT_EQ(call(read_call(1, "x")).status, 404);
}

// The first look into the database comes 300 ms after the wait began: who is told earlier was
// woken. The best of three, because the machine may be busy.
TEST_F(Orders, LongPollEndsWithThePayment) {
  Millis best{10000};
  for (std::uint32_t seat = 3; seat < 6; ++seat) {
    const std::string order = placed(seat, {seat});
    const TimePoint begun = Clock::now();
    const auto replies = call_all(
        {read_call(seat, order, 20000), pay_call(seat, order, fmt::format("pay-of-{}", seat))});
    best = std::min(best, std::chrono::duration_cast<Millis>(Clock::now() - begun));
    EXPECT_EQ(replies[0].body["status"], "CONFIRMED");
    EXPECT_EQ(replies[0].body["payment"]["status"], "DONE");
    EXPECT_EQ(replies[0].body["tickets"][0]["seatId"], seat);
  }
  EXPECT_LT(best.count(), 250);
}

TEST_F(Orders, LongPollSeesWhatAnotherProcessDid) {
  const std::string order = placed(1, {3});
  asio::steady_timer later(io, Millis(100));
  later.async_wait([&](auto) { sql("UPDATE orders SET status='CANCELLED' WHERE id=" + order); });
  const TimePoint begun = Clock::now();
  const Reply reply = call(read_call(1, order, 20000));
  EXPECT_EQ(reply.body["status"], "CANCELLED");
  EXPECT_LT(Clock::now() - begun, Millis(900));
}

TEST_F(Orders, LongPollEndsWhenItsTimeIsOver) {
  const std::string order = placed(1, {3});
  const TimePoint begun = Clock::now();
  const Reply reply = call(read_call(1, order, 150));
  EXPECT_EQ(reply.body["status"], "PAYMENT_PENDING");
  EXPECT_GE(Clock::now() - begun, Millis(150));
  EXPECT_LT(Clock::now() - begun, Millis(600));
}

TEST_F(Orders, ManyWaitersCostOneLookAtATime) {
  const std::string order = placed(1, {3});
  auto store = make_order_store(*pool, metrics);
  auto watch = std::make_shared<OrderWatch>(io, *store, signals, stop.get_token());
  std::vector<std::unique_ptr<OrderWatch::Place>> places;
  for (int i = 0; i < 500; ++i) {
    places.push_back(std::make_unique<OrderWatch::Place>(watch, std::stoull(order),
                                                         Clock::now() + Millis(5000)));
  }
  run_for(Millis(1000));
  EXPECT_GE(watch->looks(), 2U);
  EXPECT_LE(watch->looks(), 4U);
}

TEST_F(Orders, CancellingAPendingOrderFreesItsSeats) {
  const std::string order = placed(1, {3, 4});
  const Call cancel{"DELETE", "/api/orders/" + order, "", 1, {}};
  Call foreign = cancel;
  foreign.user = 2;
  EXPECT_EQ(call(foreign).status, 403);
  const Reply reply = call(cancel);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body["status"], "CANCELLED");
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE live=1"), "0");
  EXPECT_EQ(one("SELECT used FROM user_event_quota WHERE user_id=1"), "0");
  EXPECT_TRUE(eventually([&] { return seat_state(3).empty() && seat_state(4).empty(); }));
  const Reply again = call(cancel);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "ALREADY_FINAL");
  EXPECT_EQ(call({"DELETE", "/api/orders/99", "", 1, {}}).status, 404);
  // The seat can be claimed again, and its history stays.
  placed(2, {3});
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE seat_no=3"), "2");
}

TEST_F(Orders, CancellingAConfirmedOrderGivesTheMoneyBack) {
  spawn_workers();
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  ASSERT_TRUE(eventually([&] { return seat_state(3) == "S"; }));
  Call cancel{"DELETE", "/api/orders/" + order, "", 1, {{"Idempotency-Key", "c1"}}};
  const Reply reply = call(cancel);
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body["status"], "REFUND_PENDING");
  const Reply again = call(cancel);
  EXPECT_EQ(again.status, 202);
  EXPECT_TRUE(again.replayed());
  EXPECT_TRUE(eventually([&] { return order_state(order) == "REFUNDED"; }));
  EXPECT_EQ(one("SELECT status FROM payments"), "CANCELED");
  EXPECT_EQ(one("SELECT COUNT(*) FROM tickets"), "0");
  EXPECT_EQ(one("SELECT used FROM user_event_quota WHERE user_id=1"), "0");
  EXPECT_TRUE(eventually([&] { return seat_state(3).empty(); }));
  EXPECT_TRUE(
      eventually([&] { return one("SELECT COUNT(*) FROM outbox WHERE status<>'SENT'") == "0"; }));
}

TEST_F(Orders, WithoutRedisThereIsNoNewOrderButOldOnesAreReplayed) {
  const std::string id = hold(1, {3});
  const std::string unused = hold(1, {4});
  ASSERT_EQ(call(order_call(1, id, "k1")).status, 201);
  order_redis().kill();
  EXPECT_EQ(call(order_call(1, id, "k1")).status, 201);
  const Reply fresh = call(order_call(1, unused, "k2"));
  EXPECT_EQ(fresh.status, 503);
  EXPECT_EQ(fresh.failure, "redis");
  order_redis().start();
}

TEST_F(Orders, WithoutTheDatabaseTheHoldIsKept) {
  const std::string id = hold(1, {3});
  mariadb().stop();
  const Reply down = call(order_call(1, id, "k1"));
  EXPECT_EQ(down.status, 503);
  EXPECT_EQ(down.failure, "mysql");
  EXPECT_EQ(seat_state(3), "H");
  mariadb().start();
  EXPECT_EQ(call(order_call(1, id, "k1")).status, 201) << "the same key may be tried again";
}

}  // namespace
}  // namespace boxoffice
