#include "harness/judge/seat_ledger.hpp"

#include <gtest/gtest.h>

#include "booking_world.hpp"

namespace stampede {
namespace {

// Ten seats: 0 locked, 1 held, 2 held until a moment ago, 3 pending, 4 and 5 sold.
FinalState ten_seats() {
  FinalState state;
  state.have_sql = state.have_redis = true;
  RedisEvent event;
  event.event = 1;
  event.seats = 10;
  event.now_ms = 1'000'000;
  event.marker = true;
  event.states = {
      {0, "L"},        {1, "H:7:aa:1000001:1"}, {2, "H:8:bb:1000000:2"}, {3, "P:9:501:1300000:3"},
      {4, "S:10:502"}, {5, "S:11:503"}};
  state.redis = {event};
  StoredOrder pending;
  pending.id = 501;
  pending.event = 1;
  pending.status = "PAYMENT_PENDING";
  pending.live_seats = pending.all_seats = {3};
  StoredOrder confirmed = pending;
  confirmed.id = 502;
  confirmed.status = "CONFIRMED";
  confirmed.live_seats = {4};
  state.orders = {pending, confirmed};
  state.tickets = {{1, 0, 502, 10, 4}, {1, 0, 503, 11, 5}};
  return state;
}

TEST(SeatLedger, EverySeatIsInOnePlace) {
  const auto seats = seat_ledger(ten_seats());
  ASSERT_TRUE(seats);
  EXPECT_EQ(seats->total, 10U);
  EXPECT_EQ(seats->free, 5U) << "with the one whose hold is over";
  EXPECT_EQ(seats->held, 1U);
  EXPECT_EQ(seats->pending, 1U);
  EXPECT_EQ(seats->sold, 2U);
  EXPECT_EQ(seats->locked, 1U);
  EXPECT_EQ(seats->unaccounted(), 0);
}

TEST(SeatLedger, ALostSeatAndASeatSoldTwiceShow) {
  FinalState lost = ten_seats();
  lost.tickets.pop_back();
  EXPECT_EQ(seat_ledger(lost)->unaccounted(), 1);
  FinalState twice = ten_seats();
  twice.tickets.push_back({1, 0, 504, 12, 5});
  EXPECT_EQ(seat_ledger(twice)->unaccounted(), -1);
}

TEST(SeatLedger, IsAbsentWhenAStoreWasNotReadOrIsNotRebuilt) {
  EXPECT_FALSE(seat_ledger({}));
  FinalState state = ten_seats();
  state.have_sql = false;
  EXPECT_FALSE(seat_ledger(state));
  state = ten_seats();
  state.redis[0].marker = false;
  EXPECT_FALSE(seat_ledger(state));
  state = ten_seats();
  state.redis.clear();
  EXPECT_FALSE(seat_ledger(state)) << "no seats at all";
}

TEST(SeatLedger, ClosesForACorrectServer) {
  std::uint64_t sold = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    BookingWorld world(seed);
    world.run();
    const auto seats = seat_ledger(world.state);
    ASSERT_TRUE(seats) << "seed " << seed;
    EXPECT_EQ(seats->unaccounted(), 0) << "seed " << seed;
    sold += seats->sold;
  }
  EXPECT_GT(sold, 300U);
}

}  // namespace
}  // namespace stampede
