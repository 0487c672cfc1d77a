// Bids against real stores: the number, the price, the order, and what a loss of Redis changes.
#include <set>

#include "target/faults.hpp"
#include "target/service/entry_pass.hpp"
#include "target/service/order_store.hpp"
#include "tests/integration/target_games/games_fixture.hpp"

namespace boxoffice {
namespace {

class Auctions : public GamesFixture {};

TEST_F(Auctions, APersonHasThreeBidsAndEachRaisesTheOwn) {
  const std::uint64_t id = auction({});
  Reply first = bid(id, 1, 10000);
  ASSERT_EQ(first.status, 201) << first.body.dump();
  EXPECT_EQ(first.body["bidNo"], 1);
  EXPECT_EQ(first.body["rank"], 1);
  EXPECT_EQ(first.body["inside"], true);
  EXPECT_EQ(first.body["bidsLeft"], 2);
  const Reply low = bid(id, 1, 10999);
  EXPECT_EQ(low.status, 409);
  EXPECT_EQ(low.code(), "BID_TOO_LOW");
  EXPECT_EQ(low.body["floor"], 11000);
  EXPECT_EQ(bid(id, 1, 11000).status, 201);
  EXPECT_EQ(bid(id, 1, 12000).body["bidsLeft"], 0);
  const Reply fourth = bid(id, 1, 13000);
  EXPECT_EQ(fourth.status, 422);
  EXPECT_EQ(fourth.code(), "BID_LIMIT");
  EXPECT_EQ(one("SELECT COUNT(*) FROM bids"), "3");
  EXPECT_EQ(bid(id, 2, 9999).body["floor"], 10000);  // below the start price
}

TEST_F(Auctions, TheSameKeyGivesTheSameBid) {
  const std::uint64_t id = auction({});
  const Reply first = ask(*instances[0], bid_call(id, 1, 10000, "k"));
  const Reply again = ask(*instances[0], bid_call(id, 1, 10000, "k"));
  EXPECT_EQ(again.status, 201);
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.body, first.body);
  const Reply other = ask(*instances[0], bid_call(id, 1, 20000, "k"));
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.code(), "IDEMPOTENCY_KEY_REUSED");
  EXPECT_EQ(one("SELECT COUNT(*) FROM bids"), "1");
}

TEST_F(Auctions, TheSameKeyAtTwoInstancesAtOnceIsOneBid) {
  const std::uint64_t id = auction({});
  Instance& second = add_instance();
  std::vector<std::pair<Instance*, Call>> both;
  both.emplace_back(instances[0].get(), bid_call(id, 1, 10000, "k"));
  both.emplace_back(&second, bid_call(id, 1, 10000, "k"));
  for (const Reply& reply : ask_all(std::move(both)))
    EXPECT_TRUE(reply.status == 201 || reply.status == 409) << reply.body.dump();
  EXPECT_EQ(one("SELECT COUNT(*) FROM bids"), "1");
  EXPECT_EQ(ask(second, bid_call(id, 1, 10000, "k")).status, 201);
  EXPECT_EQ(bid(id, 1, 11000).body["bidsLeft"], 1) << "the loser's try counted";
}

TEST_F(Auctions, TiesGoToTheEarlierBid) {
  AuctionInfo facts;
  facts.slots = 1;
  const std::uint64_t id = auction(facts);
  EXPECT_EQ(bid(id, 8, 50000).body["inside"], true);
  EXPECT_EQ(bid(id, 4, 50000).body["inside"], false);  // the id does not help
  end_auction(id);
  ASSERT_TRUE(run(io, instances[0]->auctions->close(id, 1)));
  EXPECT_EQ(awards(id), "1:8:1:50000:OFFERED");
}

TEST_F(Auctions, TwoHundredBidAtOnceAtTwoInstances) {
  AuctionInfo facts;
  facts.slots = 10;
  const std::uint64_t id = auction(facts);
  Instance& second = add_instance();
  std::vector<std::pair<Instance*, Call>> all;
  for (std::uint64_t user = 1; user <= 200; ++user) {
    Instance* const at = user % 2 == 0 ? instances[0].get() : &second;
    // Twenty prices, so that there are ties at the cut.
    all.emplace_back(at, bid_call(id, user, 10000 + user % 20 * 1000, fmt::format("k{}", user)));
  }
  std::set<std::uint64_t> sequences;
  for (const Reply& reply : ask_all(std::move(all))) {
    ASSERT_EQ(reply.status, 201) << reply.body.dump() << reply.failure;
    sequences.insert(reply.body["seq"].get<std::uint64_t>());
  }
  EXPECT_EQ(sequences.size(), 200U);
  EXPECT_EQ(one("SELECT COUNT(*) FROM bids"), "200");
  // The ranking of Redis is the database's.
  const RedisReply ranks = redis_command({"ZREVRANGE", fmt::format("{{a{}.1}}:ar", id), "0", "-1"});
  const auto stored =
      sql(fmt::format("SELECT user_id FROM bids WHERE auction_id={} ORDER BY amount DESC,seq", id));
  ASSERT_EQ(ranks.elements.size(), stored.size());
  for (std::size_t i = 0; i < stored.size(); ++i)
    EXPECT_EQ(ranks.elements[i].text, stored[i][0]) << "rank " << i + 1;
}

TEST_F(Auctions, OnePersonWithTenBidsAtOnceHasThree) {
  const std::uint64_t id = auction({});
  Instance& second = add_instance();
  std::vector<std::pair<Instance*, Call>> all;
  for (std::uint64_t i = 1; i <= 10; ++i) {
    all.emplace_back(i % 2 == 0 ? instances[0].get() : &second,
                     bid_call(id, 1, 10000 * i, fmt::format("k{}", i)));
  }
  std::size_t accepted = 0;
  for (const Reply& reply : ask_all(std::move(all))) accepted += reply.status == 201 ? 1 : 0;
  EXPECT_GE(accepted, 1U);
  EXPECT_LE(accepted, 3U);
  EXPECT_EQ(one("SELECT COUNT(*) FROM bids"), std::to_string(accepted));
}

TEST_F(Auctions, RulesThatBeatOthers) {
  AuctionInfo facts;
  facts.slots = 2;
  facts.rule = BidRule::beat_top;
  const std::uint64_t top = auction(facts);
  EXPECT_EQ(bid(top, 1, 20000).status, 201);
  EXPECT_EQ(bid(top, 2, 20000).body["floor"], 21000);
  facts.rule = BidRule::beat_cutoff;
  const std::uint64_t cutoff = auction(facts);
  EXPECT_EQ(bid(cutoff, 1, 20000).status, 201);
  EXPECT_EQ(bid(cutoff, 2, 15000).status, 201);  // a slot was free
  EXPECT_EQ(bid(cutoff, 3, 15500).body["floor"], 16000);
  EXPECT_EQ(bid(cutoff, 3, 16000).status, 201);
}

TEST_F(Auctions, OnlyWhoHasBidsLeftIsToldOfALostPlace) {
  AuctionInfo facts;
  facts.slots = 1;
  facts.bids_max = 2;
  const std::uint64_t id = auction(facts);
  const AuctionPtr info = run(io, instances[0]->auctions->find(id));
  std::string cursor = "0-0";
  const auto pushed_out = [&] {
    std::vector<std::uint64_t> users;
    for (const AuctionNote& note : run(io, instances[0]->book->news(info, cursor)).notes)
      users.insert(users.end(), note.users.begin(), note.users.end());
    return users;
  };
  ASSERT_EQ(bid(id, 1, 10000).status, 201);
  EXPECT_TRUE(pushed_out().empty());
  ASSERT_EQ(bid(id, 2, 11000).status, 201);
  EXPECT_EQ(pushed_out(), std::vector<std::uint64_t>{1});
  ASSERT_EQ(bid(id, 1, 12000).status, 201);  // the last bid of 1
  EXPECT_EQ(pushed_out(), std::vector<std::uint64_t>{2});
  ASSERT_EQ(bid(id, 3, 13000).status, 201);
  EXPECT_TRUE(pushed_out().empty()) << "who has no bid left was told";
}

TEST_F(Auctions, WhatRedisForgetsComesBackFromTheBids) {
  const std::uint64_t id = auction({});
  for (const std::uint64_t amount : {10000U, 20000U}) ASSERT_EQ(bid(id, 1, amount).status, 201);
  ASSERT_EQ(bid(id, 2, 15000).status, 201);
  redis_command({"FLUSHALL"});
  const Reply third = bid(id, 1, 30000);
  ASSERT_EQ(third.status, 201) << third.body.dump();
  EXPECT_EQ(third.body["bidNo"], 3);
  EXPECT_EQ(bid(id, 1, 40000).code(), "BID_LIMIT");
  const Reply mine = ask(*instances[0], {"GET", fmt::format("/api/auctions/{}/me", id), "", 2, {}});
  EXPECT_EQ(mine.body["rank"], 2);
  EXPECT_EQ(mine.body["bidsLeft"], 2);
}

TEST_F(Auctions, ABookThatCountsTooFewIsReadAnew) {
  const std::uint64_t id = auction({});
  ASSERT_EQ(bid(id, 1, 10000).status, 201);
  // The last second of writes was lost: the settings are there, this person's bid is not.
  for (const char* key : {"ar", "ab", "ac"})
    redis_command({"DEL", fmt::format("{{a{}.1}}:{}", id, key)});
  const Reply second = bid(id, 1, 20000);
  ASSERT_EQ(second.status, 201) << second.body.dump();
  EXPECT_EQ(second.body["bidNo"], 2);
}

TEST_F(Auctions, TheWindowIsRedisClock) {
  AuctionInfo facts;
  const std::uint64_t id = auction(facts);
  AuctionInfo later = *run(io, instances[0]->auctions->find(id));
  later.opens_ms = wall_clock_ms() + 60000;
  later.closes_ms = later.opens_ms + 60000;
  ASSERT_TRUE(run(io, instances[0]->auctions->move(id, later.opens_ms, later.closes_ms)));
  run(io, instances[0]->book->restore(std::make_shared<AuctionInfo>(later), {}));
  const Reply early = bid(id, 1, 10000);
  EXPECT_EQ(early.status, 425);
  EXPECT_EQ(early.code(), "AUCTION_NOT_OPEN");
  EXPECT_GT(early.body["retryAfterMs"], 0);
  later.opens_ms -= 120000;
  later.closes_ms -= 120000;
  run(io, instances[0]->book->restore(std::make_shared<AuctionInfo>(later), {}));
  const Reply late = bid(id, 1, 10000);
  EXPECT_EQ(late.status, 410);
  EXPECT_EQ(late.code(), "AUCTION_CLOSED");
}

// Whether a pass is over the script decides: a clock of ours that is an hour off changes nothing.
TEST_F(Auctions, APassIsOverByRedisClockWhateverOursSays) {
  sql("UPDATE events SET queue_on=1 WHERE id=7");
  const std::uint64_t id = auction({});
  const std::int64_t now = wall_clock_ms();
  const auto bid_with = [&](std::int64_t pass_end_ms, std::uint64_t user, const char* key) {
    EntryPass pass{.event = event_id, .epoch = 1, .user = user, .end_ms = pass_end_ms};
    Call call = bid_call(id, user, 10000, key);
    call.headers.emplace_back("Entry-Token", PassSigner(config.pass_secret).sign(pass));
    return ask(*instances[0], std::move(call));
  };
  std::uint64_t user = 0;
  for (const std::int64_t skew : {0, 3600000, -3600000}) {
    Faults::of_process().clock_skew_ms = skew;
    ++user;
    const Reply good = bid_with(now + 600000, user, "good");
    EXPECT_EQ(good.status, 201) << good.body.dump();
    const Reply over = bid_with(now - 1, user, "over");
    EXPECT_EQ(over.status, 410) << over.body.dump();
    EXPECT_EQ(over.code(), "PASS_EXPIRED");
  }
  Faults::of_process().clock_skew_ms = 0;
}

TEST_F(Auctions, BadInputIsRefusedAndChangesNothing) {
  const std::uint64_t id = auction({});
  const std::string bids = fmt::format("/api/auctions/{}/bids", id);
  const auto post = [&](const std::string& path, const std::string& body) {
    return ask(*instances[0], {"POST", path, body, 1, {{"Idempotency-Key", "k"}}}).status;
  };
  EXPECT_EQ(post(bids, "{"), 400);
  EXPECT_EQ(post(bids, "[]"), 400);
  for (const char* body : {"{}", R"({"amount":"x"})", R"({"amount":-1})", R"({"amount":1.5})",
                           R"({"amount":0})", R"({"amount":536870912})", R"({"amount":null})"})
    EXPECT_EQ(post(bids, body), 422) << body;
  EXPECT_EQ(post("/api/auctions/999/bids", R"({"amount":10000})"), 404);
  EXPECT_EQ(post("/api/auctions/x/bids", R"({"amount":10000})"), 404);
  EXPECT_EQ(one("SELECT COUNT(*) FROM bids"), "0");
  const auto get = [&](const std::string& path) {
    return ask(*instances[0], {"GET", path, "", 1, {}}).status;
  };
  EXPECT_EQ(get("/api/auctions/999"), 404);
  EXPECT_EQ(get(fmt::format("/api/auctions/{}/result", id)), 425);
  EXPECT_EQ(get(fmt::format("/api/auctions/{}/result?page=x", id)), 422);
  EXPECT_EQ(post(fmt::format("/api/auctions/{}/award/accept", id), ""), 403);
  const Reply given =
      ask(*instances[0], {"DELETE", fmt::format("/api/auctions/{}/award", id), "", 1, {}});
  EXPECT_EQ(given.status, 403);
}

}  // namespace
}  // namespace boxoffice
