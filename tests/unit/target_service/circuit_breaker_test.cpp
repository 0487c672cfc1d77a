// When a breaker opens, lets probes through, and closes: in virtual time.
#include "target/service/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace boxoffice {
namespace {

using State = CircuitBreaker::State;

class Breaker : public ::testing::Test {
 protected:
  void call(bool good) {
    if (breaker.allow(now)) breaker.record(good, now);
  }
  void open() {
    for (int i = 0; i < 20; ++i) call(false);
    ASSERT_EQ(breaker.state(), State::open);
  }
  std::vector<State> told;
  CircuitBreaker breaker{[this](State state) { told.push_back(state); }};
  TimePoint now{std::chrono::hours(1)};
};

TEST_F(Breaker, StaysClosedBelowTwentyCalls) {
  for (int i = 0; i < 19; ++i) call(false);
  EXPECT_EQ(breaker.state(), State::closed);
  call(false);
  EXPECT_EQ(breaker.state(), State::open);
}

TEST_F(Breaker, OpensAtHalfOfTheCalls) {
  for (int i = 0; i < 30; ++i) call(true);
  for (int i = 0; i < 29; ++i) call(false);
  EXPECT_EQ(breaker.state(), State::closed);
  call(false);
  EXPECT_EQ(breaker.state(), State::open);
}

TEST_F(Breaker, ForgetsAfterTenSeconds) {
  for (int i = 0; i < 19; ++i) call(false);
  now += std::chrono::seconds(10);
  call(false);
  EXPECT_EQ(breaker.state(), State::closed) << "one call in the window";
}

TEST_F(Breaker, RefusesForFiveSecondsAndThenAllowsThreeProbes) {
  open();
  now += std::chrono::milliseconds(4999);
  EXPECT_FALSE(breaker.allow(now));
  now += std::chrono::milliseconds(1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(breaker.allow(now)) << i;
  EXPECT_FALSE(breaker.allow(now)) << "the fourth waits";
  EXPECT_EQ(breaker.state(), State::half_open);
  for (int i = 0; i < 3; ++i) breaker.record(true, now);
  EXPECT_EQ(breaker.state(), State::closed);
  EXPECT_EQ(told, (std::vector{State::open, State::half_open, State::closed}));
  call(false);
  EXPECT_EQ(breaker.state(), State::closed) << "the old failures are forgotten";
}

TEST_F(Breaker, OneBadProbeOpensItAgain) {
  open();
  now += std::chrono::seconds(5);
  EXPECT_TRUE(breaker.allow(now));
  EXPECT_TRUE(breaker.allow(now));
  breaker.record(true, now);
  breaker.record(false, now);
  EXPECT_EQ(breaker.state(), State::open);
  now += std::chrono::seconds(4);
  EXPECT_FALSE(breaker.allow(now)) << "the five seconds begin anew";
}

TEST_F(Breaker, ProbesThatGotLostDoNotKeepItShut) {
  open();
  now += std::chrono::seconds(5);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(breaker.allow(now));
  now += std::chrono::seconds(5);
  EXPECT_TRUE(breaker.allow(now));
}

TEST_F(Breaker, LateResultsOfAnEarlierTimeChangeNothing) {
  open();
  breaker.record(true, now);
  breaker.record(false, now);
  EXPECT_EQ(breaker.state(), State::open);
}

}  // namespace
}  // namespace boxoffice
