// The defects of orders and payments do what their names say, and nothing happens without them:
// they are what proves the harness, so they must be real.
#include "tests/integration/target_orders/order_fixture.hpp"

#include "target/worker/order_sweeper.hpp"

namespace boxoffice {
namespace {

class OrderDefects : public OrderFixture {};

TEST_F(OrderDefects, AnUnsignedWebhookIsBelieved) {
  PaymentConfig payment;
  payment.webhook = true;
  payment.timeout = 1;  // nobody else tells the outcome
  set_payment(payment);
  listen();
  const std::string order = placed(1, {3});
  const Reply accepted = call(pay_call(1, order, "k", ""));
  ASSERT_EQ(accepted.status, 202) << accepted.body.dump();
  const std::string text = webhook_text(accepted.body["paymentKey"], order, "DONE", 1000);
  EXPECT_EQ(call(webhook_call("w1", text, "wrong secret")).status, 401);
  EXPECT_EQ(order_state(order), "PAYMENT_PENDING");
  switches.webhook_unsigned = true;
  EXPECT_EQ(call(webhook_call("w2", text, "wrong secret")).status, 200);
  EXPECT_EQ(order_state(order), "CONFIRMED");
}

TEST_F(OrderDefects, ARefundThatIsNotSentIsCalledDone) {
  config.lab = true;
  PaymentConfig payment;
  payment.refund_fail = 1;  // the provider would refuse it at first
  payment.delay = "fixed";
  payment.delay_a_ms = 0;
  payment.approve = 1;
  set_payment(payment);
  const auto gateway = make_payment_gateway(io, config, switches, nullptr, nullptr);
  const Charge charge{.payment_key = "p", .method = "CARD", .order = 7, .amount = 1000};
  EXPECT_FALSE(run(io, gateway->refund(charge)));
  switches.refund_not_sent = true;
  EXPECT_TRUE(run(io, gateway->refund(charge)));
}

}  // namespace
}  // namespace boxoffice
