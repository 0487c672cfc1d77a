// A thread that reads the profile's gauges once a second beside the load.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "harness/judge/gauge_gates.hpp"
#include "harness/time.hpp"
#include "harness/topology/gauge_reader.hpp"

namespace stampede {

class GaugeWatch {
 public:
  // Without gauges there is no thread.
  GaugeWatch(const std::vector<GaugeSpec>& gauges, const TopologyEndpoints& at,
             std::vector<ProcessUsage> processes);
  ~GaugeWatch();
  GaugeWatch(GaugeWatch&&) = delete;

  void start();
  void finish();  // waits for the look that is under way
  // After finish(). Of the looks from `from` to `until`; times count from `load_start`.
  [[nodiscard]] GaugeTable table(TimePoint load_start, TimePoint from, TimePoint until) const;
  // All looks, a line each, for people's tools: seconds from the start of the load, then the
  // gauges; empty where one could not be read.
  [[nodiscard]] std::string csv(TimePoint load_start) const;

 private:
  struct Look {
    TimePoint at;
    std::vector<std::optional<double>> values;
  };
  void watch(const std::stop_token& stop);

  std::vector<std::string> names_;
  GaugeReader reader_;
  std::vector<Look> looks_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace stampede
