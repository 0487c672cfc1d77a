// The defects of auctions, and the audit that must see them; and that every check of auctions and
// practice rooms fires on the damage it is for, and on nothing else.
#include <map>

#include "target/admin_parts.hpp"
#include "tests/integration/target_games/games_fixture.hpp"

namespace boxoffice {
namespace {

using Fired = std::map<std::string, std::uint64_t>;

class AuctionDefects : public GamesFixture {
 protected:
  // What the audit of the event counts beyond A9, by the checks' ids; only what is wrong.
  Fired fired() {
    const auto store = make_admin_store(instances[0]->mysql);
    Fired wrong;
    std::size_t games = 0;
    for (const AuditCheck& check : run(io, store->audit(7, 1))) {
      if (check.id.size() < 3) continue;  // A1 … A9
      ++games;
      if (check.bad > 0) wrong[check.id] = check.bad;
      EXPECT_EQ(check.bad > 0, !check.sample.empty()) << check.id;
    }
    EXPECT_EQ(games, 7U) << "A10 to A16";
    return wrong;
  }
  // Ten bids of one person at once, at two instances; how many were accepted.
  std::size_t rush(std::uint64_t auction_id) {
    std::vector<std::pair<Instance*, Call>> all;
    for (std::uint64_t i = 1; i <= 10; ++i) {
      all.emplace_back(i % 2 == 0 ? instances[0].get() : instances[1].get(),
                       bid_call(auction_id, 1, 10000 * i, fmt::format("r{}-{}", auction_id, i)));
    }
    std::size_t accepted = 0;
    for (const Reply& reply : ask_all(std::move(all))) accepted += reply.status == 201 ? 1 : 0;
    return accepted;
  }
  // Three people for two slots: 30,000, 20,000 and 10,000.
  std::uint64_t decided() {
    AuctionInfo facts;
    facts.slots = 2;
    const std::uint64_t id = auction(facts);
    for (std::uint64_t user = 1; user <= 3; ++user)
      EXPECT_EQ(bid(id, user, 40000 - 10000 * user).status, 201);
    end_auction(id);
    EXPECT_TRUE(run(io, instances[0]->auctions->close(id, 1)));
    return id;
  }
};

TEST_F(AuctionDefects, ALookBeforeEachBidLetsTooManyIn) {
  add_instance();
  EXPECT_LE(rush(auction({})), 3U);
  EXPECT_EQ(fired(), Fired{});
  switches.bid_get_then_incr = true;
  // How many meet in the gap is chance: one rush of some is enough.
  std::size_t accepted = 0;
  for (int tries = 0; tries < 20 && accepted <= 3; ++tries) accepted = rush(auction({}));
  EXPECT_GT(accepted, 3U);
  EXPECT_EQ(fired(), (Fired{{"A10", 1}}));
  // One bid after the other is counted as ever: the defect is the gap, not the limit.
  switches.bid_get_then_incr = false;
}

TEST_F(AuctionDefects, WithTheDefectBidsOneAfterTheOtherAreStillThree) {
  switches.bid_get_then_incr = true;
  const std::uint64_t id = auction({});
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_EQ(bid(id, 1, 10000 * i).status, 201);
  EXPECT_EQ(bid(id, 1, 90000).code(), "BID_LIMIT");
  EXPECT_EQ(fired(), Fired{});
}

TEST_F(AuctionDefects, EverybodyPaysTheHighestBid) {
  const std::uint64_t clean = decided();
  EXPECT_EQ(one(fmt::format("SELECT GROUP_CONCAT(amount ORDER BY rank_no) FROM auction_awards "
                            "WHERE auction_id={}",
                            clean)),
            "30000,20000");
  EXPECT_EQ(fired(), Fired{});
  switches.bid_uniform_top = true;
  const std::uint64_t id = decided();
  EXPECT_EQ(one(fmt::format("SELECT GROUP_CONCAT(amount ORDER BY rank_no) FROM auction_awards "
                            "WHERE auction_id={}",
                            id)),
            "30000,30000");
  EXPECT_EQ(fired(), (Fired{{"A13", 1}}));
}

TEST_F(AuctionDefects, TheyAreOffAndHaveNames) {
  for (const char* name : {"bid_get_then_incr", "bid_uniform_top"}) {
    std::atomic<bool>* const defect = switches.defect(name);
    ASSERT_NE(defect, nullptr) << name;
    EXPECT_FALSE(*defect) << name;
    *defect = true;
    EXPECT_EQ(switches.defects_on(), std::vector<std::string>{name});
    EXPECT_TRUE(switches.tainted());
    *defect = false;
  }
}

TEST_F(AuctionDefects, EveryCheckOfAuctionsSeesItsDamage) {
  const std::uint64_t id = decided();
  const auto damage = [&](const std::string& break_it, const std::string& mend_it, Fired expected) {
    sql(break_it);
    EXPECT_EQ(fired(), expected) << break_it;
    sql(mend_it);
    EXPECT_EQ(fired(), Fired{}) << mend_it;
  };
  damage(fmt::format("UPDATE auctions SET max_bids=0 WHERE id={}", id),
         fmt::format("UPDATE auctions SET max_bids=3 WHERE id={}", id), {{"A10", 3}});
  damage(fmt::format("UPDATE auctions SET slots=1 WHERE id={}", id),
         fmt::format("UPDATE auctions SET slots=2 WHERE id={}", id), {{"A10", 1}});
  damage(fmt::format("UPDATE auction_awards SET rank_no=9 WHERE auction_id={} AND rank_no=2", id),
         fmt::format("UPDATE auction_awards SET rank_no=2 WHERE auction_id={} AND rank_no=9", id),
         {{"A11", 2}});  // offered as ninth, and the third was passed over
  damage(fmt::format("UPDATE auction_awards SET amount=amount+1 WHERE auction_id={}", id),
         fmt::format("UPDATE auction_awards SET amount=amount-1 WHERE auction_id={}", id),
         {{"A13", 2}});
  damage(
      fmt::format("UPDATE auction_awards SET status='PAID' WHERE auction_id={} AND rank_no=1", id),
      fmt::format("UPDATE auction_awards SET status='OFFERED' WHERE auction_id={}", id),
      {{"A14", 1}});
}

TEST_F(AuctionDefects, EveryCheckOfPracticeRoomsSeesItsDamage) {
  PracticeRoom room;
  room.title = "Room";
  room.bots = 1;
  const std::uint64_t id = run(io, instances[0]->practice->create(room));
  const std::string bot = one(fmt::format("SELECT first_bot FROM practice_rooms WHERE id={}", id));
  const auto insert = [&](int seat, const std::string& user, int duration, int is_bot) {
    sql(
        fmt::format("INSERT INTO practice_records (room_id,cycle_id,user_id,seat_no,duration_ms,"
                    "is_bot) VALUES ({},1,{},{},{},{})",
                    id, user, seat, duration, is_bot));
  };
  insert(1, bot, 100, 1);
  EXPECT_EQ(fired(), Fired{});
  sql("UPDATE practice_records SET is_bot=0");
  EXPECT_EQ(fired(), (Fired{{"A16", 1}}));
  sql("UPDATE practice_records SET is_bot=1,duration_ms=15000");
  EXPECT_EQ(fired(), (Fired{{"A15", 1}}));
  sql("UPDATE practice_records SET duration_ms=14999,seat_no=100");
  EXPECT_EQ(fired(), (Fired{{"A15", 1}}));
  sql("UPDATE practice_records SET seat_no=1");
  sql("ALTER TABLE practice_records DROP INDEX uq_pr_seat");
  sql("ALTER TABLE practice_records DROP INDEX uq_pr_user");
  insert(1, bot, 100, 1);
  // The same seat and person, and one bot more than the room has.
  EXPECT_EQ(fired(), (Fired{{"A12", 2}, {"A16", 1}}));
}

}  // namespace
}  // namespace boxoffice
