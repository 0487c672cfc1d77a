// The payment provider as a process of its own (`--pg=process`): what it decides, what it does not
// tell, and what happens when it stops, dies or never heard of a payment.
#include <csignal>
#include <filesystem>

#include "target/http/provider_client.hpp"
#include "target/service/payments.hpp"
#include "target/worker/order_sweeper.hpp"
#include "tests/e2e/boxoffice_process.hpp"
#include "tests/integration/target_orders/order_fixture.hpp"

namespace boxoffice {
namespace {

class ProviderProcess : public OrderFixture {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(test::boxoffice_binary())) GTEST_SKIP() << "no boxoffice";
    port_ = test::free_port();
    config.pg_host = "127.0.0.1";
    config.pg_port = port_;
    OrderFixture::SetUp();
    if (IsSkipped()) return;
    start_provider();
    gateway = make_payment_gateway(io, config, switches, nullptr, nullptr);
    store = make_payment_store(*pool, metrics, switches);
    settler = std::make_shared<SeatSettler>(io, *seats, *queue, *catalogue, signals, metrics);
    desk = std::make_unique<PaymentDesk>(PaymentDesk::Needs{.io = io,
                                                            .store = *store,
                                                            .settler = *settler,
                                                            .switches = switches,
                                                            .metrics = metrics,
                                                            .gateway = *gateway,
                                                            .ids = OrderIds(0, 3),
                                                            .answer_max = Millis(300)});
  }
  void start_provider(std::vector<std::string> more = {}, std::vector<std::string> secrets = {}) {
    std::vector<std::string> arguments{"--roles=pg", "--payment-delay=fixed:20",
                                       "--webhook-retry-unit-ms=20"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    provider.reset();
    secrets.push_back("BOXOFFICE_WEBHOOK_SECRET=" + config.webhook_secret);
    provider = std::make_unique<test::BoxofficeProcess>(arguments, secrets, port_);
    provider->wait_ready(std::chrono::seconds(20));
  }
  void kill_provider() { provider.reset(); }
  void use_webhooks() {
    PaymentConfig payment = *switches.payment();
    payment.webhook = true;
    set_payment(payment);
  }
  Decision<Answer> authorise(const std::string& order, const std::string& code) {
    AuthoriseRequest request;
    request.user = 1;
    request.order = std::stoull(order);
    request.method = "CARD";
    request.test_code = code;
    return run(io, desk->authorise(request));
  }
  std::uint32_t reconcile() { return run(io, desk->reconcile(Millis(0), true)); }
  std::string payment_state() {
    return one("SELECT GROUP_CONCAT(status ORDER BY id) FROM payments");
  }

  std::unique_ptr<test::BoxofficeProcess> provider;
  std::unique_ptr<PaymentGateway> gateway;
  std::unique_ptr<PaymentStore> store;
  std::shared_ptr<SeatSettler> settler;
  std::unique_ptr<PaymentDesk> desk;

 private:
  std::uint16_t port_ = 0;
};

TEST_F(ProviderProcess, DecidesAsTheInlineOneDoes) {
  const std::string order = placed(1, {3});
  const Reply paid = pay(1, order);
  ASSERT_EQ(paid.status, 200) << paid.body.dump();
  EXPECT_EQ(paid.body["status"], "DONE");
  EXPECT_EQ(paid.body["delayMs"], 20);
  EXPECT_EQ(order_state(order), "CONFIRMED");
  const std::string poor = placed(2, {4});
  const Reply declined = pay(2, poor, "INVALID_CARD");
  EXPECT_EQ(declined.body["status"], "ABORTED");
  EXPECT_EQ(declined.body["failCode"], "INVALID_CARD");
  EXPECT_EQ(order_state(poor), "CANCELLED");
  for (std::uint32_t seat = 10; seat < 16; ++seat) {
    const std::string one = placed(seat, {seat});
    const bool approved = provider_answer(PaymentConfig{}, std::stoull(one), "").approved;
    EXPECT_EQ(pay(seat, one, "").body["status"], approved ? "DONE" : "ABORTED");
  }
}

TEST_F(ProviderProcess, SendsItsWebhooksAcross) {
  listen();
  use_webhooks();
  const std::string order = placed(1, {3});
  EXPECT_EQ(pay(1, order).status, 202);
  EXPECT_TRUE(eventually([&] { return order_state(order) == "CONFIRMED"; }));
  EXPECT_EQ(metric("webhook_total{result=\"APPLIED\"}"), 1U);
}

TEST_F(ProviderProcess, WebhooksWithEveryMishapDoNoHarm) {
  start_provider(
      {"--webhook-duplicate=1", "--webhook-reorder=1", "--webhook-lost=1", "--webhook-forged=1"});
  listen();
  use_webhooks();
  const std::string order = placed(1, {3});
  EXPECT_EQ(pay(1, order).status, 202);
  EXPECT_TRUE(eventually([&] {
    return order_state(order) == "CONFIRMED" && metric("webhook_total{result=\"REFUSED\"}") == 1 &&
           metric("webhook_total{result=\"DUPLICATE\"}") == 1 &&
           metric("webhook_total{result=\"IGNORED\"}") == 1;
  }));
  EXPECT_EQ(one("SELECT COUNT(*) FROM tickets"), "1");
}

TEST_F(ProviderProcess, WhatIsNotToldIsFoundByAskingIt) {
  const std::string order = placed(1, {3});
  const auto answer = authorise(order, "TIMEOUT");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().refusal, Refusal::pg_timeout);
  EXPECT_EQ(order_state(order), "PAYMENT_PENDING");
  EXPECT_EQ(reconcile(), 1U);
  EXPECT_EQ(order_state(order), "CONFIRMED");
}

TEST_F(ProviderProcess, DeadIsSaidAtOnceAndTheOrderCanBePaidLater) {
  const std::string order = placed(1, {3});
  kill_provider();
  const Reply down = call(pay_call(1, order, "key"));
  EXPECT_EQ(down.status, 503) << down.body.dump();
  EXPECT_EQ(down.code(), "DEPENDENCY_DOWN");
  EXPECT_EQ(payment_state(), "ABORTED");
  EXPECT_EQ(order_state(order), "PAYMENT_PENDING");
  start_provider();
  EXPECT_EQ(call(pay_call(1, order, "key")).status, 200) << "the same key";
  EXPECT_EQ(payment_state(), "ABORTED,DONE");
}

TEST_F(ProviderProcess, PausedIsAnUnknownOutcomeThatIsReconciled) {
  const std::string order = placed(1, {3});
  provider->pause();
  const auto answer = authorise(order, "APPROVE");
  ASSERT_FALSE(answer.has_value()) << answer->status << answer->body;
  EXPECT_EQ(answer.error().refusal, Refusal::pg_timeout) << "it may have taken the money";
  EXPECT_EQ(payment_state(), "IN_PROGRESS");
  EXPECT_EQ(reconcile(), 0U) << "it does not answer this either";
  provider->signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return reconcile() == 1; }));
  EXPECT_EQ(order_state(order), "CONFIRMED");
}

// It was dead when it should have been told; afterwards it knows of nothing.
TEST_F(ProviderProcess, PaymentThatItNeverHeardOfIsVoided) {
  use_webhooks();
  const std::string order = placed(1, {3});
  kill_provider();
  EXPECT_EQ(pay(1, order).status, 202);
  start_provider();
  EXPECT_EQ(reconcile(), 0U);
  EXPECT_EQ(payment_state(), "IN_PROGRESS") << "it may still be on its way";
  sql("UPDATE payments SET requested_at=NOW(6)-INTERVAL 40 SECOND");
  EXPECT_EQ(reconcile(), 0U);
  EXPECT_EQ(payment_state(), "ABORTED");
  EXPECT_EQ(order_state(order), "PAYMENT_PENDING");
  EXPECT_EQ(pay(1, order).status, 202) << "it may be paid again";
}

TEST_F(ProviderProcess, RefundThatIsRefusedIsTriedAgain) {
  start_provider({"--refund-fail=1"});
  auto orders = make_order_store(*pool, metrics);
  OrderSweeper sweeper({io, metrics, stop.get_token()}, *orders, *settler, *leases, *gateway);
  const std::string order = placed(1, {3});
  ASSERT_EQ(pay(1, order).status, 200);
  ASSERT_EQ(call({"DELETE", "/api/orders/" + order, "", 1, {}}).status, 202);
  static_cast<void>(run(io, sweeper.refund()));
  EXPECT_EQ(order_state(order), "REFUND_PENDING");
  EXPECT_EQ(payment_state(), "DONE") << "the money is not back";
  EXPECT_EQ(metric("saga_total{result=\"FAILED\",step=\"refund\"}"), 1U);
  EXPECT_TRUE(eventually([&] {
    static_cast<void>(run(io, sweeper.refund()));
    return order_state(order) == "REFUNDED";
  }));
  EXPECT_EQ(payment_state(), "CANCELED");
  EXPECT_EQ(metric("saga_total{result=\"FAILED\",step=\"refund\"}"), 2U);
}

TEST_F(ProviderProcess, ItsBooksAreOpenToTheAuditorAlone) {
  const std::string auditor = "0123456789abcdef0123";
  start_provider({}, {"BOXOFFICE_ADMIN_TOKEN=" + auditor});
  const std::string order = placed(1, {3}), poor = placed(2, {4});
  ASSERT_EQ(pay(1, order).status, 200);
  ASSERT_EQ(pay(2, poor, "INVALID_CARD").status, 200);
  test::RawClient client(config.pg_port);
  const std::string customer = "Authorization: Bearer " + provider_token(config) + "\r\n";
  EXPECT_EQ(client.exchange("GET", "/v1/payments", customer).status, 401);
  EXPECT_EQ(client.exchange("GET", "/v1/payments").status, 401);
  const auto books =
      client.exchange("GET", "/v1/payments", "Authorization: Bearer " + auditor + "\r\n");
  ASSERT_EQ(books.status, 200);
  std::istringstream lines(books.body);
  std::vector<nlohmann::json> charges;
  for (std::string line; std::getline(lines, line);) charges.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(charges.size(), 2U) << books.body;
  EXPECT_EQ(charges[0]["orderId"], order);
  EXPECT_EQ(charges[0]["status"], "DONE");
  EXPECT_EQ(charges[0]["totalAmount"], 1000);
  EXPECT_EQ(charges[1]["status"], "ABORTED");
}

TEST_F(ProviderProcess, StrangersAreSentAway) {
  test::RawClient client(config.pg_port);
  EXPECT_EQ(client.exchange("GET", "/v1/payments/x").status, 401);
  EXPECT_EQ(client.exchange("POST", "/v1/payments/x/cancel", "Authorization: Bearer no\r\n").status,
            401);
  const std::string good = "Authorization: Bearer " + provider_token(config) + "\r\n";
  EXPECT_EQ(client.exchange("GET", "/v1/payments/x", good).status, 404);
  EXPECT_EQ(client.exchange("POST", "/v1/payments", good, "{}").status, 400);
  EXPECT_EQ(client.exchange("POST", "/api/orders", good, "{}").status, 404) << "no other role here";
}

}  // namespace
}  // namespace boxoffice
