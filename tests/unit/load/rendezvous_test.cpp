// The meeting point of users of all workers: who completes a group, who gives up, and that every
// waiter is released exactly once. Workers are event loops that the test runs by hand.
#include "harness/load/rendezvous.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <thread>

namespace stampede {
namespace {

struct Floor {
  explicit Floor(std::uint32_t users, std::size_t workers = 1) : hall({{"gate", users}}) {
    for (std::size_t i = 0; i < workers; ++i) {
      loops.push_back(std::make_unique<EventLoop>());
      desks.push_back(std::make_unique<RendezvousDesk>(hall, *loops.back()));
      beds.push_back(std::make_unique<Sleeper>(*loops.back()));
    }
  }
  RendezvousDesk::Waiter& come(std::size_t worker) {
    RendezvousDesk::Waiter& waiter = waiters.emplace_back();
    waiter.bed = beds[worker].get();
    desks[worker]->arrive(waiter);
    return waiter;
  }
  void run() {
    for (const auto& loop : loops) loop->run();
  }
  RendezvousHall hall;
  std::vector<std::unique_ptr<EventLoop>> loops;
  std::vector<std::unique_ptr<RendezvousDesk>> desks;
  std::vector<std::unique_ptr<Sleeper>> beds;
  std::deque<RendezvousDesk::Waiter> waiters;
};

TEST(Rendezvous, AllLeaveAtOneInstantWhenTheLastHasCome) {
  Floor floor(3, 2);
  auto& a = floor.come(0);
  auto& b = floor.come(1);
  floor.run();
  EXPECT_FALSE(a.released);
  const TimePoint before = now();
  auto& c = floor.come(1);
  floor.run();
  for (const auto* waiter : {&a, &b, &c}) {
    EXPECT_TRUE(waiter->released);
    EXPECT_TRUE(waiter->complete);
    EXPECT_EQ(waiter->instant, a.instant);
  }
  EXPECT_GE(a.instant, before + RendezvousHall::lead);
  EXPECT_EQ(floor.desks[0]->waiting() + floor.desks[1]->waiting(), 0u);
}

TEST(Rendezvous, GroupsFollowEachOther) {
  Floor floor(2);
  auto& a = floor.come(0);
  auto& b = floor.come(0);
  auto& c = floor.come(0);
  floor.run();
  EXPECT_TRUE(a.released && b.released);
  EXPECT_FALSE(c.released);
  EXPECT_EQ(c.group, a.group + 1);
  auto& d = floor.come(0);
  floor.run();
  EXPECT_TRUE(c.released && d.released);
}

TEST(Rendezvous, ATimeOutLetsGoWhoIsThereAndCountsFromAnew) {
  Floor floor(3);
  auto& a = floor.come(0);
  auto& b = floor.come(0);
  floor.desks[0]->time_out(a);
  floor.desks[0]->time_out(b);  // the second to notice: nothing more happens
  floor.run();
  EXPECT_TRUE(a.released && b.released);
  EXPECT_FALSE(a.complete || b.complete);
  auto& c = floor.come(0);
  auto& d = floor.come(0);
  floor.run();
  EXPECT_FALSE(c.released);
  auto& e = floor.come(0);
  floor.run();
  EXPECT_TRUE(c.complete && d.complete && e.complete);
}

TEST(Rendezvous, WhoLeavesIsNotWaitedForAndNotCounted) {
  Floor floor(2);
  auto& a = floor.come(0);
  floor.desks[0]->leave(a);
  auto& b = floor.come(0);
  floor.run();
  EXPECT_FALSE(b.released);
  auto& c = floor.come(0);
  floor.run();
  EXPECT_TRUE(b.released && c.released);
  EXPECT_FALSE(a.released);
}

TEST(Rendezvous, ATimeOutAfterTheReleaseChangesNothing) {
  Floor floor(2);
  auto& a = floor.come(0);
  auto& b = floor.come(0);  // completes; the word is not heard yet
  floor.desks[0]->time_out(a);
  floor.run();
  EXPECT_TRUE(a.complete && b.complete);
}

// Users of several threads come and give up at random: in the end each has been released or has
// left, none twice, and a full group is always let go.
TEST(Rendezvous, HoldsBetweenThreads) {
  constexpr std::size_t threads = 4;
  constexpr int rounds = 3000;
  Floor floor(5, threads);
  std::atomic<int> released{0}, left{0};
  {
    std::vector<std::jthread> workers;
    for (std::size_t at = 0; at < threads; ++at) {
      workers.emplace_back([&floor, &released, &left, at] {
        std::mt19937 random(static_cast<unsigned>(at));
        std::deque<RendezvousDesk::Waiter> mine;
        RendezvousDesk& desk = *floor.desks[at];
        const auto sweep = [&] { floor.loops[at]->run(); };
        for (int i = 0; i < rounds; ++i) {
          RendezvousDesk::Waiter& waiter = mine.emplace_back();
          waiter.bed = floor.beds[at].get();
          desk.arrive(waiter);
          if (random() % 4 == 0) desk.leave(waiter);
          if (random() % 50 == 0) desk.time_out(waiter);
          sweep();
        }
        for (RendezvousDesk::Waiter& waiter : mine) {
          desk.leave(waiter);
          ++(waiter.released ? released : left);
        }
        EXPECT_EQ(desk.waiting(), 0u);
      });
    }
  }
  EXPECT_EQ(released + left, static_cast<int>(threads) * rounds);
  EXPECT_GT(released, 1000);
}

}  // namespace
}  // namespace stampede
