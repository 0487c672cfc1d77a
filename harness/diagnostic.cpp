#include "harness/diagnostic.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

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

}  // namespace

std::string render(const Diagnostic& diagnostic, std::string_view text) {
  std::string out = diagnostic.file;
  const auto [line, column] = diagnostic.place;
  if (line > 0) out += ":" + std::to_string(line) + ":" + std::to_string(column);
  out += ": error: " + diagnostic.message + "\n";
  if (line > 0 && !text.empty()) {
    const std::string_view source = line_of(text, line).substr(0, 160);
    out += std::string(source) + "\n";
    // Tabs are repeated, so that the caret stands under its column however wide a tab is.
    for (int at = 1; at < column; ++at) {
      const auto index = static_cast<std::size_t>(at - 1);
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
