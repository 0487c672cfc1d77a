// The meter on plans driven in virtual time: what is as planned passes, each mutation shows.
#include "harness/load/arrival_meter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "harness/load/arrival_schedule.hpp"

namespace stampede {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double critical = anderson_darling_critical.back();

OpenLoad plan(double rate, Nanos length, Arrival arrival = Arrival::poisson) {
  return {rate, {{length, rate}}, arrival};
}

// Drives the plan's stripes; `change` maps (due, index) to what the generator makes of it: nullopt
// drops the arrival.
struct Offered {
  Nanos due, begun;
};
using Change = std::function<std::optional<Offered>(Nanos, std::uint64_t)>;

ArrivalShape driven(const OpenLoad& load, std::uint32_t workers, const Change& change,
                    std::vector<ArrivalSecond>* by_second = nullptr) {
  std::optional<ArrivalShape> all;
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    ArrivalSchedule schedule(load, {worker, workers}, 11);
    ArrivalMeter meter(load, workers, Nanos{0}, {Nanos{0}, load_length(load)});
    while (const auto arrival = schedule.next()) {
      if (const auto offered = change(arrival->offset, arrival->index)) {
        meter.begin(offered->due, offered->begun);
      }
    }
    if (all) {
      join(*all, meter.shape());
    } else {
      all = meter.shape();
    }
    if (by_second != nullptr) *by_second = joined(std::move(*by_second), meter.seconds());
  }
  return *all;
}

std::optional<Offered> faithful(Nanos due, std::uint64_t) {
  return Offered{due, due + microseconds{30}};
}

double a2_star(const ArrivalShape& shape) {
  return anderson_darling_exponential(shape.gaps).value().a2_star;
}

TEST(RateArea, IsTheExpectedNumberOfArrivals) {
  const OpenLoad ramp{0, {{seconds{10}, 100}, {seconds{10}, 100}}, Arrival::poisson};
  RateArea area(ramp);
  EXPECT_NEAR(area.at(seconds{5}), 125, 1e-9);
  EXPECT_NEAR(area.at(seconds{10}), 500, 1e-9);
  EXPECT_NEAR(area.at(seconds{15}), 1000, 1e-9);
  EXPECT_NEAR(area.at(seconds{5}), 125, 1e-9) << "going back works too";
  EXPECT_NEAR(area.at(seconds{30}), 1500, 1e-9);
}

TEST(ErlangCdf, KnownValues) {
  EXPECT_NEAR(erlang_cdf(1, 1), 1 - std::exp(-1), 1e-15);
  EXPECT_NEAR(erlang_cdf(2, 2), 1 - 3 * std::exp(-2), 1e-15);
  EXPECT_NEAR(erlang_cdf(4, 3), 0.352768111, 1e-9);
  EXPECT_EQ(erlang_cdf(3, 0), 0);
}

TEST(ArrivalMeter, APoissonPlanPassesWithOneWorkerAndWithThree) {
  for (const std::uint32_t workers : {1U, 3U}) {
    const auto shape = driven(plan(500, seconds{60}), workers, faithful);
    EXPECT_NEAR(static_cast<double>(shape.count), 30'000, 700);
    EXPECT_LT(a2_star(shape), 2 * critical) << workers;
    EXPECT_LT(*shape.due.distance(), 0.02) << workers;
    EXPECT_LE(shape.gaps.size(), 4096U);
  }
}

TEST(ArrivalMeter, ARampPassesToo) {
  const OpenLoad ramp{50, {{seconds{60}, 1000}}, Arrival::poisson};
  const auto shape = driven(ramp, 1, faithful);
  EXPECT_LT(a2_star(shape), 2 * critical);
}

TEST(ArrivalMeter, ATickOfATenthOfTheMeanIsSeen) {
  const auto shape = driven(plan(100, seconds{200}), 1, [](Nanos due, std::uint64_t) {
    const Nanos ticked{(due.count() / 1'000'000 + 1) * 1'000'000};
    return Offered{ticked, ticked};
  });
  EXPECT_GT(a2_star(shape), 2 * critical);
}

TEST(ArrivalMeter, AFloorOfTheGapsIsSeen) {
  Nanos last{0};
  const auto shape = driven(plan(100, seconds{200}), 1, [&last](Nanos due, std::uint64_t) {
    const Nanos floored = std::max(due, last + microseconds{1000});  // 10 % of the mean
    last = floored;
    return Offered{floored, floored};
  });
  EXPECT_GT(a2_star(shape), 2 * critical);
}

TEST(ArrivalMeter, DroppedArrivalsAreSeen) {
  const auto shape =
      driven(plan(500, seconds{60}), 1, [](Nanos due, std::uint64_t i) -> std::optional<Offered> {
        if (i % 10 == 3) return std::nullopt;
        return Offered{due, due};
      });
  // Not by A², which takes the mean from the sample; by the distance from the plan, and by count.
  const double chance = 1.628 / std::sqrt(static_cast<double>(shape.due.count()));
  EXPECT_GT(*shape.due.distance(), 0.02 + chance);
}

TEST(ArrivalMeter, SecondsTellWhatWasDueAndWhatBegan) {
  std::vector<ArrivalSecond> by_second;
  (void)driven(
      plan(100, seconds{10}, Arrival::regular), 2,
      [](Nanos due, std::uint64_t) {
        // A stall from 3.5 s to 4.2 s.
        const bool stalled = due >= milliseconds{3500} && due < milliseconds{4200};
        return Offered{due, stalled ? milliseconds{4200} : due};
      },
      &by_second);
  ASSERT_EQ(by_second.size(), 10U);
  EXPECT_EQ(by_second[3].planned, 100U);
  EXPECT_EQ(by_second[3].begun, 50U);
  EXPECT_EQ(by_second[4].begun, 150U);
  EXPECT_GT(by_second[3].late_max, milliseconds{690});
  EXPECT_EQ(by_second[5].begun, 100U);
}

TEST(ArrivalMeter, RegularPlansShowJitterAndDriftApart) {
  const OpenLoad load = plan(100, seconds{20}, Arrival::regular);
  const auto good = driven(load, 2, faithful);
  EXPECT_LT(good.gap_deviation, 0.01);
  EXPECT_LT(good.drift_max, 0.01);
  const auto jitter = driven(load, 2, [](Nanos due, std::uint64_t i) {
    return Offered{due, due + milliseconds{i % 4 == 0 ? 4 : 0}};
  });
  EXPECT_GT(jitter.gap_deviation, 0.05);
  EXPECT_LT(jitter.drift_max, 1);
  // One stall of half a second is no drift; lateness that grows is.
  const auto stalled = driven(load, 1, [](Nanos due, std::uint64_t) {
    const bool inside = due >= milliseconds{5100} && due < milliseconds{5600};
    return Offered{due, inside ? milliseconds{5600} : due};
  });
  EXPECT_GT(stalled.late_max, 40);
  EXPECT_LT(stalled.drift_max, 1);
  const auto slow = driven(load, 1, [](Nanos due, std::uint64_t) {
    return Offered{due, due + due / 500};  // 0.2 % slow
  });
  EXPECT_GT(slow.drift_max, 1);
}

}  // namespace
}  // namespace stampede
