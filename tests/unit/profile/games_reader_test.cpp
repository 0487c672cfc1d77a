// Auctions and practice rooms of `data` as the profile reader sees them.
#include <gtest/gtest.h>

#include "harness/scenario/compiler.hpp"
#include "tests/unit/profile/reading.hpp"

namespace stampede {
namespace {

std::string with_data(const std::string& data) {
  return "name: t\ndata:\n" + data +
         "scenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\npersonas:\n  p:\n"
         "    - get: /${auction_1}/${room_1}\n      name: look\n";
}

std::string problems(const std::string& data) { return test::problems_of(with_data(data)); }

TEST(GamesReader, AllKeysAndTheVariables) {
  const auto profile = read_profile(
      with_data("  auctions:\n    - {slots: 100, start_price: 5000, step: 500, bids: 2, rule: "
                "beat-top, pricing: uniform, opens_after: 5s, duration: 90s, offer_ttl: 4s}\n"
                "  rooms:\n    - {rows: 20, columns: 30, bots: 7, period: 30s, open: 9s, "
                "reaction: 1s, lead: 3s}\n"),
      "p.yaml", {});
  ASSERT_TRUE(profile.has_value());
  const AuctionSpec& auction = profile->data.auctions.at(0);
  EXPECT_EQ(auction.slots, 100U);
  EXPECT_EQ(auction.start_price, 5000U);
  EXPECT_EQ(auction.step, 500U);
  EXPECT_EQ(auction.bids, 2U);
  EXPECT_EQ(auction.rule, "beat-top");
  EXPECT_EQ(auction.pricing, "uniform");
  EXPECT_EQ(auction.opens_after, std::chrono::seconds{5});
  EXPECT_EQ(auction.duration, std::chrono::seconds{90});
  EXPECT_EQ(auction.offer_ttl, std::chrono::seconds{4});
  const RoomSpec& room = profile->data.rooms.at(0);
  EXPECT_EQ(room.rows, 20U);
  EXPECT_EQ(room.columns, 30U);
  EXPECT_EQ(room.bots, 7U);
  EXPECT_EQ(room.period, std::chrono::seconds{30});
  EXPECT_EQ(room.open, std::chrono::seconds{9});
  EXPECT_EQ(room.reaction, std::chrono::seconds{1});
  EXPECT_EQ(room.lead, std::chrono::seconds{3});
  EXPECT_TRUE(compile(*profile).has_value());
}

TEST(GamesReader, EveryProblemAtOnce) {
  EXPECT_EQ(problems("  auctions:\n    - {slots: 0, rule: loud, pricing: free, bid: 3}\n"
                     "  rooms:\n    - {period: 10s, open: 11s, seats: 9}\n"),
            "4:15 0 is out of range | from 1 to 10000\n"
            "4:24 \"loud\" is not known here | one of own-raise, beat-cutoff, beat-top\n"
            "4:39 \"free\" is not known here | one of pay-as-bid, uniform\n"
            "4:45 unknown key \"bid\" in an auction | did you mean \"bids\"?\n"
            "6:27 the room is open for longer than its period\n"
            "6:32 unknown key \"seats\" in a practice room | known are rows, columns, bots, "
            "period, open, reaction, lead\n");
}

}  // namespace
}  // namespace stampede
