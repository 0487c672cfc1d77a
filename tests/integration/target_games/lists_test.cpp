// The lists of auctions and of practice rooms: the newest first, a page at a time.
#include "tests/integration/target_games/games_fixture.hpp"

namespace boxoffice {
namespace {

class GameLists : public GamesFixture {
 protected:
  Reply list(const std::string& path) {
    Call call;
    call.method = "GET";
    call.path = path;
    call.user = 1;
    return ask(*instances[0], std::move(call));
  }
  static std::string ids(const Reply& page, const char* name) {
    std::string all;
    for (const auto& item : page.body.at("items")) all += item.at(name).get<std::string>() + " ";
    return all;
  }
};

TEST_F(GameLists, AuctionsComeWithTheirPricesTheNewestFirst) {
  EXPECT_EQ(list("/api/auctions").body.at("items").size(), 0U);
  AuctionInfo facts;
  facts.slots = 2;
  std::vector<std::uint64_t> made;
  for (int i = 0; i < 3; ++i) made.push_back(auction(facts));
  ASSERT_EQ(bid(made[2], 1, 25000).status, 201);
  const Reply first = list("/api/auctions?size=2");
  EXPECT_EQ(first.status, 200) << first.body.dump();
  EXPECT_EQ(ids(first, "auctionId"), fmt::format("{} {} ", made[2], made[1]));
  EXPECT_EQ(first.body.at("total"), 3);
  EXPECT_EQ(first.body.at("items")[0].at("top"), 25000);
  EXPECT_EQ(first.body.at("items")[0].at("bidders"), 1);
  EXPECT_EQ(first.body.at("items")[0].at("status"), "OPEN");
  EXPECT_EQ(ids(list("/api/auctions?page=2&size=2"), "auctionId"), fmt::format("{} ", made[0]));
  EXPECT_EQ(list("/api/auctions?page=3&size=2").body.at("items").size(), 0U);
  for (const char* wrong : {"page=0", "size=0", "size=51", "page=x", "page=100001"})
    EXPECT_EQ(list(std::string("/api/auctions?") + wrong).status, 400) << wrong;
}

TEST_F(GameLists, RoomsComeTheNewestFirst) {
  EXPECT_EQ(list("/api/practice").body.at("total"), 0);
  PracticeRoom room;
  std::vector<std::uint64_t> made;
  for (const char* title : {"One", "Two \"quoted\"", "Three"}) {
    room.title = title;
    made.push_back(run(io, instances[0]->practice->create(room)));
  }
  const Reply page = list("/api/practice?size=2");
  EXPECT_EQ(page.status, 200) << page.body.dump();
  EXPECT_EQ(ids(page, "roomId"), fmt::format("{} {} ", made[2], made[1]));
  EXPECT_EQ(page.body.at("items")[1].at("title"), "Two \"quoted\"");
  EXPECT_EQ(page.body.at("total"), 3);
  EXPECT_EQ(ids(list("/api/practice?page=2&size=2"), "roomId"), fmt::format("{} ", made[0]));
  for (const char* wrong : {"page=0", "size=51", "page=-1"})
    EXPECT_EQ(list(std::string("/api/practice?") + wrong).status, 400) << wrong;
}

}  // namespace
}  // namespace boxoffice
