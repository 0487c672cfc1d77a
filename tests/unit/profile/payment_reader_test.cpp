// `target.payment` as the profile reader sees it.
#include <gtest/gtest.h>

#include "tests/unit/profile/reading.hpp"

namespace stampede {
namespace {

std::string with_payment(const std::string& payment) {
  return "name: t\ntarget:\n  payment: " + payment +
         "\nscenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\n"
         "personas: {p: [{stop: {}}]}\n";
}

std::string problems(const std::string& payment) {
  return test::problems_of(with_payment(payment));
}

TEST(PaymentReader, EveryMishapHasItsShare) {
  const auto profile = read_profile(
      with_payment("{mode: webhook, provider: process, approve: 50%, webhook_duplicate: 5%, "
                   "webhook_reorder: 2%, webhook_lost: 3%, webhook_late: 1%, webhook_forged: 0.1%, "
                   "timeout: 4%, refund_fail: 10%}"),
      "p.yaml", {});
  ASSERT_TRUE(profile.has_value());
  const PaymentSpec& payment = profile->target.payment;
  EXPECT_EQ(payment.provider, "process");
  EXPECT_DOUBLE_EQ(payment.approve, 0.5);
  EXPECT_DOUBLE_EQ(payment.webhook_duplicate, 0.05);
  EXPECT_DOUBLE_EQ(payment.webhook_reorder, 0.02);
  EXPECT_DOUBLE_EQ(payment.webhook_lost, 0.03);
  EXPECT_DOUBLE_EQ(payment.webhook_late, 0.01);
  EXPECT_DOUBLE_EQ(payment.webhook_forged, 0.001);
  EXPECT_DOUBLE_EQ(payment.timeout, 0.04);
  EXPECT_DOUBLE_EQ(payment.refund_fail, 0.1);
}

TEST(PaymentReader, WithoutAWordNothingGoesWrong) {
  const auto profile = read_profile(with_payment("{mode: sync}"), "p.yaml", {});
  ASSERT_TRUE(profile.has_value());
  const PaymentSpec& payment = profile->target.payment;
  EXPECT_EQ(payment.provider, "inline");
  EXPECT_EQ(payment.webhook_late + payment.webhook_forged + payment.timeout + payment.refund_fail,
            0);
}

TEST(PaymentReader, WhatIsWrongIsToldWithItsPlace) {
  EXPECT_EQ(problems("{provider: bank}"),
            "3:23 unknown payment provider \"bank\" | inline, or process for one of its own\n");
  EXPECT_NE(problems("{webhook_late: 5}").find("3:27"), std::string::npos)
      << problems("{webhook_late: 5}");
  EXPECT_NE(problems("{webhook_lat: 5%}").find("webhook_late"), std::string::npos)
      << problems("{webhook_lat: 5%}");
}

}  // namespace
}  // namespace stampede
