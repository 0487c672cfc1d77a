#include "harness/report/text_layout.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "harness/report/utf8.hpp"

namespace stampede {

namespace {

constexpr std::size_t gap = 2;  // between columns

struct Range {
  char32_t first, last;
};
constexpr std::array<Range, 8> wide{{{0x1100, 0x115F},
                                     {0x2E80, 0xA4CF},
                                     {0xAC00, 0xD7A3},
                                     {0xF900, 0xFAFF},
                                     {0xFE30, 0xFE6F},
                                     {0xFF00, 0xFF60},
                                     {0xFFE0, 0xFFE6},
                                     {0x1F300, 0x1FAFF}}};

std::size_t width_of(char32_t letter) {
  if (letter >= 0x300 && letter <= 0x36F) return 0;
  const bool is_wide = std::ranges::any_of(
      wide, [letter](Range range) { return letter >= range.first && letter <= range.last; });
  return is_wide ? 2 : 1;
}

}  // namespace

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  each_letter(utf8, [&width](const Letter& letter) { width += width_of(letter.code); });
  return width;
}

std::string printable(std::string_view text) {
  std::string out;
  each_letter(text, [&out](const Letter& letter) {
    if (letter.code == '\n' || letter.code == '\t' || letter.code == '\r') {
      out += ' ';
    } else if (!letter.valid || letter.code < 0x20 || (letter.code >= 0x7F && letter.code < 0xA0) ||
               (letter.code >= 0x202A && letter.code <= 0x202E)) {
      out += '?';
    } else {
      out += letter.bytes;
    }
  });
  return out;
}

std::string fit(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::string out;
  std::size_t used = 0;
  bool full = false;
  each_letter(text, [&](const Letter& letter) {
    const std::size_t columns = width_of(letter.code);
    full = full || used + columns > width - 1;
    if (full) return;
    out += letter.bytes;
    used += columns;
  });
  return out + "…";
}

std::string pad_right(std::string_view text, std::size_t width) {
  const std::size_t has = display_width(text);
  return std::string(text) + std::string(width > has ? width - has : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t width) {
  const std::size_t has = display_width(text);
  return std::string(width > has ? width - has : 0, ' ') + std::string(text);
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string word = fit(text.substr(0, end), width);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
      lines.push_back(std::exchange(line, ""));
    }
    line += line.empty() ? word : " " + word;
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string spark(const std::vector<double>& values) {
  constexpr std::array<std::string_view, 8> blocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double top = values.empty() ? 0 : std::ranges::max(values);
  std::string out;
  for (const double value : values) {
    if (!std::isfinite(value) || value < 0) {
      out += ' ';
      continue;
    }
    const double level = top > 0 ? std::ceil(value / top * 8) - 1 : 0;
    out += blocks[static_cast<std::size_t>(std::clamp(level, 0.0, 7.0))];
  }
  return out;
}

void TextTable::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> TextTable::natural_widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t most = display_width(columns_[i].title);
    for (const auto& row : rows_) most = std::max(most, display_width(row[i]));
    widths.push_back(most);
  }
  return widths;
}

std::size_t TextTable::width() const {
  const std::vector<std::size_t> widths = natural_widths();
  const std::size_t gaps = widths.empty() ? 0 : (widths.size() - 1) * gap;
  return std::accumulate(widths.begin(), widths.end(), gaps);
}

std::vector<std::string> TextTable::lines(std::size_t width) const {
  std::vector<std::size_t> widths = natural_widths();
  std::vector<std::size_t> shown(columns_.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  const auto total = [&] {
    std::size_t sum = shown.empty() ? 0 : (shown.size() - 1) * gap;
    for (const std::size_t i : shown) sum += widths[i];
    return sum;
  };
  // First what may be cut is cut, then whole columns go.
  for (const std::size_t i : shown) {
    const std::size_t least = columns_[i].width_min;
    if (least == 0 || widths[i] <= least || total() <= width) continue;
    widths[i] -= std::min(widths[i] - least, total() - width);
  }
  while (total() > width) {
    const auto last =
        std::ranges::max_element(shown, {}, [this](std::size_t i) { return columns_[i].priority; });
    if (columns_[*last].priority == 0) break;
    shown.erase(last);
  }
  const auto line = [&](const auto& cell) {
    std::string out;
    for (const std::size_t i : shown) {
      const std::string text = fit(cell(i), widths[i]);
      if (!out.empty()) out += std::string(gap, ' ');
      out += columns_[i].right ? pad_left(text, widths[i]) : pad_right(text, widths[i]);
    }
    while (out.ends_with(' ')) out.pop_back();
    return out;
  };
  std::vector<std::string> out{line([this](std::size_t i) { return columns_[i].title; })};
  for (const auto& row : rows_) out.push_back(line([&row](std::size_t i) { return row[i]; }));
  return out;
}

}  // namespace stampede
