// A17 fires on every way in which the money here and at the provider can differ, and on nothing
// else.
#include <gtest/gtest.h>

#include "harness/judge/invariants.hpp"

namespace stampede {
namespace {

struct Money {
  FinalState state;

  Money() {
    state.have_sql = state.have_redis = state.have_provider = true;
    const auto add = [this](std::uint64_t order, const char* here, const char* there) {
      const std::string key = "pay_" + std::to_string(order);
      state.payments.push_back({order, order, 1000, key, here});
      if (there != nullptr) state.charges.push_back({key, there, order, 1000});
    };
    add(1, "DONE", "DONE");
    add(2, "ABORTED", "ABORTED");
    add(3, "CANCELED", "CANCELED");
    add(4, "IN_PROGRESS", "DONE");  // not told yet
    add(5, "ABORTED", nullptr);     // void: it never reached the provider
  }
  [[nodiscard]] Finding a17() const {
    for (Finding& finding : all()) {
      if (finding.rule == "A17") return finding;
    }
    return {};
  }
  [[nodiscard]] std::vector<Finding> all() const { return booking_invariants(Ledger{}, state); }
  void expect_broken(const std::string& words) const {
    const Finding finding = a17();
    EXPECT_EQ(finding.verdict, Verdict::broken_invariant);
    ASSERT_EQ(finding.samples.size(), 1U);
    EXPECT_NE(finding.samples[0].find(words), std::string::npos) << finding.samples[0];
  }
};

TEST(ProviderBooks, TheSameMoneyPasses) {
  const Finding finding = Money().a17();
  EXPECT_EQ(finding.verdict, Verdict::pass) << finding.measured;
}

TEST(ProviderBooks, AnApprovalThatTheProviderNeverGaveIsFound) {
  Money money;
  money.state.payments[1].status = "DONE";
  money.expect_broken("order 2: payment pay_2 is DONE here and ABORTED at the provider");
}

TEST(ProviderBooks, ARefundThatWasNeverSentIsFound) {
  Money money;
  money.state.charges[2].status = "DONE";
  money.expect_broken("order 3: payment pay_3 is CANCELED here and DONE at the provider");
}

TEST(ProviderBooks, ADeclineOfMoneyThatWasTakenIsFound) {
  Money money;
  money.state.payments[0].status = "ABORTED";
  money.expect_broken("order 1: payment pay_1 is ABORTED here and DONE at the provider");
}

TEST(ProviderBooks, AnotherSumIsFound) {
  Money money;
  money.state.charges[0].amount = 999;
  money.expect_broken("order 1: payment pay_1 is of 1000 here; the provider has 999");
}

TEST(ProviderBooks, WhatIsUnknownOnOneSideIsFound) {
  Money here;
  here.state.payments[4].status = "DONE";
  here.expect_broken("pay_5 is DONE here, the provider does not know it");
  Money there;
  there.state.payments.erase(there.state.payments.begin());
  there.expect_broken("order 1: the provider took 1000 for pay_1");
}

TEST(ProviderBooks, WhatCannotBeReadIsNoPassAndWithoutAProviderThereIsNoCheck) {
  Money money;
  money.state.have_provider = false;
  money.state.provider_problem = "provider: gone";
  EXPECT_EQ(money.a17().verdict, Verdict::inconclusive);
  money.state.provider_problem.clear();
  EXPECT_EQ(money.a17().rule, "");
}

}  // namespace
}  // namespace stampede
