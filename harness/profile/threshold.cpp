#include "harness/profile/threshold.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/outcome.hpp"
#include "harness/profile/threshold_gauge.hpp"

namespace stampede {

namespace {

using Measure = Threshold::Measure;

struct Word {
  std::string_view text;
  std::size_t at = 0;  // offset in the expression
};

struct Problem {
  std::size_t at;
  std::string message;
  std::string hint;
};

const std::vector<std::string>& measure_words() {
  static const std::vector<std::string> words{"errors",  "shed", "rate", "tx_rate", "users",
                                              "count",   "mean", "max",  "p95",     "p99",
                                              "service", "lag",  "gauge"};
  return words;
}

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates,
                         std::string otherwise) {
  const std::string_view near = nearest(word, candidates);
  return near.empty() ? otherwise : "did you mean " + quoted(near) + "?";
}

// Whole text as a plain decimal number.
std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  const bool digit_first = !text.empty() && text.front() >= '0' && text.front() <= '9';
  return whole && digit_first ? std::optional(value) : std::nullopt;
}

bool looks_like_quantile(std::string_view word) {
  return word.size() > 1 && word.front() == 'p' &&
         word.find_first_not_of("0123456789.", 1) == std::string_view::npos;
}

bool is_latency(Measure measure) {
  return measure == Measure::latency_quantile || measure == Measure::latency_mean ||
         measure == Measure::latency_max;
}
bool is_share(Measure measure) { return measure == Measure::errors || measure == Measure::shed; }
bool is_rate(Measure measure) {
  return measure == Measure::rate || measure == Measure::tx_rate ||
         measure == Measure::tx_rate_quantile || measure == Measure::counter_rate;
}
// Of the whole run: a step in front of it would mean nothing.
bool takes_no_step(Measure measure) {
  return measure == Measure::users_min || measure == Measure::users_mean ||
         measure == Measure::counter_rate || measure == Measure::counter_count ||
         measure == Measure::tx_rate_quantile;
}

// Reads one gate from left to right; the first problem ends it.
class GateReader {
 public:
  explicit GateReader(std::string_view text) : text_(text) {}

  Checked<Threshold> read() {
    if (read_left() && read_comparison() && read_quantity()) return gate_;
    return Diagnostics{
        {"", {1, static_cast<int>(problem_->at) + 1}, problem_->message, problem_->hint}};
  }

 private:
  bool fail(std::size_t at, std::string message, std::string hint = {}) {
    problem_ = Problem{at, std::move(message), std::move(hint)};
    return false;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  // TAG=VALUE, if a measure follows: else `errors=0` is a mistyped comparison.
  void read_tag() {
    skip_blanks();
    const auto word_end = [this](std::size_t at) {
      while (at < text_.size() && is_word_char(text_[at])) ++at;
      return at;
    };
    const std::size_t equals = word_end(at_);
    if (equals == at_ || equals == text_.size() || text_[equals] != '=') return;
    const std::size_t end = word_end(equals + 1);
    const std::size_t next = text_.find_first_not_of(" \t", end);
    const bool measured = end > equals + 1 && next != std::string_view::npos && next > end &&
                          is_word_char(text_[next]);
    if (!measured) return;
    tag_ = Word{text_.substr(at_, end - at_), at_};
    at_ = end;
  }

  bool read_left() {
    read_tag();
    if (!read_words()) return false;
    if (tag_.text.empty()) return true;
    if (takes_no_step(gate_.measure)) {
      return fail(tag_.at, "this measure is of the whole run and takes no tag",
                  "leave out " + quoted(tag_.text));
    }
    if (!gate_.step.empty()) return fail(tag_.at, "a tag and a step at once", "leave out one");
    const std::size_t equals = tag_.text.find('=');
    gate_.tag = std::string(tag_.text.substr(0, equals));
    gate_.tag_value = std::string(tag_.text.substr(equals + 1));
    return true;
  }

  bool read_words() {
    std::vector<Word> words;
    for (skip_blanks(); at_ < text_.size() && is_word_char(text_[at_]); skip_blanks()) {
      const std::size_t begin = at_;
      while (at_ < text_.size() && is_word_char(text_[at_])) ++at_;
      words.push_back({text_.substr(begin, at_ - begin), begin});
    }
    if (words.empty()) return fail(at_, "a gate starts with what it measures", "p95 < 300ms");
    if (read_measure(words)) return true;
    if (words.size() == 1) return false;
    // Not a measure of the total, so the first word names a step. Its problem is kept when the rest
    // is no measure either and the first word was one.
    const std::optional<Problem> of_total = problem_;
    const bool measure_first = names_measure(words.front().text);
    const Word selector = words.front();
    words.erase(words.begin());
    gate_ = {};
    if (!read_measure(words)) {
      if (measure_first) problem_ = of_total;
      return false;
    }
    return read_selector(selector);
  }

  static bool names_measure(std::string_view word) {
    const auto& words = measure_words();
    return looks_like_quantile(word) || std::find(words.begin(), words.end(), word) != words.end();
  }

  bool read_selector(const Word& word) {
    if (takes_no_step(gate_.measure)) {
      return fail(word.at, "this measure is of the whole run and takes no step",
                  "leave out " + quoted(word.text));
    }
    const std::size_t dot = word.text.find('.');
    gate_.step = std::string(word.text);
    if (dot == std::string_view::npos) return true;
    gate_.scenario = std::string(word.text.substr(0, dot));
    gate_.step = std::string(word.text.substr(dot + 1));
    const bool good =
        !gate_.scenario.empty() && !gate_.step.empty() && gate_.step.find('.') == std::string::npos;
    return good || fail(word.at, quoted(word.text) + " names no step", "STEP or SCENARIO.STEP");
  }

  // measure, from exactly these words.
  bool read_measure(const std::vector<Word>& words) {
    const Word& first = words.front();
    if (first.text == "service" || first.text == "lag") {
      gate_.clock =
          first.text == "lag" ? Threshold::LatencyClock::lag : Threshold::LatencyClock::service;
      if (words.size() < 2) {
        return fail(first.at + first.text.size(), "which statistic of it?",
                    std::string(first.text) + " p95 < 300ms");
      }
      return read_statistic(words[1]) && no_more(words, 2);
    }
    if (first.text == "count") return read_count(words);
    if (first.text == "users") return read_users(words);
    if (first.text == "tx_rate" && words.size() > 1) {
      gate_.measure = Measure::tx_rate_quantile;
      return read_quantile(words[1]) && no_more(words, 2);
    }
    return read_single(first) && no_more(words, 1);
  }

  bool read_single(const Word& word) {
    constexpr std::pair<std::string_view, Measure> singles[] = {{"errors", Measure::errors},
                                                                {"shed", Measure::shed},
                                                                {"rate", Measure::rate},
                                                                {"tx_rate", Measure::tx_rate}};
    for (const auto& [text, measure] : singles) {
      if (word.text != text) continue;
      gate_.measure = measure;
      return true;
    }
    constexpr std::pair<std::string_view, Measure> endings[] = {{"_rate", Measure::counter_rate},
                                                                {"_count", Measure::counter_count}};
    for (const auto& [ending, measure] : endings) {
      if (!word.text.ends_with(ending) || word.text.size() == ending.size()) continue;
      gate_.measure = measure;
      gate_.name = std::string(word.text.substr(0, word.text.size() - ending.size()));
      return true;
    }
    return read_statistic(word);
  }

  bool read_statistic(const Word& word) {
    if (word.text == "mean" || word.text == "max") {
      gate_.measure = word.text == "max" ? Measure::latency_max : Measure::latency_mean;
      return true;
    }
    gate_.measure = Measure::latency_quantile;
    if (looks_like_quantile(word.text)) return read_quantile(word);
    if (word.text == "min") return fail(word.at, "a minimum proves nothing", "p5, p50, mean, max");
    return fail(word.at, "unknown measure " + quoted(word.text),
                did_you_mean(word.text, measure_words(),
                             "p95, mean, max, errors, shed, rate, tx_rate, users, count OUTCOME, "
                             "COUNTER_rate or COUNTER_count"));
  }

  bool read_quantile(const Word& word) {
    const auto percent =
        looks_like_quantile(word.text) ? number_of(word.text.substr(1)) : std::nullopt;
    if (!percent) return fail(word.at, quoted(word.text) + " is no quantile", "p5, p95, p99.9");
    if (*percent <= 0 || *percent >= 100) {
      return fail(word.at, "a quantile lies between p0 and p100, and is neither",
                  *percent >= 100 ? "write max" : "");
    }
    gate_.quantile = *percent / 100;
    return true;
  }

  bool read_count(const std::vector<Word>& words) {
    gate_.measure = Measure::count_of_outcome;
    const std::vector<std::string> names(outcome_names.begin(), outcome_names.end());
    if (words.size() < 2) {
      return fail(words[0].at + words[0].text.size(), "which outcome is counted?",
                  "count ok > 100");
    }
    const Word& outcome = words[1];
    if (std::find(names.begin(), names.end(), outcome.text) == names.end()) {
      return fail(outcome.at, "unknown outcome " + quoted(outcome.text),
                  did_you_mean(outcome.text, names, "ok, conflict, gone, rule, window, shed, …"));
    }
    gate_.name = std::string(outcome.text);
    return no_more(words, 2);
  }

  bool read_users(const std::vector<Word>& words) {
    gate_.measure = Measure::users_min;
    if (words.size() == 1) return true;
    if (words[1].text == "mean") {
      gate_.measure = Measure::users_mean;
    } else if (words[1].text != "min") {
      return fail(words[1].at, quoted(words[1].text) + " of the users is not measured",
                  "users min or users mean");
    }
    return no_more(words, 2);
  }

  bool no_more(const std::vector<Word>& words, std::size_t used) {
    if (words.size() == used) return true;
    return fail(words[used].at, "unexpected " + quoted(words[used].text),
                "a comparison stands here: <, <=, >, >= or ==");
  }

  bool read_comparison() {
    using Comparison = Threshold::Comparison;
    constexpr std::pair<std::string_view, Comparison> comparisons[] = {
        {"<=", Comparison::less_equal},
        {">=", Comparison::greater_equal},
        {"==", Comparison::equal},
        {"<", Comparison::less},
        {">", Comparison::greater}};
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("=<")) return fail(at_, "unknown comparison", "write <=");
    if (rest.starts_with("=>")) return fail(at_, "unknown comparison", "write >=");
    for (const auto& [text, comparison] : comparisons) {
      if (!rest.starts_with(text)) continue;
      gate_.comparison = comparison;
      at_ += text.size();
      return true;
    }
    if (rest.starts_with('=')) return fail(at_, "unknown comparison", "write ==");
    return fail(at_, "a comparison is missing", "<, <=, >, >= or ==");
  }

  bool read_quantity() {
    skip_blanks();
    if (begins_reference()) return read_reference();
    const std::size_t begin = at_;
    double value = 0;
    const char* const end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + begin, end, value);
    const bool digit = begin < text_.size() && text_[begin] >= '0' && text_[begin] <= '9';
    if (begin < text_.size() && text_[begin] == '-') {
      return fail(begin, "nothing measured is negative");
    }
    if (!digit || error != std::errc{}) return fail(begin, "a number is missing", example());
    at_ = static_cast<std::size_t>(stop - text_.data());
    const std::size_t number_end = at_;
    skip_blanks();
    std::string_view unit = text_.substr(at_);
    while (!unit.empty() && (unit.back() == ' ' || unit.back() == '\t')) unit.remove_suffix(1);
    const Word number{text_.substr(begin, number_end - begin), begin};
    return apply_unit(number, value, {unit, at_});
  }

  // A letter, or a number with an x behind it; the number is taken.
  bool begins_reference() {
    const auto letter = [this](std::size_t at) {
      return at < text_.size() && is_word_char(text_[at]) && text_[at] > '9';
    };
    if (letter(at_)) {
      // A word alone that is no measure is a mistyped number.
      const std::size_t end = std::min(text_.find_first_of(" \t", at_), text_.size());
      const bool more = text_.find_first_not_of(" \t", end) != std::string_view::npos;
      return more || names_measure(text_.substr(at_, end - at_));
    }
    double factor = 0;
    const char* const end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, factor);
    if (error != std::errc{} || text_[at_] < '0' || text_[at_] > '9') return false;
    std::size_t next =
        text_.find_first_not_of(" \t", static_cast<std::size_t>(stop - text_.data()));
    if (next == std::string_view::npos || text_[next] != 'x') return false;
    next = text_.find_first_not_of(" \t", next + 1);
    if (next == std::string_view::npos || !letter(next)) return false;
    gate_.factor = factor;
    at_ = next;
    return true;
  }

  bool read_reference() {
    GateReader other(text_.substr(at_));
    if (!other.read_left()) {
      return fail(at_ + other.problem_->at, other.problem_->message, other.problem_->hint);
    }
    const Measure mine = gate_.measure, its = other.gate_.measure;
    const bool same_kind = is_latency(mine) == is_latency(its) && is_share(mine) == is_share(its) &&
                           is_rate(mine) == is_rate(its);
    if (!same_kind) return fail(at_, "compared with a figure of another kind", example());
    const std::size_t end = text_.find_first_not_of(" \t", at_ + other.at_);
    if (end != std::string_view::npos) {
      return fail(end, "unexpected " + quoted(text_.substr(end)), "the gate ends here");
    }
    gate_.reference = std::make_shared<const Threshold>(std::move(other.gate_));
    return true;
  }

  // What a quantity of this measure looks like.
  [[nodiscard]] std::string example() const {
    if (is_latency(gate_.measure)) return "300ms";
    if (is_share(gate_.measure)) return "0.5%";
    return is_rate(gate_.measure) ? "100/s" : "100";
  }

  bool apply_unit(const Word& number, double value, const Word& unit) {
    if (unit.text.starts_with(',') || unit.text.starts_with('_')) {
      return fail(number.at, "a number has no separators", "1000, not 1,000");
    }
    constexpr std::string_view units[] = {"ns", "us", "ms", "s", "%", "/s", ""};
    if (std::find(std::begin(units), std::end(units), unit.text) == std::end(units)) {
      return fail(unit.at, "unknown unit " + quoted(unit.text), "ns, us, ms, s, % or /s");
    }
    if (is_latency(gate_.measure)) return apply_latency(number, value, unit);
    if (is_share(gate_.measure)) return apply_share(number, value, unit);
    const bool fits = unit.text.empty() || (unit.text == "/s" && is_rate(gate_.measure));
    if (!fits) {
      return fail(unit.at, "unit " + quoted(unit.text) + " does not fit what is measured",
                  example());
    }
    gate_.quantity = value;
    return true;
  }

  bool apply_latency(const Word& number, double value, const Word& unit) {
    constexpr std::pair<std::string_view, double> scales[] = {
        {"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
    for (const auto& [text, seconds] : scales) {
      if (unit.text != text) continue;
      gate_.quantity = value * seconds;
      return true;
    }
    if (!unit.text.empty()) {
      return fail(unit.at, "unit " + quoted(unit.text) + " does not fit what is measured",
                  example());
    }
    return fail(number.at, "a latency needs a unit", "write " + std::string(number.text) + "ms");
  }

  bool apply_share(const Word& number, double value, const Word& unit) {
    if (unit.text == "%") {
      value /= 100;
    } else if (!unit.text.empty()) {
      return fail(unit.at, "unit " + quoted(unit.text) + " does not fit what is measured",
                  example());
    }
    if (value > 1) {
      return fail(number.at, "a share is at most 100% (or 1)",
                  unit.text.empty() ? "write " + std::string(number.text) + "%" : "");
    }
    gate_.quantity = value;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Word tag_;  // "team=checkout", or empty
  Threshold gate_;
  std::optional<Problem> problem_;
};

}  // namespace

Checked<Threshold> parse_threshold(std::string_view expression) {
  if (is_gauge_gate(expression)) return parse_gauge_gate(expression);
  return GateReader(expression).read();
}

}  // namespace stampede
