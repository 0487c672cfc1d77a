#include "target/service/reservations.hpp"
#include "target/service/hold_id.hpp"
#include "tests/integration/target_seats/redis_fixture.hpp"

namespace boxoffice {
namespace {

class ReservationsOnRedis : public RedisFixture {
 protected:
  void SetUp() override {
    RedisFixture::SetUp();
    if (!redis) return;
    catalogue = std::make_unique<Catalogue>(events);
    rebuild = std::make_unique<SeatRebuild>(*seats, ledger, *leases);
    reservations =
        std::make_unique<Reservations>(io, *catalogue, *seats, *directory, *rebuild, "secret");
  }
  EventPtr serve(const EventInfo& info) {
    const EventPtr event = ready(info);
    events.events[event->id] = event;
    return event;
  }
  Decision<Reservation> hold(std::uint64_t user, std::vector<std::uint32_t> wanted,
                             std::string pass = {}) {
    HoldRequest request;
    request.event = 1;
    request.seats = std::move(wanted);
    request.entry_token = std::move(pass);
    return run(io, reservations->hold(user, std::move(request)));
  }
  Refusal why(std::uint64_t user, std::vector<std::uint32_t> wanted, std::string pass = {}) {
    const auto decision = hold(user, std::move(wanted), std::move(pass));
    return decision ? Refusal::internal : decision.error().refusal;
  }
  // Enters, is admitted, and gives the pass.
  std::string admitted(const EventPtr& event, std::uint64_t user) {
    (void)run(io, queue->enter(event, user, 0.5));
    run(io, queue->admit(event));
    return pass_of(*event, user, run(io, queue->look(event, user, false)).pass_end_ms);
  }
  static std::string pass_of(const EventInfo& event, std::uint64_t user, std::int64_t end) {
    EntryPass pass;
    pass.event = event.id;
    pass.epoch = event.epoch;
    pass.user = user;
    pass.end_ms = end;
    return PassSigner("secret").sign(pass);
  }
  static EventInfo queued() {
    EventInfo info = open_event(1, 10);
    info.queue.on = true;
    return info;
  }
  FixedEvents events;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<SeatRebuild> rebuild;
  std::unique_ptr<Reservations> reservations;
};

TEST_F(ReservationsOnRedis, AHoldTellsSeatsAmountAndTime) {
  serve(open_event(1, 10));
  const auto held = hold(7, {2, 3});
  ASSERT_TRUE(held);
  EXPECT_EQ(held->amount, 2000U);
  EXPECT_GT(held->ttl_ms, 55000);
  const auto found = run(io, reservations->find(7, held->hold.id));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->hold.seats, held->hold.seats);
  EXPECT_TRUE(run(io, reservations->release(7, held->hold.id)));
  EXPECT_EQ(run(io, reservations->find(7, held->hold.id)).error().refusal, Refusal::hold_expired);
}

TEST_F(ReservationsOnRedis, BadRequestsAreRefusedBeforeRedis) {
  serve(open_event(1, 10));
  EXPECT_EQ(why(7, {}), Refusal::validation_failed);
  EXPECT_EQ(why(7, {2, 2}), Refusal::validation_failed);
  EXPECT_EQ(why(7, {0, 1, 2, 3, 4}), Refusal::quota_exceeded);
  EXPECT_EQ(run(io, reservations->find(7, "nonsense")).error().refusal, Refusal::not_found);
  EXPECT_EQ(run(io, reservations->find(7, std::string(32, 'b'))).error().refusal,
            Refusal::hold_expired);
}

TEST_F(ReservationsOnRedis, AWaitingRoomWantsAPassOfThisUser) {
  const EventPtr event = serve(queued());
  EXPECT_EQ(why(7, {2}), Refusal::not_admitted);
  EXPECT_EQ(why(7, {2}, "v1.1.1.7.99999999999999.00"), Refusal::not_admitted);
  const std::string pass = admitted(event, 7);
  EXPECT_EQ(why(8, {2}, pass), Refusal::not_admitted);
  EXPECT_TRUE(hold(7, {2}, pass));
  run(io, queue->leave(event->id, event->epoch, 7, false));
  EXPECT_EQ(why(7, {3}, pass), Refusal::not_admitted);  // left: the pass is worth nothing
}

TEST_F(ReservationsOnRedis, ALapsedLeaseAndAnOldPassAreOver) {
  EventInfo info = queued();
  info.queue.lease_ms = 30;
  const EventPtr event = serve(info);
  const std::string pass = admitted(event, 7);
  run(io, sleep_for(Millis(35)));
  EXPECT_EQ(why(7, {2}, pass), Refusal::pass_expired);
  run(io, queue->admit(event));
  EXPECT_EQ(why(7, {2}, pass), Refusal::pass_expired);
  EXPECT_EQ(why(7, {2}, pass_of(*event, 7, 1000)), Refusal::pass_expired);
}

TEST_F(ReservationsOnRedis, CallsSlideTheLease) {
  EventInfo info = queued();
  info.queue.lease_ms = 60;
  const EventPtr event = serve(info);
  const std::string pass = admitted(event, 7);
  const auto held = hold(7, {2}, pass);
  ASSERT_TRUE(held);
  for (int i = 0; i < 4; ++i) {
    run(io, sleep_for(Millis(30)));
    ASSERT_TRUE(run(io, reservations->find(7, held->hold.id)));
  }
  EXPECT_EQ(run(io, queue->look(event, 7, false)).state, Place::State::admitted);
}

TEST_F(ReservationsOnRedis, AfterALossOfDataAValidPassAdmitsAgain) {
  const EventPtr event = serve(queued());
  const std::string pass = admitted(event, 7);
  run(io, sleep_for(Millis(5)));
  command({"FLUSHALL"});
  EXPECT_EQ(why(7, {2}, pass), Refusal::rebuilding);  // and starts the rebuild
  run(io, sleep_for(Millis(50)));
  ASSERT_TRUE(hold(7, {2}, pass));
  EXPECT_EQ(run(io, queue->look(event, 7, false)).state, Place::State::admitted);
  const auto counters = hash(key(*event, "qs"));
  EXPECT_EQ(counters.at("entered"), "1");
}

TEST_F(ReservationsOnRedis, AHoldOnAnOldEpochGoesToTheNewOne) {
  EventInfo info = open_event(1, 10);
  serve(info);
  ASSERT_TRUE(hold(7, {2}));
  command({"FLUSHALL"});
  info.epoch = 2;
  const EventPtr next = serve(info);
  ASSERT_TRUE(hold(8, {2}));
  EXPECT_NE(seat_state(*next, 2), "");
}

}  // namespace
}  // namespace boxoffice
