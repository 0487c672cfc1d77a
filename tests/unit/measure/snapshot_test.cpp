#include "harness/measure/snapshot.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "harness/measure/recorder.hpp"

namespace stampede {
namespace {

constexpr TimePoint start{std::chrono::seconds{50}};
constexpr std::size_t series_count = 5;
constexpr std::size_t counter_count = 3;

// One random thing that a worker may see, done to a recorder.
void happen(std::mt19937_64& random, Recorder& recorder) {
  const auto series = static_cast<SeriesId>(random() % series_count);
  const TimePoint sent = start + Nanos{static_cast<std::int64_t>(random() % 1'000'000)};
  const TimePoint done = sent + Nanos{static_cast<std::int64_t>(random() % 3'000'000'000)};
  const auto outcome = static_cast<Outcome>(random() % outcome_count);
  recorder.begin_request(TimePoint{});
  recorder.record(series, {start, sent, {}, done, outcome},
                  "example " + std::to_string(random() % 100));
  recorder.count(static_cast<std::uint32_t>(random() % counter_count));
  recorder.loop_lag(Nanos{static_cast<std::int64_t>(random() % 100'000)});
  recorder.traffic(random() % 1000, random() % 1000);
  ++recorder.sessions().scheduled;
  if (random() % 2 == 0) ++recorder.sessions().completed;
}

Snapshot random_snapshot(std::uint64_t seed, int events) {
  std::mt19937_64 random(seed);
  Recorder recorder(series_count, counter_count);
  for (int i = 0; i < events; ++i) happen(random, recorder);
  return recorder.take();
}

Snapshot sum(Snapshot a, const Snapshot& b) {
  a += b;
  return a;
}

TEST(Snapshot, MergingIsAssociative) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Snapshot a = random_snapshot(seed, 50);
    const Snapshot b = random_snapshot(seed + 100, 80);
    const Snapshot c = random_snapshot(seed + 200, 20);
    ASSERT_EQ(sum(sum(a, b), c), sum(a, sum(b, c))) << "seed " << seed;
  }
}

TEST(Snapshot, MergingIsCommutative) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Snapshot a = random_snapshot(seed, 50);
    const Snapshot b = random_snapshot(seed + 100, 80);
    ASSERT_EQ(sum(a, b), sum(b, a)) << "seed " << seed;
  }
}

TEST(Snapshot, TheEmptyOneIsTheZero) {
  const Snapshot a = random_snapshot(3, 50);
  EXPECT_EQ(sum(a, Snapshot{}), a);
  EXPECT_EQ(sum(Snapshot{}, a), a);
}

TEST(Snapshot, ManyWorkersEqualOneRecorder) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<Recorder> workers(4, Recorder(series_count, counter_count));
    Recorder single(series_count, counter_count);
    Snapshot merged;
    for (int i = 0; i < 400; ++i) {
      std::mt19937_64 same = random;
      happen(random, workers[static_cast<std::size_t>(i) % workers.size()]);
      happen(same, single);
      if (i % 97 == 0) merged += workers[static_cast<std::size_t>(i) % workers.size()].take();
    }
    for (Recorder& worker : workers) merged += worker.take();
    Snapshot whole = single.take();
    // Which example is kept depends on where a second ends; every other fact must not.
    whole.example = merged.example;
    ASSERT_EQ(merged, whole) << "seed " << seed;
  }
}

TEST(Snapshot, TheShorterIsExtended) {
  Snapshot shorter;
  shorter.counters = {1};
  Snapshot longer;
  longer.counters = {1, 2, 3};
  longer.series.resize(2);
  longer.series[1].outcomes[0] = 4;
  const Snapshot both = sum(shorter, longer);
  EXPECT_EQ(both, sum(longer, shorter));
  EXPECT_EQ(both.counters, (std::vector<std::uint64_t>{2, 2, 3}));
  EXPECT_EQ(both.series.at(1).outcomes[0], 4U);
}

TEST(Snapshot, MergingKeepsEveryCounterApart) {
  Snapshot a;
  a.sessions = {1, 2, 3, 4, 5, 6};
  a.requests_begun = 6;
  a.identity_broken = 7;
  a.bytes_in = 8;
  a.bytes_out = 9;
  a.connections = 10;
  a.ws_frames_in = 11;
  a.ws_frames_out = 12;
  a.streams = {13, 14, 15, 16, 17, 18, 19, 20, 21, {{1000, 22}, {4410, 23}}};
  const Snapshot twice = sum(a, a);
  EXPECT_EQ(twice.sessions, (SessionCounts{2, 4, 6, 8, 10, 12}));
  EXPECT_EQ(twice.requests_begun, 12U);
  EXPECT_EQ(twice.identity_broken, 14U);
  EXPECT_EQ(twice.bytes_in, 16U);
  EXPECT_EQ(twice.bytes_out, 18U);
  EXPECT_EQ(twice.connections, 20U);
  EXPECT_EQ(twice.ws_frames_in, 22U);
  EXPECT_EQ(twice.ws_frames_out, 24U);
  const StreamCounts streams{26, 28, 30, 32, 34, 36, 38, 40, 42, {{1000, 44}, {4410, 46}}};
  EXPECT_EQ(twice.streams, streams);
}

TEST(StreamCounts, CloseCodesBeyondTheLimitAreCountedTogether) {
  StreamCounts counts;
  for (std::uint16_t code = 3000; code < 3100; ++code) counts.count_close(code);
  counts.count_close(3000);
  EXPECT_EQ(counts.close_codes.at(3000), 2U);
  EXPECT_EQ(counts.close_codes.at(0), 36U);
  EXPECT_EQ(counts.close_codes.size(), StreamCounts::close_codes_max + 1);
}

}  // namespace
}  // namespace stampede
