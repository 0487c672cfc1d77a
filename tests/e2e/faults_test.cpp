// Goal: every fault of the operator's port does what its name says, is survived, and is over when
// it is lifted; and a clock that is off decides nothing of a sale.
// Method: real instances in the lab on private stores; the fault is planted over the wire, the harm
// and its end are seen by customers.
#include <chrono>
#include <csignal>

#include "tests/e2e/failure_table.hpp"

namespace boxoffice::test {
namespace {

using Json = nlohmann::json;
using Ms = std::chrono::milliseconds;

class PlantedFault : public FailureTable {
 protected:
  Answer plant(const Json& faults, std::size_t box = 0) {
    Answer planted = RawClient(boxes_.at(box)->admin_port())
                         .exchange("PUT", "/admin/faults", admin_field, faults.dump());
    EXPECT_EQ(planted.status, 200) << planted.body;
    return planted;
  }
  Json planted_at(std::size_t box) {
    return RawClient(boxes_.at(box)->admin_port())
        .exchange("GET", "/admin/faults", admin_field)
        .json();
  }
  std::string seed_auction(int duration_ms) {
    const Json wanted{
        {"auctions", {{{"slots", 1}, {"startPrice", 1000}, {"durationMs", duration_ms}}}}};
    return RawClient(boxes_[0]->admin_port())
        .exchange("POST", "/admin/seed", admin_field, wanted.dump())
        .json()
        .at("auctions")
        .at(0)
        .at("id")
        .dump();
  }
  template <class Work>
  static Ms time_of(const Work& work) {
    const auto begun = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration_cast<Ms>(std::chrono::steady_clock::now() - begun);
  }
  static std::int64_t clock_ms() {
    return std::chrono::duration_cast<Ms>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

TEST_F(PlantedFault, WhatOneInstanceIsToldAllInTheLabHaveAndNobodyElse) {
  open({"--lab"}, 2);
  const Json wanted{{"redisDelayMs", 3},     {"redisDrop", 1.0},     {"mysqlDelayMs", 2},
                    {"mysqlKillConn", 0.25}, {"commitUnknown", 0.5}, {"clockSkewMs", -1500}};
  EXPECT_EQ(plant(wanted).json(), wanted);
  EXPECT_EQ(planted_at(1), wanted);
  // What is absent stays; and a Redis that drops everything cannot keep the end from being told.
  const Json none{{"redisDelayMs", 0},    {"redisDrop", 0.0},     {"mysqlDelayMs", 0},
                  {"mysqlKillConn", 0.0}, {"commitUnknown", 0.0}, {"clockSkewMs", 0}};
  EXPECT_EQ(plant({{"mysqlDelayMs", 0}}, 1).json().at("redisDrop"), 1.0);
  EXPECT_EQ(plant(none, 1).json(), none);
  EXPECT_EQ(planted_at(0), none);
  EXPECT_TRUE(eventually([&] { return hold(1).status == 201; })) << boxes_[0]->log();
}

TEST_F(PlantedFault, OutsideTheLabThereIsNone) {
  open({}, 1);
  const Answer refused = RawClient(boxes_[0]->admin_port())
                             .exchange("PUT", "/admin/faults", admin_field, R"({"redisDrop":1})");
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(hold(1).status, 201);
}

TEST_F(PlantedFault, SlowStoresMakeHoldsAndOrdersSlow) {
  open({"--lab"});
  std::string held;
  EXPECT_EQ(hold(1).status, 201);  // the event's facts are known from here on
  plant({{"redisDelayMs", 400}});
  EXPECT_GE(time_of([&] { held = hold_id(2); }), Ms(400));
  plant({{"redisDelayMs", 0}, {"mysqlDelayMs", 400}});
  EXPECT_GE(time_of([&] { EXPECT_EQ(order(held, "slow").status, 201); }), Ms(400));
  plant({{"mysqlDelayMs", 0}});
  EXPECT_LT(time_of([&] { EXPECT_EQ(order(held, "slow").status, 201); }), Ms(400));
}

TEST_F(PlantedFault, ARedisThatDropsEverythingFailsHoldsAndIsForgottenWhenItIsOver) {
  open({"--lab"});
  EXPECT_EQ(hold(1).status, 201);
  plant({{"redisDrop", 1}});
  expect_down(hold(2));
  const Answer switched =
      RawClient(boxes_[0]->admin_port())
          .exchange("PUT", "/admin/defects", admin_field, R"({"no_guard1":false})");
  EXPECT_EQ(switched.status, 200) << switched.body;
  plant({{"redisDrop", 0}});
  EXPECT_TRUE(eventually([&] { return hold(2).status == 201; })) << boxes_[0]->log();
}

TEST_F(PlantedFault, KilledConnectionsAreSurvivedAndNoOrderIsMadeTwice) {
  open({"--lab"});
  plant({{"mysqlKillConn", 0.3}});
  constexpr unsigned orders = 8;
  int failed = 0;
  for (unsigned seat = 1; seat <= orders; ++seat) {
    std::string held;
    EXPECT_TRUE(eventually([&] {
      const Answer answer = hold(seat, seat);
      if (answer.status == 201) held = answer.json().at("holdId");
      return answer.status == 201;
    }));
    EXPECT_TRUE(eventually([&] {
      const Answer made = order(held, "one key", seat);
      EXPECT_TRUE(made.status == 201 || made.status == 503) << made.body;
      failed += made.status == 503 ? 1 : 0;
      return made.status == 201;
    }));
  }
  EXPECT_GT(failed, 0) << "else nothing was tried";
  plant({{"mysqlKillConn", 0}});
  EXPECT_TRUE(eventually([&] { return one("SELECT COUNT(*) FROM orders") == "8"; }));
  EXPECT_EQ(one("SELECT COUNT(DISTINCT seat_no) FROM order_seats WHERE live=1"), "8");
}

TEST_F(PlantedFault, ACommitWhoseAnswerIsLostIsUnknownAndTheSameKeyResolvesIt) {
  open({"--lab"});
  const std::string placed = order_id(1);
  plant({{"commitUnknown", 1}});
  const Answer unknown = pay(placed);
  EXPECT_EQ(unknown.status, 504) << unknown.body;
  EXPECT_EQ(code(unknown), "COMMIT_UNKNOWN");
  plant({{"commitUnknown", 0}});
  const Answer again = pay(placed);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.json().at("status"), "DONE");
  EXPECT_NE(again.head.find("Idempotency-Replayed: true\r\n"), std::string::npos) << again.head;
  EXPECT_EQ(one("SELECT COUNT(*) FROM payments WHERE status='DONE'"), "1");
  EXPECT_EQ(one("SELECT COUNT(*) FROM tickets"), "1");
}

TEST_F(PlantedFault, APauseStallsEverybodyAndEndsByItself) {
  open({"--lab"});
  RawClient admin(boxes_[0]->admin_port());
  const std::string body = R"({"appPauseMs":1500})";
  admin.start("PUT", "/admin/faults", admin_field, body);
  Ms longest{0};
  const bool stalled = eventually([&] {
    const Ms took = time_of(
        [&] { EXPECT_EQ(RawClient(boxes_[0]->port()).exchange("GET", "/healthz").status, 200); });
    longest = std::max(longest, took);
    return longest >= Ms(1000);
  });
  EXPECT_TRUE(stalled) << longest.count();
  EXPECT_EQ(admin.answer().status, 200);
  EXPECT_LT(time_of([&] { EXPECT_EQ(hold(1).status, 201); }), Ms(1000));
}

TEST_F(PlantedFault, AKilledInstanceIsGoneAtOnceAndTheOtherGoesOnWithItsHolds) {
  open({"--lab"}, 2);
  const std::string held = hold_id(1, 0, 0);
  EXPECT_EQ(RawClient(boxes_[0]->admin_port())
                .exchange("PUT", "/admin/faults", admin_field, R"({"appKill":true})")
                .status,
            0)
      << "nobody answers any more";
  EXPECT_EQ(boxes_[0]->wait_exit(10s), 128 + SIGKILL);
  EXPECT_EQ(order(held, "at the other", 0, 1).status, 201);
}

TEST_F(PlantedFault, AFlushComesInSoManyMillisecondsAndIsMadeGood) {
  open({"--lab"});
  EXPECT_EQ(pay(order_id(1)).status, 200);
  const std::string held = hold_id(2);
  const auto found = [&] { return ask("GET", "/api/reservations/" + held).status; };
  const auto took = time_of([&] {
    plant({{"redisFlushAtMs", 1500}});
    EXPECT_EQ(found(), 200) << "not yet";
    EXPECT_TRUE(eventually([&] { return found() == 410; }));
  });
  EXPECT_GE(took, Ms(1500));
  EXPECT_TRUE(eventually([&] { return hold(3).status == 201; }));
  EXPECT_EQ(code(hold(1, 1)), "SEAT_SOLD") << "what was paid is not lost";
  const std::string other = hold_id(4);
  plant({{"redisFlush", true}});
  EXPECT_EQ(ask("GET", "/api/reservations/" + other).status, 410) << "at once";
}

// Half an hour fast, then as much slow: longer than any hold, pass or auction here lasts.
TEST_F(PlantedFault, AClockThatIsOffDecidesNothingOfASale) {
  open({"--lab"});
  constexpr std::int64_t half_an_hour = 30 * 60000, minute = 60000, hold_ms = 600000;
  unsigned seat = 1;
  for (const std::int64_t skew : {half_an_hour, -half_an_hour}) {
    plant({{"clockSkewMs", 0}});
    mint_tokens();  // a token's age is judged by the clock of the instance
    const std::string auction = seed_auction(8000);
    const std::size_t user = skew > 0 ? 0 : 1;
    const std::string before = hold_id(seat, user);
    plant({{"clockSkewMs", skew}});
    mint_tokens();
    const std::int64_t told = RawClient(boxes_[0]->port())
                                  .exchange("GET", "/api/time")
                                  .json()
                                  .at("epochMs")
                                  .get<std::int64_t>();
    EXPECT_NEAR(static_cast<double>(told - clock_ms()), static_cast<double>(skew), minute);
    // The auction is open as long as it was to be, by its stores' clocks.
    const std::string bids = "/api/auctions/" + auction + "/bids";
    EXPECT_EQ(ask("POST", bids, user, R"({"amount":1000})", "bid" + auction).status, 201);
    EXPECT_EQ(code(ask("GET", "/api/auctions/" + auction + "/result", user)), "AUCTION_RUNNING");
    // Holds: the old one and a new one, as Redis says.
    const Answer old = ask("GET", "/api/reservations/" + before, user);
    EXPECT_EQ(old.status, 200) << old.body;
    const Answer fresh = hold(seat + 1, user);
    EXPECT_EQ(fresh.status, 201) << fresh.body;
    for (const Answer& held : {old, fresh}) {
      const Json facts = held.json();
      EXPECT_NEAR(facts.at("ttlMs").get<double>(), hold_ms, minute) << facts;
      EXPECT_NEAR(facts.at("expiresAtMs").get<double>(), static_cast<double>(clock_ms() + hold_ms),
                  minute);
    }
    // Orders: their deadline is the database's.
    const Answer placed = order(before, "o" + std::to_string(seat), user);
    EXPECT_EQ(placed.status, 201) << placed.body;
    const std::string id = placed.json().at("orderId");
    const std::string left = "SELECT TIMESTAMPDIFF(SECOND,NOW(3),expires_at) FROM orders WHERE id=";
    EXPECT_NEAR(std::stod(one(left + id)), hold_ms / 1000.0, minute / 1000.0);
    EXPECT_EQ(pay(id, user).status, 200);
    // The waiting room: admitted, and the pass is good for a hold.
    Answer in;
    EXPECT_TRUE(eventually([&] {
      in = enter_queue(user);
      return in.json().value("state", "") == "ADMITTED";
    })) << in.body;
    const std::string pass = "Authorization: Bearer " + tokens_.at(user) +
                             "\r\nEntry-Token: " + in.json().value("entryToken", "") + "\r\n";
    const Json wanted{{"eventId", queued_event_}, {"seatId", seat}};
    EXPECT_EQ(RawClient(boxes_[0]->port())
                  .exchange("POST", "/api/reservations", pass, wanted.dump())
                  .status,
              201);
    // And the auction closes in time.
    EXPECT_TRUE(eventually(
        [&] { return ask("GET", "/api/auctions/" + auction + "/result", user).status == 200; }));
    EXPECT_EQ(code(ask("POST", bids, user, R"({"amount":5000})", "late" + auction)),
              "AUCTION_CLOSED");
    const Json mine = ask("GET", "/api/auctions/" + auction + "/me", user).json();
    EXPECT_EQ(mine.at("award").value("state", ""), "OFFERED") << mine;
    seat += 2;
  }
}

}  // namespace
}  // namespace boxoffice::test
