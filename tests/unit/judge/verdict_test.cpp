// The precedence of findings: which one decides a run.
#include "harness/judge/verdict.hpp"

#include <gtest/gtest.h>

#include <array>

namespace stampede {
namespace {

Finding one(Finding::Kind kind, const char* rule, Verdict verdict) {
  Finding finding;
  finding.kind = kind;
  finding.rule = rule;
  finding.verdict = verdict;
  return finding;
}

TEST(RunVerdict, LatenessDoesNotHideABrokenInvariantButOpenBooksDo) {
  const Finding oversell = one(Finding::Kind::invariant, "A1", Verdict::broken_invariant);
  Finding late = one(Finding::Kind::validity, "start_lag_p99", Verdict::invalid);
  late.check = "L1";
  const Finding books = one(Finding::Kind::validity, "request_balance", Verdict::invalid);
  const Finding gate = one(Finding::Kind::gate, "p95 < 1s", Verdict::fail);
  EXPECT_EQ(run_verdict(std::array{oversell, late}), Verdict::broken_invariant);
  EXPECT_EQ(run_verdict(std::array{oversell, late, books}), Verdict::invalid);
  EXPECT_EQ(run_verdict(std::array{gate, late}), Verdict::invalid);
  EXPECT_EQ(run_verdict(std::array{oversell, gate}), Verdict::broken_invariant);
}

TEST(RunVerdict, ATaintedRunNeverPassesAndNeverHidesWhatItShows) {
  const Finding taint = one(Finding::Kind::validity, "untainted", Verdict::invalid);
  const Finding held = one(Finding::Kind::gate, "p95 < 1s", Verdict::pass);
  const Finding missed = one(Finding::Kind::gate, "errors == 0", Verdict::fail);
  const Finding oversell = one(Finding::Kind::invariant, "A1", Verdict::broken_invariant);
  EXPECT_EQ(run_verdict(std::array{taint, held}), Verdict::invalid);
  EXPECT_EQ(run_verdict(std::array{taint, held, missed}), Verdict::fail);
  EXPECT_EQ(run_verdict(std::array{taint, oversell}), Verdict::broken_invariant);
  EXPECT_EQ(run_verdict(std::array{held}), Verdict::pass);
  EXPECT_EQ(run_verdict({}), Verdict::inconclusive);
}

}  // namespace
}  // namespace stampede
