#include "harness/judge/finding.hpp"

#include <gtest/gtest.h>

#include "harness/judge/verdict.hpp"

namespace stampede {
namespace {

Finding of(Verdict verdict) {
  Finding finding;
  finding.verdict = verdict;
  return finding;
}

TEST(Verdict, SilenceIsNotSuccess) {
  EXPECT_EQ(worst(std::span<const Finding>{}), Verdict::inconclusive);
}

TEST(Verdict, TheWorstFindingDecides) {
  const std::vector<Verdict> order{Verdict::pass, Verdict::inconclusive, Verdict::fail,
                                   Verdict::broken_invariant, Verdict::invalid};
  std::vector<Finding> findings;
  for (const Verdict verdict : order) {
    findings.insert(findings.begin(), of(verdict));
    EXPECT_EQ(worst(findings), verdict);
  }
}

TEST(Verdict, HasTheExitCodeOfTheTable) {
  EXPECT_EQ(static_cast<int>(exit_code_of(Verdict::pass)), 0);
  EXPECT_EQ(static_cast<int>(exit_code_of(Verdict::fail)), 1);
  EXPECT_EQ(static_cast<int>(exit_code_of(Verdict::broken_invariant)), 2);
  EXPECT_EQ(static_cast<int>(exit_code_of(Verdict::invalid)), 3);
  EXPECT_EQ(static_cast<int>(exit_code_of(Verdict::inconclusive)), 4);
}

TEST(Verdict, IsNamedAsItsExitCode) {
  for (const Verdict verdict : {Verdict::pass, Verdict::inconclusive, Verdict::fail,
                                Verdict::broken_invariant, Verdict::invalid}) {
    EXPECT_EQ(name_of(verdict), name_of(exit_code_of(verdict)));
    EXPECT_FALSE(meaning_of(exit_code_of(verdict)).empty());
  }
}

}  // namespace
}  // namespace stampede
