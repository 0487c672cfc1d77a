#include "harness/protocol/timer_heap.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace stampede {
namespace {

struct Ringing {
  std::vector<int>* rung;
  int number;
  Timer timer{[](void* self) {
                auto* ringing = static_cast<Ringing*>(self);
                ringing->rung->push_back(ringing->number);
              },
              this};
};

TEST(TimerHeap, FiresInTheOrderOfDueTimes) {
  EventLoop loop;
  TimerHeap heap(loop);
  std::vector<int> rung;
  std::vector<std::unique_ptr<Ringing>> timers;
  std::vector<int> order(200);
  for (int i = 0; i < 200; ++i) order[static_cast<std::size_t>(i)] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  const TimePoint start = now();
  for (const int i : order) {
    timers.push_back(std::make_unique<Ringing>(&rung, i));
    heap.arm(timers.back()->timer, start + i * std::chrono::microseconds(50));
  }
  loop.run();
  EXPECT_EQ(rung.size(), 200u);
  EXPECT_TRUE(std::is_sorted(rung.begin(), rung.end()));
  EXPECT_GE(now() - start, std::chrono::microseconds(50 * 199));
}

TEST(TimerHeap, DisarmedTimersStaySilentAndRearmedOnesMove) {
  EventLoop loop;
  TimerHeap heap(loop);
  std::vector<int> rung;
  Ringing first{&rung, 1}, second{&rung, 2}, third{&rung, 3};
  const TimePoint start = now();
  heap.arm(first.timer, start + std::chrono::milliseconds(1));
  heap.arm(second.timer, start + std::chrono::milliseconds(2));
  heap.arm(third.timer, start + std::chrono::milliseconds(3));
  heap.disarm(second.timer);
  heap.arm(first.timer, start + std::chrono::milliseconds(5));
  loop.run();
  EXPECT_EQ(rung, (std::vector<int>{3, 1}));
  EXPECT_FALSE(second.timer.armed());
}

TEST(TimerHeap, SurvivesRandomArmingAndDisarming) {
  EventLoop loop;
  TimerHeap heap(loop);
  std::vector<int> rung;
  std::vector<std::unique_ptr<Ringing>> timers;
  for (int i = 0; i < 50; ++i) timers.push_back(std::make_unique<Ringing>(&rung, i));
  std::mt19937 random(9);
  const TimePoint start = now();
  for (int round = 0; round < 5000; ++round) {
    Timer& timer = timers[random() % timers.size()]->timer;
    if (random() % 3 == 0) {
      heap.disarm(timer);
    } else {
      heap.arm(timer, start + std::chrono::microseconds(random() % 20'000));
    }
  }
  const std::size_t armed = heap.size();
  loop.run();
  EXPECT_EQ(rung.size(), armed);
  EXPECT_EQ(heap.size(), 0u);
}

TEST(TimerHeap, WhatIsDueIsNotAwaited) {
  EventLoop loop;
  TimerHeap heap(loop);
  std::vector<int> rung;
  Ringing past{&rung, 1}, present{&rung, 2}, future{&rung, 3};
  heap.arm(past.timer, now() - std::chrono::seconds(1));
  heap.arm(present.timer, now());
  loop.run();
  EXPECT_EQ(rung, (std::vector<int>{1, 2}));
  EXPECT_EQ(heap.waits(), 0u);
  heap.arm(future.timer, now() + std::chrono::milliseconds(50));
  EXPECT_EQ(heap.waits(), 1u);
  loop.run();
  EXPECT_EQ(rung.back(), 3);
}

// A timer that was put off keeps its old place in the heap, and fires in its new turn all the same,
// even when the loop is late with everything.
TEST(TimerHeap, WhatWasPutOffFiresInItsNewTurn) {
  EventLoop loop;
  TimerHeap heap(loop);
  std::vector<int> rung;
  Ringing put_off{&rung, 1}, between{&rung, 2}, never{&rung, 3};
  const TimePoint past = now() - std::chrono::seconds(1);
  heap.arm(put_off.timer, past);
  heap.arm(between.timer, past + std::chrono::milliseconds(1));
  heap.arm(never.timer, past);
  heap.disarm(never.timer);
  heap.arm(put_off.timer, past + std::chrono::milliseconds(2));
  EXPECT_EQ(heap.size(), 2u);
  loop.run();
  EXPECT_EQ(rung, (std::vector<int>{2, 1}));
}

TEST(TimerHeap, ATimerMayDieInItsPlace) {
  EventLoop loop;
  TimerHeap heap(loop);
  std::vector<int> rung;
  Ringing stays{&rung, 1};
  {
    Ringing disarmed{&rung, 2}, armed{&rung, 3};
    heap.arm(disarmed.timer, now());
    heap.arm(armed.timer, now());
    heap.disarm(disarmed.timer);
  }
  heap.arm(stays.timer, now());
  EXPECT_EQ(heap.size(), 1u);
  loop.run();
  EXPECT_EQ(rung, (std::vector<int>{1}));
}

TEST(TimerHeap, StopLetsTheLoopEnd) {
  EventLoop loop;
  TimerHeap heap(loop);
  std::vector<int> rung;
  Ringing far{&rung, 1};
  heap.arm(far.timer, now() + std::chrono::hours(1));
  heap.stop();
  loop.run();
  EXPECT_TRUE(rung.empty());
}

TEST(RoundUp, GoesToTheNextPointOfTheGrid) {
  const TimePoint t{Nanos{20'000'001}};
  EXPECT_EQ(round_up(t, coarse_grid), TimePoint{Nanos{30'000'000}});
  EXPECT_EQ(round_up(TimePoint{Nanos{30'000'000}}, coarse_grid), TimePoint{Nanos{30'000'000}});
}

}  // namespace
}  // namespace stampede
