// What the simulated provider decides, and the signature of its webhooks.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "target/service/payment_provider.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {
namespace {

constexpr std::uint64_t orders = 20'000;

double share(std::uint64_t count) {
  return static_cast<double>(count) / static_cast<double>(orders);
}

TEST(Provider, DecidesTheSameForTheSameOrder) {
  const PaymentConfig config;
  for (std::uint64_t order = 1; order < 100; ++order) {
    const ProviderAnswer a = provider_answer(config, order, "k1");
    const ProviderAnswer b = provider_answer(config, order, "k2");
    EXPECT_EQ(a.approved, b.approved);
    EXPECT_EQ(a.fail_code, b.fail_code);
    EXPECT_EQ(a.delay_ms, b.delay_ms);
  }
}

TEST(Provider, AnotherSeedDecidesOtherwise) {
  PaymentConfig one, two;
  two.seed = 2;
  int different = 0;
  for (std::uint64_t order = 1; order <= 1000; ++order) {
    const bool a = provider_answer(one, order, "").approved;
    different += a != provider_answer(two, order, "").approved ? 1 : 0;
  }
  EXPECT_NEAR(different, 320, 80);  // 2 × 0.8 × 0.2
}

TEST(Provider, SharesAreThoseOfTheSettings) {
  PaymentConfig config;
  config.timeout = 0.1;
  std::uint64_t approved = 0, untold = 0;
  std::map<std::string, std::uint64_t> codes;
  for (std::uint64_t order = 1; order <= orders; ++order) {
    const ProviderAnswer answer = provider_answer(config, order, "");
    approved += answer.approved ? 1 : 0;
    untold += answer.told ? 0 : 1;
    ++codes[answer.fail_code];
  }
  EXPECT_NEAR(share(approved), 0.8, 0.015);
  EXPECT_NEAR(share(untold), 0.1, 0.01);
  EXPECT_NEAR(share(codes["REJECT_CARD_COMPANY"]), 0.2 * 0.60, 0.01);
  EXPECT_NEAR(share(codes["EXCEED_MAX_AMOUNT"]), 0.2 * 0.20, 0.01);
  EXPECT_NEAR(share(codes["INVALID_CARD"]), 0.2 * 0.15, 0.01);
  EXPECT_NEAR(share(codes["PG_INTERNAL"]), 0.2 * 0.05, 0.005);
}

TEST(Provider, ExtremeSharesAreExact) {
  PaymentConfig config;
  for (std::uint64_t order = 1; order <= 1000; ++order) {
    config.approve = 1;
    EXPECT_TRUE(provider_answer(config, order, "").approved);
    config.approve = 0;
    EXPECT_FALSE(provider_answer(config, order, "").approved);
  }
}

std::vector<std::int64_t> sorted_delays(const PaymentConfig& config) {
  std::vector<std::int64_t> delays;
  for (std::uint64_t order = 1; order <= orders; ++order) {
    delays.push_back(provider_answer(config, order, "").delay_ms);
  }
  std::ranges::sort(delays);
  return delays;
}

TEST(Provider, DelaysFollowTheirDistribution) {
  PaymentConfig config;
  const auto uniform = sorted_delays(config);
  EXPECT_GE(uniform.front(), 500);
  EXPECT_LE(uniform.back(), 1500);
  EXPECT_NEAR(static_cast<double>(uniform[orders / 2]), 1000, 20);
  config.delay = "fixed";
  config.delay_a_ms = 70;
  const auto fixed = sorted_delays(config);
  EXPECT_EQ(fixed.front(), 70);
  EXPECT_EQ(fixed.back(), 70);
  config.delay = "lognormal";
  config.delay_a_ms = 800;
  config.delay_b_ms = 3000;
  const auto lognormal = sorted_delays(config);
  EXPECT_NEAR(static_cast<double>(lognormal[orders / 2]), 800, 30);
  EXPECT_NEAR(static_cast<double>(lognormal[orders * 99 / 100]), 3000, 200);
  config.delay = "bimodal";
  config.delay_slow_share = 0.1;
  const auto bimodal = sorted_delays(config);
  EXPECT_EQ(bimodal.front(), 800);
  EXPECT_EQ(bimodal.back(), 3000);
  const auto slow = std::ranges::count(bimodal, 3000);
  EXPECT_NEAR(static_cast<double>(slow) / static_cast<double>(orders), 0.1, 0.02);
  config.delay = "trace";
  config.delay_trace = std::make_shared<std::vector<double>>(std::vector<double>{3, 7, 9});
  const auto trace = sorted_delays(config);
  EXPECT_EQ(
      std::ranges::count(trace, 3) + std::ranges::count(trace, 7) + std::ranges::count(trace, 9),
      static_cast<std::ptrdiff_t>(orders));
  EXPECT_NEAR(static_cast<double>(std::ranges::count(trace, 7)) / static_cast<double>(orders),
              1.0 / 3, 0.03);
}

TEST(Provider, MishapsAreIndependentOfTheOutcome) {
  PaymentConfig config;
  config.webhook_duplicate = 0.5;
  std::uint64_t both = 0, approved = 0;
  for (std::uint64_t order = 1; order <= orders; ++order) {
    const bool yes = provider_answer(config, order, "").approved;
    approved += yes ? 1 : 0;
    both += yes && webhook_mishaps(config, order).duplicate ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(both) / static_cast<double>(approved), 0.5, 0.02);
}

TEST(Provider, TestCodesRideInTheKey) {
  PaymentConfig config;
  const auto answer = [&](const std::string& code) {
    return provider_answer(config, 1, test_payment_key("pay_1", code));
  };
  EXPECT_TRUE(answer("APPROVE").approved);
  EXPECT_FALSE(answer("INVALID_CARD").approved);
  EXPECT_EQ(answer("INVALID_CARD").fail_code, "INVALID_CARD");
  EXPECT_FALSE(answer("TIMEOUT").told);
  EXPECT_EQ(answer("\"; DROP").fail_code, "___DROP");
  EXPECT_LE(test_payment_key("pay_0123456789abcdef", std::string(300, 'A')).size(), 64U);
  EXPECT_FALSE(is_client_payment_key(test_payment_key("pay_1", "APPROVE")));
  EXPECT_TRUE(is_client_payment_key("tk_A-1"));
  EXPECT_FALSE(is_client_payment_key(""));
  EXPECT_FALSE(is_client_payment_key(std::string(65, 'a')));
}

// A vector computed with another implementation:
//   printf 'w1.1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
TEST(WebhookSignature, IsTheHmacOverIdTimeAndBody) {
  EXPECT_EQ(sign_webhook("secret", "w1", 1'700'000'000, R"({"a":1})"),
            "v1=89e7f601f790d4f2b4f5ffe50ecca305001bac8d17da70b31f346484ae9cc3df");
}

TEST(WebhookSignature, IsCheckedWithEitherSecretWithinFiveMinutes) {
  const std::string signature = sign_webhook("old", "w1", 1000, "body");
  const WebhookHeaders headers{"w1", "1000", signature};
  EXPECT_TRUE(webhook_is_genuine(headers, "body", "new", "old", 1000));
  EXPECT_TRUE(webhook_is_genuine(headers, "body", "old", "", 1300));
  EXPECT_FALSE(webhook_is_genuine(headers, "body", "old", "", 1301));
  EXPECT_FALSE(webhook_is_genuine(headers, "body", "old", "", 699));
  EXPECT_FALSE(webhook_is_genuine(headers, "body2", "new", "old", 1000));
  EXPECT_FALSE(webhook_is_genuine(headers, "body", "new", "", 1000));
  EXPECT_FALSE(webhook_is_genuine({"w2", "1000", signature}, "body", "new", "old", 1000));
  EXPECT_FALSE(webhook_is_genuine({"w1", "1000", ""}, "body", "new", "old", 1000));
  EXPECT_FALSE(webhook_is_genuine({"w1", "", signature}, "body", "new", "old", 1000));
  EXPECT_FALSE(webhook_is_genuine({"w1", "-5", signature}, "body", "new", "old", 1000));
}

TEST(WebhookSignature, AnEmptySecretIsNone) {
  const std::string signature = sign_webhook("", "w1", 1000, "body");
  EXPECT_FALSE(webhook_is_genuine({"w1", "1000", signature}, "body", "", "", 1000));
}

TEST(Sha256, IsThatOfTheStandard) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace boxoffice
