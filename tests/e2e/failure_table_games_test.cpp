// Goal: auctions, practice rooms and log-ins do what the failure table says (domain §2.13) when a
// store is away, has lost its data or is read-only: no bid is acknowledged that is not stored, a
// cycle goes on as its records say, and a token outlives the store of sessions.
// Method: the real binary on private Redis and MariaDB servers, which are killed, emptied and
// switched to read-only under it.
#include <gtest/gtest.h>

#include "tests/e2e/failure_table.hpp"

namespace boxoffice::test {
namespace {

class FailureTableGames : public FailureTable {
 protected:
  // One slot, bids for an hour; a room of one row that is open all of its hour.
  void open_games() {
    open();
    const auto seeded = RawClient(boxes_[0]->admin_port())
                            .exchange("POST", "/admin/seed", admin_field,
                                      R"({"auctions":[{"slots":1,"startPrice":1000,"minStep":100,)"
                                      R"("durationMs":3600000}],"practice":[{"rows":1,"cols":5,)"
                                      R"("periodMs":3600000,"openMs":3600000}]})")
                            .json();
    auction_ = "/api/auctions/" + seeded.at("auctions").at(0).at("id").dump();
    room_ = "/api/practice/" + seeded.at("practice").at(0).at("id").dump();
    EXPECT_EQ(ask("GET", auction_).status, 200);
    EXPECT_EQ(ask("GET", room_).status, 200);
  }
  Answer bid(std::size_t user, int amount, const std::string& key) {
    return ask("POST", auction_ + "/bids", user, R"({"amount":)" + std::to_string(amount) + "}",
               key);
  }
  Answer own(std::size_t user) { return ask("GET", auction_ + "/me", user); }
  Answer confirm(std::size_t user, unsigned seat) {
    return ask("POST", room_ + "/confirm", user, R"({"seatId":)" + std::to_string(seat) + "}");
  }
  std::string bids() { return one("SELECT COUNT(*) FROM bids"); }
  std::string records() { return one("SELECT COUNT(*) FROM practice_records"); }

  Answer account(const std::string& what, const nlohmann::json& body) {
    return RawClient(boxes_[0]->port()).exchange("POST", "/api/auth/" + what, "", body.dump());
  }
  Answer log_in() { return account("login", {{"login", "ann"}, {"password", "a long password"}}); }
  Answer refresh(const std::string& token) { return account("refresh", {{"refreshToken", token}}); }
  Answer me(const std::string& token) {
    return RawClient(boxes_[0]->port())
        .exchange("GET", "/api/users/me", "Authorization: Bearer " + token + "\r\n");
  }
  // Signed up and logged in.
  nlohmann::json ann() {
    EXPECT_EQ(
        account("signup", {{"login", "ann"}, {"password", "a long password"}, {"nickname", "Ann"}})
            .status,
        201);
    const Answer in = log_in();
    EXPECT_EQ(in.status, 200) << in.body;
    return in.json();
  }

  std::string auction_, room_;
};

TEST_F(FailureTableGames, RedisAwayTakesNoBidAndTheBidsBringTheBookBack) {
  open_games();
  EXPECT_EQ(bid(0, 1000, "a1").status, 201);
  EXPECT_EQ(bid(1, 2000, "b1").status, 201);
  redis_->kill();
  expect_down(bid(0, 3000, "a2"));
  EXPECT_EQ(bids(), "2");
  redis_->start();  // and empty: the book is written anew from the rows
  EXPECT_TRUE(eventually([&] { return own(1).status == 200; }));
  EXPECT_EQ(own(1).json().at("rank"), 1);
  EXPECT_EQ(own(1).json().at("bidsLeft"), 2) << "chances that were used stay used";
  EXPECT_EQ(own(0).json().at("rank"), 2);
  EXPECT_EQ(code(bid(1, 2050, "b2")), "BID_TOO_LOW") << "the own bid is known";
  EXPECT_EQ(bid(0, 3000, "a2").status, 201) << "the key of the bid that was not taken";
  EXPECT_EQ(bids(), "3");
}

TEST_F(FailureTableGames, RedisWithoutItsDataReadsTheBidsAndTheCycleAgain) {
  open_games();
  EXPECT_EQ(bid(0, 1000, "a1").status, 201);
  EXPECT_EQ(confirm(0, 3).status, 201);
  redis("FLUSHALL");
  EXPECT_EQ(bid(1, 900, "b1").status, 409) << "below the start";
  EXPECT_EQ(bid(1, 1500, "b1").status, 201);
  EXPECT_EQ(own(0).json().at("rank"), 2);
  EXPECT_EQ(code(confirm(1, 3)), "SEAT_HELD") << "by the record";
  EXPECT_EQ(code(confirm(0, 4)), "QUOTA_EXCEEDED");
  EXPECT_EQ(confirm(1, 4).status, 201);
  EXPECT_EQ(records(), "2");
}

TEST_F(FailureTableGames, MysqlAwayNothingIsAcknowledgedThatIsNotStored) {
  open_games();
  EXPECT_EQ(bid(0, 1000, "a1").status, 201);
  EXPECT_EQ(confirm(0, 3).status, 201);
  mariadb_->kill();
  expect_down(bid(1, 5000, "b1"));
  expect_down(confirm(1, 4));
  mariadb_->start();
  EXPECT_TRUE(eventually([&] { return bid(1, 5000, "b1").status == 201; }));
  EXPECT_EQ(own(1).json().at("bidsLeft"), 2) << "the bid that was not stored cost no chance";
  EXPECT_EQ(own(0).json().at("rank"), 2);
  EXPECT_TRUE(eventually([&] { return confirm(1, 4).status == 201; })) << "the seat was free again";
  EXPECT_EQ(bids() + " " + records(), "2 2");
}

TEST_F(FailureTableGames, AReadOnlyMysqlTakesNeitherBidNorSeat) {
  open_games();
  mariadb_->sql("SET GLOBAL read_only=1");
  const Answer refused = bid(0, 1000, "a1");
  EXPECT_EQ(refused.status, 503) << boxes_[0]->log();
  expect_down(confirm(0, 3));
  mariadb_->sql("SET GLOBAL read_only=0");
  EXPECT_EQ(bids() + " " + records(), "0 0");
  EXPECT_TRUE(eventually([&] { return bid(0, 1000, "a1").status == 201; }));
  EXPECT_EQ(own(0).json().at("bidsLeft"), 2);
  EXPECT_TRUE(eventually([&] { return confirm(1, 3).status == 201; })) << "whoever comes first now";
}

TEST_F(FailureTableGames, RedisAwayThePracticeRoomIsShutAndGoesOnAsItsRecordsSay) {
  open_games();
  EXPECT_EQ(confirm(0, 3).status, 201);
  redis_->kill();
  expect_down(confirm(1, 4));
  redis_->start();
  EXPECT_TRUE(eventually([&] { return confirm(1, 4).status == 201; }));
  EXPECT_EQ(code(confirm(2, 3)), "SEAT_HELD");
  EXPECT_EQ(records(), "2");
}

TEST_F(FailureTableGames, RedisAwayATokenIsGoodAndItsRefreshWaits) {
  open();
  const auto in = ann();
  redis_->kill();
  EXPECT_EQ(me(in.at("accessToken")).status, 200) << "it is checked without a store";
  expect_down(refresh(in.at("refreshToken")));
  redis_->start();  // and empty: the session is gone
  EXPECT_TRUE(eventually([&] { return refresh(in.at("refreshToken")).status == 401; }));
  EXPECT_EQ(me(in.at("accessToken")).status, 200);
  const Answer again = log_in();
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(refresh(again.json().at("refreshToken")).status, 200);
}

TEST_F(FailureTableGames, MysqlAwayNobodyLogsInAndWhoIsInStaysIn) {
  open();
  const auto in = ann();
  EXPECT_EQ(hold(1).status, 201) << "the event's facts are known from here on";
  mariadb_->kill();
  expect_down(log_in());
  EXPECT_EQ(hold(2).status, 201) << "with a token";
  mariadb_->start();
  EXPECT_TRUE(eventually([&] { return log_in().status == 200; }));
  EXPECT_EQ(me(in.at("accessToken")).status, 200);
}

}  // namespace
}  // namespace boxoffice::test
