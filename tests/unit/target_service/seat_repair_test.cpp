#include "target/worker/seat_repair.hpp"

#include <gtest/gtest.h>

namespace boxoffice {
namespace {

using Kind = SeatDifference::Kind;

MirrorSeat seat(std::uint32_t number, char kind, std::uint64_t user = 0, std::uint64_t order = 0) {
  MirrorSeat made;
  made.seat = number;
  made.kind = kind;
  made.user = user;
  made.order = order;
  return made;
}
LiveSeat live(std::uint32_t number, std::uint64_t order, bool sold) {
  LiveSeat made;
  made.seat = number;
  made.order = order;
  made.user = 7;
  made.sold = sold;
  return made;
}
std::vector<Kind> kinds(const std::vector<SeatDifference>& differences) {
  std::vector<Kind> list;
  for (const SeatDifference& found : differences) list.push_back(found.kind);
  return list;
}

TEST(SeatRepair, EqualSidesDifferNowhere) {
  SeatTruth truth;
  truth.live = {live(1, 900, false), live(2, 901, true)};
  truth.locked = {3};
  EXPECT_TRUE(
      compare({seat(1, 'P', 7, 900), seat(2, 'S', 7, 901), seat(3, 'L'), seat(4, 'H', 8)}, truth)
          .empty());
}

TEST(SeatRepair, EveryDifferenceHasItsKind) {
  SeatTruth truth;
  EXPECT_EQ(kinds(compare({seat(1, 'P', 7, 900)}, truth)),
            std::vector{Kind::pending_without_order});
  EXPECT_EQ(kinds(compare({seat(1, 'S', 7, 900)}, truth)), std::vector{Kind::sold_without_ticket});
  EXPECT_EQ(kinds(compare({seat(1, 'L')}, truth)), std::vector{Kind::lock_left});
  truth.locked = {1};
  EXPECT_EQ(kinds(compare({}, truth)), std::vector{Kind::lock_missing});
  EXPECT_TRUE(compare({seat(1, 'H', 7)}, truth).empty());  // the holder's time runs out first
  truth.locked.clear();
  truth.live = {live(1, 900, true)};
  EXPECT_EQ(kinds(compare({}, truth)), std::vector{Kind::missing});
  EXPECT_EQ(kinds(compare({seat(1, 'H', 8)}, truth)), std::vector{Kind::missing});
  EXPECT_EQ(kinds(compare({seat(1, 'S', 8, 901)}, truth)), std::vector{Kind::missing});
  EXPECT_EQ(kinds(compare({seat(1, 'P', 7, 900)}, truth)), std::vector{Kind::unsettled});
}

TEST(SeatRepair, OneLookProvesNothing) {
  SeatTruth truth;
  truth.live = {live(1, 900, true)};
  const auto seen = compare({}, truth);
  RepairList list;
  const TimePoint start{};
  EXPECT_TRUE(list.due(seen, start).empty());
  EXPECT_TRUE(list.suspicious());
  EXPECT_TRUE(list.due({}, start + Millis(500)).empty());  // it was only in between
  EXPECT_TRUE(list.due(seen, start + Millis(1100)).empty());
  EXPECT_EQ(list.due(seen, start + Millis(2200)).size(), 1U);
}

TEST(SeatRepair, AnotherOrderOnTheSeatStartsAnew) {
  RepairList list;
  const TimePoint start{};
  (void)list.due(compare({seat(1, 'P', 7, 900)}, {}), start);
  EXPECT_TRUE(list.due(compare({seat(1, 'P', 7, 901)}, {}), start + Millis(40000)).empty());
  EXPECT_EQ(list.due(compare({seat(1, 'P', 7, 901)}, {}), start + Millis(70000)).size(), 1U);
}

TEST(SeatRepair, WhatTheOutboxWillSettleGetsTime) {
  RepairList list;
  const TimePoint start{};
  const auto seen = compare({seat(1, 'P', 7, 900), seat(2, 'S', 7, 901)}, {});
  (void)list.due(seen, start);
  EXPECT_FALSE(list.suspicious());
  EXPECT_TRUE(list.due(seen, start + Millis(9000)).empty());
  EXPECT_EQ(kinds(list.due(seen, start + Millis(11000))), std::vector{Kind::sold_without_ticket});
  EXPECT_EQ(list.due(seen, start + Millis(31000)).size(), 2U);
}

}  // namespace
}  // namespace boxoffice
