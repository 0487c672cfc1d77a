// The close, once however many decide it, and rights that pass on until every slot is paid.
#include "target/service/order_store.hpp"
#include "tests/integration/target_games/games_fixture.hpp"

namespace boxoffice {
namespace {

class AuctionAwards : public GamesFixture {
 protected:
  // `bidders` people, user 1 with the highest bid; closed, not decided.
  std::uint64_t ended(AuctionInfo facts, std::uint64_t bidders) {
    const std::uint64_t id = auction(facts);
    for (std::uint64_t user = 1; user <= bidders; ++user)
      EXPECT_EQ(bid(id, user, 100000 - user * 1000).status, 201);
    end_auction(id);
    return id;
  }
  std::uint64_t decided(AuctionInfo facts, std::uint64_t bidders) {
    const std::uint64_t id = ended(facts, bidders);
    EXPECT_TRUE(run(io, instances[0]->auctions->close(id, 1)));
    return id;
  }
  Reply give_up(std::uint64_t id, std::uint64_t user) {
    return ask(*instances[0], {"DELETE", fmt::format("/api/auctions/{}/award", id), "", user, {}});
  }
  Reply accept(std::uint64_t id, std::uint64_t user) {
    return ask(*instances[0], {"POST",
                               fmt::format("/api/auctions/{}/award/accept", id),
                               "",
                               user,
                               {{"Idempotency-Key", fmt::format("accept-{}", user)}}});
  }
  std::string state(std::uint64_t id) {
    return one(fmt::format("SELECT status FROM auctions WHERE id={}", id));
  }
  void spawn_auction_workers_at(Instance& at) {
    at.owners.push_back(spawn_auction_workers(at.thread));
  }
};

AuctionInfo with_slots(std::uint32_t slots) {
  AuctionInfo facts;
  facts.slots = slots;
  return facts;
}

TEST_F(AuctionAwards, TheBestWinASlotEachInTheOrderOfTheirBids) {
  const std::uint64_t id = decided(with_slots(3), 5);
  EXPECT_EQ(awards(id), "1:1:1:99000:OFFERED 2:2:2:98000:OFFERED 3:3:3:97000:OFFERED");
  const Reply result =
      ask(*instances[0], {"GET", fmt::format("/api/auctions/{}/result", id), "", 9, {}});
  ASSERT_EQ(result.body["ranks"].size(), 5U);
  EXPECT_EQ(result.body["ranks"][2]["state"], "OFFERED");
  EXPECT_EQ(result.body["ranks"][3]["state"], "NOT_OFFERED");
  const Reply loser =
      ask(*instances[0], {"GET", fmt::format("/api/auctions/{}/me", id), "", 4, {}});
  EXPECT_TRUE(loser.body["award"].is_null());
}

TEST_F(AuctionAwards, TwoInstancesDecideTheCloseOnce) {
  const std::uint64_t id = ended(with_slots(2), 4);
  Instance& second = add_instance();
  int decisions = 0, answers = 0;
  for (const auto& one : instances) {
    asio::co_spawn(io, one->auctions->close(id, 1), [&](std::exception_ptr failed, bool closed) {
      EXPECT_FALSE(failed);
      decisions += closed ? 1 : 0;
      if (++answers == 2) io.stop();
    });
  }
  io.restart();
  io.run();
  EXPECT_EQ(decisions, 1);
  EXPECT_EQ(awards(id), "1:1:1:99000:OFFERED 2:2:2:98000:OFFERED");
  EXPECT_FALSE(run(io, second.auctions->close(id, 2)));
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox WHERE type='AUCTION_CLOSED'"), "1");
}

TEST_F(AuctionAwards, AnOldFenceDecidesNothing) {
  const std::uint64_t id = ended(with_slots(2), 4);
  sql(fmt::format("INSERT INTO fences VALUES ('auction:{}',7)", id));
  EXPECT_THROW(run(io, instances[0]->auctions->close(id, 6)), FencedOff);
  EXPECT_EQ(awards(id), "");
  EXPECT_TRUE(run(io, instances[0]->auctions->close(id, 8)));
}

TEST_F(AuctionAwards, WorkersOfTwoInstancesCloseItOnceAndOneMayDie) {
  const std::uint64_t id = ended(with_slots(2), 3);
  Instance& second = add_instance();
  spawn_auction_workers_at(*instances[0]);
  spawn_auction_workers_at(second);
  EXPECT_TRUE(eventually([&] { return state(id) == "CLOSED"; }));
  instances[0]->stop.request_stop();
  const std::uint64_t next = ended(with_slots(1), 2);
  EXPECT_TRUE(eventually([&] { return state(next) == "CLOSED"; }));
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox WHERE type='AUCTION_CLOSED'"), "2");
}

// Every acknowledged bid is in the ranking, whatever the close meets.
TEST_F(AuctionAwards, BidsThatRaceTheCloseAreInOrRefused) {
  const std::uint64_t id = auction(with_slots(5));
  ASSERT_EQ(bid(id, 1000, 10000).status, 201);
  Instance& second = add_instance();
  spawn_auction_workers_at(second);
  std::vector<std::pair<Instance*, Call>> all;
  for (std::uint64_t user = 1; user <= 200; ++user) {
    all.emplace_back(user % 2 == 0 ? instances[0].get() : &second,
                     bid_call(id, user, 20000 + user, fmt::format("k{}", user)));
  }
  end_auction(id);
  std::size_t accepted = 0;
  for (const Reply& reply : ask_all(std::move(all))) {
    ASSERT_TRUE(reply.status == 201 || reply.status == 410) << reply.body.dump() << reply.failure;
    accepted += reply.status == 201 ? 1 : 0;
  }
  EXPECT_TRUE(eventually([&] { return state(id) == "CLOSED"; }));
  EXPECT_EQ(one("SELECT COUNT(*) FROM bids"), std::to_string(accepted + 1));
  EXPECT_EQ(one(fmt::format("SELECT COUNT(*) FROM auction_awards w JOIN (SELECT user_id,"
                            "ROW_NUMBER() OVER (ORDER BY amount DESC,seq) rk FROM bids WHERE "
                            "auction_id={}) r ON r.user_id=w.user_id AND r.rk=w.rank_no",
                            id)),
            std::to_string(std::min<std::size_t>(accepted + 1, 5)));
  EXPECT_EQ(bid(id, 500, 90000).status, 410);
}

TEST_F(AuctionAwards, ARightPassesOnUntilNobodyIsLeft) {
  const std::uint64_t id = decided(with_slots(2), 4);
  EXPECT_EQ(give_up(id, 2).status, 204);
  EXPECT_EQ(awards(id), "1:1:1:99000:OFFERED 2:2:2:98000:CANCELLED 3:3:2:97000:OFFERED");
  EXPECT_EQ(give_up(id, 2).code(), "OFFER_OVER");
  EXPECT_EQ(accept(id, 2).code(), "OFFER_OVER");
  // Nobody answers: offers end by the database's clock.
  sql(fmt::format("UPDATE auction_awards SET deadline_at=NOW(3) WHERE auction_id={}", id));
  run(io, instances[0]->auctions->hand_over(id));
  EXPECT_EQ(awards(id),
            "1:1:1:99000:EXPIRED 2:2:2:98000:CANCELLED 3:3:2:97000:EXPIRED 4:4:1:96000:OFFERED");
  EXPECT_EQ(state(id), "CLOSED");
  EXPECT_EQ(give_up(id, 4).status, 204);
  EXPECT_EQ(state(id), "SETTLED");
  EXPECT_EQ(one("SELECT COUNT(*) FROM outbox WHERE type='AUCTION_SETTLED'"), "1");
}

TEST_F(AuctionAwards, AWinnerPaysTheOwnBidAndGetsTheSeatOfTheSlot) {
  const std::uint64_t id = decided(with_slots(2), 3);
  const Reply order = accept(id, 2);
  ASSERT_EQ(order.status, 201) << order.body.dump();
  EXPECT_EQ(order.body["amount"], 98000);
  EXPECT_EQ(order.body["seatIds"], nlohmann::json::array({1}));
  EXPECT_EQ(accept(id, 2).replayed(), true);
  EXPECT_EQ(seat_state(1), "P");
  const Reply paid = pay(2, order.body["orderId"].get<std::string>());
  ASSERT_EQ(paid.status, 200) << paid.body.dump();
  run(io, instances[0]->auctions->hand_over(id));
  EXPECT_EQ(awards(id), "1:1:1:99000:OFFERED 2:2:2:98000:PAID");
  EXPECT_EQ(one("SELECT CONCAT(seat_no,':',user_id) FROM tickets"), "1:2");
  EXPECT_TRUE(eventually([&] { return seat_state(1) == "S"; }));
}

TEST_F(AuctionAwards, ADeclinedCardPassesTheRightOn) {
  const std::uint64_t id = decided(with_slots(1), 2);
  const Reply order = accept(id, 1);
  ASSERT_EQ(pay(1, order.body["orderId"].get<std::string>(), "INVALID_CARD").body["status"],
            "ABORTED");
  run(io, instances[0]->auctions->hand_over(id));
  EXPECT_EQ(awards(id), "1:1:1:99000:CANCELLED 2:2:1:98000:OFFERED");
  ASSERT_EQ(pay(2, accept(id, 2).body["orderId"].get<std::string>()).status, 200);
  run(io, instances[0]->auctions->hand_over(id));
  EXPECT_EQ(state(id), "SETTLED");
  EXPECT_EQ(one("SELECT user_id FROM tickets"), "2");
}

TEST_F(AuctionAwards, APaidWinnerWhoCancelsIsRefundedAndTheNextIsOffered) {
  const std::uint64_t id = decided(with_slots(1), 2);
  const std::string order = accept(id, 1).body["orderId"].get<std::string>();
  ASSERT_EQ(pay(1, order).status, 200);
  run(io, instances[0]->auctions->hand_over(id));
  ASSERT_EQ(state(id), "SETTLED");
  EXPECT_EQ(give_up(id, 1).status, 204);
  EXPECT_EQ(awards(id), "1:1:1:99000:CANCELLED 2:2:1:98000:OFFERED");
  EXPECT_EQ(state(id), "CLOSED");
  spawn_workers();  // refunds are a worker's
  EXPECT_TRUE(eventually([&] { return order_state(order) == "REFUNDED"; }));
  EXPECT_EQ(one("SELECT COUNT(*) FROM payments WHERE status='DONE'"), "0");
  ASSERT_EQ(pay(2, accept(id, 2).body["orderId"].get<std::string>()).status, 200);
  run(io, instances[0]->auctions->hand_over(id));
  EXPECT_EQ(one("SELECT user_id FROM tickets"), "2");
}

TEST_F(AuctionAwards, WithAUniformPriceEverybodyPaysTheLastWinningBid) {
  AuctionInfo facts = with_slots(2);
  facts.pricing = Pricing::uniform_cutoff;
  const std::uint64_t id = decided(facts, 3);
  EXPECT_EQ(awards(id), "1:1:1:98000:OFFERED 2:2:2:98000:OFFERED");
  EXPECT_EQ(give_up(id, 1).status, 204);
  EXPECT_EQ(awards(id), "1:1:1:98000:CANCELLED 2:2:2:98000:OFFERED 3:3:1:97000:OFFERED");
}

TEST_F(AuctionAwards, AcceptingTwiceAtOnceIsOneOrder) {
  const std::uint64_t id = decided(with_slots(1), 1);
  Instance& second = add_instance();
  std::vector<std::pair<Instance*, Call>> both;
  for (Instance* at : {instances[0].get(), &second}) {
    both.emplace_back(at, Call{"POST",
                               fmt::format("/api/auctions/{}/award/accept", id),
                               "",
                               1,
                               {{"Idempotency-Key", at == &second ? "a" : "b"}}});
  }
  int made = 0;
  for (const Reply& reply : ask_all(std::move(both))) made += reply.status == 201 ? 1 : 0;
  EXPECT_EQ(made, 1);
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "1");
}

TEST_F(AuctionAwards, NobodyBid) {
  const std::uint64_t id = decided(with_slots(3), 0);
  EXPECT_EQ(awards(id), "");
  run(io, instances[0]->auctions->hand_over(id));
  EXPECT_EQ(state(id), "SETTLED");
}

}  // namespace
}  // namespace boxoffice
