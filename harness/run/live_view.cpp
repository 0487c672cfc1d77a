#include "harness/run/live_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace stampede {
namespace {

constexpr int bar_width = 40;
constexpr std::size_t curve_seconds = 40;

std::string clock_text(double seconds) {
  const auto whole = static_cast<int>(std::max(0.0, seconds));
  return fmt::format("{:02}:{:02}", whole / 60, whole % 60);
}

std::string latency(std::optional<std::int64_t> value, bool at_least = false) {
  if (!value) return "–";
  const char* mark = at_least ? "≥ " : "";
  const double ms = static_cast<double>(*value) / 1e6;
  if (ms < 10) return fmt::format("{}{:.2f} ms", mark, ms);
  return ms < 1000 ? fmt::format("{}{:.0f} ms", mark, ms)
                   : fmt::format("{}{:.2f} s", mark, ms / 1e3);
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string bar(double share) {
  const auto full = static_cast<int>(std::clamp(share, 0.0, 1.0) * bar_width);
  std::string text;
  for (int at = 0; at < bar_width; ++at) text += at < full ? "█" : "░";
  return text;
}

std::string curve(const std::vector<std::uint64_t>& values) {
  static constexpr std::array<const char*, 8> levels{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto top = values.empty() ? 0 : *std::ranges::max_element(values);
  std::string text;
  for (const std::uint64_t value : values) {
    text += levels[top == 0 ? 0 : static_cast<std::size_t>(value * 7 / top)];
  }
  return text;
}

}  // namespace

LiveView::LiveView(std::ostream& out, Plan plan, bool terminal, std::uint32_t line_every)
    : out_(out), plan_(std::move(plan)), terminal_(terminal), line_every_(line_every) {}

void LiveView::note(const std::string& text) {
  if (terminal_ && drawn_lines_ > 0) {
    out_ << fmt::format("\x1b[{}A\x1b[J", drawn_lines_);
    drawn_lines_ = 0;
  }
  out_ << "  " << text << "\n" << std::flush;
}

std::string LiveView::phase() const {
  if (last_.drain) return "draining";
  return last_.warm_up ? "warming up" : "measuring";
}

std::string LiveView::figures() const {
  const auto bound = [this](const char* key) {
    return std::ranges::find(last_.at_least, key) != last_.at_least.end();
  };
  const double share =
      requests_ == 0 ? 0 : 100.0 * static_cast<double>(errors_) / static_cast<double>(requests_);
  return fmt::format(
      "users {}  tx/s {}  http/s {}  p95 {}  p99 {}  errors {} ({:.2f} %)  lag p99 {}",
      grouped(last_.users_alive), grouped(last_.transactions), grouped(last_.requests),
      latency(last_.response_ns_p95, bound("p95")), latency(last_.response_ns_p99, bound("p99")),
      grouped(errors_), share, latency(last_.lag_ns_p99));
}

void LiveView::second(const SecondResult& second) {
  last_ = second;
  requests_ += second.requests;
  errors_ += second.errors;
  rates_.push_back(second.transactions);
  if (rates_.size() > curve_seconds) rates_.erase(rates_.begin());
  if (terminal_) {
    draw();
  } else if ((second.second + 1) % line_every_ == 0) {
    out_ << fmt::format("{} {:<10} {}\n", clock_text(second.second + 1), phase(), figures())
         << std::flush;
  }
}

void LiveView::draw() {
  const double elapsed = last_.second + 1;
  std::string text;
  if (drawn_lines_ > 0) text += fmt::format("\x1b[{}A\x1b[J", drawn_lines_);
  text +=
      fmt::format("{}  {} / {}  {}  {}\n", plan_.name, clock_text(elapsed),
                  clock_text(plan_.seconds), bar(elapsed / std::max(1.0, plan_.seconds)), phase());
  text += figures() + "\n";
  text += fmt::format("tx/s {}\n", curve(rates_));
  drawn_lines_ = 3;
  out_ << text << std::flush;
}

void LiveView::finish() {
  drawn_lines_ = 0;
  out_ << std::flush;
}

}  // namespace stampede
