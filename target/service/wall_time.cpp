#include "target/service/wall_time.hpp"

#include <chrono>

#include "target/faults.hpp"

namespace boxoffice {

namespace {

using std::chrono::milliseconds;

// Reads exactly `digits` digits at the front of `text` and takes them off.
std::optional<int> take_number(std::string_view& text, std::size_t digits) noexcept {
  int number = 0;
  if (text.size() < digits) return {};
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return {};
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view one_of) noexcept {
  if (text.empty() || one_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<milliseconds> take_fraction(std::string_view& text) noexcept {
  if (!take(text, ".")) return milliseconds{0};
  int scale = 100;
  int number = 0;
  std::size_t digits = 0;
  while (const auto digit = take_number(text, 1)) {
    number += *digit * scale;
    scale /= 10;
    if (++digits > 9) return {};
  }
  if (digits == 0) return {};
  return milliseconds{number};
}

std::optional<std::chrono::minutes> take_offset(std::string_view& text) noexcept {
  if (take(text, "Zz")) return std::chrono::minutes{0};
  const bool west = text.starts_with('-');
  if (!take(text, "+-")) return {};
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ":")) return {};
  const auto minutes = take_number(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return {};
  const std::chrono::minutes offset{*hours * 60 + *minutes};
  return west ? -offset : offset;
}

}  // namespace

std::optional<std::int64_t> read_rfc3339(std::string_view text) noexcept {
  const auto year = take_number(text, 4);
  if (!year || !take(text, "-")) return {};
  const auto month = take_number(text, 2);
  if (!month || !take(text, "-")) return {};
  const auto day = take_number(text, 2);
  if (!day || !take(text, "Tt ")) return {};
  const auto hour = take_number(text, 2);
  if (!hour || !take(text, ":")) return {};
  const auto minute = take_number(text, 2);
  if (!minute || !take(text, ":")) return {};
  const auto second = take_number(text, 2);
  const auto fraction = take_fraction(text);
  const auto offset = take_offset(text);
  if (!second || !fraction || !offset || !text.empty()) return {};
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return {};
  const std::chrono::sys_time<milliseconds> midnight = std::chrono::sys_days(date);
  const auto time = midnight + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                    std::chrono::seconds(*second) + *fraction - *offset;
  return time.time_since_epoch().count();
}

std::int64_t wall_clock_ms() noexcept {
  return std::chrono::duration_cast<milliseconds>(wall_clock().time_since_epoch()).count();
}

}  // namespace boxoffice
