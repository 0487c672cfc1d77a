// The grammar of a gate. Pure text ⇄ value; harness/judge evaluates it.
//
//   gate      := [selector] measure comparison quantity
//   selector  := STEP | SCENARIO "." STEP | TAG "=" VALUE
//                                                (absent: all requests but those marked `waits`)
//   measure   := [clock] statistic               (clock: "service" | "lag"; absent: response time)
//              | "errors" | "shed"               (share of requests; quantity in % or a fraction)
//              | "rate" | "tx_rate" | COUNTER "_rate"   (per second, mean of the measured window)
//              | "tx_rate" "p" NUMBER            (quantile of the per-second transaction rates)
//              | "users" ["min" | "mean"]        (sessions alive, over the measured seconds;
//              default min) | "count" OUTCOME                 (number of samples with that outcome;
//              OUTCOME: ok conflict …) | COUNTER "_count"
//   statistic := "p" NUMBER | "mean" | "max"     (0 < NUMBER < 100)
//              | "gauge" GAUGE ("min" | "mean" | "max" | "last" | "rate" | "growth" | "slope")
//              (of a figure of the target that is read once a second; no selector; may end with
//              "while" GAUGE comparison NUMBER {"and" GAUGE comparison NUMBER})
//   comparison:= "<" | "<=" | ">" | ">=" | "=="
//   quantity  := NUMBER [ "ns" | "us" | "ms" | "s" | "%" | "/s" ]
//              | [NUMBER "x"] [selector] measure    (of the same kind; so many times as much)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/diagnostic.hpp"

namespace stampede {

struct Threshold {
  enum class Measure : std::uint8_t {
    latency_quantile,
    latency_mean,
    latency_max,
    errors,
    shed,
    rate,
    tx_rate,
    tx_rate_quantile,
    users_min,
    users_mean,
    count_of_outcome,
    counter_rate,
    counter_count,
    gauge,
  };
  // Of the samples of a gauge. Rate: its increase per second. Growth: its mean in the last quarter
  // of the samples against that in the first, as a share. Slope: of the line of least squares, as
  // a share of the mean, per hour.
  enum class GaugeStatistic : std::uint8_t { min, mean, max, last, rate, growth, slope };
  enum class LatencyClock : std::uint8_t { response, service, lag };
  enum class Comparison : std::uint8_t { less, less_equal, greater, greater_equal, equal };

  // Of another gauge at the same moment.
  struct Condition {
    std::string gauge;
    Comparison comparison = Comparison::less;
    double quantity = 0;
  };

  std::string scenario, step;  // both empty: the total; scenario empty: that step in every scenario
  std::string tag, tag_value;  // instead of them: all series with that tag
  Measure measure = Measure::latency_quantile;
  LatencyClock clock = LatencyClock::response;
  double quantile = 0;  // 0…1, for the quantile measures
  std::string name;     // outcome, counter or gauge name
  Comparison comparison = Comparison::less;
  double quantity =
      0;  // seconds for latencies, a fraction for shares, 1/s for rates, a number for counts
  // The limit is `factor` times this figure of the same run; null: it is `quantity`.
  std::shared_ptr<const Threshold> reference;
  double factor = 1;
  GaugeStatistic statistic = GaugeStatistic::max;
  std::vector<Condition> conditions;  // of a gauge: the samples that count are where all hold
};

// A failure holds one diagnostic whose column counts from 1 within `expression`.
[[nodiscard]] Checked<Threshold> parse_threshold(std::string_view expression);

}  // namespace stampede
