#include "harness/run/gauge_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace stampede {

namespace {

constexpr std::chrono::seconds look_every{1};
// A week of looks.
constexpr std::size_t looks_max = 604'800;

}  // namespace

GaugeWatch::GaugeWatch(const std::vector<GaugeSpec>& gauges, const TopologyEndpoints& at,
                       std::vector<ProcessUsage> processes)
    : reader_(gauges, at, std::move(processes)) {
  for (const GaugeSpec& gauge : gauges) names_.push_back(gauge.name);
}

GaugeWatch::~GaugeWatch() { finish(); }

void GaugeWatch::start() {
  if (names_.empty()) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void GaugeWatch::finish() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

// A look that took longer than a second is followed by the next at once, and none is made up for.
void GaugeWatch::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && looks_.size() < looks_max) {
    const TimePoint next = now() + look_every;
    auto values = reader_.read();
    looks_.push_back({now(), std::move(values)});
    wake_.wait_until(lock, stop, next, [] { return false; });
  }
}

GaugeTable GaugeWatch::table(TimePoint load_start, TimePoint from, TimePoint until) const {
  GaugeTable table;
  table.names = names_;
  table.problem = reader_.problem();
  for (const Look& look : looks_) {
    if (look.at < from || look.at > until) continue;
    table.rows.push_back({to_seconds(look.at - load_start), look.values});
  }
  return table;
}

std::string GaugeWatch::csv(TimePoint load_start) const {
  std::string text = "seconds";
  for (const std::string& name : names_) text += "," + name;
  text += "\n";
  for (const Look& look : looks_) {
    text += fmt::format("{:.3f}", to_seconds(look.at - load_start));
    for (const auto& value : look.values) text += value ? fmt::format(",{}", *value) : ",";
    text += "\n";
  }
  return text;
}

}  // namespace stampede
