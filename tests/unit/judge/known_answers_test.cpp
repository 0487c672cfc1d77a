// Goal: the truth that measured runs are held to is itself right, and the usual ways to measure get
// it wrong as they are known to. Method: virtual time. The stall server serves in 1 ms, first in,
// first out, and stands still for the first second of every ten; 500 requests a second, regularly,
// for 100 s.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <queue>

#include "harness/measure/histogram.hpp"
#include "tests/support/queue_truth.hpp"

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Nanos service{milliseconds{1}};
constexpr test::Freezes stalls{seconds{10}, seconds{1}};

double millis_of(const std::vector<Nanos>& responses, double q) {
  return to_millis(test::quantile_of(responses, q));
}

std::vector<Nanos> open_loop() {
  const auto arrivals = test::regular_arrivals(500, seconds{100});
  return test::response_times(arrivals, std::vector<Nanos>(arrivals.size(), service), stalls);
}

TEST(StallServer, TheTruthIsTheKnownOne) {
  const auto responses = open_loop();
  ASSERT_EQ(responses.size(), 50'000U);
  EXPECT_DOUBLE_EQ(millis_of(responses, 0.50), 1.00);
  EXPECT_DOUBLE_EQ(millis_of(responses, 0.95), 724.00);
  EXPECT_DOUBLE_EQ(millis_of(responses, 0.99), 946.00);
  EXPECT_DOUBLE_EQ(millis_of(responses, 0.999), 996.00);
  EXPECT_DOUBLE_EQ(millis_of(responses, 1), 1001.00);
}

TEST(StallServer, OurHistogramKeepsTheTruthToATenthOfAPercent) {
  const auto responses = open_loop();
  Histogram histogram;
  for (const Nanos response : responses) histogram.record(response);
  for (const double q : {0.5, 0.95, 0.99, 0.999}) {
    const double truth = millis_of(responses, q), kept = to_millis(*histogram.quantile(q));
    EXPECT_GE(kept, truth);
    EXPECT_LE(kept, truth * 1.001);
  }
  EXPECT_EQ(histogram.max(), milliseconds{1001});
}

// Ten users, each with a request every 20 ms: who waits for an answer asks nothing meanwhile.
TEST(StallServer, AClosedLoopDoesNotSeeIt) {
  test::FifoServer server(stalls);
  std::priority_queue<Nanos, std::vector<Nanos>, std::greater<>> next;
  for (int user = 0; user < 10; ++user) next.push(milliseconds{2 * user});
  std::vector<Nanos> responses;
  while (next.top() < seconds{100}) {
    const Nanos sent = next.top();
    next.pop();
    const Nanos done = server.serve(sent, service);
    responses.push_back(done - sent);
    next.push(done + milliseconds{19});
  }
  EXPECT_DOUBLE_EQ(millis_of(responses, 0.95), 1.00);
  EXPECT_DOUBLE_EQ(millis_of(responses, 0.99), 1.00);
  EXPECT_GT(millis_of(responses, 1), 990);
}

// On schedule, but what would be more than 100 requests at once is left out without a word.
TEST(StallServer, DroppingInSilenceDoesNotSeeItEither) {
  test::FifoServer server(stalls);
  std::queue<Nanos> outstanding;
  std::vector<Nanos> responses;
  std::size_t dropped = 0;
  const auto arrivals = test::regular_arrivals(500, seconds{100});
  for (const Nanos arrival : arrivals) {
    while (!outstanding.empty() && outstanding.front() <= arrival) outstanding.pop();
    if (outstanding.size() >= 100) {
      ++dropped;
      continue;
    }
    outstanding.push(server.serve(arrival, service));
    responses.push_back(outstanding.back() - arrival);
  }
  EXPECT_DOUBLE_EQ(millis_of(responses, 0.95), 1.00);
  EXPECT_NEAR(100.0 * static_cast<double>(dropped) / static_cast<double>(arrivals.size()), 7.22,
              0.005);
}

// Mean time in the system of M/M/1 is 1/(µ − λ), of M/D/1 1/µ + ρ/(2µ(1 − ρ)).
TEST(QueueTruth, PoissonQueuesHaveTheirKnownMeans) {
  test::Exponential gap(11, 0.002), work(12, 0.001);
  std::vector<Nanos> arrivals, drawn;
  Nanos at{0};
  for (int i = 0; i < 200'000; ++i) {
    arrivals.push_back(at += gap());
    drawn.push_back(work());
  }
  const auto mean = [](const std::vector<Nanos>& values) {
    Nanos sum{0};
    for (const Nanos value : values) sum += value;
    return to_millis(sum) / static_cast<double>(values.size());
  };
  const auto mm1 = test::response_times(arrivals, drawn);
  EXPECT_NEAR(mean(mm1), 2.0, 0.06);
  for (const double p : {0.5, 0.95, 0.99}) {
    EXPECT_NEAR(millis_of(mm1, p), -std::log(1 - p) * 2, 0.04 * -std::log(1 - p) * 2) << p;
  }
  const auto md1 =
      test::response_times(arrivals, std::vector<Nanos>(arrivals.size(), milliseconds{1}));
  EXPECT_NEAR(mean(md1), 1.5, 0.03);
}

// The merge of two workers is the histogram of both; averaging their p99 would say 50.5 ms.
TEST(Merging, WorkersAreAddedAndNotAveraged) {
  std::vector<Histogram> workers(2);
  workers[0].record(milliseconds{1}, 9'900);
  workers[1].record(milliseconds{100}, 100);
  Histogram merged;
  double average = 0;
  for (const Histogram& worker : workers) {
    merged += worker;
    average += to_millis(*worker.quantile(0.99)) / 2;
  }
  EXPECT_NEAR(average, 50.5, 0.1);
  EXPECT_EQ(merged.count(), 10'000U);
  EXPECT_NEAR(to_millis(*merged.quantile(0.99)), 1, 0.001);
}

}  // namespace
}  // namespace stampede
