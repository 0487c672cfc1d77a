#include "harness/measure/units.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

namespace stampede {

namespace {

// Three significant digits, without a trailing ".0"; whole numbers from 100 up stay whole.
std::string three_digits(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 99.95) return fmt::format("{:.0f}", value);
  if (size >= 0.001) {
    const int digits = size >= 9.995 ? 1 : size >= 0.9995 ? 2 : size >= 0.09995 ? 3 : 4;
    std::string text = fmt::format("{:.{}f}", value, digits);
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
    return text;
  }
  return fmt::format("{:.1g}", value);
}

}  // namespace

std::string human_duration(Nanos duration) {
  const auto ns = static_cast<double>(duration.count());
  if (ns == 0) return "0 ms";
  const double size = std::abs(ns);
  if (size < 1e3) return three_digits(ns) + " ns";
  if (size < 999.5e3) return three_digits(ns / 1e3) + " µs";
  if (size < 999.5e6) return three_digits(ns / 1e6) + " ms";
  return three_digits(ns / 1e9) + " s";
}

std::string human_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string human_number(double number) {
  if (!std::isfinite(number)) return "no number";
  if (number >= 999.5 && number < 1e15) {
    return human_count(static_cast<std::uint64_t>(std::llround(number)));
  }
  return three_digits(number);
}

std::string human_rate(double per_second) { return human_number(per_second) + "/s"; }

std::string human_share(double share) { return three_digits(share * 100) + " %"; }

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", three_digits(value), units[unit]);
}

}  // namespace stampede
