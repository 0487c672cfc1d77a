#include "harness/profile/threshold_gauge.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace stampede {

namespace {

using Statistic = Threshold::GaugeStatistic;
using Comparison = Threshold::Comparison;

constexpr std::string_view example = "gauge active max <= 4000";
constexpr std::string_view while_example = "while waiting > 0 and active < 4000";

constexpr std::array<std::pair<std::string_view, Statistic>, 7> statistics{
    {{"min", Statistic::min},
     {"mean", Statistic::mean},
     {"max", Statistic::max},
     {"last", Statistic::last},
     {"rate", Statistic::rate},
     {"growth", Statistic::growth},
     {"slope", Statistic::slope}}};
constexpr std::array<std::pair<std::string_view, Comparison>, 5> comparisons{
    {{"<=", Comparison::less_equal},
     {">=", Comparison::greater_equal},
     {"==", Comparison::equal},
     {"<", Comparison::less},
     {">", Comparison::greater}}};
constexpr std::array<std::pair<std::string_view, double>, 7> sizes{{{"", 1},
                                                                    {"KB", 1e3},
                                                                    {"MB", 1e6},
                                                                    {"GB", 1e9},
                                                                    {"KiB", 1024.0},
                                                                    {"MiB", 1024.0 * 1024},
                                                                    {"GiB", 1024.0 * 1024 * 1024}}};

struct Word {
  std::string_view text;
  std::size_t at = 0;  // offset in the expression
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_comparison(char c) { return c == '<' || c == '>' || c == '='; }

// At blanks, and where a comparison begins or ends.
std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    const bool comparison = is_comparison(text[at]);
    while (at < text.size() && !is_blank(text[at]) && is_comparison(text[at]) == comparison) ++at;
    words.push_back({text.substr(begin, at - begin), begin});
  }
  return words;
}

// Reads one gate from left to right; the first problem ends it.
class GaugeGateReader {
 public:
  explicit GaugeGateReader(std::string_view text) : text_(text), words_(words_of(text)) {}

  Checked<Threshold> read() {
    gate_.measure = Threshold::Measure::gauge;
    ++next_;  // `gauge`
    if (read_what() && read_comparison(gate_.comparison) && read_limit() && read_conditions()) {
      return gate_;
    }
    return Diagnostics{{"", {1, static_cast<int>(problem_at_) + 1}, message_, hint_}};
  }

 private:
  bool fail(std::size_t at, std::string message, std::string_view hint) {
    problem_at_ = at;
    message_ = std::move(message);
    hint_ = std::string(hint);
    return false;
  }
  bool fail(const Word& word, const std::string& message, std::string_view hint) {
    return fail(word.at, message + " \"" + std::string(word.text) + "\"", hint);
  }
  const Word* take() { return next_ < words_.size() ? &words_[next_++] : nullptr; }

  bool read_name(std::string& into, std::string_view hint) {
    const Word* const name = take();
    if (name == nullptr) return fail(text_.size(), "which gauge?", hint);
    if (is_comparison(name->text.front())) return fail(*name, "which gauge, before", hint);
    into = std::string(name->text);
    return true;
  }

  bool read_what() {
    if (!read_name(gate_.name, example)) return false;
    const Word* const word = take();
    constexpr std::string_view all = "min, mean, max, last, rate, growth or slope";
    if (word == nullptr) return fail(text_.size(), "which statistic of it?", all);
    for (const auto& [text, statistic] : statistics) {
      if (word->text != text) continue;
      gate_.statistic = statistic;
      return true;
    }
    return fail(*word, "unknown statistic", all);
  }

  bool read_comparison(Comparison& into) {
    const Word* const word = take();
    if (word == nullptr) return fail(text_.size(), "a comparison is missing", "<, <=, >, >= or ==");
    for (const auto& [text, comparison] : comparisons) {
      if (word->text != text) continue;
      into = comparison;
      return true;
    }
    return fail(*word, "a comparison stands here, not", "<, <=, >, >= or ==");
  }

  // A number, and what stands behind it without a blank, or as a word of its own.
  bool read_number(double& value, Word& unit) {
    const Word* const word = take();
    if (word == nullptr) return fail(text_.size(), "a number is missing", example);
    const char* const end = word->text.data() + word->text.size();
    const auto [stop, error] = std::from_chars(word->text.data(), end, value);
    const bool digit = word->text.front() >= '0' && word->text.front() <= '9';
    if (!digit || error != std::errc{}) return fail(*word, "a number stands here, not", example);
    const auto used = static_cast<std::size_t>(stop - word->text.data());
    unit = {word->text.substr(used), word->at + used};
    const bool apart = unit.text.empty() && next_ < words_.size() &&
                       words_[next_].text != "while" && words_[next_].text != "and";
    if (apart) unit = *take();
    return true;
  }

  bool read_limit() {
    Word unit;
    if (!read_number(gate_.quantity, unit)) return false;
    if (gate_.statistic == Statistic::growth || gate_.statistic == Statistic::slope) {
      const bool per_hour = gate_.statistic == Statistic::slope && unit.text == "%/h";
      if (unit.text != "%" && !per_hour) {
        return fail(unit.at, "the limit is a share", "2%, of a slope 2%/h");
      }
      gate_.quantity /= 100;
      return true;
    }
    if (gate_.statistic == Statistic::rate) {
      return unit.text.empty() || unit.text == "/s" || fail(unit, "unknown unit", "/s, or none");
    }
    return scale(gate_.quantity, unit);
  }

  bool scale(double& value, const Word& unit) {
    for (const auto& [text, factor] : sizes) {
      if (unit.text != text) continue;
      value *= factor;
      return true;
    }
    return fail(unit, "unknown unit", "none, or a size: KB, MB, GB, KiB, MiB, GiB");
  }

  bool read_conditions() {
    const Word* word = take();
    if (word == nullptr) return true;
    if (word->text != "while") return fail(*word, "unexpected", while_example);
    do {
      Threshold::Condition condition;
      Word unit;
      if (!read_name(condition.gauge, while_example) || !read_comparison(condition.comparison) ||
          !read_number(condition.quantity, unit) || !scale(condition.quantity, unit)) {
        return false;
      }
      gate_.conditions.push_back(std::move(condition));
      word = take();
      if (word != nullptr && word->text != "and") return fail(*word, "unexpected", while_example);
    } while (word != nullptr);
    return true;
  }

  std::string_view text_;
  std::vector<Word> words_;
  std::size_t next_ = 0;
  Threshold gate_;
  std::size_t problem_at_ = 0;
  std::string message_, hint_;
};

}  // namespace

bool is_gauge_gate(std::string_view expression) {
  const std::vector<Word> words = words_of(expression);
  return !words.empty() && words.front().text == "gauge";
}

Checked<Threshold> parse_gauge_gate(std::string_view expression) {
  return GaugeGateReader(expression).read();
}

}  // namespace stampede
