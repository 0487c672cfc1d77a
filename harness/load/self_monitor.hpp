// Watches the machine while load is made, from a thread of its own that sleeps about a millisecond
// at a time (half of one to one and a half, or what it sees would depend on the plan's own beat):
// by how much more it slept (jHiccup's idea), how many requests were in flight then, whether the
// clock ran back or away, and what the kernel counted at both ends of the measured window. It
// allocates nothing while it watches but a compact histogram once a second.
#pragma once

#include <filesystem>
#include <thread>
#include <vector>

#include "harness/load/hiccups.hpp"
#include "harness/load/machine_counters.hpp"
#include "harness/measure/residence.hpp"
#include "harness/measure/self_measure.hpp"
#include "harness/scenario/random.hpp"

namespace stampede {

// CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW as near to each other as two calls are.
struct ClockPair {
  Nanos monotonic{0}, raw{0};
};
[[nodiscard]] std::optional<ClockPair> read_clocks() noexcept;
// How much faster the monotonic clock ran, in millionths; nullopt: no time passed.
[[nodiscard]] std::optional<double> drift_ppm(const ClockPair& from, const ClockPair& to) noexcept;

class SelfMonitor {
 public:
  struct Window {
    TimePoint from, to;  // the measured window
  };
  // Stalls longer than `taint_limit` taint the answers that they overlap. `root`: where /proc is.
  SelfMonitor(Window window, Nanos taint_limit, std::filesystem::path root = "/");
  ~SelfMonitor();
  SelfMonitor(SelfMonitor&&) = delete;

  [[nodiscard]] const HiccupTable& hiccups() const noexcept { return hiccups_; }
  // The books outlive stop().
  void start(std::vector<const ResidenceBooks*> books);
  void stop();
  // After stop(): hiccups (without what the workers know), sampled requests in flight, machine,
  // clock.
  void tell(SelfMeasure& into) const;

 private:
  void watch(const std::stop_token& stop);
  void look(TimePoint due, TimePoint at);
  void record(TimePoint due, Nanos excess);

  Window window_;
  Nanos taint_limit_;
  std::filesystem::path root_;
  HiccupTable hiccups_;
  Histogram excess_;                // of the second that goes on
  std::vector<Histogram> seconds_;  // of those before
  Random naps_{0x6E61'7073, 0};     // "naps"
  std::uint64_t long_ones_ = 0, looks_ = 0, reads_ = 0, went_back_ = 0;
  std::vector<const ResidenceBooks*> books_;
  TimePoint last_look_;
  std::int64_t last_in_flight_ = 0;
  double in_flight_seconds_ = 0, watched_seconds_ = 0, cubes_ = 0, late_seconds_ = 0;
  bool opened_ = false, closed_ = false;
  MachineCounters before_, after_;
  std::optional<ClockPair> clock_before_, clock_after_;
  std::jthread thread_;
};

}  // namespace stampede
