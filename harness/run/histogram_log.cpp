#include "harness/run/histogram_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "harness/measure/hdr_log.hpp"

namespace stampede {

namespace {

using Of = Threshold::LatencyClock;
constexpr std::array<std::pair<const char*, Of>, 3> clocks{
    {{"response", Of::response}, {"service", Of::service}, {"lag", Of::lag}}};
// Of a series in an interval: the clocks, and now and then one of what was cut off.
constexpr double lines_per_series = 4;

}  // namespace

HistogramLog::HistogramLog(Plan plan) : plan_(std::move(plan)) {
  const double lines = static_cast<double>(plan_.series.size()) * lines_per_series * plan_.seconds;
  const double seconds = std::ceil(lines / static_cast<double>(lines_max));
  interval_seconds_ = static_cast<std::uint32_t>(std::max(1.0, seconds));
  const std::filesystem::path path = plan_.folder / file_name;
  file_ = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (file_ < 0) {
    problem_ = fmt::format("cannot write {}: {}", path.string(), strerror(errno));
    lost_ = true;
  }
  write(hdr_log_header(plan_.start_time, plan_.start_time_text, plan_.written_by));
}

HistogramLog::~HistogramLog() {
  if (file_ >= 0) close(file_);
}

void HistogramLog::add(std::uint32_t second, const Snapshot& warm_up, const Snapshot& measured) {
  if (!problem_.empty()) return;
  if (seconds_pending_ == 0) interval_start_ = second;
  warm_up_ += warm_up;
  measured_ += measured;
  if (++seconds_pending_ == interval_seconds_) write_interval();
}

void HistogramLog::write_interval() {
  const double start = interval_start_, length = std::exchange(seconds_pending_, 0);
  std::string text;
  for (const auto& [prefix, snapshot] :
       {std::pair{"warm_up/", &warm_up_}, std::pair{"", &measured_}}) {
    for (SeriesId id = 0; id < plan_.series.size(); ++id) {
      const SeriesLabel& label = plan_.series[id];
      for (const auto& [clock_name, clock] : clocks) {
        const Latencies found = latencies(*snapshot, {id}, clock);
        const std::string tag =
            fmt::format("{}{}/{}.{}", prefix, label.scenario, label.step, clock_name);
        if (!found.known.empty()) {
          text += hdr_log_line(tag, start, length, HdrHistogram(found.known));
        }
        if (!found.censored.empty()) {
          text += hdr_log_line(tag + "_censored", start, length, HdrHistogram(found.censored));
        }
      }
    }
  }
  warm_up_ = {};
  measured_ = {};
  write(text);
}

void HistogramLog::write(const std::string& text) {
  if (!problem_.empty()) return;
  if (bytes_ + text.size() > bytes_max) {
    problem_ = fmt::format("{} ends at 256 MiB: the run is longer than it can hold", file_name);
    return;
  }
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t written = ::write(file_, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      problem_ =
          fmt::format("{} ends at second {}: {}", file_name, interval_start_, strerror(errno));
      lost_ = true;
      // Whole lines only, so that what is there can be read.
      (void)!ftruncate(file_, static_cast<off_t>(bytes_));
      return;
    }
    at += static_cast<std::size_t>(written);
  }
  bytes_ += text.size();
}

std::string HistogramLog::finish() {
  if (seconds_pending_ > 0) write_interval();
  write("#[End: the log is whole]\n");
  return problem_;
}

}  // namespace stampede
