// Payments against a real database and a real Redis: sync answers, webhooks over real sockets, and
// what must hold when they come twice, too late, forged or not at all.
#include "target/service/payments.hpp"
#include "tests/integration/target_orders/order_fixture.hpp"

namespace boxoffice {
namespace {

class Payments : public OrderFixture {
 protected:
  PaymentConfig webhook_mode() {
    PaymentConfig payment = *switches.payment();
    payment.webhook = true;
    return payment;
  }
  std::string payment_key() { return one("SELECT payment_key FROM payments"); }
  std::string payment_state() { return one("SELECT status FROM payments"); }
  // A payment that waits for its webhook, because the provider never tells.
  std::string pending_payment(const std::string& order) {
    set_payment(webhook_mode());
    EXPECT_EQ(pay(1, order, "TIMEOUT").status, 202);
    return payment_key();
  }
};

TEST_F(Payments, ApprovalMakesTickets) {
  const std::string order = placed(1, {3, 4});
  const Reply reply = pay(1, order);
  ASSERT_EQ(reply.status, 200) << reply.body.dump();
  EXPECT_EQ(reply.body["status"], "DONE");
  EXPECT_EQ(reply.body["orderId"], order);
  EXPECT_EQ(reply.body["delayMs"], 20);
  EXPECT_EQ(order_state(order), "CONFIRMED");
  EXPECT_EQ(payment_state(), "DONE");
  EXPECT_EQ(one("SELECT COUNT(*) FROM tickets WHERE user_id=1 AND order_id=" + order), "2");
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox WHERE type='ORDER_CONFIRMED'"), "1");
  EXPECT_TRUE(eventually([&] { return seat_state(3) == "S" && seat_state(4) == "S"; }));
}

TEST_F(Payments, DeclineGivesTheSeatsBack) {
  const std::string order = placed(1, {3});
  const Reply reply = pay(1, order, "REJECT_CARD_COMPANY");
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body["status"], "ABORTED");
  EXPECT_EQ(reply.body["failCode"], "REJECT_CARD_COMPANY");
  EXPECT_EQ(order_state(order), "CANCELLED");
  EXPECT_EQ(one("SELECT reason FROM orders"), "REJECT_CARD_COMPANY");
  EXPECT_EQ(payment_state(), "ABORTED");
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE live=1"), "0");
  EXPECT_EQ(one("SELECT used FROM user_event_quota"), "0");
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox WHERE type='PAYMENT_FAILED'"), "1");
  EXPECT_TRUE(eventually([&] { return seat_state(3).empty(); }));
  EXPECT_EQ(pay(1, order).code(), "ORDER_EXPIRED");
}

TEST_F(Payments, WithoutATestCodeTheProviderDecidesByOrder) {
  for (std::uint32_t seat = 0; seat < 4; ++seat) {
    const std::string order = placed(seat + 1, {seat});
    const bool approved = provider_answer(*switches.payment(), std::stoull(order), "").approved;
    EXPECT_EQ(pay(seat + 1, order, "").body["status"], approved ? "DONE" : "ABORTED");
  }
}

TEST_F(Payments, TestCodesAreForTheLabOnly) {
  config.lab = false;
  PaymentConfig payment = *switches.payment();
  payment.approve = 1;
  set_payment(payment);
  EXPECT_EQ(pay(1, placed(1, {3}), "REJECT_CARD_COMPANY").body["status"], "DONE");
}

TEST_F(Payments, RefusesWhatIsNotThisOrders) {
  const std::string order = placed(1, {3});
  Call wrong = pay_call(1, order, "k1");
  wrong.body = R"({"orderId":")" + order + R"(","method":"CARD","amount":999})";
  EXPECT_EQ(call(wrong).code(), "AMOUNT_MISMATCH");
  wrong.body = R"({"orderId":")" + order + R"(","method":"SHELLS"})";
  EXPECT_EQ(call(wrong).code(), "VALIDATION_FAILED");
  EXPECT_EQ(call(pay_call(2, order, "k1")).code(), "FORBIDDEN");
  EXPECT_EQ(call(pay_call(1, "42", "k1")).code(), "NOT_FOUND");
  EXPECT_EQ(one("SELECT COUNT(*) FROM payments"), "0");
}

TEST_F(Payments, APaidOrderIsNotPaidAgain) {
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  const Reply again = pay(1, order);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "ALREADY_PAID");
}

TEST_F(Payments, TwentyAtOncePayOnce) {
  const std::string order = placed(1, {3});
  std::vector<Call> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(pay_call(1, order, fmt::format("p{}", i)));
  int done = 0;
  for (const Reply& reply : call_all(std::move(calls))) {
    if (reply.status == 200) {
      ++done;
    } else {
      EXPECT_EQ(reply.status, 409) << reply.body.dump();
    }
  }
  EXPECT_EQ(done, 1);
  EXPECT_EQ(one("SELECT COUNT(*) FROM payments"), "1");
}

TEST_F(Payments, SameKeyGivesTheFirstResultAgain) {
  const std::string order = placed(1, {3});
  const Call pay_once = pay_call(1, order, "p1");
  const Reply first = call(pay_once);
  const Reply again = call(pay_once);
  ASSERT_EQ(first.status, 200);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_TRUE(again.replayed());
  Call other = pay_once;
  other.body = R"({"orderId":")" + order + R"(","method":"EASY"})";
  EXPECT_EQ(call(other).code(), "IDEMPOTENCY_KEY_REUSED");
}

TEST_F(Payments, ExpiredOrderIsNotPaid) {
  const std::string order = placed(1, {3});
  sql("UPDATE orders SET expires_at=NOW(3)-INTERVAL 1 SECOND");
  const Reply reply = pay(1, order);
  EXPECT_EQ(reply.status, 410);
  EXPECT_EQ(reply.code(), "ORDER_EXPIRED");
}

TEST_F(Payments, ApprovalAfterTheOrderEndedIsRefunded) {
  spawn_workers();
  const std::string order = placed(1, {3});
  // The order ends once the payment is under way, however slow the machine is.
  asio::steady_timer meanwhile(io);
  const std::function<void()> look = [&] {
    meanwhile.expires_after(Millis(5));
    meanwhile.async_wait([&](const boost::system::error_code& error) {
      if (error) return;
      if (one("SELECT COUNT(*) FROM payments WHERE status='IN_PROGRESS'") == "0") return look();
      sql("UPDATE orders SET status='EXPIRED' WHERE id=" + order);
      sql("UPDATE order_seats SET live=NULL");
      sql("UPDATE user_event_quota SET used=0");
    });
  };
  look();
  PaymentConfig slow = *switches.payment();
  slow.delay_a_ms = 700;
  set_payment(slow);
  const Reply reply = pay(1, order);
  EXPECT_EQ(reply.status, 410);
  EXPECT_TRUE(eventually([&] { return order_state(order) == "REFUNDED"; }));
  EXPECT_EQ(payment_state(), "CANCELED");
  EXPECT_EQ(one("SELECT reason FROM orders"), "LATE_APPROVAL");
  EXPECT_EQ(one("SELECT COUNT(*) FROM tickets"), "0");
  EXPECT_EQ(one("SELECT used FROM user_event_quota"), "0");
  EXPECT_EQ(one("SELECT COUNT(*) FROM idempotency_keys WHERE scope='payments'"), "0");
}

// Guard 2 alone: somebody has a ticket for the seat although no live claim says so.
TEST_F(Payments, SecondTicketOfASeatIsRefunded) {
  spawn_workers();
  const std::string order = placed(1, {3, 4});
  sql("INSERT INTO tickets (event_id,epoch,seat_no,order_id,user_id) VALUES (7,1,4,1,9)");
  EXPECT_EQ(pay(1, order).status, 410);
  EXPECT_TRUE(eventually([&] { return order_state(order) == "REFUNDED"; }));
  EXPECT_EQ(one("SELECT COUNT(*) FROM tickets"), "1");
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE live=1"), "0");
  EXPECT_EQ(one("SELECT used FROM user_event_quota"), "0");
}

TEST_F(Payments, ConfirmTakesTheClientsKey) {
  const std::string order = placed(1, {3});
  Call confirm{"POST",
               "/api/payments/confirm",
               R"({"paymentKey":"tk-1","orderId":")" + order + R"(","amount":1})",
               1,
               {{"Pg-Test-Code", "APPROVE"}}};
  EXPECT_EQ(call(confirm).code(), "AMOUNT_MISMATCH");
  confirm.body = R"({"paymentKey":"tk~APPROVE","orderId":")" + order + R"(","amount":1000})";
  EXPECT_EQ(call(confirm).code(), "VALIDATION_FAILED") << "keys cannot smuggle a test code";
  PaymentConfig payment = *switches.payment();
  payment.approve = 1;
  set_payment(payment);
  confirm.body = R"({"paymentKey":"tk-1","orderId":")" + order + R"(","amount":1000})";
  const Reply reply = call(confirm);
  EXPECT_EQ(reply.status, 200) << reply.body.dump();
  EXPECT_EQ(reply.body["paymentKey"], "tk-1");
  EXPECT_EQ(order_state(order), "CONFIRMED");
  confirm.body = R"({"paymentKey":"tk-1","orderId":")" + placed(1, {5}) + R"(","amount":1000})";
  EXPECT_EQ(call(confirm).code(), "VALIDATION_FAILED") << "a key is for one payment";
}

// The provider decided but did not tell: 504, and asking again finds the outcome.
TEST_F(Payments, WhatWasNotToldIsFoundByAskingAgain) {
  auto store = make_payment_store(*pool, metrics, switches);
  auto settler = std::make_shared<SeatSettler>(io, *seats, *queue, *catalogue, signals, metrics);
  SimulatedProvider gateway(io, switches, nullptr);
  PaymentDesk desk({.io = io,
                    .store = *store,
                    .settler = *settler,
                    .switches = switches,
                    .metrics = metrics,
                    .gateway = gateway,
                    .ids = OrderIds(0, 3),
                    .answer_max = Millis(50)});
  const std::string order = placed(1, {3});
  AuthoriseRequest request;
  request.user = 1;
  request.order = std::stoull(order);
  request.method = "CARD";
  request.test_code = "TIMEOUT";
  const auto answer = run(io, desk.authorise(request));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().refusal, Refusal::pg_timeout);
  EXPECT_EQ(payment_state(), "IN_PROGRESS");
  EXPECT_EQ(pay(1, order).code(), "IN_PROGRESS") << "nobody pays twice meanwhile";
  EXPECT_EQ(run(io, desk.reconcile(Millis(10000), false)), 0U) << "too early to ask";
  EXPECT_EQ(run(io, desk.reconcile(Millis(0), false)), 1U);
  EXPECT_EQ(order_state(order), "CONFIRMED");
  EXPECT_EQ(run(io, desk.reconcile(Millis(0), true)), 0U);
  EXPECT_EQ(desk.in_flight(), 0U);
}

TEST_F(Payments, ReconcilerFindsPaymentsOfOrdersThatEnded) {
  const std::string order = placed(1, {3});
  pending_payment(order);
  ASSERT_EQ(call({"DELETE", "/api/orders/" + order, "", 1, {}}).status, 200);
  auto store = make_payment_store(*pool, metrics, switches);
  EXPECT_TRUE(run(io, store->unanswered(Millis(0), false)).empty());
  EXPECT_EQ(run(io, store->unanswered(Millis(0), true)).size(), 1U);
}

TEST_F(Payments, WebhookConfirmsOverARealSocket) {
  listen();
  set_payment(webhook_mode());
  const std::string order = placed(1, {3});
  const Reply accepted = pay(1, order);
  ASSERT_EQ(accepted.status, 202) << accepted.body.dump();
  EXPECT_EQ(accepted.body["status"], "IN_PROGRESS");
  EXPECT_EQ(pay(1, order).code(), "IN_PROGRESS");
  const Reply read = call(read_call(1, order, 5000));
  EXPECT_EQ(read.body["status"], "CONFIRMED");
  EXPECT_EQ(one("SELECT result FROM webhook_inbox"), "APPLIED");
  EXPECT_TRUE(eventually([&] { return seat_state(3) == "S"; }));
}

TEST_F(Payments, WebhookDeclines) {
  listen();
  set_payment(webhook_mode());
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order, "INVALID_CARD").status, 202);
  EXPECT_EQ(call(read_call(1, order, 5000)).body["status"], "CANCELLED");
  EXPECT_EQ(one("SELECT fail_code FROM payments"), "INVALID_CARD");
}

TEST_F(Payments, AcceptedPaymentIsReplayed) {
  set_payment(webhook_mode());
  const std::string order = placed(1, {3});
  const Call pay_once = pay_call(1, order, "p1", "TIMEOUT");
  const Reply first = call(pay_once);
  const Reply again = call(pay_once);
  EXPECT_EQ(again.status, 202);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.body, first.body);
}

// Everything that can go wrong with webhooks, for every payment.
TEST_F(Payments, MishapsOfWebhooksDoNoHarm) {
  listen();
  PaymentConfig payment = webhook_mode();
  payment.webhook_duplicate = 1;
  payment.webhook_reorder = 1;
  payment.webhook_lost = 1;
  payment.webhook_forged = 1;
  set_payment(payment);
  std::vector<std::string> orders;
  for (std::uint32_t i = 0; i < 8; ++i) {
    orders.push_back(placed(i + 1, {i}));
    const char* code = i % 2 == 0 ? "APPROVE" : "INVALID_CARD";
    ASSERT_EQ(pay(i + 1, orders.back(), code).status, 202);
  }
  for (std::uint32_t i = 0; i < 8; ++i) {
    const Reply read = call(read_call(i + 1, orders[i], 5000));
    EXPECT_EQ(read.body["status"], i % 2 == 0 ? "CONFIRMED" : "CANCELLED");
  }
  run_for(Millis(200));
  EXPECT_EQ(one("SELECT COUNT(*) FROM tickets"), "4");
  EXPECT_EQ(one("SELECT COUNT(*) FROM webhook_inbox WHERE result='APPLIED'"), "8");
  EXPECT_EQ(one("SELECT COUNT(*) FROM webhook_inbox WHERE result='IGNORED'"), "8") << "reordered";
  EXPECT_EQ(metric(R"(webhook_total{result="DUPLICATE"})"), 8U);
  EXPECT_EQ(metric(R"(webhook_total{result="REFUSED"})"), 8U);
  EXPECT_EQ(metric(R"(webhook_courier_total{result="lost"})"), 16U);
}

TEST_F(Payments, WebhookAfterTheDeadlineIsRefunded) {
  listen();
  spawn_workers();
  PaymentConfig payment = webhook_mode();
  payment.webhook_late = 1;
  set_payment(payment);
  const std::string order = placed(1, {3});
  sql("UPDATE orders SET expires_at=NOW(3)+INTERVAL 300000 MICROSECOND");
  ASSERT_EQ(pay(1, order).status, 202);
  EXPECT_TRUE(eventually([&] { return order_state(order) == "EXPIRED"; }));
  EXPECT_TRUE(eventually([&] { return order_state(order) == "REFUNDED"; }));
  EXPECT_EQ(payment_state(), "CANCELED");
  EXPECT_EQ(one("SELECT result FROM webhook_inbox"), "REFUND_OWED");
}

TEST_F(Payments, WebhookIsRetriedUntilTheServerIsBack) {
  listen();
  set_payment(webhook_mode());
  const std::string order = placed(1, {3});
  const std::uint16_t port = config.port;
  config.port = 1;  // nobody listens there
  ASSERT_EQ(pay(1, order).status, 202);
  run_for(Millis(60));
  config.port = port;
  EXPECT_EQ(call(read_call(1, order, 5000)).body["status"], "CONFIRMED");
  EXPECT_GE(metric(R"(webhook_courier_total{result="retried"})"), 1U);
}

TEST_F(Payments, OnlyGenuineWebhooksAreHeard) {
  const std::string order = placed(1, {3});
  const std::string key = pending_payment(order);
  const std::string body = webhook_text(key, order, "DONE", 1000);
  EXPECT_EQ(call(webhook_call("w1", body, "guessed")).status, 401);
  EXPECT_EQ(call(webhook_call("w1", body, config.webhook_secret, 400)).status, 401) << "too old";
  EXPECT_EQ(call(webhook_call("w1", body, config.webhook_secret, -400)).status, 401) << "to come";
  Call changed = webhook_call("w1", body, config.webhook_secret);
  changed.body += " ";
  EXPECT_EQ(call(changed).status, 401) << "signed over the raw bytes";
  EXPECT_EQ(call(webhook_call("w1", "{}", config.webhook_secret)).status, 400);
  EXPECT_EQ(order_state(order), "PAYMENT_PENDING");
  EXPECT_EQ(one("SELECT COUNT(*) FROM webhook_inbox"), "0");
  const Reply good = call(webhook_call("w1", body, config.webhook_secret_old));
  EXPECT_EQ(good.status, 200) << "the former secret is good during a rotation";
  EXPECT_EQ(good.body["result"], "APPLIED");
  EXPECT_EQ(order_state(order), "CONFIRMED");
}

TEST_F(Payments, WebhooksAreComparedWithWhatIsStored) {
  const std::string order = placed(1, {3});
  const std::string key = pending_payment(order);
  const auto result = [&](const std::string& id, const std::string& body) {
    const Reply reply = call(webhook_call(id, body, config.webhook_secret));
    EXPECT_EQ(reply.status, 200);
    return reply.body.value("result", "");
  };
  EXPECT_EQ(result("w1", webhook_text("nobody", order, "DONE", 1000)), "UNKNOWN_KEY");
  EXPECT_EQ(result("w2", webhook_text(key, order, "DONE", 1)), "MISMATCH");
  EXPECT_EQ(result("w3", webhook_text(key, "5", "DONE", 1000)), "MISMATCH");
  EXPECT_EQ(result("w4", webhook_text(key, order, "WAITING", 1000)), "IGNORED");
  EXPECT_EQ(order_state(order), "PAYMENT_PENDING");
  EXPECT_EQ(result("w5", webhook_text(key, order, "DONE", 1000)), "APPLIED");
  EXPECT_EQ(result("w5", webhook_text(key, order, "DONE", 1000)), "DUPLICATE");
  EXPECT_EQ(result("w6", webhook_text(key, order, "ABORTED", 1000)), "IGNORED");
  EXPECT_EQ(order_state(order), "CONFIRMED");
  EXPECT_EQ(one("SELECT COUNT(*) FROM webhook_inbox"), "6");
}

TEST_F(Payments, TwentyEqualWebhooksAtOnceConfirmOnce) {
  const std::string order = placed(1, {3});
  const std::string key = pending_payment(order);
  std::vector<Call> calls(
      20, webhook_call("w1", webhook_text(key, order, "DONE", 1000), config.webhook_secret));
  std::map<std::string, int> results;
  for (const Reply& reply : call_all(std::move(calls))) {
    EXPECT_EQ(reply.status, 200);
    ++results[reply.body.value("result", "")];
  }
  EXPECT_EQ(results["APPLIED"], 1);
  EXPECT_EQ(one("SELECT COUNT(*) FROM tickets"), "1");
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox WHERE type='ORDER_CONFIRMED'"), "1");
}

TEST_F(Payments, InFlightPaymentsAreBounded) {
  PaymentConfig payment = *switches.payment();
  payment.inflight_max = 2;
  payment.delay_a_ms = 100;
  set_payment(payment);
  std::vector<Call> calls;
  for (std::uint32_t i = 0; i < 4; ++i) {
    calls.push_back(pay_call(i + 1, placed(i + 1, {i}), "p"));
  }
  int overloaded = 0;
  for (const Reply& reply : call_all(std::move(calls))) {
    if (reply.status == 503) overloaded += reply.code() == "OVERLOADED" ? 1 : 0;
  }
  EXPECT_EQ(overloaded, 2);
}

TEST_F(Payments, WorkWithoutRedis) {
  const std::string order = placed(1, {3});
  const std::string other = placed(2, {4});
  order_redis().kill();
  run_for(Millis(50));
  EXPECT_EQ(pay(1, order).body["status"], "DONE");
  set_payment(webhook_mode());
  ASSERT_EQ(pay(2, other, "TIMEOUT").status, 202);
  const std::string key = one("SELECT payment_key FROM payments WHERE status='IN_PROGRESS'");
  const Reply told =
      call(webhook_call("w1", webhook_text(key, other, "DONE", 1000), config.webhook_secret));
  EXPECT_EQ(told.body["result"], "APPLIED");
  EXPECT_EQ(order_state(other), "CONFIRMED");
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox WHERE status='PENDING' AND type='ORDER_CONFIRMED'"),
            "2");
  order_redis().start();
  run(io, redis->wait_connected(in(Millis(5000))));
  redis_command({"SET", event_key(event_id, 1, "vr"), "1"});  // else only a rebuild writes seats
  spawn_workers();
  EXPECT_TRUE(eventually([&] { return seat_state(3) == "S" && seat_state(4) == "S"; }))
      << "settled when Redis is back";
}

}  // namespace
}  // namespace boxoffice
