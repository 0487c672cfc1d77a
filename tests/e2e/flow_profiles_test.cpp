// Goal: payments, retries and macros in small: they pass against a target that is right, and each
// defect that they are there for makes them fail where the specification says.
// Method: real boxoffices, provider, balancer, Redis and MariaDB, started by the harness.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/e2e/profile_run.hpp"

namespace stampede::test {
namespace {

constexpr const char* payments = "tests/e2e/profiles/payments.yaml";
constexpr const char* retries = "tests/e2e/profiles/retries.yaml";
constexpr const char* macros = "tests/e2e/profiles/macros.yaml";

std::string told(const ProfileRun& run) { return run.command.out + run.command.err; }

class BehindABalancer : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/sbin/nginx")) GTEST_SKIP() << "nginx is not installed";
  }
};

TEST(PaymentsProfile, EveryOrderEndsAsItsPaymentDid) {
  const ProfileRun run = run_profile(payments);
  EXPECT_EQ(run.command.exit_code, 0) << told(run);
  EXPECT_EQ(finding_of(run.file, "A17")["result"], "held") << run.file["findings"].dump(1);
  EXPECT_EQ(finding_of(run.file, "L5")["result"], "held");
}

TEST(PaymentsProfile, WhenAllAreApprovedOrNoneThatIsWhatHappens) {
  const ProfileRun all =
      run_profile(payments, {"--set", "target.payment.approve=1", "--set",
                             "gates=[errors == 0, declined_count == 0, not_final_count == 0]"});
  EXPECT_EQ(all.command.exit_code, 0) << told(all);
  const ProfileRun none =
      run_profile(payments, {"--set", "target.payment.approve=0", "--set",
                             "gates=[errors == 0, confirmed_count == 0, again count ok >= 50]"});
  EXPECT_EQ(none.command.exit_code, 0) << told(none);
}

TEST(PaymentsProfile, AForgedApprovalThatIsBelievedIsInNoBooks) {
  const ProfileRun run = run_profile(payments, {"--set", "target.defects=webhook_unsigned"});
  EXPECT_EQ(run.command.exit_code, 2) << told(run);
  EXPECT_TRUE(contains(broken(run.file), "A17")) << run.file["findings"].dump(1);
}

TEST(PaymentsProfile, ARefundThatWasNeverSentIsInNoBooks) {
  const ProfileRun run = run_profile(payments, {"--set", "target.defects=refund_not_sent"});
  EXPECT_EQ(run.command.exit_code, 2) << told(run);
  EXPECT_TRUE(contains(broken(run.file), "A17")) << run.file["findings"].dump(1);
}

class RetriesProfile : public BehindABalancer {};

TEST_F(RetriesProfile, WhatIsSentAgainIsDoneOnce) {
  const ProfileRun run = run_profile(retries);
  EXPECT_EQ(run.command.exit_code, 0) << told(run);
  EXPECT_EQ(finding_of(run.file, "L7")["result"], "held");
}

TEST_F(RetriesProfile, WithoutIdempotencyAKeyMakesTwoOrders) {
  const ProfileRun run = run_profile(retries, {"--set", "target.defects=idem_off"});
  EXPECT_EQ(run.command.exit_code, 2) << told(run);
  EXPECT_TRUE(contains(broken(run.file), "L7")) << run.file["findings"].dump(1);
}

TEST_F(RetriesProfile, ABodyThatIsNotLookedAtIsTheWrongAnswer) {
  const ProfileRun run = run_profile(retries, {"--set", "target.defects=idem_ignores_body"});
  EXPECT_EQ(run.command.exit_code, 2) << told(run);
  EXPECT_TRUE(contains(broken(run.file), "L7")) << run.file["findings"].dump(1);
}

class MacrosProfile : public BehindABalancer {};

TEST_F(MacrosProfile, TheShuffleGivesPeopleTheirShareAndTheLimitIsExact) {
  const ProfileRun run = run_profile(macros);
  EXPECT_EQ(run.command.exit_code, 0) << told(run);
}

TEST_F(MacrosProfile, WithoutLimitsNobodyIsToldToWait) {
  const ProfileRun run = run_profile(macros, {"--set", "target.options.ratelimit=off"});
  EXPECT_EQ(run.command.exit_code, 1) << told(run);
}

}  // namespace
}  // namespace stampede::test
