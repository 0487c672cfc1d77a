// Reads the gauges of a profile: the target's /metrics, its processes, Redis. Blocking; nothing of
// the load goes through here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/profile/profile.hpp"
#include "harness/topology/topology.hpp"

namespace stampede {

class RedisConnection;

// The sum of a metric's series that have the labels asked for, in a text of Prometheus' format
// 0.0.4; nothing where there is no such series.
[[nodiscard]] std::optional<double> sum_of_metric(std::string_view text, const GaugeSpec& gauge);
// A number of Redis' INFO.
[[nodiscard]] std::optional<double> info_number(std::string_view info, std::string_view field);

class GaugeReader {
 public:
  // `processes`: what stampede started.
  GaugeReader(std::vector<GaugeSpec> gauges, const TopologyEndpoints& at,
              std::vector<ProcessUsage> processes);
  ~GaugeReader();
  GaugeReader(GaugeReader&&) = delete;

  // One look, in the order of the gauges. What could not be read is absent, and problem() says why.
  [[nodiscard]] std::vector<std::optional<double>> read();
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  void fetch();
  void fetch_info();
  [[nodiscard]] bool wants(GaugeSpec::Kind kind) const;
  [[nodiscard]] std::optional<double> metric(const GaugeSpec& gauge) const;
  [[nodiscard]] std::optional<double> process(const GaugeSpec& gauge) const;

  std::vector<GaugeSpec> gauges_;
  TopologyEndpoints at_;
  std::vector<ProcessUsage> processes_;
  std::vector<std::string> metrics_;  // the texts of this look: of all instances, or none
  std::string info_;
  std::unique_ptr<RedisConnection> redis_;
  std::string problem_;
};

}  // namespace stampede
