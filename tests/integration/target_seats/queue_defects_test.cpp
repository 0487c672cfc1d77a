// The deliberate bugs of seats and waiting rooms: each does the harm that its name says, and
// without it the same calls do none.
#include "tests/integration/target_seats/redis_fixture.hpp"

namespace boxoffice {
namespace {

class QueueDefects : public RedisFixture {
 protected:
  void SetUp() override {
    RedisFixture::SetUp();
    if (!redis) return;
    queue = plant_queue_defects(std::move(queue), *redis, switches);
  }
  EventPtr queued(std::uint64_t id, double rate, std::uint32_t cap) {
    EventInfo info = open_event(id, 10);
    info.queue.on = true;
    info.queue.rate = info.queue.burst = rate;
    info.queue.cap = cap;
    return ready(info);
  }
  void enter(const EventPtr& event, std::uint64_t user) {
    EXPECT_TRUE(run(io, queue->enter(event, user, 0.5)));
  }
  Admission admit(const EventPtr& event) { return run(io, queue->admit(event)); }
  std::vector<std::string> members(const EventPtr& event, const std::string& suffix) {
    std::vector<std::string> list;
    for (const auto& element : command({"ZRANGE", key(*event, suffix), "0", "-1"}).elements)
      list.push_back(element.text);
    return list;
  }
  std::size_t inside_or_waiting(const EventPtr& event) {
    return members(event, "qw").size() + members(event, "qa").size();
  }
  std::int64_t lease_left_ms(const EventPtr& event, const std::string& user) {
    const auto time = command({"TIME"}).elements;
    const std::int64_t now = time.at(0).number() * 1000 + time.at(1).number() / 1000;
    return std::stoll(command({"ZSCORE", key(*event, "qa"), user}).text) - now;
  }
};

TEST_F(QueueDefects, AQueueThatIsNotEnforcedAdmitsAboveItsCap) {
  const EventPtr sound = queued(1, 3, 3), faulty = queued(2, 3, 3);
  for (std::uint64_t user = 1; user <= 20; ++user) enter(sound, user);
  EXPECT_EQ(admit(sound).active, 3U);
  switches.queue_not_enforced = true;
  for (std::uint64_t user = 1; user <= 20; ++user) enter(faulty, user);
  EXPECT_EQ(admit(faulty).active, 20U);
}

TEST_F(QueueDefects, SlotsOfTheSilentStayWhereTheWholeSetHasOneTime) {
  const EventPtr sound = queued(1, 3, 3), faulty = queued(2, 3, 3);
  enter(sound, 1);
  admit(sound);
  EXPECT_LE(lease_left_ms(sound, "1"), sound->queue.lease_ms);
  switches.queue_set_ttl = true;
  enter(faulty, 1);
  admit(faulty);
  EXPECT_GT(lease_left_ms(faulty, "1"), 10 * faulty->queue.lease_ms);
}

TEST_F(QueueDefects, PlacesByTheClocksSecondAreNotFirstInFirstOut) {
  const EventPtr sound = queued(1, 1, 1), faulty = queued(2, 1, 1);
  std::vector<std::string> came;
  for (std::uint64_t user = 39; user >= 30; --user) came.push_back(std::to_string(user));
  for (const std::string& user : came) enter(sound, std::stoull(user));
  EXPECT_EQ(members(sound, "qw"), came);
  switches.queue_timestamp_score = true;
  for (const std::string& user : came) enter(faulty, std::stoull(user));
  EXPECT_NE(members(faulty, "qw"), came);
}

TEST_F(QueueDefects, WhoIsPoppedByTwoInstancesIsLost) {
  const EventPtr sound = queued(1, 20, 5), faulty = queued(2, 20, 5);
  for (std::uint64_t user = 1; user <= 12; ++user) enter(sound, user);
  admit(sound);
  EXPECT_EQ(inside_or_waiting(sound), 12U);
  switches.queue_nonatomic_pop = true;
  for (std::uint64_t user = 1; user <= 12; ++user) enter(faulty, user);
  admit(faulty);
  EXPECT_EQ(inside_or_waiting(faulty), 10U) << "two of twelve are nowhere";
}

TEST_F(QueueDefects, AHoldThatNeverExpiresKeepsItsSeat) {
  const EventPtr event = ready(open_event(1, 10));
  const auto hold = [&](std::uint64_t user, std::uint32_t seat, const std::string& id) {
    Hold wanted;
    wanted.id = std::string(31, 'a') + id;
    wanted.user = user;
    wanted.seats = {seat};
    return run(io, seats->take(event, wanted, 30, false));
  };
  ASSERT_TRUE(hold(1, 3, "1"));
  run(io, sleep_for(Millis(60)));
  EXPECT_TRUE(hold(2, 3, "2")) << "a hold that is over is free at once";
  switches.expire_never = true;
  const auto told = hold(1, 4, "3");
  ASSERT_TRUE(told);
  run(io, sleep_for(Millis(60)));
  const auto late = hold(2, 4, "4");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().refusal, Refusal::seat_held);
  EXPECT_EQ(run(io, seats->sweep(event->id, event->epoch)), 1U) << "that of user 2 on seat 3";
  EXPECT_NE(seat_state(*event, 4), "");
}

}  // namespace
}  // namespace boxoffice
