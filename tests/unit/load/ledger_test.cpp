#include "harness/history/ledger.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

LedgerEntry entry(std::string key) {
  LedgerEntry out;
  out.key = std::move(key);
  return out;
}

TEST(Ledger, KindsAreFoundByTheirNames) {
  for (const LedgerKind kind : {LedgerKind::enter, LedgerKind::hold, LedgerKind::leave}) {
    EXPECT_EQ(ledger_kind(name_of(kind)), kind);
  }
  EXPECT_EQ(ledger_kind("holds"), std::nullopt);
}

TEST(Ledger, WhatDoesNotFitIsCounted) {
  Ledger ledger(2);
  for (int i = 0; i < 5; ++i) ledger.append(entry("k"));
  EXPECT_EQ(ledger.entries().size(), 2u);
  EXPECT_EQ(ledger.overflow(), 3u);
}

TEST(Ledger, JoiningKeepsEntriesAndLosses) {
  Ledger whole(3), first(2), second(2);
  for (int i = 0; i < 3; ++i) first.append(entry("a"));
  for (int i = 0; i < 2; ++i) second.append(entry("b"));
  whole.join(std::move(first));
  whole.join(std::move(second));
  ASSERT_EQ(whole.entries().size(), 3u);
  EXPECT_EQ(whole.entries()[2].key, "b");
  EXPECT_EQ(whole.overflow(), 2u);
}

}  // namespace
}  // namespace stampede
