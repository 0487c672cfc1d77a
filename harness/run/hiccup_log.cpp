#include "harness/run/hiccup_log.hpp"

#include "harness/measure/hdr_log.hpp"

namespace stampede {

std::string hiccup_log(const Hiccups& hiccups, double start_time, double window_seconds,
                       const std::string& start_time_text, const std::string& written_by) {
  std::string text = hdr_log_header(start_time, start_time_text, written_by);
  double at = window_seconds;
  for (const Histogram& second : hiccups.seconds) {
    // A second without a look was slept through: the stall stands in the one in which it ended.
    if (!second.empty()) text += hdr_log_line("", at, 1, HdrHistogram(second));
    ++at;
  }
  return text;
}

}  // namespace stampede
