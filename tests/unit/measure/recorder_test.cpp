#include "harness/measure/recorder.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include <chrono>

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint start{seconds{1000}};

Sample sample(milliseconds lag, milliseconds service, Outcome outcome = Outcome::ok) {
  const TimePoint sent = start + lag;
  return {start, sent, sent + service / 2, sent + service, outcome};
}

TEST(Recorder, KeepsResponseServiceAndLagApart) {
  Recorder recorder(2, 0);
  recorder.record(1, sample(milliseconds{300}, milliseconds{20}));
  const Snapshot taken = recorder.take();
  const SeriesSnapshot& series = taken.series.at(1);
  EXPECT_EQ(series.response[0].max(), milliseconds{320});
  EXPECT_EQ(series.service.max(), milliseconds{20});
  EXPECT_EQ(series.lag.max(), milliseconds{300});
  EXPECT_EQ(series.first_byte.max(), milliseconds{10});
  EXPECT_EQ(taken.series.at(0).count(), 0U);
  EXPECT_EQ(taken.identity_broken, 0U);
}

TEST(Recorder, ATimeoutIsCensoredAndNotAService) {
  Recorder recorder(1, 0);
  recorder.record(0, sample(milliseconds{0}, milliseconds{500}, Outcome::timed_out));
  const Snapshot taken = recorder.take();
  const SeriesSnapshot& series = taken.series[0];
  EXPECT_EQ(series.service.count(), 0U);
  EXPECT_EQ(series.service_censored.max(), milliseconds{500});
  EXPECT_EQ(series.response[static_cast<std::size_t>(Outcome::timed_out)].count(), 1U);
}

TEST(Recorder, WhatWasNeverSentHasNoLag) {
  Recorder recorder(1, 0);
  recorder.record(0, {start, {}, {}, start + seconds{1}, Outcome::connect_failed});
  const Snapshot taken = recorder.take();
  EXPECT_EQ(taken.series[0].lag.count(), 0U);
  EXPECT_EQ(taken.series[0].count(), 1U);
  EXPECT_EQ(taken.identity_broken, 0U);
}

TEST(Recorder, InstantsOutOfOrderBreakTheIdentity) {
  const TimePoint late = start + seconds{2};
  const TimePoint later = start + seconds{3};
  Recorder recorder(1, 0);
  recorder.record(0, {late, start, {}, later});                  // sent before intended
  recorder.record(0, {start, later, {}, late});                  // done before sent
  recorder.record(0, {start, late, start, later});               // first byte before sent
  recorder.record(0, {start, late, later + seconds{1}, later});  // first byte after done
  recorder.record(0, {late, {}, {}, start, Outcome::connect_failed});
  EXPECT_EQ(recorder.take().identity_broken, 5U);
  recorder.record(0, sample(milliseconds{0}, milliseconds{0}));
  EXPECT_EQ(recorder.take().identity_broken, 0U);
}

TEST(Recorder, TakeHandsOverOnceAndStartsAgain) {
  Recorder recorder(1, 2);
  recorder.begin_request(TimePoint{});
  recorder.record(0, sample(milliseconds{1}, milliseconds{2}));
  recorder.count(1);
  recorder.traffic(10, 20);
  recorder.connection();
  recorder.ws_frames(1, 2);
  StreamCounts streams;
  streams.events = 3;
  streams.count_close(1000);
  recorder.streams(streams);
  recorder.loop_lag(milliseconds{1});
  ++recorder.sessions().scheduled;
  const Snapshot first = recorder.take();
  EXPECT_EQ(first.requests_begun, 1U);
  EXPECT_EQ(first.counters, (std::vector<std::uint64_t>{0, 1}));
  EXPECT_EQ(first.sessions.scheduled, 1U);
  EXPECT_EQ(first.loop_lag.count(), 1U);
  EXPECT_EQ(first.streams, streams);
  Snapshot nothing;
  nothing.series.resize(1);
  nothing.counters.resize(2);
  EXPECT_EQ(recorder.take(), nothing);
  ++recorder.sessions().scheduled;
  EXPECT_EQ(recorder.take().sessions.scheduled, 1U);
}

TEST(Recorder, KeepsTheFirstExampleOfEachError) {
  Recorder recorder(1, 0);
  recorder.record(0, sample({}, {}, Outcome::http_error), "500 first");
  recorder.record(0, sample({}, {}, Outcome::http_error), "500 second");
  recorder.record(0, sample({}, {}, Outcome::conflict), "not an error");
  recorder.record(0, sample({}, {}, Outcome::malformed), std::string(10'000, 'x'));
  const Snapshot taken = recorder.take();
  EXPECT_EQ(taken.example[static_cast<std::size_t>(Outcome::http_error)], "500 first");
  EXPECT_EQ(taken.example[static_cast<std::size_t>(Outcome::conflict)], "");
  EXPECT_EQ(taken.example[static_cast<std::size_t>(Outcome::malformed)].size(),
            Recorder::example_bytes_max);
}

// A second of a busy worker: 40 series, 2000 samples of several outcomes. The bound is loose, for
// the slow builds with sanitizers; an optimised build takes less than a millisecond.
TEST(Recorder, HandingOverASecondIsCheap) {
  Recorder recorder(40, 0);
  Snapshot total;
  // CPU time of this thread, and the least of all seconds: the machine may be busy with others.
  const auto cpu_time = [] {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
  };
  std::chrono::nanoseconds spent = std::chrono::hours{1};
  for (int second = 0; second < 20; ++second) {
    for (int i = 0; i < 2000; ++i) {
      recorder.record(
          static_cast<SeriesId>(i % 40),
          sample(milliseconds{i % 3}, milliseconds{i % 997}, static_cast<Outcome>(i % 7)));
    }
    const auto before = cpu_time();
    total += recorder.take();
    spent = std::min<std::chrono::nanoseconds>(spent, cpu_time() - before);
  }
  EXPECT_LT(spent, milliseconds{20});
  RecordProperty("take_and_merge_us", static_cast<int>(spent.count() / 1000));
  std::uint64_t count = 0;
  for (const SeriesSnapshot& series : total.series) count += series.count();
  EXPECT_EQ(count, 40000U);
}

TEST(Recorder, StatusesAreCountedOnceAndMergeInOrder) {
  Recorder recorder(1, 0);
  const TimePoint t{Nanos{1'000}};
  const auto answer = [&](std::uint16_t status) {
    recorder.record(0, Sample{t, t, t, t, Outcome::ok, status});
  };
  for (const int status : {404, 200, 200, 0, 600}) answer(static_cast<std::uint16_t>(status));
  Snapshot total = recorder.take();
  EXPECT_EQ(total.statuses, (std::vector<StatusCount>{{200, 2}, {404, 1}}));
  EXPECT_TRUE(recorder.take().statuses.empty());
  answer(301);
  answer(404);
  total += recorder.take();
  EXPECT_EQ(total.statuses, (std::vector<StatusCount>{{200, 2}, {301, 1}, {404, 2}}));
}

}  // namespace
}  // namespace stampede
