#include "target/service/queue_feed.hpp"
#include "target/service/waiting_room.hpp"
#include "tests/integration/target_seats/redis_fixture.hpp"

namespace boxoffice {
namespace {

class QueuePlacesOnRedis : public RedisFixture {
 protected:
  static EventInfo queued(double rate, double burst, std::uint32_t cap) {
    EventInfo info = open_event(1, 10);
    info.queue.on = true;
    info.queue.rate = rate;
    info.queue.burst = burst;
    info.queue.cap = cap;
    return info;
  }
  Place enter(const EventPtr& event, std::uint64_t user, double random = 0.5) {
    const Decision<Place> place = run(io, queue->enter(event, user, random));
    EXPECT_TRUE(place);
    return place ? *place : Place{};
  }
  Place look(const EventPtr& event, std::uint64_t user, bool beat = false) {
    return run(io, queue->look(event, user, beat));
  }
  Admission admit(const EventPtr& event) { return run(io, queue->admit(event)); }
  std::vector<std::string> members(const EventInfo& event, const std::string& suffix) {
    std::vector<std::string> list;
    for (const auto& element : command({"ZRANGE", key(event, suffix), "0", "-1"}).elements)
      list.push_back(element.text);
    return list;
  }
  // The audit's R7, from the raw keys.
  void expect_identity(const EventInfo& event) {
    const auto waiting = members(event, "qw");
    const auto admitted = members(event, "qa");
    for (const std::string& user : admitted)
      EXPECT_EQ(std::ranges::count(waiting, user), 0) << user << " waits and is admitted";
    auto counters = hash(key(event, "qs"));
    const auto counter = [&counters](const char* name) {
      return counters.contains(name) ? std::stol(counters[name]) : 0L;
    };
    EXPECT_EQ(counter("entered"), static_cast<long>(waiting.size() + admitted.size()) +
                                      counter("ghosts") + counter("left") + counter("completed") +
                                      counter("lease_lost"));
    EXPECT_EQ(waiting.size(), members(event, "qh").size());
    EXPECT_EQ(admitted.size(), hash(key(event, "qp")).size());
  }
};

TEST_F(QueuePlacesOnRedis, PlacesAreFirstInFirstOutAndKept) {
  const EventPtr event = ready(queued(0, 0, 10));
  for (std::uint64_t user = 1; user <= 5; ++user) {
    const Place place = enter(event, user);
    EXPECT_EQ(place.state, Place::State::waiting);
    EXPECT_EQ(place.position, static_cast<std::int64_t>(user));
    EXPECT_TRUE(place.fresh);
  }
  const Place again = enter(event, 3);
  EXPECT_EQ(again.position, 3);
  EXPECT_EQ(again.total, 5);
  EXPECT_FALSE(again.fresh);
  EXPECT_TRUE(run(io, queue->leave(event->id, event->epoch, 1, false)));
  EXPECT_FALSE(run(io, queue->leave(event->id, event->epoch, 1, false)));
  EXPECT_EQ(look(event, 3).position, 2);
  EXPECT_EQ(look(event, 1).state, Place::State::absent);
  expect_identity(*event);
}

// Redis' own time for a look, in a queue of a thousand and in one of a hundred times as many: a
// sorted set finds a rank in the logarithm of its size. The quicker of three rounds, because the
// machine may be busy.
TEST_F(QueuePlacesOnRedis, APositionCostsTheLogarithmOfTheQueue) {
  const auto fill = [this](const EventPtr& event, std::uint64_t people) {
    for (std::uint64_t user = 1; user <= people;) {
      std::vector<std::string> add{"ZADD", key(*event, "qw")};
      for (const std::uint64_t end = std::min(user + 1000, people + 1); user < end; ++user) {
        add.push_back(std::to_string(user));
        add.push_back(std::to_string(user));
      }
      command(std::move(add));
    }
  };
  const auto cost = [this](const EventPtr& event, std::uint64_t people) {
    double best = 1e9;
    for (int round = 0; round < 3; ++round) {
      command({"CONFIG", "RESETSTAT"});
      for (std::uint64_t i = 1; i <= 300; ++i) look(event, 1 + i * 7919 % people);
      const std::string stats = command({"INFO", "commandstats"}).text;
      const auto at = stats.find("usec_per_call=", stats.find("cmdstat_evalsha:"));
      best = std::min(best, std::stod(stats.substr(at + 14)));
    }
    return best;
  };
  const EventPtr few = ready(queued(0, 0, 10));
  EventInfo other = queued(0, 0, 10);
  other.id = 2;
  const EventPtr many = ready(other);
  fill(few, 1000);
  fill(many, 100'000);
  const double of_few = cost(few, 1000), of_many = cost(many, 100'000);
  RecordProperty("micros_of_1000", std::to_string(of_few));
  RecordProperty("micros_of_100000", std::to_string(of_many));
  EXPECT_LT(of_many, 5 * of_few) << of_few << " µs of 1,000, " << of_many << " µs of 100,000";
}

TEST_F(QueuePlacesOnRedis, AdmissionKeepsOrderRateBurstAndCap) {
  const EventPtr event = ready(queued(20, 5, 8));
  for (std::uint64_t user = 1; user <= 20; ++user) enter(event, user);
  const TimePoint start = Clock::now();
  std::uint32_t admitted = admit(event).admitted;
  EXPECT_EQ(admitted, 5U);  // the burst
  while (admitted < 7) {
    admitted += admit(event).admitted;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    ASSERT_LE(admitted, 5 + 20 * seconds);  // never above the rate
    ASSERT_LT(seconds, 5);
    run(io, sleep_for(Millis(5)));
  }
  run(io, sleep_for(Millis(300)));
  EXPECT_EQ(admit(event).active, 8U);  // the cap
  EXPECT_EQ(members(*event, "qw").front(), "9");
  EXPECT_TRUE(run(io, queue->leave(event->id, event->epoch, 2, true)));
  EXPECT_EQ(admit(event).admitted, 1U);  // a slot free at once
  FeedCursor cursor{"0-0", "0-0"};
  const FeedNews news = run(io, queue->feed()->read(event, cursor));
  std::vector<std::uint64_t> order;
  for (const auto& entry : news.admitted)
    order.insert(order.end(), entry.users.begin(), entry.users.end());
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  expect_identity(*event);
}

TEST_F(QueuePlacesOnRedis, TheSilentBecomeGhostsAndTheBeatingDoNot) {
  EventInfo info = queued(0, 0, 10);
  info.queue.heartbeat_ms = 400;
  const EventPtr event = ready(info);
  enter(event, 1);
  enter(event, 2);
  enter(event, 3);
  run(io, sleep_for(Millis(250)));
  look(event, 1, true);
  look(event, 2, false);  // only looks
  const PollPlaces polled = run(io, queue->feed()->poll(event, {{3, true}, {9, true}}));
  EXPECT_EQ(polled.places, (std::vector<std::int64_t>{3, -1}));
  run(io, sleep_for(Millis(250)));
  EXPECT_EQ(admit(event).ghosts, 1U);
  EXPECT_EQ(members(*event, "qw"), (std::vector<std::string>{"1", "3"}));
  EXPECT_TRUE(look(event, 2, true).ghosted);
  EXPECT_EQ(look(event, 2).state, Place::State::absent);  // a late beat raises nobody
  EXPECT_FALSE(look(event, 9, true).ghosted);             // never entered
  EXPECT_EQ(run(io, queue->feed()->poll(event, {{2, true}})).places.at(0), -2);
  expect_identity(*event);
  EXPECT_EQ(enter(event, 2).position, 3);  // to the end
  expect_identity(*event);
}

TEST_F(QueuePlacesOnRedis, ALeaseSlidesWithCallsAndLapsesWithoutThem) {
  EventInfo info = queued(1000, 10, 10);
  info.queue.lease_ms = 400;
  const EventPtr event = ready(info);
  enter(event, 1);
  enter(event, 2);
  ASSERT_EQ(admit(event).admitted, 2U);
  EXPECT_GT(look(event, 1).pass_end_ms, look(event, 1).lease_end_ms);
  run(io, sleep_for(Millis(250)));
  EXPECT_EQ(run(io, queue->feed()->poll(event, {{1, true}, {2, false}})).places,
            (std::vector<std::int64_t>{0, 0}));
  run(io, sleep_for(Millis(250)));
  EXPECT_EQ(admit(event).lapsed, 1U);
  EXPECT_EQ(look(event, 1).state, Place::State::admitted);
  EXPECT_TRUE(look(event, 2).ghosted);
  expect_identity(*event);
  run(io, sleep_for(Millis(450)));
  EXPECT_EQ(enter(event, 1).state, Place::State::waiting);  // lapsed, not yet taken out
  expect_identity(*event);
}

TEST_F(QueuePlacesOnRedis, NoLeaseOutlivesThePass) {
  EventInfo info = queued(1000, 10, 10);
  info.queue.lease_ms = 1000;
  info.queue.pass_ttl_ms = 50;
  const EventPtr event = ready(info);
  enter(event, 1);
  admit(event);
  look(event, 1, true);
  run(io, sleep_for(Millis(55)));
  EXPECT_EQ(look(event, 1).state, Place::State::absent);
  EXPECT_EQ(admit(event).lapsed, 1U);
  expect_identity(*event);
}

TEST_F(QueuePlacesOnRedis, BeforeTheSaleOnlyARandomQueueIsOpen) {
  EventInfo info = queued(1000, 100, 100);
  info.sale_open_ms += 61000;
  EventPtr event = ready(info);
  const auto early = run(io, queue->enter(event, 1, 0.5));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().refusal, Refusal::sale_not_open);
  EXPECT_GT(early.error().retry_after_ms, 0);
  info.queue.random = true;
  event = std::make_shared<EventInfo>(info);
  enter(event, 1, 0.9);
  enter(event, 2, 0.1);
  EXPECT_EQ(look(event, 2).position, 1);  // shuffled
  EXPECT_EQ(admit(event).admitted, 0U);   // but not admitted
  info.sale_open_ms -= 61000;
  event = std::make_shared<EventInfo>(info);
  EXPECT_EQ(enter(event, 3, 0.0).position, 3);  // later ones come behind
  EXPECT_EQ(admit(event).admitted, 3U);
  expect_identity(*event);
}

TEST_F(QueuePlacesOnRedis, AFullQueueAndAnEndedSaleRefuse) {
  EventInfo info = queued(0, 0, 10);
  info.queue.wait_max = 1;
  EventPtr event = ready(info);
  enter(event, 1);
  EXPECT_EQ(run(io, queue->enter(event, 2, 0.5)).error().refusal, Refusal::queue_full);
  info.sale_close_ms = 1;
  event = std::make_shared<EventInfo>(info);
  EXPECT_EQ(run(io, queue->enter(event, 2, 0.5)).error().refusal, Refusal::sale_ended);
}

class WaitingRoomOnRedis : public QueuePlacesOnRedis {
 protected:
  void SetUp() override {
    QueuePlacesOnRedis::SetUp();
    if (!redis) return;
    catalogue = std::make_unique<Catalogue>(events);
    rebuild = std::make_unique<SeatRebuild>(*seats, ledger, *leases);
    room = std::make_unique<WaitingRoom>(io, *catalogue, *queue, *rebuild, "secret");
  }
  EventPtr serve(const EventInfo& info) {
    const EventPtr event = ready(info);
    events.events[event->id] = event;
    return event;
  }
  FixedEvents events;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<SeatRebuild> rebuild;
  std::unique_ptr<WaitingRoom> room;
};

TEST_F(WaitingRoomOnRedis, AfterALossOfDataATokenBringsThePlaceBack) {
  const EventPtr event = serve(queued(0, 0, 10));
  std::map<std::uint64_t, std::string> tokens;
  for (std::uint64_t user = 1; user <= 4; ++user)
    tokens[user] = run(io, room->enter(1, user, "")).value().queue_token;
  command({"FLUSHALL"});
  EXPECT_EQ(run(io, room->enter(1, 4, tokens[4])).error().refusal, Refusal::rebuilding);
  run(io, rebuild->rebuild(event));
  run(io, room->enter(1, 9, ""));         // a newcomer is first to come back …
  run(io, room->enter(1, 4, tokens[4]));  // … and the others come in any order
  run(io, room->enter(1, 2, tokens[2]));
  EXPECT_EQ(members(*event, "qw"), (std::vector<std::string>{"2", "4", "9"}));
  EXPECT_EQ(run(io, room->enter(1, 8, tokens[1])).value().place.position, 4);  // not theirs
  expect_identity(*event);
}

TEST_F(WaitingRoomOnRedis, WithoutALossATokenOfWhoLeftIsWorthNothing) {
  const EventPtr event = serve(queued(0, 0, 10));
  const std::string token = run(io, room->enter(1, 1, "")).value().queue_token;
  run(io, room->enter(1, 2, ""));
  run(io, room->leave(1, 1, false));
  EXPECT_EQ(run(io, room->enter(1, 1, token)).value().place.position, 2);
  EXPECT_EQ(run(io, room->look(1, 3)).error().refusal, Refusal::not_found);
}

TEST_F(WaitingRoomOnRedis, AResetSendsEverybodyToTheNewLife) {
  EventInfo info = queued(0, 0, 10);
  serve(info);
  run(io, room->enter(1, 1, ""));
  command({"FLUSHALL"});  // the old epoch's keys are gone
  info.epoch = 2;
  const EventPtr next = serve(info);
  const auto told = run(io, room->enter(1, 2, ""));
  ASSERT_TRUE(told);
  EXPECT_EQ(members(*next, "qw"), (std::vector<std::string>{"2"}));
}

}  // namespace
}  // namespace boxoffice
