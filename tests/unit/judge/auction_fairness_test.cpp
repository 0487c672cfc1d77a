// Whether quickness wins, on made-up auctions.
#include <gtest/gtest.h>

#include "harness/judge/auction_fairness.hpp"

namespace stampede {
namespace {

// `people` bidders for 10 slots of auction 7; everybody's amount and latency as the functions say.
struct Hall {
  Ledger ledger;
  FinalState state;
  template <class Amount, class Millis>
  Hall(std::uint64_t people, Amount amount, Millis millis) {
    state.auction_slots[7] = 10;
    for (std::uint64_t user = 1; user <= people; ++user) {
      const std::uint64_t bid = amount(user);
      state.bids.push_back({7, user, bid, user, 1, 3});
      LedgerEntry entry;
      entry.kind = LedgerKind::bid;
      entry.status = 201;
      entry.event = 7;
      entry.user = user;
      entry.completed = entry.invoked + std::chrono::milliseconds(millis(user));
      ledger.append(entry);
    }
  }
  Finding remark() const { return auction_fairness(ledger, state).value(); }
};

std::uint64_t scattered(std::uint64_t user) { return user * 7919 % 997; }

TEST(AuctionFairness, IsNearNothingWhereTheAmountDecides) {
  const Hall hall(
      200, [](std::uint64_t user) { return 1000 + scattered(user); },
      [](std::uint64_t user) { return 5 + user * 104'729 % 50; });
  const Finding remark = hall.remark();
  EXPECT_EQ(remark.standing, Finding::Standing::judged) << remark.measured;
  EXPECT_LT(std::abs(remark.figure), 0.1);
  EXPECT_EQ(remark.samples.front(), "200 bidders, 10 winners");
}

TEST(AuctionFairness, WarnsWhereTheQuickWin) {
  const Hall hall(
      200, [](std::uint64_t user) { return 1000 + user; },
      [](std::uint64_t user) { return user > 190 ? 1 : 80; });
  const Finding remark = hall.remark();
  EXPECT_EQ(remark.standing, Finding::Standing::warned);
  EXPECT_LT(remark.figure, -0.9);
  EXPECT_EQ(remark.samples.back(), "who is answered quickly wins more often");
}

TEST(AuctionFairness, TheEarlierOfEqualBidsWins) {
  const Hall hall(
      40, [](std::uint64_t) { return std::uint64_t{1000}; },
      [](std::uint64_t user) { return user <= 10 ? 100 : 1; });
  EXPECT_GT(hall.remark().figure, 0.9) << "users 1 to 10 bid first";
}

TEST(AuctionFairness, OnlyTheLastBidCounts) {
  Hall hall(
      40, [](std::uint64_t) { return std::uint64_t{1000}; },
      [](std::uint64_t user) { return user == 40 ? 900 : 1; });
  hall.state.bids.push_back({7, 40, 5000, 41, 2, 3});
  EXPECT_GT(hall.remark().figure, 0.25) << "user 40 has won with the second bid";
}

TEST(AuctionFairness, TooFewProveNothingAndWithoutAnAuctionThereIsNoRemark) {
  const Hall hall(
      12, [](std::uint64_t user) { return user; }, [](std::uint64_t user) { return user; });
  EXPECT_EQ(hall.remark().standing, Finding::Standing::not_run);
  EXPECT_FALSE(auction_fairness(Ledger{}, FinalState{}));
}

}  // namespace
}  // namespace stampede
