// What was read of the target once a second beside the load, and the gates on it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/judge/finding.hpp"
#include "harness/profile/threshold.hpp"

namespace stampede {

// All gauges at one moment; one that could not be read is absent.
struct GaugeRow {
  double at = 0;  // seconds from the start of the load
  std::vector<std::optional<double>> values;
};
struct GaugeTable {
  std::vector<std::string> names;
  std::vector<GaugeRow> rows;  // of the measured window, in order
  std::string problem;         // why one could not be read, the last time; "": all could
};

// Fills verdict, figure, measured, limit and samples; the caller has set kind, rule and title.
void judge_gauge(const Threshold& threshold, const GaugeTable& gauges, Finding& finding);
[[nodiscard]] std::string gauge_title(const Threshold& threshold);

}  // namespace stampede
