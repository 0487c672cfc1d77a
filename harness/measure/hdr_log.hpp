// HdrHistogram's log: a text file of interval histograms, one a line, that the public tools plot
// and add up. Read strictly and in bounded memory; written as HistogramLogWriter does.
//
//   #[StartTime: 1441812279.474 (seconds since epoch), Wed Sep 09 …]     comment; likewise BaseTime
//   "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
//   Tag=buyers/hold.response,0.127,1.007,2.769,HISTFAAAAEV42pNpmSzM…
//
// Times are seconds, relative to the base time. Interval_Max is the largest value divided by 10⁶,
// so milliseconds where values are nanoseconds; readers ignore it.
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <string>

#include "harness/measure/hdr_encoding.hpp"

namespace stampede {

inline constexpr std::size_t hdr_log_line_bytes_max = std::size_t{12} << 20;
inline constexpr std::size_t hdr_log_tag_bytes_max = 256;
inline constexpr double hdr_log_max_ratio = 1e6;

struct HdrLogInterval {
  std::string tag;           // "" none
  double start_seconds = 0;  // as written
  double length_seconds = 0;
  double max = 0;  // as written
  HdrHistogram histogram;
};

class HdrLogReader {
 public:
  explicit HdrLogReader(std::istream& in) : in_(in) {}

  // The next interval; nullopt at the end; the error names the line, and nothing can be read after
  // it.
  HdrRead<std::optional<HdrLogInterval>> next();

  // Since the epoch; as far as it was read. Without a line that says it, the first interval's start
  // counts, as with HistogramLogReader.
  [[nodiscard]] std::optional<double> start_time() const noexcept { return start_time_; }
  // What is to be added to an interval's start for a time since the epoch: the base time, or its
  // guess (0 when starts look like such times, else the start time).
  [[nodiscard]] double base_time() const noexcept { return base_time_.value_or(0); }
  // Of an interval, from the start of the log.
  [[nodiscard]] double offset_of(const HdrLogInterval& interval) const noexcept {
    return interval.start_seconds + base_time() - start_time_.value_or(0);
  }

 private:
  enum class Line : std::uint8_t { read, end, too_long };
  Line read_line();
  HdrRead<HdrLogInterval> parse_interval();
  std::optional<HdrProblem> parse_comment();
  [[nodiscard]] HdrProblem problem(const std::string& what) const;

  std::istream& in_;
  std::string line_;
  std::size_t line_number_ = 0;
  std::optional<double> start_time_, base_time_;
};

// The writer's lines. A tag's commas, blanks and control characters become "_", and it is cut at
// hdr_log_tag_bytes_max.
std::string hdr_log_header(double start_time, const std::string& start_time_text,
                           const std::string& written_by);
std::string hdr_log_line(const HdrLogInterval& interval);
// `max` is set from the histogram.
std::string hdr_log_line(const std::string& tag, double start_seconds, double length_seconds,
                         const HdrHistogram& histogram);

}  // namespace stampede
