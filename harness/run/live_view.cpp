#include "harness/run/live_view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "harness/report/text_layout.hpp"

namespace stampede {
namespace {

constexpr std::size_t bar_width = 40;
constexpr std::size_t columns_min = 20;  // of a terminal that says it has fewer
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

std::string bar(double share, std::size_t width) {
  const auto full =
      static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  std::string text;
  for (std::size_t at = 0; at < width; ++at) text += at < full ? "█" : "░";
  return text;
}

// The parts in their order, two blanks between those that share a line.
void add_lines(const std::vector<std::string>& parts, std::size_t columns,
               std::vector<std::string>& lines) {
  std::string line;
  for (const std::string& part : parts) {
    const bool fits = line.empty() || display_width(line) + 2 + display_width(part) <= columns;
    if (!fits) lines.push_back(std::exchange(line, {}));
    line += (line.empty() ? "" : "  ") + fit(part, columns);
  }
  if (!line.empty()) lines.push_back(std::move(line));
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

std::vector<std::string> live_block(const LiveState& state, std::size_t columns) {
  columns = std::max(columns, columns_min);
  std::vector<std::string> lines;
  add_lines(
      {state.name, fmt::format("{} / {}", clock_text(state.elapsed), clock_text(state.seconds)),
       bar(state.elapsed / std::max(1.0, state.seconds), std::min(bar_width, columns)),
       state.phase},
      columns, lines);
  add_lines(state.figures, columns, lines);
  constexpr std::string_view title = "tx/s ";
  const std::size_t shown = std::min(state.rates.size(), columns - title.size());
  lines.push_back(
      std::string(title) +
      curve({state.rates.end() - static_cast<std::ptrdiff_t>(shown), state.rates.end()}));
  return lines;
}

LiveView::LiveView(std::ostream& out, Plan plan, Columns columns, std::uint32_t line_every)
    : out_(out), plan_(std::move(plan)), columns_(std::move(columns)), line_every_(line_every) {}

// Subtle: a terminal that became narrower since has wrapped what was drawn.
void LiveView::erase() {
  if (drawn_.empty()) return;
  const auto columns = static_cast<std::size_t>(std::max(1, columns_()));
  std::size_t rows = 0;
  for (const std::size_t width : drawn_) {
    rows += std::max<std::size_t>(1, (width + columns - 1) / columns);
  }
  out_ << fmt::format("\x1b[{}A\x1b[J", rows);
  drawn_.clear();
}

void LiveView::note(const std::string& text) {
  erase();
  out_ << "  " << text << "\n" << std::flush;
}

std::string LiveView::phase() const {
  if (last_.drain) return "draining";
  return last_.warm_up ? "warming up" : "measuring";
}

std::vector<std::string> LiveView::figures() const {
  const auto bound = [this](const char* key) {
    return std::ranges::find(last_.at_least, key) != last_.at_least.end();
  };
  const double share =
      requests_ == 0 ? 0 : 100.0 * static_cast<double>(errors_) / static_cast<double>(requests_);
  return {"users " + grouped(last_.users_alive),
          "tx/s " + grouped(last_.transactions),
          "http/s " + grouped(last_.requests),
          "p95 " + latency(last_.response_ns_p95, bound("p95")),
          "p99 " + latency(last_.response_ns_p99, bound("p99")),
          fmt::format("errors {} ({:.2f} %)", grouped(errors_), share),
          "lag p99 " + latency(last_.lag_ns_p99)};
}

void LiveView::second(const SecondResult& second) {
  last_ = second;
  requests_ += second.requests;
  errors_ += second.errors;
  rates_.push_back(second.transactions);
  if (rates_.size() > curve_seconds) rates_.erase(rates_.begin());
  if (columns_) {
    draw();
  } else if ((second.second + 1) % line_every_ == 0) {
    out_ << fmt::format("{} {:<10} {}\n", clock_text(second.second + 1), phase(),
                        fmt::join(figures(), "  "))
         << std::flush;
  }
}

void LiveView::draw() {
  erase();
  const LiveState state{plan_.name,    phase(),   static_cast<double>(last_.second + 1),
                        plan_.seconds, figures(), rates_};
  for (const std::string& line : live_block(state, static_cast<std::size_t>(columns_()))) {
    drawn_.push_back(display_width(line));
    out_ << line << '\n';
  }
  out_ << std::flush;
}

void LiveView::finish() {
  drawn_.clear();
  out_ << std::flush;
}

}  // namespace stampede
