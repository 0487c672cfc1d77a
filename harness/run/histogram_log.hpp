// histograms.hlog of a run: what every series' latencies were, interval by interval, in
// HdrHistogram's log format. Adding the intervals of a tag up gives the histogram behind the run
// file's figures, bucket for bucket.
//
// Tags are SCENARIO/STEP.response, .service and .lag; with _censored behind it where requests were
// cut off (at their age then); with warm_up/ before it for what was due in the warm-up. An
// interval is a second, or as many as keep the file below lines_max lines; a request belongs to the
// interval in which it ended.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/judge/measured_run.hpp"
#include "harness/measure/snapshot.hpp"

namespace stampede {

class HistogramLog {
 public:
  static constexpr const char* file_name = "histograms.hlog";
  static constexpr std::uint64_t lines_max = 200'000;
  static constexpr std::uint64_t bytes_max = std::uint64_t{256} << 20;

  struct Plan {
    std::filesystem::path folder;
    std::vector<SeriesLabel> series;
    double seconds = 0;     // of load and drain
    double start_time = 0;  // of the load, since the epoch
    std::string start_time_text, written_by;
  };
  explicit HistogramLog(Plan plan);
  ~HistogramLog();
  HistogramLog(HistogramLog&&) = delete;

  [[nodiscard]] std::uint32_t interval_seconds() const noexcept { return interval_seconds_; }
  // The seconds in order. After a write that failed nothing more is written.
  void add(std::uint32_t second, const Snapshot& warm_up, const Snapshot& measured);
  // Writes what is left and the closing line. "" or why the file ends early.
  [[nodiscard]] std::string finish();
  // It ends early because it could not be written, not because it is full.
  [[nodiscard]] bool lost() const noexcept { return lost_; }

 private:
  void write_interval();
  void write(const std::string& text);

  Plan plan_;
  std::uint32_t interval_seconds_ = 1;
  std::uint32_t interval_start_ = 0, seconds_pending_ = 0;
  Snapshot warm_up_, measured_;
  int file_ = -1;
  std::uint64_t bytes_ = 0;
  std::string problem_;
  bool lost_ = false;
};

}  // namespace stampede
