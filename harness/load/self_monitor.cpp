#include "harness/load/self_monitor.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "harness/load/load.hpp"

namespace stampede {

namespace {

constexpr Nanos nap_least{std::chrono::microseconds{500}};
constexpr std::uint64_t nap_range = 1'000'000;  // ns
// Waking up takes some tens of microseconds on an idle machine. A later look waited for a core.
constexpr Nanos wake_up_usual{std::chrono::microseconds{200}};

timespec to_timespec(TimePoint at) noexcept {
  constexpr std::int64_t billion = 1'000'000'000;
  const std::int64_t ns = at.time_since_epoch().count();
  return {ns / billion, ns % billion};
}

Nanos to_nanos(const timespec& at) noexcept {
  return std::chrono::seconds{at.tv_sec} + Nanos{at.tv_nsec};
}

}  // namespace

std::optional<ClockPair> read_clocks() noexcept {
  timespec before{}, raw{}, after{};
  if (clock_gettime(CLOCK_MONOTONIC, &before) != 0) return std::nullopt;
  if (clock_gettime(CLOCK_MONOTONIC_RAW, &raw) != 0) return std::nullopt;
  if (clock_gettime(CLOCK_MONOTONIC, &after) != 0) return std::nullopt;
  return ClockPair{(to_nanos(before) + to_nanos(after)) / 2, to_nanos(raw)};
}

std::optional<double> drift_ppm(const ClockPair& from, const ClockPair& to) noexcept {
  const double raw = to_seconds(to.raw - from.raw);
  if (raw <= 0) return std::nullopt;
  return (to_seconds(to.monotonic - from.monotonic) / raw - 1) * 1e6;
}

SelfMonitor::SelfMonitor(Window window, Nanos taint_limit, std::filesystem::path root)
    : window_(window), taint_limit_(taint_limit), root_(std::move(root)) {
  excess_.record(Nanos{0});  // the rows that short sleeps need exist before the start
  excess_.clear();
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(window_.to - window_.from).count();
  seconds_.reserve(static_cast<std::size_t>(std::max<std::int64_t>(seconds, 0)));
}

SelfMonitor::~SelfMonitor() { stop(); }

void SelfMonitor::start(std::vector<const ResidenceBooks*> books) {
  books_ = std::move(books);
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  pthread_setname_np(thread_.native_handle(), "self-monitor");
}

void SelfMonitor::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void SelfMonitor::watch(const std::stop_token& stop) {
  // As important as the workers: it shall stall when they do, not more often.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), generator_niceness);
  TimePoint last = now();
  while (!stop.stop_requested() && !closed_) {
    const TimePoint due =
        now() + nap_least + Nanos{static_cast<std::int64_t>(naps_.below(nap_range))};
    const timespec until = to_timespec(due);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    const TimePoint at = now();
    ++reads_;
    if (at < last) ++went_back_;
    last = at;
    if (at >= window_.from) look(due, at);
  }
  if (!opened_ || closed_) return;
  after_ = read_machine(root_);
  clock_after_ = read_clocks();
}

void SelfMonitor::look(TimePoint due, TimePoint at) {
  std::int64_t in_flight = 0;
  for (const ResidenceBooks* books : books_) in_flight += books->in_flight();
  if (!opened_) {
    opened_ = true;
    before_ = read_machine(root_);
    clock_before_ = read_clocks();
    last_look_ = at;
    last_in_flight_ = in_flight;
    return;
  }
  const Nanos excess = std::max(Nanos{0}, at - due);
  if (due >= window_.from && due < window_.to) {
    record(due, excess);
    if (excess > taint_limit_) {
      ++long_ones_;
      hiccups_.publish({due, at});
    }
  }
  const TimePoint upto = std::min(at, window_.to);
  const double seconds = to_seconds(upto - last_look_);
  in_flight_seconds_ += seconds * static_cast<double>(in_flight + last_in_flight_) / 2;
  watched_seconds_ += seconds;
  cubes_ += seconds * seconds * seconds;
  late_seconds_ += std::clamp(to_seconds(excess - wake_up_usual), 0.0, seconds);
  ++looks_;
  last_look_ = upto;
  last_in_flight_ = in_flight;
  if (at < window_.to) return;
  after_ = read_machine(root_);
  clock_after_ = read_clocks();
  closed_ = true;
}

void SelfMonitor::record(TimePoint due, Nanos excess) {
  const auto second = static_cast<std::size_t>((due - window_.from) / std::chrono::seconds{1});
  while (seconds_.size() < second) seconds_.push_back(excess_.take());
  excess_.record(excess);
}

void SelfMonitor::tell(SelfMeasure& into) const {
  if (!opened_) return;
  Hiccups& hiccups = into.hiccups.emplace();
  hiccups.seconds = seconds_;
  hiccups.seconds.push_back(excess_);
  for (const Histogram& second : hiccups.seconds) hiccups.excess += second;
  hiccups.taint_limit = taint_limit_;
  hiccups.long_ones = long_ones_;
  hiccups.forgotten = hiccups_.forgotten();
  into.machine = between(before_, after_);
  LittleSample& sample = into.in_flight.emplace();
  sample.looks = looks_;
  sample.watched_seconds = watched_seconds_;
  if (watched_seconds_ > 0) {
    sample.sampled_mean = in_flight_seconds_ / watched_seconds_;
    sample.interval_rms = std::sqrt(cubes_ / watched_seconds_);
    sample.late_share = late_seconds_ / watched_seconds_;
  }
  ClockFacts& clock = into.clock.emplace();
  clock.reads = reads_;
  clock.went_back = went_back_;
  if (clock_before_ && clock_after_) clock.drift_ppm = drift_ppm(*clock_before_, *clock_after_);
}

}  // namespace stampede
