#include "harness/diagnostic.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <tuple>

namespace stampede {

void throw_diagnostics(const Diagnostics& diagnostics) {
  throw std::logic_error("unchecked diagnostics: " +
                         (diagnostics.empty() ? std::string("none") : diagnostics.front().message));
}

namespace {

std::string_view line_of(std::string_view text, int line) {
  for (int at = 1; at < line; ++at) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// Of a character's second and later bytes in UTF-8.
bool continues_character(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
}

// At most `size_max` bytes, and no half character at the end.
std::string_view cut_whole(std::string_view text, std::size_t size_max) {
  if (text.size() <= size_max) return text;
  while (size_max > 0 && continues_character(text[size_max])) --size_max;
  return text.substr(0, size_max);
}

}  // namespace

void sort_by_place(Diagnostics& diagnostics, std::string_view file) {
  const auto key = [file](const Diagnostic& d) {
    const int turn = d.file == file ? 0 : d.file == "--set" ? 2 : 1;
    return std::tuple(turn, std::string_view(d.file), d.place.line, d.place.column,
                      std::string_view(d.message));
  };
  std::sort(diagnostics.begin(), diagnostics.end(),
            [&key](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
}

std::string render(const Diagnostic& diagnostic, std::string_view text) {
  std::string out = diagnostic.file;
  const auto [line, column] = diagnostic.place;
  if (line > 0) out += ":" + std::to_string(line) + ":" + std::to_string(column);
  out += ": error: " + diagnostic.message + "\n";
  if (line > 0 && !text.empty()) {
    const std::string_view source = cut_whole(line_of(text, line), 160);
    out += std::string(source) + "\n";
    // Columns count bytes, the screen counts characters. Tabs are repeated, so that the caret
    // stands under its column however wide a tab is.
    for (int at = 1; at < column; ++at) {
      const auto index = static_cast<std::size_t>(at - 1);
      if (index < source.size() && continues_character(source[index])) continue;
      out += index < source.size() && source[index] == '\t' ? '\t' : ' ';
    }
    out += "^\n";
  }
  if (!diagnostic.hint.empty()) out += "hint: " + diagnostic.hint + "\n";
  return out;
}

std::string render(const Diagnostics& diagnostics, std::string_view text) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) out += render(diagnostic, text);
  return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t d = distance(word, candidate);
    if (d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace stampede
