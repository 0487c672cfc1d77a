// The deliberate bugs of orders, payments and the outbox: each does the harm that its name says,
// and without it the same requests do none.
#include "target/service/hold_id.hpp"
#include "target/store/schema.hpp"
#include "tests/integration/target_orders/order_fixture.hpp"

namespace boxoffice {
namespace {

class Defects : public OrderFixture {
 protected:
  // An order of seats that nobody asked Redis for.
  Reply order_unheld(std::uint64_t user, std::uint32_t seat, const std::string& key) {
    const std::string id = make_hold_id(event_id, 1);
    Call call = order_call(user, id, key);
    call.body = fmt::format(R"({{"holdId":"{}","eventId":{},"seatIds":[{}]}})", id, event_id, seat);
    return this->call(std::move(call));
  }
  Millis paying(std::size_t people) {
    std::vector<Call> calls;
    for (std::size_t i = 0; i < people; ++i) {
      const std::uint64_t user = next_user_++;
      const std::string order = placed(user, {next_seat_++});
      calls.push_back(pay_call(user, order, "pay"));
    }
    const TimePoint begun = Clock::now();
    for (const Reply& reply : call_all(std::move(calls))) EXPECT_EQ(reply.body["status"], "DONE");
    return std::chrono::duration_cast<Millis>(Clock::now() - begun);
  }
  void provider_takes(double ms) {
    PaymentConfig payment = *switches.payment();
    payment.delay_a_ms = ms;
    set_payment(payment);
  }

 private:
  std::uint64_t next_user_ = 100;
  std::uint32_t next_seat_ = 0;
};

TEST_F(Defects, WithoutAnOwnersCheckASeatGoesToTwoWhoPay) {
  EXPECT_EQ(order_unheld(2, 3, "a").status, 410);
  run(io, apply_guards(*pool, false));
  switches.no_guard1 = switches.confirm_without_owner = true;
  const std::string first = placed(1, {3});
  const Reply second = order_unheld(2, 3, "b");
  ASSERT_EQ(second.status, 201) << second.body.dump();
  EXPECT_EQ(pay(1, first).body["status"], "DONE");
  EXPECT_EQ(pay(2, second.body["orderId"]).body["status"], "DONE");
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders o JOIN order_seats s ON s.order_id=o.id WHERE "
                "s.seat_no=3 AND o.status='CONFIRMED'"),
            "2");
}

TEST_F(Defects, TheDatabaseStopsAnOrderWithoutOwnerWhileItsGuardIsOn) {
  switches.confirm_without_owner = true;
  placed(1, {3});
  EXPECT_EQ(order_unheld(2, 3, "b").code(), "SEAT_CLAIMED");
}

TEST_F(Defects, KeysThatAreOffMakeTwoOrdersOfOneKey) {
  switches.idem_off = true;
  const Reply first = call(order_call(1, hold(1, {3}), "k"));
  const Reply second = call(order_call(1, hold(1, {4}), "k"));
  ASSERT_EQ(first.status, 201);
  ASSERT_EQ(second.status, 201);
  EXPECT_NE(first.body["orderId"], second.body["orderId"]);
  switches.idem_off = false;
  EXPECT_EQ(call(order_call(1, hold(1, {5}), "k")).status, 201) << "the key was never stored";
  EXPECT_EQ(call(order_call(1, hold(1, {6}), "k")).status, 422);
}

TEST_F(Defects, BodiesThatAreIgnoredAnswerWithTheOldOrder) {
  switches.idem_ignores_body = true;
  const Reply first = call(order_call(1, hold(1, {3}), "k"));
  const Reply second = call(order_call(1, hold(1, {4}), "k"));
  ASSERT_EQ(first.status, 201);
  EXPECT_EQ(second.status, 201) << second.body.dump();
  EXPECT_TRUE(second.replayed());
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(seat_state(4), "H");
}

TEST_F(Defects, ARefusedOrderLeaksItsSeats) {
  const auto refused_order = [this](std::uint64_t user, std::uint32_t seat) {
    const std::string id = hold(user, {seat});
    Call call = order_call(user, id, "k");
    call.body =
        fmt::format(R"({{"holdId":"{}","eventId":{},"seatIds":[{}]}})", id, event_id, seat + 20);
    EXPECT_EQ(this->call(std::move(call)).status, 422);
  };
  refused_order(1, 3);
  EXPECT_EQ(seat_state(3), "H");
  switches.leak_on_rollback = true;
  refused_order(2, 4);
  EXPECT_EQ(seat_state(4), "P") << "no order stands behind it";
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "0");
}

TEST_F(Defects, ASerialSagaPaysOneAfterTheOther) {
  provider_takes(150);
  const Millis together = paying(6);
  switches.saga_serial = true;
  const Millis in_turn = paying(6);
  EXPECT_GE(in_turn, Millis(6 * 150));
  EXPECT_LT(together, in_turn);
}

TEST_F(Defects, ConnectionsThatWaitForTheProviderBoundTheRate) {
  provider_takes(300);
  switches.pay_in_tx = true;
  // Eight connections (pool_size), so sixteen payments need two waits.
  EXPECT_GE(paying(16), Millis(2 * 300));
}

TEST_F(Defects, AnOutboxThatForgetsLosesWhatRedisDidNotTake) {
  auto forgetful = make_outbox_store(*pool, metrics, &switches);
  RedisClient nobody(io, "127.0.0.1", 1);
  const auto nowhere = make_event_streams(nobody);
  placed(1, {3});
  EXPECT_THROW(run(io, forgetful->relay(*nowhere, 200)), StoreUnavailable);
  EXPECT_EQ(one("SELECT status FROM outbox"), "PENDING");
  switches.outbox_send_then_forget = true;
  EXPECT_EQ(run(io, forgetful->relay(*nowhere, 200)).sent, 1U);
  EXPECT_EQ(one("SELECT status FROM outbox"), "SENT");
  EXPECT_EQ(redis_command({"XLEN", "st:order"}).integer, 0);
}

}  // namespace
}  // namespace boxoffice
