// Text of a known width for terminals: columns as a reader counts them, tables that drop their
// least important columns when they do not fit, and a guard against control characters from the
// target.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stampede {

// Columns on a terminal: wide East Asian letters count two, combining marks none.
std::size_t display_width(std::string_view utf8);
// Control characters and bytes that are no UTF-8 become '?', line breaks and tabs a space: what a
// target answered must not steer the reader's terminal.
std::string printable(std::string_view text);
// At most `width` columns, the last of them "…" when something was cut.
std::string fit(std::string_view text, std::size_t width);
std::string pad_right(std::string_view text, std::size_t width);
std::string pad_left(std::string_view text, std::size_t width);
// Lines of at most `width` columns, broken at spaces.
std::vector<std::string> wrap(std::string_view text, std::size_t width);
// Eighth blocks "▁…█" of the values scaled to their maximum; a value of 0 is "▁", none is " ".
std::string spark(const std::vector<double>& values);

struct Column {
  std::string title;
  int priority = 0;  // 0 stays; the highest is dropped first
  bool right = true;
  std::size_t width_min = 0;  // may be cut down to this; 0: never cut
};

class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  // What it needs to show all its columns, uncut.
  [[nodiscard]] std::size_t width() const;
  // The title line, then a line per row; none longer than `width` unless the columns of priority 0
  // need more.
  [[nodiscard]] std::vector<std::string> lines(std::size_t width) const;

 private:
  [[nodiscard]] std::vector<std::size_t> natural_widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace stampede
