#include <random>

#include "target/service/hold_id.hpp"
#include "tests/integration/target_seats/redis_fixture.hpp"

namespace boxoffice {
namespace {

class SeatHoldsOnRedis : public RedisFixture {
 protected:
  Decision<Hold> take(const EventPtr& event, std::uint64_t user, std::vector<std::uint32_t> wanted,
                      std::int64_t ttl_ms = 60000, std::string id = {}) {
    Hold hold;
    hold.id = id.empty() ? make_hold_id(event->id, event->epoch) : std::move(id);
    hold.user = user;
    hold.seats = std::move(wanted);
    return run(io, seats->take(event, std::move(hold), ttl_ms, false));
  }
  static Refusal why(const Decision<Hold>& decision) {
    return decision ? Refusal::internal : decision.error().refusal;
  }
};

TEST_F(SeatHoldsOnRedis, AllSeatsOrNone) {
  const EventPtr event = ready(open_event(1, 10));
  const auto first = take(event, 7, {2, 3});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->seats, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_GT(first->fence, 1000000U);
  const auto second = take(event, 8, {1, 3});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().refusal, Refusal::seat_held);
  EXPECT_EQ(second.error().seat, 3);
  EXPECT_EQ(second.error().seat_state, "HELD");
  EXPECT_EQ(seat_state(*event, 1), "");
  expect_consistent(*event);
}

TEST_F(SeatHoldsOnRedis, EveryRefusalHasItsReason) {
  EventInfo info = open_event(1, 10);
  ledger.known.live.push_back({4, 77, 9, 5, true, 0});
  ledger.known.locked.push_back(5);
  const EventPtr event = ready(info);
  EXPECT_EQ(why(take(event, 7, {4})), Refusal::seat_sold);
  EXPECT_EQ(why(take(event, 7, {5})), Refusal::seat_locked);
  EXPECT_EQ(why(take(event, 7, {10})), Refusal::seat_unknown);
  ASSERT_TRUE(take(event, 7, {0, 1, 2, 3}));
  EXPECT_EQ(why(take(event, 7, {6})), Refusal::quota_exceeded);
  info.sale_open_ms += 3600000;
  EXPECT_EQ(why(take(std::make_shared<EventInfo>(info), 8, {6})), Refusal::sale_not_open);
  info.sale_open_ms = 0;
  info.sale_close_ms = 1;
  EXPECT_EQ(why(take(std::make_shared<EventInfo>(info), 8, {6})), Refusal::sale_ended);
  info.epoch = 2;
  EXPECT_EQ(why(take(std::make_shared<EventInfo>(info), 8, {6})), Refusal::rebuilding);
}

TEST_F(SeatHoldsOnRedis, TheSameUsersRetryGivesTheSameHold) {
  const EventPtr event = ready(open_event(1, 10));
  const std::string id(32, 'a');
  const auto first = take(event, 7, {2, 3}, 60000, id);
  const auto again = take(event, 7, {2, 3}, 60000, id);
  ASSERT_TRUE(first);
  ASSERT_TRUE(again);
  EXPECT_EQ(first->fence, again->fence);
  EXPECT_EQ(first->expires_ms, again->expires_ms);
  EXPECT_TRUE(take(event, 7, {3, 2}, 60000, id));
  EXPECT_EQ(why(take(event, 7, {4}, 60000, id)), Refusal::idempotency_key_reused);
  EXPECT_EQ(why(take(event, 8, {5}, 60000, id)), Refusal::forbidden);
  EXPECT_EQ(run(io, directory->event_of(id)), event->id);
  EXPECT_EQ(run(io, directory->event_of(make_hold_id(33, 1))), 33U);
  EXPECT_FALSE(run(io, directory->event_of(std::string(32, 'b'))));
}

TEST_F(SeatHoldsOnRedis, AnExpiredHoldIsFreeBeforeAnySweep) {
  const EventPtr event = ready(open_event(1, 10));
  ASSERT_TRUE(take(event, 7, {2, 3}, 10));
  run(io, sleep_for(Millis(15)));
  const auto second = take(event, 8, {3});
  ASSERT_TRUE(second);
  EXPECT_EQ(run(io, seats->sweep(event->id, event->epoch)), 1U);
  EXPECT_TRUE(run(io, seats->find(event, second->id, 8)));
  expect_consistent(*event);
}

TEST_F(SeatHoldsOnRedis, AReusedIdSurvivesTheSweepOfItsFormerHold) {
  const EventPtr event = ready(open_event(1, 10));
  const std::string id(32, 'a');
  ASSERT_TRUE(take(event, 7, {2, 3}, 10, id));
  run(io, sleep_for(Millis(15)));
  EXPECT_EQ(why(take(event, 7, {5}, 60000, id)), Refusal::hold_expired);
  ASSERT_TRUE(take(event, 8, {2}));  // steals one seat, and with it the former record
  ASSERT_TRUE(take(event, 7, {5}, 60000, id));
  EXPECT_EQ(run(io, seats->sweep(event->id, event->epoch)), 1U);
  EXPECT_TRUE(run(io, seats->find(event, id, 7)));
  expect_consistent(*event);
}

TEST_F(SeatHoldsOnRedis, FindExtendReleaseAreForTheOwner) {
  const EventPtr event = ready(open_event(1, 10));
  const auto hold = take(event, 7, {2, 3}, 5000);
  ASSERT_TRUE(hold);
  EXPECT_EQ(run(io, seats->find(event, hold->id, 8)).error().refusal, Refusal::forbidden);
  EXPECT_EQ(run(io, seats->extend(event, hold->id, 8, 1)).error().refusal, Refusal::forbidden);
  EXPECT_EQ(run(io, seats->release(event, hold->id, 8)).error().refusal, Refusal::forbidden);
  EXPECT_EQ(*run(io, seats->extend(event, hold->id, 7, 2000)), hold->expires_ms + 2000);
  const auto longest = *run(io, seats->extend(event, hold->id, 7, 999999));
  EXPECT_LE(longest, hold->expires_ms - 5000 + event->hold_ttl_ms + 1000);
  expect_consistent(*event);
  EXPECT_EQ(*run(io, seats->release(event, hold->id, 7)), 2U);
  EXPECT_EQ(run(io, seats->find(event, hold->id, 7)).error().refusal, Refusal::hold_expired);
  EXPECT_EQ(run(io, seats->release(event, hold->id, 7)).error().refusal, Refusal::hold_expired);
  expect_consistent(*event);
}

TEST_F(SeatHoldsOnRedis, APendingSeatDoesNotExpireAndComesBackWithUnpend) {
  const EventPtr event = ready(open_event(1, 10));
  const auto hold = take(event, 7, {2, 3}, 30);
  const auto pending = run(io, seats->pend(event, hold->id, 7, 900));
  ASSERT_TRUE(pending);
  EXPECT_EQ(pending->seats, hold->seats);
  EXPECT_EQ(pending->expires_ms, hold->expires_ms);
  expect_consistent(*event);
  run(io, sleep_for(Millis(40)));
  EXPECT_EQ(run(io, seats->sweep(event->id, event->epoch)), 0U);
  EXPECT_EQ(why(take(event, 8, {2})), Refusal::seat_held);
  run(io, seats->unpend(event, *pending, 900));  // its time is over: free
  EXPECT_EQ(seat_state(*event, 2), "");
  expect_consistent(*event);

  const auto later = take(event, 7, {4}, 60000);
  const auto order = run(io, seats->pend(event, later->id, 7, 901));
  run(io, seats->unpend(event, *order, 901));
  EXPECT_TRUE(run(io, seats->find(event, later->id, 7)));
  expect_consistent(*event);
}

// Another request of the owner's, perhaps at another instance, is told that an order is under way.
TEST_F(SeatHoldsOnRedis, AHoldThatIsBeingOrderedIsInProgressForItsOwnerOnly) {
  const EventPtr event = ready(open_event(1, 10));
  const auto hold = take(event, 7, {2, 3}, 60000);
  const auto pending = run(io, seats->pend(event, hold->id, 7, 900));
  ASSERT_TRUE(pending);
  EXPECT_EQ(run(io, seats->pend(event, hold->id, 7, 901)).error().refusal, Refusal::in_progress);
  EXPECT_EQ(run(io, seats->pend(event, hold->id, 8, 902)).error().refusal, Refusal::hold_expired);
  run(io, seats->unpend(event, *pending, 900));
  EXPECT_TRUE(run(io, seats->pend(event, hold->id, 7, 903)));
}

TEST_F(SeatHoldsOnRedis, SettleIsIdempotentAndOnlyFreesItsOwnOrder) {
  const EventPtr event = ready(open_event(1, 10));
  const auto hold = take(event, 7, {2, 3});
  ASSERT_TRUE(run(io, seats->pend(event, hold->id, 7, 900)));
  for (int times = 0; times < 2; ++times) {
    run(io, seats->settle(event->id, event->epoch, 900, 7, true, {2, 3}));
    EXPECT_EQ(seat_state(*event, 2), "S:7:900");
    expect_consistent(*event);
  }
  run(io, seats->settle(event->id, event->epoch, 901, 7, false, {2, 3}));  // another order
  EXPECT_EQ(seat_state(*event, 2), "S:7:900");
  run(io, seats->settle(event->id, event->epoch, 900, 7, false, {2}));
  EXPECT_EQ(seat_state(*event, 2), "");
  // Sold although somebody else holds it by now: the database is right.
  ASSERT_TRUE(take(event, 8, {5, 6}));
  run(io, seats->settle(event->id, event->epoch, 902, 9, true, {5}));
  EXPECT_EQ(seat_state(*event, 5), "S:9:902");
  expect_consistent(*event);
}

TEST_F(SeatHoldsOnRedis, AfterALossOfDataTheRebuildBringsBackWhatTheDatabaseKnows) {
  const EventPtr event = ready(open_event(1, 3000));
  const auto hold = take(event, 7, {2});
  command({"FLUSHALL"});
  EXPECT_EQ(why(take(event, 8, {3})), Refusal::rebuilding);
  for (std::uint32_t seat = 100; seat < 2600; ++seat)
    ledger.known.live.push_back({seat, 1000 + seat, 5000 + seat, 40, seat % 2 == 0, 99});
  ledger.known.locked = {1};
  ledger.known.fence_max = 5000000;
  SeatRebuild work(*seats, ledger, *leases);
  run(io, work.rebuild(event));
  expect_consistent(*event);
  EXPECT_EQ(hash(key(*event, "st")).size(), 2501U);
  EXPECT_EQ(seat_state(*event, 100), "S:5100:1100");
  EXPECT_EQ(seat_state(*event, 101), "P:5101:1101:99:40");
  EXPECT_EQ(run(io, seats->find(event, hold->id, 7)).error().refusal, Refusal::hold_expired);
  const auto next = take(event, 8, {2});
  ASSERT_TRUE(next);
  EXPECT_GT(next->fence, 6000000U);
}

TEST_F(SeatHoldsOnRedis, WhatIsSettledDuringARebuildWins) {
  const EventPtr event = ready(open_event(1, 10));
  SeatMirror& mirror = *seats->mirror();
  const auto turn = run(io, mirror.begin(event));
  run(io, seats->settle(event->id, event->epoch, 900, 7, true, {2}));
  SeatChanges truth;
  truth.live.push_back({2, 900, 7, 5, false, 99});  // read before the settling
  run(io, mirror.write(event, std::move(truth), false));
  EXPECT_TRUE(run(io, mirror.finish(event, turn, 1000)));
  EXPECT_EQ(seat_state(*event, 2), "S:7:900");
  expect_consistent(*event);
  // Of two rebuilds at once, the one that began later ends it.
  const auto early = run(io, mirror.begin(event));
  const auto late = run(io, mirror.begin(event));
  EXPECT_FALSE(run(io, mirror.finish(event, early, 1000)));
  EXPECT_FALSE(run(io, mirror.ready(event)));
  EXPECT_TRUE(run(io, mirror.finish(event, late, 1000)));
}

TEST_F(SeatHoldsOnRedis, SettlingADeadEpochWritesNothing) {
  run(io, seats->settle(5, 1, 900, 7, true, {2}));
  EXPECT_EQ(command({"DBSIZE"}).integer, 0);
}

// The domain's own check: eight at once, thousands of mixed calls, holds that expire meanwhile.
struct Storm {
  SeatHolds& seats;
  EventPtr event;
  std::map<std::uint32_t, std::uint64_t> sold;  // seat → order
  bool double_sale = false;
  int running = 0;
};

Task<void> storm_user(Storm& storm, std::uint64_t user) {
  std::mt19937_64 random(user);
  const auto pick = [&random](std::uint64_t below) { return random() % below; };
  for (std::uint64_t round = 0; round < 1500; ++round) {
    Hold wanted;
    wanted.id = make_hold_id(storm.event->id, storm.event->epoch);
    wanted.user = user;
    const auto first = static_cast<std::uint32_t>(pick(38));
    for (std::uint32_t i = 0; i <= pick(3); ++i) wanted.seats.push_back(first + i);
    const auto ttl = static_cast<std::int64_t>(5 + pick(16));
    const auto held = co_await storm.seats.take(storm.event, wanted, ttl, false);
    if (!held) continue;
    if (pick(3) == 0) co_await sleep_for(Millis(pick(25)));
    const std::uint64_t order = user * 100000 + round;
    switch (pick(5)) {
      case 0:
        (void)co_await storm.seats.release(storm.event, held->id, user);
        break;
      case 1:
        (void)co_await storm.seats.extend(storm.event, held->id, user, 10);
        break;
      case 2: {
        const auto pending = co_await storm.seats.pend(storm.event, held->id, user, order);
        if (pending) co_await storm.seats.unpend(storm.event, *pending, order);
        break;
      }
      case 3: {
        const auto pending = co_await storm.seats.pend(storm.event, held->id, user, order);
        if (!pending) break;
        for (const std::uint32_t seat : pending->seats) {
          if (!storm.sold.emplace(seat, order).second) storm.double_sale = true;
        }
        co_await storm.seats.settle(storm.event->id, storm.event->epoch, order, user, true,
                                    pending->seats);
        co_await sleep_for(Millis(pick(4)));
        for (const std::uint32_t seat : pending->seats) storm.sold.erase(seat);
        co_await storm.seats.settle(storm.event->id, storm.event->epoch, order, user, false,
                                    pending->seats);
        break;
      }
      default:
        (void)co_await storm.seats.sweep(storm.event->id, storm.event->epoch);
    }
  }
}

TEST_F(SeatHoldsOnRedis, CountersEqualStatesAfterAStormOfMixedCalls) {
  const EventPtr event = ready(open_event(1, 40));
  Storm storm{*seats, event, {}, false, 8};
  for (std::uint64_t user = 1; user <= 8; ++user) {
    asio::co_spawn(io, storm_user(storm, user), [&](const std::exception_ptr& error) {
      EXPECT_FALSE(error);
      if (--storm.running == 0) io.stop();
    });
  }
  io.restart();
  io.run();
  EXPECT_FALSE(storm.double_sale);
  expect_consistent(*event);
  run(io, sleep_for(Millis(60)));
  run(io, seats->sweep(event->id, event->epoch));
  EXPECT_EQ(hash(key(*event, "st")).size(), 0U);
  EXPECT_EQ(hash(key(*event, "hd")).size(), 0U);
  EXPECT_EQ(hash(key(*event, "uq")).size(), 0U);
}

// How many of `rivals` get seat 0 when all ask at the same moment.
int winners(asio::io_context& io, SeatHolds& seats, const EventPtr& event, int rivals) {
  int won = 0, left = rivals;
  for (int i = 0; i < rivals; ++i) {
    Hold hold;
    hold.id = make_hold_id(event->id, event->epoch);
    hold.user = static_cast<std::uint64_t>(100 + i);
    hold.seats = {0};
    asio::co_spawn(io, seats.take(event, std::move(hold), 60000, false),
                   [&](const std::exception_ptr&, const Decision<Hold>& outcome) {
                     if (outcome) ++won;
                     if (--left == 0) io.stop();
                   });
  }
  io.restart();
  io.run();
  return won;
}

TEST_F(SeatHoldsOnRedis, OneOfManyRivalsWins) {
  EXPECT_EQ(winners(io, *seats, ready(open_event(1, 10)), 20), 1);
}

TEST_F(SeatHoldsOnRedis, DefectCheckThenSetGivesOneSeatToMany) {
  switches.hold_check_then_set = true;
  const EventPtr event = ready(open_event(1, 10));
  EXPECT_GT(winners(io, *seats, event, 20), 1);
  // And each of them gets as far as the database.
  int pending = 0;
  for (const auto& [id, record] : hash(key(*event, "hd"))) {
    const std::uint64_t user = std::stoull(record);
    if (run(io, seats->pend(event, id, user, 900 + user))) ++pending;
  }
  EXPECT_GT(pending, 1);
}

TEST_F(SeatHoldsOnRedis, DefectReleaseWithoutOwnerFreesWhatIsOnTheSeats) {
  const EventPtr event = ready(open_event(1, 10));
  const auto mine = take(event, 7, {2});
  switches.release_without_owner = true;
  EXPECT_TRUE(run(io, seats->release(event, mine->id, 8)));
  EXPECT_EQ(seat_state(*event, 2), "");
  // A late release of an expired hold frees the seat under its next owner.
  const auto late = take(event, 7, {3}, 10);
  run(io, sleep_for(Millis(15)));
  ASSERT_TRUE(take(event, 8, {3}));
  EXPECT_TRUE(run(io, seats->release(event, late->id, 7)));
  EXPECT_EQ(seat_state(*event, 3), "");
  expect_consistent(*event);
}

// The map is the same, and costs Redis a walk over all keys and a question for each taken seat.
TEST_F(SeatHoldsOnRedis, DefectSeatmapKeysScanMakesTheSameMapDearly) {
  EventInfo info = open_event(1, 10);
  ledger.known.live.push_back({4, 77, 9, 5, true, 0});
  ledger.known.live.push_back({6, 78, 9, 6, false, info.sale_close_ms});
  ledger.known.locked.push_back(5);
  const EventPtr event = ready(info);
  ASSERT_TRUE(take(event, 7, {1, 2, 3}));
  for (int other = 0; other < 200; ++other) command({"SET", "other:" + std::to_string(other), "x"});
  const auto commands = [this] {
    const std::string info_text = command({"INFO", "stats"}).text;
    const std::string name = "total_commands_processed:";
    return std::stoll(info_text.substr(info_text.find(name) + name.size()));
  };
  const auto cost_of_map = [&](Decision<SeatStates>& map) {
    const auto before = commands();
    map = run(io, seats->states(event));
    return commands() - before - 1;  // without the first INFO
  };
  Decision<SeatStates> sound = SeatStates{}, scanned = SeatStates{};
  EXPECT_EQ(cost_of_map(sound), 3);
  switches.seatmap_keys_scan = true;
  const auto dear = cost_of_map(scanned);
  ASSERT_TRUE(sound);
  ASSERT_TRUE(scanned);
  EXPECT_EQ(scanned->bitmap, sound->bitmap);
  EXPECT_EQ(scanned->version, sound->version);
  EXPECT_GE(dear, 200 / 10 + 6) << "keys of others, and six seats that are taken";
  command({"DEL", key(*event, "ok")});
  const auto lost = run(io, seats->states(event));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().refusal, Refusal::rebuilding);
}

TEST_F(SeatHoldsOnRedis, LeasesExcludeRenewAndFence) {
  const auto other = make_leases(*redis);
  const auto first = run(io, leases->acquire("job", Millis(1000)));
  ASSERT_TRUE(first);
  EXPECT_FALSE(run(io, other->acquire("job", Millis(1000))));
  EXPECT_EQ(run(io, leases->acquire("job", Millis(1000))), first);  // renewed
  run(io, other->release("job"));                                   // not theirs
  EXPECT_FALSE(run(io, other->acquire("job", Millis(1000))));
  run(io, leases->release("job"));
  const auto second = run(io, other->acquire("job", Millis(10)));
  ASSERT_TRUE(second);
  EXPECT_GT(*second, *first);
  run(io, sleep_for(Millis(15)));
  const auto third = run(io, leases->acquire("job", Millis(1000)));
  ASSERT_TRUE(third);
  EXPECT_GT(*third, *second);
}

}  // namespace
}  // namespace boxoffice
