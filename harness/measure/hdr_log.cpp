#include "harness/measure/hdr_log.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <istream>
#include <streambuf>

namespace stampede {

namespace {

constexpr double year_seconds = 365.0 * 24 * 3600;
constexpr std::string_view legend =
    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"";

// The whole text must be one finite number.
std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

// What follows `key` up to the next blank or bracket, when the comment begins with it.
std::optional<std::string_view> value_of(std::string_view comment, std::string_view key) {
  if (!comment.starts_with(key)) return std::nullopt;
  const std::string_view rest = comment.substr(key.size());
  return rest.substr(0, rest.find_first_of(" ]"));
}

// Cuts the next field off `line`; nullopt when no comma follows.
std::optional<std::string_view> take_field(std::string_view& line) {
  const auto comma = line.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const std::string_view field = line.substr(0, comma);
  line.remove_prefix(comma + 1);
  return field;
}

std::string tag_text(std::string_view tag) {
  std::string out;
  for (const char c : tag.substr(0, hdr_log_tag_bytes_max)) {
    const bool special = c == ',' || (c >= 0 && c <= ' ') || c == 0x7f;
    out.push_back(special ? '_' : c);
  }
  return out;
}

}  // namespace

HdrLogReader::Line HdrLogReader::read_line() {
  line_.clear();
  std::streambuf& from = *in_.rdbuf();
  constexpr int end = std::char_traits<char>::eof();
  int c = from.sbumpc();
  if (c == end) return Line::end;
  ++line_number_;
  for (; c != end && c != '\n'; c = from.sbumpc()) {
    if (line_.size() >= hdr_log_line_bytes_max) return Line::too_long;
    line_.push_back(static_cast<char>(c));
  }
  if (line_.ends_with('\r')) line_.pop_back();
  return Line::read;
}

HdrProblem HdrLogReader::problem(const std::string& what) const {
  return {fmt::format("line {}: {}", line_number_, what)};
}

std::optional<HdrProblem> HdrLogReader::parse_comment() {
  for (const auto& [key, into] :
       {std::pair{"#[StartTime: ", &start_time_}, std::pair{"#[BaseTime: ", &base_time_}}) {
    const auto text = value_of(line_, key);
    if (!text) continue;
    const auto number = number_of(*text);
    if (!number) return problem("the time in the comment is no number of seconds");
    *into = *number;
  }
  return std::nullopt;
}

HdrRead<HdrLogInterval> HdrLogReader::parse_interval() {
  HdrLogInterval interval;
  std::string_view rest = line_;
  if (rest.starts_with("Tag=")) {
    rest.remove_prefix(4);
    const auto tag = take_field(rest);
    if (!tag || tag->empty()) return problem("nothing but a tag, or an empty one");
    if (tag->size() > hdr_log_tag_bytes_max) return problem("the tag is longer than 256 bytes");
    interval.tag = *tag;
  }
  for (const auto& [name, into] :
       {std::pair{"start", &interval.start_seconds}, std::pair{"length", &interval.length_seconds},
        std::pair{"maximum", &interval.max}}) {
    const auto field = take_field(rest);
    const auto number = field ? number_of(*field) : std::nullopt;
    if (!number) return problem(fmt::format("the interval's {} is missing or no number", name));
    *into = *number;
  }
  if (interval.length_seconds < 0) return problem("the interval's length is below 0");
  const auto bytes = from_base64(rest);
  if (!bytes) return problem("the histogram is not base64");
  auto histogram = decode_hdr_compressed(*bytes);
  if (histogram.has_error())
    return problem("the histogram cannot be read: " + histogram.error().text);
  interval.histogram = std::move(*histogram);
  return interval;
}

HdrRead<std::optional<HdrLogInterval>> HdrLogReader::next() {
  while (true) {
    const Line read = read_line();
    if (read == Line::end) return std::optional<HdrLogInterval>();
    if (read == Line::too_long) return problem("longer than 12 MiB: that is no interval");
    if (line_.empty() || line_.front() == '"') continue;
    if (line_.front() == '#') {
      if (const auto wrong = parse_comment()) return *wrong;
      continue;
    }
    auto interval = parse_interval();
    if (interval.has_error()) return interval.error();
    if (!start_time_) start_time_ = interval->start_seconds;
    if (!base_time_) {
      const bool relative = interval->start_seconds < *start_time_ - year_seconds;
      base_time_ = relative ? *start_time_ : 0;
    }
    return std::optional(std::move(*interval));
  }
}

std::string hdr_log_header(double start_time, const std::string& start_time_text,
                           const std::string& written_by) {
  return fmt::format(
      "#[{}]\n#[Histogram log format version 1.3]\n"
      "#[StartTime: {:.3f} (seconds since epoch), {}]\n"
      "#[BaseTime: {:.3f} (seconds since epoch)]\n{}\n",
      written_by, start_time, start_time_text, start_time, legend);
}

std::string hdr_log_line(const HdrLogInterval& interval) {
  const std::string tag = tag_text(interval.tag);
  return fmt::format("{}{}{}{:.3f},{:.3f},{:.3f},{}\n", tag.empty() ? "" : "Tag=", tag,
                     tag.empty() ? "" : ",", interval.start_seconds, interval.length_seconds,
                     interval.max, to_base64(encode_hdr_compressed(interval.histogram)));
}

std::string hdr_log_line(const std::string& tag, double start_seconds, double length_seconds,
                         const HdrHistogram& histogram) {
  const auto max = static_cast<double>(histogram.max().value_or(0)) / hdr_log_max_ratio;
  return hdr_log_line({tag, start_seconds, length_seconds, max, histogram});
}

}  // namespace stampede
