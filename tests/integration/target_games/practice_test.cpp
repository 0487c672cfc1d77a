// Practice rooms against real stores: the window by Redis' clock, ranks, and one engine of bots.
#include <set>

#include "tests/integration/target_games/games_fixture.hpp"

namespace boxoffice {
namespace {

class Practice : public GamesFixture {
 protected:
  // Open nearly always, so that a test need not wait: the window has tests of its own.
  static PracticeRoom open_room() {
    PracticeRoom room;
    room.title = "Room";
    room.period_ms = 600000;
    room.open_ms = 600000;
    return room;
  }
  std::uint64_t make(PracticeRoom room) {
    return run(io, instances[0]->practice->create(std::move(room)));
  }
  static Call confirm_call(std::uint64_t room, std::uint64_t user, std::uint64_t seat) {
    return Call{"POST",
                fmt::format("/api/practice/{}/confirm", room),
                fmt::format(R"({{"seatId":{}}})", seat),
                user,
                {}};
  }
  Reply confirm(std::uint64_t room, std::uint64_t user, std::uint64_t seat) {
    return ask(*instances[0], confirm_call(room, user, seat));
  }
  Reply get(const std::string& path, std::uint64_t user = 1) {
    return ask(*instances[0], {"GET", path, "", user, {}});
  }
  std::int64_t redis_ms() {
    const RedisReply time = redis_command({"TIME"});
    return time.elements[0].number() * 1000 + time.elements[1].number() / 1000;
  }
  std::uint64_t count(const std::string& where) {
    return std::stoull(one("SELECT COUNT(*) FROM practice_records WHERE " + where));
  }
};

TEST_F(Practice, OneSeatForOnePersonAndOnePersonForOneSeat) {
  const std::uint64_t room = make(open_room());
  const Reply first = confirm(room, 1, 5);
  ASSERT_EQ(first.status, 201) << first.body.dump();
  EXPECT_EQ(first.body["topPercent"], 100);
  EXPECT_EQ(first.body["total"], 1);
  EXPECT_EQ(confirm(room, 2, 5).code(), "SEAT_HELD");
  EXPECT_EQ(confirm(room, 1, 6).code(), "QUOTA_EXCEEDED");
  EXPECT_EQ(confirm(room, 3, 100).code(), "SEAT_UNKNOWN");
  EXPECT_EQ(confirm(room, 3, 99).status, 201);
  EXPECT_EQ(confirm(room + 9, 3, 1).status, 404);
  const Reply record = get(
      fmt::format("/api/practice/{}/records/{}", room, first.body["recordId"].get<std::string>()));
  EXPECT_EQ(record.body["seatId"], 5);
  EXPECT_EQ(record.body["total"], 2);
  const Reply foreign = get(
      fmt::format("/api/practice/{}/records/{}", room, first.body["recordId"].get<std::string>()),
      2);
  EXPECT_EQ(foreign.status, 403);
}

TEST_F(Practice, ManyAtOneSeatAtTwoInstancesHaveOneWinner) {
  const std::uint64_t room = make(open_room());
  Instance& second = add_instance();
  std::vector<std::pair<Instance*, Call>> all;
  for (std::uint64_t user = 1; user <= 100; ++user)
    all.emplace_back(user % 2 == 0 ? instances[0].get() : &second, confirm_call(room, user, 7));
  int won = 0;
  for (const Reply& reply : ask_all(std::move(all))) {
    ASSERT_TRUE(reply.status == 201 || reply.status == 409) << reply.body.dump() << reply.failure;
    won += reply.status == 201 ? 1 : 0;
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(count("seat_no=7"), 1U);
}

// Redis' clock is read before and after each try: one that lies wholly within the window must be
// taken, one wholly outside refused.
TEST_F(Practice, TheWindowIsRedisClock) {
  PracticeRoom wanted = open_room();
  wanted.period_ms = 1000;
  wanted.open_ms = 300;
  wanted.rows = 40;
  const std::uint64_t room = make(wanted);
  int inside = 0, outside = 0;
  for (std::uint64_t user = 1; user <= 400 && (inside < 5 || outside < 5); ++user) {
    const std::int64_t before = redis_ms();
    const Reply reply = confirm(room, user, user - 1);
    const std::int64_t after = redis_ms();
    if (before / 1000 != after / 1000) continue;
    if (after % 1000 < 300) {
      ++inside;
      EXPECT_EQ(reply.status, 201) << reply.body.dump();
    } else if (before % 1000 >= 300) {
      ++outside;
      ASSERT_EQ(reply.status, 425) << reply.body.dump();
      EXPECT_EQ(reply.code(), "WINDOW_CLOSED");
      EXPECT_GT(reply.body["retryAfterMs"], 0);
      EXPECT_LE(reply.body["retryAfterMs"], 1000 - before % 1000);
      EXPECT_EQ(reply.body["opensAt"], rfc3339((before / 1000 + 1) * 1000));
      run_for(Millis(30));
    }
  }
  EXPECT_GE(inside, 5);
  EXPECT_GE(outside, 5);
  EXPECT_EQ(count("duration_ms>=300"), 0U);
}

TEST_F(Practice, EachCycleBeginsEmpty) {
  PracticeRoom wanted = open_room();
  wanted.period_ms = wanted.open_ms = 400;
  const std::uint64_t room = make(wanted);
  std::set<std::uint64_t> cycles;
  EXPECT_TRUE(eventually([&] {
    const Reply reply = confirm(room, 1, 3);
    if (reply.status == 201) cycles.insert(reply.body["cycleId"].get<std::uint64_t>());
    return cycles.size() == 3;
  }));
}

TEST_F(Practice, TheRankIsWhatSqlSays) {
  const std::uint64_t room = make(open_room());
  for (std::uint64_t user = 1; user <= 40; ++user) {
    const Reply reply = confirm(room, user, user);
    ASSERT_EQ(reply.status, 201);
    const std::string duration = std::to_string(reply.body["durationMs"].get<std::int64_t>());
    const double expected = std::stod(one("SELECT ROUND(100*SUM(duration_ms<=" + duration +
                                          ")/COUNT(*),2) FROM practice_records WHERE is_bot=0"));
    EXPECT_NEAR(reply.body["topPercent"].get<double>(), expected, 0.0051);
    EXPECT_EQ(reply.body["total"], user);
  }
  redis_command({"DEL", fmt::format("{{pr{}}}:ph", room)});  // read anew from the records
  const Reply reply = confirm(room, 41, 41);
  EXPECT_EQ(reply.body["total"], 41);
  const Reply leaders = get(fmt::format("/api/practice/{}/leaderboard?n=3", room));
  ASSERT_EQ(leaders.body["leaders"].size(), 3U);
  EXPECT_EQ(leaders.body["leaders"][0]["userId"], "1");
}

TEST_F(Practice, WhatRedisForgetsComesBackFromTheRecords) {
  const std::uint64_t room = make(open_room());
  ASSERT_EQ(confirm(room, 1, 5).status, 201);
  redis_command({"FLUSHALL"});
  EXPECT_EQ(confirm(room, 2, 5).code(), "SEAT_HELD");
  EXPECT_EQ(confirm(room, 1, 6).code(), "QUOTA_EXCEEDED");
  EXPECT_EQ(get(fmt::format("/api/practice/{}", room)).body["bits"].get<std::string>().substr(0, 4),
            "ACAA");  // seat 5 is taken
  EXPECT_EQ(count("1=1"), 1U);
}

TEST_F(Practice, BotsActOnceEachAndAreInNobodysRank) {
  PracticeRoom wanted = open_room();
  wanted.bots = 30;
  wanted.open_ms = wanted.period_ms = 600000;
  wanted.reaction_ms = 20;
  const std::uint64_t room = make(wanted);
  Instance& second = add_instance();
  for (Instance* at : {instances[0].get(), &second})
    at->owners.push_back(spawn_practice_workers(at->thread));
  // One engine: the lease has one owner, and one fence acts in the cycle.
  EXPECT_TRUE(eventually([&] { return count("is_bot=1") >= 10; }));
  instances[0]->stop.request_stop();  // it dies; perhaps it was the one
  EXPECT_TRUE(eventually([&] { return count("is_bot=1") == 30; }));
  EXPECT_EQ(one("SELECT COUNT(DISTINCT user_id) FROM practice_records WHERE is_bot=1"), "30");
  EXPECT_EQ(one("SELECT COUNT(*) FROM practice_records r JOIN users u ON u.id=r.user_id WHERE "
                "u.is_bot<>r.is_bot"),
            "0");
  std::uint64_t free = 0;
  while (count("seat_no=" + std::to_string(free)) != 0) ++free;
  const Reply person = ask(second, confirm_call(room, 5000, free));
  ASSERT_EQ(person.status, 201) << person.body.dump();
  EXPECT_EQ(person.body["total"], 1);
  EXPECT_EQ(person.body["topPercent"], 100);
}

TEST_F(Practice, AnEngineWithAnOldFenceTakesNoSeat) {
  const std::uint64_t id = make(open_room());
  const PracticeRoomPtr room = run(io, instances[0]->practice->find(id));
  run(io, instances[0]->boards->restore(
              room, static_cast<std::uint64_t>(redis_ms() / room->period_ms), {}));
  ASSERT_TRUE(run(io, instances[0]->boards->take(room, {900, 1, 8})));
  const auto late = run(io, instances[0]->boards->take(room, {901, 2, 7}));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().refusal, Refusal::forbidden);
  EXPECT_TRUE(run(io, instances[0]->boards->take(room, {901, 2, 8})));
}

TEST_F(Practice, TheTreeIsMendedWhenItDiffers) {
  const std::uint64_t id = make(open_room());
  for (std::uint64_t user = 1; user <= 3; ++user) ASSERT_EQ(confirm(id, user, user).status, 201);
  redis_command({"HSET", fmt::format("{{pr{}}}:ph", id), "n", "17"});
  instances[0]->owners.push_back(spawn_practice_workers(instances[0]->thread));
  EXPECT_TRUE(eventually([&] {
    return redis_command({"HGET", fmt::format("{{pr{}}}:ph", id), "n"}).text == "3";
  }));
}

TEST_F(Practice, BadInputIsRefusedAndChangesNothing) {
  const std::uint64_t room = make(open_room());
  const std::string path = fmt::format("/api/practice/{}/confirm", room);
  const auto post = [&](const std::string& body) {
    return ask(*instances[0], {"POST", path, body, 1, {}}).status;
  };
  EXPECT_EQ(post("{"), 400);
  for (const char* body : {"{}", R"({"seatId":-1})", R"({"seatId":"x"})", R"({"seatId":1.5})",
                           R"({"seatId":4294967296})"})
    EXPECT_EQ(post(body), 422) << body;
  EXPECT_EQ(get("/api/practice/x").status, 404);
  EXPECT_EQ(get(fmt::format("/api/practice/{}/records/77", room)).status, 404);
  EXPECT_EQ(get(fmt::format("/api/practice/{}/leaderboard?n=0", room)).status, 422);
  EXPECT_EQ(count("1=1"), 0U);
}

}  // namespace
}  // namespace boxoffice
