// L6 and R8 fire on what they are for, and on nothing else.
#include <gtest/gtest.h>

#include "harness/judge/invariants.hpp"

namespace stampede {
namespace {

struct GamesWorld {
  Ledger ledger;
  FinalState state;

  GamesWorld() {
    state.have_sql = state.have_redis = state.have_games = true;
    state.game_checks.push_back({"A10", "t", 0, {}});
    for (const std::uint32_t number : {1U, 2U, 3U}) {
      state.bids.push_back({1, 21, 1000U * number, number, number, 3});
      ledger.append(entry(number));
    }
    // 3 people: 0 ms, 5 ms twice; a tree of 8 buckets.
    state.ranks.push_back({5, 8, {{0, 1}, {5, 2}}, {{1, 1}, {2, 1}, {4, 1}, {6, 2}, {8, 3}}, 3});
  }
  static LedgerEntry entry(std::uint32_t number) {
    LedgerEntry bid;
    bid.kind = LedgerKind::bid;
    bid.certainty = Certainty::applied;
    bid.status = 201;
    bid.user = 21;
    bid.event = 1;
    bid.key = std::to_string(number);
    bid.reference = std::to_string(1000 * number);
    bid.position = number;
    return bid;
  }
  std::string broken() const {
    std::string rules;
    for (const Finding& finding : booking_invariants(ledger, state)) {
      const bool game = finding.rule == "L6" || finding.rule == "R8" || finding.rule == "A10";
      if (game && finding.verdict != Verdict::pass) rules += finding.rule + " ";
    }
    return rules;
  }
};

TEST(GameChecks, ACleanWorldPasses) {
  const GamesWorld world;
  EXPECT_EQ(world.broken(), "");
  GamesWorld none;
  none.state.have_games = false;
  for (const Finding& finding : booking_invariants(none.ledger, none.state))
    EXPECT_TRUE(finding.rule != "L6" && finding.rule != "R8");
}

TEST(GameChecks, WhatTheProbeCountedIsABrokenInvariant) {
  GamesWorld world;
  world.state.game_checks[0].bad = 2;
  EXPECT_EQ(world.broken(), "A10 ");
}

TEST(GameChecks, AnAcknowledgedBidThatIsNotStored) {
  GamesWorld world;
  world.state.bids.pop_back();
  EXPECT_EQ(world.broken(), "L6 ");
}

TEST(GameChecks, ABidStoredWithAnotherAmountOrNumber) {
  GamesWorld world;
  world.state.bids[0].amount = 999;
  EXPECT_EQ(world.broken(), "L6 ");
  GamesWorld number;
  number.state.bids[0].number = 2;
  EXPECT_EQ(number.broken(), "L6 ");
}

TEST(GameChecks, AFourthAcknowledgedBid) {
  GamesWorld world;
  world.state.bids.push_back({1, 21, 4000, 4, 4, 3});
  world.ledger.append(GamesWorld::entry(4));
  EXPECT_EQ(world.broken(), "L6 ");
}

TEST(GameChecks, AStoredBidThatNobodySawUnlessAnAnswerWasLost) {
  GamesWorld world;
  world.state.bids.push_back({1, 22, 4000, 4, 1, 3});
  EXPECT_EQ(world.broken(), "L6 ");
  LedgerEntry lost = GamesWorld::entry(4);
  lost.user = 22;
  lost.certainty = Certainty::unknown;
  lost.status = 0;
  world.ledger.append(lost);
  EXPECT_EQ(world.broken(), "");
}

TEST(GameChecks, ATreeThatDiffersFromTheRecords) {
  GamesWorld size;
  size.state.ranks[0].tree_size = 4;
  EXPECT_EQ(size.broken(), "R8 ");
  GamesWorld node;
  node.state.ranks[0].tree[6] = 1;
  EXPECT_EQ(node.broken(), "R8 ");
  GamesWorld stray;
  stray.state.ranks[0].tree[7] = 1;
  EXPECT_EQ(stray.broken(), "R8 ");
  GamesWorld lost;
  lost.state.ranks[0].tree.clear();
  lost.state.ranks[0].tree_size = -1;
  EXPECT_EQ(lost.broken(), "R8 ");
}

}  // namespace
}  // namespace stampede
