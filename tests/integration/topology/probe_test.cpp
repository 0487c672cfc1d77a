// Goal: the probe reads what is stored, and every SQL check fires on the damage it is for. Method:
// the target's own schema in a private MariaDB, filled by hand, with the guards dropped for the bad
// rows.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "harness/topology/probe.hpp"
#include "harness/topology/single_topology.hpp"
#include "harness/topology/stores.hpp"
#include "test_paths.hpp"

namespace stampede {
namespace {

// Splits at semicolons that end a line: enough for the schema, whose comments also hold some.
std::vector<std::string> statements_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> statements(1);
  for (std::string line; std::getline(in, line);) {
    const std::size_t comment = line.find("--");
    if (comment != std::string::npos) line.erase(comment);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (line.empty()) continue;
    const bool last = line.back() == ';';
    statements.back() += (last ? line.substr(0, line.size() - 1) : line) + "\n";
    if (last) statements.emplace_back();
  }
  statements.pop_back();
  return statements;
}

class Probe : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    stores_ = std::make_unique<PrivateStores>(TopologyPlan{}, std::stop_token{},
                                              [](const std::string&) {});
  }
  static void TearDownTestSuite() { stores_.reset(); }

  // A fresh database with one clean event of ten seats: order 1 confirmed for seats 0 and 1, order
  // 2 pending on seat 2, order 3 declined.
  void SetUp() override {
    sql_ = std::make_unique<SqlConnection>(stores_->mysql(), std::chrono::seconds{10});
    run("DROP DATABASE boxoffice");
    run("CREATE DATABASE boxoffice CHARACTER SET utf8mb4");
    run("USE boxoffice");
    for (const std::string& statement :
         statements_of(STAMPEDE_SOURCE_DIR "/target/store/schema.sql")) {
      run(statement);
    }
    run("INSERT INTO events (id, title, starts_at, sale_open_at, sale_close_at, seat_count, "
        "max_per_user, epoch) VALUES (1, 't', NOW(3), NOW(3), NOW(3) + INTERVAL 1 DAY, 10, 2, 3)");
    for (int seat = 0; seat < 10; ++seat) {
      run(
          fmt::format("INSERT INTO seats (event_id, seat_no, row_label, col_no, grade) VALUES "
                      "(1, {}, 'A', {}, 'A')",
                      seat, seat));
    }
    order(1, 11, "CONFIRMED", 2);
    claim(1, 0, "1");
    claim(1, 1, "1");
    ticket(0, 1, 11);
    ticket(1, 1, 11);
    payment(1, 1, 2000, "DONE");
    order(2, 12, "PAYMENT_PENDING", 1);
    claim(2, 2, "1");
    order(3, 13, "CANCELLED", 1);
    claim(3, 2, "NULL");
    payment(3, 3, 1000, "ABORTED");
  }

  void run(const std::string& statement) { sql_->execute(statement); }
  void order(int id, int user, const char* status, int seats) {
    run(
        fmt::format("INSERT INTO orders (id, user_id, event_id, epoch, status, amount, seat_qty, "
                    "hold_id, fence, expires_at) VALUES ({0}, {1}, 1, 3, '{2}', {3}, {4}, "
                    "UNHEX(LPAD('{0}', 32, '0')), {0}, NOW(3) + INTERVAL 1 MINUTE)",
                    id, user, status, seats * 1000, seats));
  }
  void claim(int order, int seat, const char* live) {
    run(
        fmt::format("INSERT INTO order_seats (order_id, event_id, epoch, seat_no, price, live) "
                    "VALUES ({}, 1, 3, {}, 1000, {})",
                    order, seat, live));
  }
  void ticket(int seat, int order, int user) {
    run(
        fmt::format("INSERT INTO tickets (event_id, epoch, seat_no, order_id, user_id) VALUES "
                    "(1, 3, {}, {}, {})",
                    seat, order, user));
  }
  void payment(int id, int order, int amount, const char* status) {
    run(fmt::format(
        "INSERT INTO payments (id, order_id, payment_key, method, amount, status, live) "
        "VALUES ({0}, {1}, 'pay{0}', 'CARD', {2}, '{3}', NULL)",
        id, order, amount, status));
  }
  FinalState look() {
    TopologyEndpoints endpoints;
    endpoints.mysql = stores_->mysql();
    endpoints.redis = stores_->redis();
    return read_final_state(endpoints, {{1, 1, 10}});
  }
  static std::string fired(const FinalState& state) {
    std::string ids;
    for (const SqlCheck& check : state.sql_checks) {
      if (check.bad > 0) ids += fmt::format("{}={} ", check.id, check.bad);
    }
    return ids;
  }
  static const SqlCheck& check(const FinalState& state, const std::string& id) {
    return *std::find_if(state.sql_checks.begin(), state.sql_checks.end(),
                         [&id](const SqlCheck& c) { return c.id == id; });
  }

  static std::unique_ptr<PrivateStores> stores_;
  std::unique_ptr<SqlConnection> sql_;
};
std::unique_ptr<PrivateStores> Probe::stores_;

TEST_F(Probe, CleanRowsFireNothingAndAreRead) {
  const FinalState state = look();
  ASSERT_TRUE(state.have_sql) << state.sql_problem;
  EXPECT_EQ(fired(state), "");
  EXPECT_EQ(state.sql_checks.size(), 9U);
  ASSERT_EQ(state.orders.size(), 3U);
  EXPECT_EQ(state.orders[0].hold_id, "00000000000000000000000000000001");
  EXPECT_EQ(state.orders[0].live_seats, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(state.orders[2].live_seats, (std::vector<std::uint32_t>{}));
  EXPECT_EQ(state.orders[2].all_seats, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(state.tickets.size(), 2U);
  EXPECT_EQ(state.tickets[0].epoch, 3U) << "the epoch is the event's present one";
  EXPECT_EQ(state.payments.size(), 2U);
}

TEST_F(Probe, A1TwoLiveClaims) {
  run("ALTER TABLE order_seats DROP INDEX uq_seat_live, ADD INDEX (event_id)");
  order(4, 14, "PAYMENT_PENDING", 1);
  claim(4, 2, "1");
  const FinalState state = look();
  EXPECT_EQ(fired(state), "A1=1 ");
  const std::string sample = check(state, "A1").samples.at(0);
  EXPECT_NE(sample.find("event 1 seat 2: "), std::string::npos) << sample;
  EXPECT_NE(sample.find("user 12 order 2"), std::string::npos) << sample;
  EXPECT_NE(sample.find("user 14 order 4"), std::string::npos) << sample;
}

TEST_F(Probe, A2SoldTwiceSeenWithoutTheGuardTables) {
  run("ALTER TABLE order_seats DROP INDEX uq_seat_live, ADD INDEX (event_id)");
  order(4, 14, "CONFIRMED", 1);
  claim(4, 0, "1");
  payment(4, 4, 1000, "DONE");
  const FinalState state = look();
  EXPECT_EQ(check(state, "A2").bad, 1U) << fired(state);
  EXPECT_EQ(check(state, "A2").samples.at(0),
            "event 1 seat 0: 2 orders: user 11 order 1, user 14 order 4");
}

TEST_F(Probe, AWitnessStaysShortWhenManyHaveTheSeat) {
  run("ALTER TABLE order_seats DROP INDEX uq_seat_live, ADD INDEX (event_id)");
  for (int id = 100; id < 400; ++id) {
    order(id, id, "PAYMENT_PENDING", 1);
    claim(id, 7, "1");
  }
  const FinalState state = look();
  EXPECT_EQ(check(state, "A1").samples.at(0),
            "event 1 seat 7: 300 orders: user 100 order 100, user 101 order 101, user 102 order "
            "102, user 103 order 103, …");
}

TEST_F(Probe, A3MoreTicketsThanSeatsAndUnknownSeats) {
  for (int seat = 10; seat < 19; ++seat) ticket(seat, 1, 11);
  const FinalState state = look();
  EXPECT_EQ(check(state, "A3").bad, 10U) << "one ticket too many and nine seats that do not exist";
}

TEST_F(Probe, A4ConfirmedWithoutTicketAndTicketWithoutConfirmed) {
  order(4, 14, "CONFIRMED", 1);
  payment(4, 4, 1000, "DONE");
  ticket(5, 3, 13);
  ticket(6, 999, 13);
  const FinalState state = look();
  EXPECT_EQ(check(state, "A4").bad, 3U) << fired(state);
}

TEST_F(Probe, A5WrongMoney) {
  run("UPDATE payments SET amount = 1999 WHERE id = 1");
  run("UPDATE payments SET status = 'DONE' WHERE id = 3");
  const FinalState state = look();
  EXPECT_EQ(fired(state), "A5=2 ");
}

TEST_F(Probe, A6ClaimThatOutlivesItsOrder) {
  run("UPDATE orders SET status = 'EXPIRED' WHERE id = 2");
  const FinalState state = look();
  EXPECT_EQ(fired(state), "A6=1 ");
  EXPECT_NE(check(state, "A6").samples.at(0).find("event 1 seat 2"), std::string::npos);
}

TEST_F(Probe, A7MoreThanOnePersonMayHave) {
  run("UPDATE events SET max_per_user = 1");
  EXPECT_EQ(fired(look()), "A7=1 ");
}

TEST_F(Probe, A8StuckOrder) {
  run("UPDATE orders SET expires_at = NOW(3) - INTERVAL 4 SECOND WHERE id = 2");
  EXPECT_EQ(fired(look()), "") << "within the grace";
  run("UPDATE orders SET expires_at = NOW(3) - INTERVAL 6 SECOND WHERE id = 2");
  EXPECT_EQ(fired(look()), "A8=1 ");
}

TEST_F(Probe, A9UnsentMessage) {
  run("INSERT INTO outbox (stream, agg_id, type, payload) VALUES ('order', 1, 'X', '{}')");
  EXPECT_EQ(fired(look()), "A9=1 ");
}

class GamesProbe : public Probe {
 protected:
  // Auction 1 of 2 slots: 21 and 22 won, 23 lost. Room 5: a person, and a bot.
  void SetUp() override {
    Probe::SetUp();
    run("INSERT INTO auctions (id, event_id, slots, start_price, opens_at, closes_at, status) "
        "VALUES (1, 1, 2, 100, NOW(3), NOW(3), 'CLOSED')");
    bid(21, 1, 3000, 1);
    bid(22, 1, 1000, 2);
    bid(22, 2, 2000, 4);
    bid(23, 1, 2000, 5);
    award(1, 21, 3000, 1);
    award(2, 22, 2000, 2);
    run("INSERT INTO practice_rooms (id, title, bots) VALUES (5, 'r', 1)");
    run("INSERT INTO users (id, login, nickname, pw_hash, is_bot) VALUES (31, 'p', 'p', '!', 0), "
        "(32, 'b', 'b', '!', 1)");
    record(31, 4, 1200, 0);
    record(32, 5, 900, 1);
  }
  void bid(int user, int number, int amount, int seq) {
    run(fmt::format("INSERT INTO bids VALUES (1, {}, {}, 3, {}, {}, NOW(6))", user, number, amount,
                    seq));
  }
  void award(int rank, int user, int amount, int slot) {
    run(fmt::format(
        "INSERT INTO auction_awards (auction_id, rank_no, user_id, amount, slot_no, "
        "status, offered_at, deadline_at) VALUES (1, {}, {}, {}, {}, 'OFFERED', NOW(6), "
        "NOW(3))",
        rank, user, amount, slot));
  }
  void record(int user, int seat, int duration, int bot) {
    run(
        fmt::format("INSERT INTO practice_records (room_id, cycle_id, user_id, seat_no, "
                    "duration_ms, is_bot) VALUES (5, 77, {}, {}, {}, {})",
                    user, seat, duration, bot));
  }
  FinalState look_at_games() {
    TopologyEndpoints endpoints;
    endpoints.mysql = stores_->mysql();
    endpoints.redis = stores_->redis();
    return read_final_state(endpoints, {{1, 1, 10}}, {{{1, 1}}, {5}});
  }
  std::string fired_games() {
    const FinalState state = look_at_games();
    EXPECT_TRUE(state.have_sql) << state.sql_problem;
    std::string ids;
    for (const SqlCheck& check : state.game_checks) {
      if (check.bad > 0) ids += fmt::format("{}={} ", check.id, check.bad);
    }
    return ids;
  }
};

TEST_F(GamesProbe, CleanRowsFireNothingAndAreRead) {
  EXPECT_EQ(fired_games(), "");
  const FinalState state = look_at_games();
  EXPECT_EQ(state.game_checks.size(), 7U);
  EXPECT_EQ(state.bids.size(), 4U);
  EXPECT_EQ(state.auction_slots, (std::map<std::uint64_t, std::uint32_t>{{1, 2}}));
  ASSERT_EQ(state.ranks.size(), 1U);
  EXPECT_EQ(state.ranks[0].counts, (std::map<std::uint64_t, std::uint64_t>{{1200, 1}}))
      << "bots have no rank";
  EXPECT_TRUE(look().game_checks.empty());
}

TEST_F(GamesProbe, A10AFourthBidAndALiveAwardTooMany) {
  run("ALTER TABLE bids DROP CONSTRAINT ck_bid_no");
  for (int number = 2; number <= 4; ++number) bid(21, number, 3000, 10 + number);
  EXPECT_EQ(fired_games(), "A10=1 ");
  run("ALTER TABLE auction_awards DROP INDEX uq_award_slot");
  award(3, 23, 2000, 2);
  EXPECT_EQ(fired_games(), "A10=2 ");
}

TEST_F(GamesProbe, A11ARankIsPassedOverOrATieGoesToTheLater) {
  run("UPDATE auction_awards SET user_id = 23 WHERE rank_no = 2");
  EXPECT_EQ(fired_games(), "A11=2 ") << "22 was passed over, 23 was offered another rank";
}

TEST_F(GamesProbe, A13AWrongPrice) {
  run("UPDATE auction_awards SET amount = 2999 WHERE rank_no = 1");
  EXPECT_EQ(fired_games(), "A13=1 ");
  run("UPDATE auctions SET pricing = 'UNIFORM_CUTOFF'");
  EXPECT_EQ(fired_games(), "A13=1 ");
  run("UPDATE auction_awards SET amount = 2000 WHERE rank_no = 1");
  EXPECT_EQ(fired_games(), "");
}

TEST_F(GamesProbe, A14PaidWithoutAConfirmedOrder) {
  run("UPDATE auction_awards SET status = 'PAID' WHERE rank_no = 1");
  EXPECT_EQ(fired_games(), "A14=1 ");
  run("UPDATE auction_awards SET status = 'OFFERED', order_id = 1 WHERE rank_no = 1");
  EXPECT_EQ(fired_games(), "A14=1 ") << "order 1 is confirmed, and of somebody else";
}

TEST_F(GamesProbe, A12ASeatTwiceAndAPersonTwice) {
  run("ALTER TABLE practice_records DROP INDEX uq_pr_seat, DROP INDEX uq_pr_user");
  record(31, 5, 1300, 0);
  EXPECT_EQ(fired_games(), "A12=2 ");
}

TEST_F(GamesProbe, A15ARecordOutsideTheWindow) {
  run("UPDATE practice_records SET duration_ms = 14999 WHERE user_id = 31");
  EXPECT_EQ(fired_games(), "");
  run("UPDATE practice_records SET duration_ms = 15000 WHERE user_id = 31");
  EXPECT_EQ(fired_games(), "A15=1 ");
  run("UPDATE practice_records SET duration_ms = 1, seat_no = 100 WHERE user_id = 31");
  EXPECT_EQ(fired_games(), "A15=1 ");
}

TEST_F(GamesProbe, A16TwoEnginesOfBotsOrABotInDisguise) {
  run("INSERT INTO users (id, login, nickname, pw_hash, is_bot) VALUES (33, 'c', 'c', '!', 1)");
  record(33, 6, 1000, 1);
  EXPECT_EQ(fired_games(), "A16=1 ");
  run("UPDATE practice_records SET is_bot = 0 WHERE user_id = 33");
  EXPECT_EQ(fired_games(), "A16=1 ");
}

TEST_F(GamesProbe, ReadsTheTreeOfDurations) {
  RedisConnection redis(stores_->redis(), std::chrono::seconds{5});
  (void)redis.text({"HSET", "{pr5}:ph", "n", "1", "1201", "1"});
  const FinalState state = look_at_games();
  ASSERT_TRUE(state.have_redis) << state.redis_problem;
  EXPECT_EQ(state.ranks.at(0).tree_size, 1);
  EXPECT_EQ(state.ranks.at(0).tree, (std::map<std::uint64_t, std::int64_t>{{1201, 1}}));
  EXPECT_EQ(state.ranks.at(0).open_ms, 15000U);
}

TEST_F(Probe, AtMostTenSamples) {
  for (int i = 0; i < 15; ++i) {
    run("INSERT INTO outbox (stream, agg_id, type, payload) VALUES ('order', 1, 'X', '{}')");
  }
  const FinalState state = look();
  EXPECT_EQ(check(state, "A9").bad, 15U);
  EXPECT_EQ(check(state, "A9").samples.size(), 10U);
}

TEST_F(Probe, ReadsTheKeysOfTheEventsEpoch) {
  RedisConnection redis(stores_->redis(), std::chrono::seconds{5});
  const std::string event = "{e1.3}:";
  (void)redis.text({"FLUSHALL"});
  (void)redis.text({"SET", event + "ok", "1"});
  (void)redis.text({"HSET", event + "st", "0", "S:11:1", "2", "P:12:2:99:7"});
  (void)redis.list({"BITFIELD", event + "bm", "SET", "u2", "#0", "2", "SET", "u2", "#2", "1"});
  (void)redis.text({"ZADD", event + "ex", "1700000000123", "4"});
  (void)redis.text({"HSET", event + "hd", "abc", "11|1700000000123|9|4"});
  (void)redis.text({"HSET", event + "uq", "11", "2"});
  (void)redis.text({"ZADD", event + "qw", "5", "21"});
  (void)redis.text({"HSET", event + "qs", "entered", "4", "tok", "1.5", "ts", "1700000000000"});
  for (int user = 0; user < 3000; ++user) {
    (void)redis.text({"ZADD", event + "qa", "1700000000000", std::to_string(user)});
  }
  const FinalState state = look();
  ASSERT_TRUE(state.have_redis) << state.redis_problem;
  const RedisEvent& seen = state.redis.at(0);
  EXPECT_TRUE(seen.marker);
  EXPECT_EQ(seen.states.at(2), "P:12:2:99:7");
  EXPECT_EQ(seen.bitmap.size(), 1U);
  EXPECT_EQ(seen.expiries.at(4), 1700000000123);
  EXPECT_EQ(seen.holds.at("abc"), "11|1700000000123|9|4");
  EXPECT_EQ(seen.quota.at(11), 2);
  EXPECT_EQ(seen.waiting.size(), 1U);
  EXPECT_EQ(seen.admitted.size(), 3000U) << "more than one page";
  EXPECT_EQ(seen.queue_counters, (std::map<std::string, std::int64_t>{{"entered", 4}}));
  EXPECT_GT(seen.now_ms, 1700000000000);
}

TEST_F(Probe, UnreachableStoresAreAReasonNotAnError) {
  TopologyEndpoints endpoints;
  endpoints.mysql = stores_->mysql();
  endpoints.mysql->password = "wrong-password";
  endpoints.redis = Endpoint{"127.0.0.1", 1};
  const FinalState state = read_final_state(endpoints, {{1, 1, 10}});
  EXPECT_FALSE(state.have_sql);
  EXPECT_FALSE(state.have_redis);
  EXPECT_NE(state.sql_problem.find("mariadb at 127.0.0.1"), std::string::npos);
  EXPECT_EQ(state.sql_problem.find("wrong-password"), std::string::npos);
  EXPECT_NE(state.redis_problem.find("redis at 127.0.0.1:1"), std::string::npos);
}

}  // namespace
}  // namespace stampede
