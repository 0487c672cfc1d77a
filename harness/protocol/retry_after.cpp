#include "harness/protocol/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace stampede {

namespace {

constexpr std::int64_t seconds_max = 86'400;

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// "Sun, 06 Nov 1994 08:49:37 GMT": the one form that senders may use.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) {
  constexpr std::size_t length = 29;
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != length || !text.ends_with(" GMT") || text[3] != ',') return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4));
  const auto hour = number(text.substr(17, 2)), minute = number(text.substr(20, 2)),
             second = number(text.substr(23, 2));
  if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year{*year},
      std::chrono::month{static_cast<unsigned>(month - months.begin()) + 1},
      std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second};
}

}  // namespace

std::optional<Nanos> parse_retry_after(std::string_view value,
                                       std::chrono::system_clock::time_point wall_clock) {
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (value.empty() || value.front() == '-') return std::nullopt;
  if (end == value.data() + value.size()) {
    if (error != std::errc{}) seconds = seconds_max;  // more than an integer holds
    return std::chrono::seconds{std::min(seconds, seconds_max)};
  }
  const auto date = parse_date(value);
  if (!date) return std::nullopt;
  const auto wait = std::chrono::duration_cast<std::chrono::seconds>(*date - wall_clock);
  return std::chrono::seconds{std::clamp<std::int64_t>(wait.count(), 0, seconds_max)};
}

}  // namespace stampede
