#include "harness/profile/profile_reader_values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <tuple>

namespace stampede {

namespace {

constexpr std::size_t problems_max = 200;
// Whole numbers written as 1e6 come by way of a double, which is exact up to here.
constexpr double exact_integer_max = 9007199254740992.0;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string in_quotes(std::string_view text) {
  constexpr std::size_t shown_max = 40;
  std::string shown(text.substr(0, shown_max));
  if (text.size() > shown_max) shown += "…";
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  return "\"" + shown + "\"";
}

std::string_view kind_name(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::scalar:
      return "a single value";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
  }
  return "something else";
}

bool is_octal_look_alike(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text.size() > 1 && text.front() == '0' && std::all_of(text.begin(), text.end(), is_digit);
}

// Words of a text with their offsets.
struct Word {
  std::string_view text;
  std::size_t at;
};
std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && !is_blank(text[at])) ++at;
    words.push_back({text.substr(begin, at - begin), begin});
  }
  return words;
}

struct Unit {
  std::string_view name;
  double nanos;
};
constexpr std::array<Unit, 6> units{
    {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

TextProblem shifted(TextProblem problem, std::size_t by) {
  problem.at += by;
  return problem;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) digits.remove_prefix(1);
  const bool starts_well = !digits.empty() && (is_digit(digits.front()) || digits.front() == '.');
  if (!starts_well || is_octal_look_alike(text)) return std::nullopt;
  double value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value)) return std::nullopt;
  return text.front() == '-' ? -value : value;
}

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && text.size() <= name_bytes_max && letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&letter](char c) {
           return letter(c) || is_digit(c) || c == '_' || c == '-';
         });
}

Parsed<Nanos> parse_duration(std::string_view text) {
  if (text.empty()) return TextProblem{0, "a duration is missing", "250ms, 2s, 1m30s"};
  if (text.front() == '-') return TextProblem{0, "a duration cannot be negative", ""};
  double nanos = 0;
  for (std::size_t at = 0; at < text.size();) {
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + text.size(), value,
                                               std::chars_format::fixed);
    if (!is_digit(text[at]) || error != std::errc{}) {
      return TextProblem{at, in_quotes(text) + " is not a duration", "250ms, 2s, 1m30s"};
    }
    const std::size_t begin = at;
    at = static_cast<std::size_t>(stop - text.data());
    const std::string number(text.substr(begin, at - begin));
    std::size_t end = at;
    while (end < text.size() && !is_digit(text[end])) ++end;
    const std::string_view name = text.substr(at, end - at);
    if (name.empty()) {
      return TextProblem{begin, "a duration needs a unit", "write " + number + "s"};
    }
    const auto unit =
        std::find_if(units.begin(), units.end(), [name](const Unit& u) { return u.name == name; });
    if (unit == units.end()) {
      const auto bare = name.find_first_not_of(" \t");
      const bool spaced = bare != 0 && bare != std::string_view::npos;
      return TextProblem{
          at, "unknown unit " + in_quotes(name),
          spaced ? "write " + number + std::string(name.substr(bare)) : "ns, us, ms, s, m or h"};
    }
    nanos += value * unit->nanos;
    at = end;
  }
  if (nanos > static_cast<double>(duration_max.count())) {
    return TextProblem{0, "longer than 7 days", ""};
  }
  return Nanos{std::llround(nanos)};
}

namespace {

Parsed<RandomDuration> parse_two(RandomDuration::Kind kind, const std::vector<Word>& words) {
  const bool lognormal = kind == RandomDuration::Kind::lognormal;
  const auto a = parse_duration(words[1].text);
  if (!a) return shifted(a.error(), words[1].at);
  RandomDuration result{kind, to_seconds(*a), 0};
  if (lognormal) {
    const auto sigma = parse_number(words[2].text);
    if (!sigma || *sigma < 0 || *sigma > 5) {
      return TextProblem{words[2].at, "sigma is a number from 0 to 5, without a unit",
                         "lognormal 600ms 0.5"};
    }
    result.b = *sigma;
    return result;
  }
  const auto b = parse_duration(words[2].text);
  if (!b) return shifted(b.error(), words[2].at);
  result.b = to_seconds(*b);
  if (kind == RandomDuration::Kind::uniform && *b < *a) {
    return TextProblem{words[2].at, "the longest comes before the shortest",
                       "uniform " + std::string(words[2].text) + " " + std::string(words[1].text)};
  }
  return result;
}

}  // namespace

Parsed<RandomDuration> parse_random_duration(std::string_view text) {
  using Kind = RandomDuration::Kind;
  struct Form {
    std::string_view name;
    Kind kind;
    std::size_t words;
    std::string_view example;
  };
  constexpr std::array<Form, 5> forms{{{"constant", Kind::constant, 2, "constant 2s"},
                                       {"uniform", Kind::uniform, 3, "uniform 2s 5s"},
                                       {"exponential", Kind::exponential, 2, "exponential 2s"},
                                       {"normal", Kind::normal, 3, "normal 2s 500ms"},
                                       {"lognormal", Kind::lognormal, 3, "lognormal 600ms 0.5"}}};
  const std::vector<Word> words = words_of(text);
  if (words.empty()) return TextProblem{0, "a duration is missing", "2s, uniform 2s 5s"};
  const auto form = std::find_if(forms.begin(), forms.end(),
                                 [&words](const Form& one) { return one.name == words[0].text; });
  if (form == forms.end() && !is_digit(words[0].text.front()) && words[0].text.front() != '-') {
    std::vector<std::string> names;
    for (const Form& one : forms) names.emplace_back(one.name);
    const std::string_view near = nearest(words[0].text, names);
    return TextProblem{words[0].at, "unknown distribution " + in_quotes(words[0].text),
                       near.empty() ? "2s, uniform 2s 5s, exponential 2s, normal 2s 500ms, "
                                      "lognormal 600ms 0.5"
                                    : "did you mean \"" + std::string(near) + "\"?"};
  }
  if (form == forms.end()) {
    const auto constant = parse_duration(text);
    if (!constant) return constant.error();
    return RandomDuration{Kind::constant, to_seconds(*constant), 0};
  }
  if (words.size() != form->words) {
    const std::size_t at = words.size() > form->words ? words[form->words].at : text.size();
    return TextProblem{at,
                       std::string(form->name) + " takes " + std::to_string(form->words - 1) +
                           (form->words == 2 ? " value" : " values"),
                       std::string(form->example)};
  }
  if (form->words == 3) return parse_two(form->kind, words);
  const auto a = parse_duration(words[1].text);
  if (!a) return shifted(a.error(), words[1].at);
  return RandomDuration{form->kind, to_seconds(*a), 0};
}

Parsed<std::vector<Stage>> parse_stages(std::string_view text) {
  std::vector<Stage> stages;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::size_t first = begin;
    while (first < end && is_blank(text[first])) ++first;
    std::string_view part = text.substr(first, end - first);
    while (!part.empty() && is_blank(part.back())) part.remove_suffix(1);
    const std::size_t colon = part.find(':');
    if (colon == std::string_view::npos) {
      return TextProblem{first, "a stage is a duration, a colon and a target", "30s:200"};
    }
    const auto duration = parse_duration(part.substr(0, colon));
    if (!duration) return shifted(duration.error(), first);
    const auto target = parse_number(part.substr(colon + 1));
    if (!target || *target < 0) {
      return TextProblem{first + colon + 1, "a target is a number, and not negative", "30s:200"};
    }
    stages.push_back({*duration, *target});
    begin = end + 1;
  }
  return stages;
}

void Problems::report(const YamlNode& node, std::string message, std::string hint, std::size_t at) {
  if (node.set > 0) {
    add({"--set", {}, message + " (in \"" + sets_[node.set - 1] + "\")", std::move(hint)});
    return;
  }
  Place place = node.place;
  if (!node.rewritten) place.column += static_cast<int>(at);
  add({file_, place, std::move(message), std::move(hint)});
}

void Problems::add(Diagnostic diagnostic) {
  if (diagnostic.file.empty()) diagnostic.file = file_;
  const auto key = [](const Diagnostic& d) {
    return std::tie(d.file, d.place.line, d.place.column, d.message);
  };
  // What an alias repeats is one problem.
  const bool known = std::any_of(found_.begin(), found_.end(), [&](const Diagnostic& other) {
    return key(other) == key(diagnostic);
  });
  if (!known && found_.size() < problems_max) found_.push_back(std::move(diagnostic));
}

Diagnostics Problems::take() {
  sort_by_place(found_, file_);
  return std::move(found_);
}

Fields::Fields(Problems& problems, const YamlNode* node, std::string what,
               const std::vector<std::string>& known)
    : problems_(problems), node_(node), what_(std::move(what)) {
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::map) {
    problems_.report(*node,
                     what_ + " is a map of keys and values, not " + std::string(kind_name(*node)));
    return;
  }
  is_map_ = true;
  for (const YamlNode::Member& member : node->members) {
    const std::string& key = member.key->text;
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string_view near = nearest(key, known);
    std::string all;
    for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
    problems_.report(
        *member.key, "unknown key " + in_quotes(key) + " in " + what_,
        near.empty() ? "known are " + all : "did you mean \"" + std::string(near) + "\"?");
  }
}

const YamlNode* Fields::find(std::string_view key) const {
  return is_map_ ? node_->find(key).get() : nullptr;
}

const YamlNode* Fields::require(std::string_view key, std::string_view hint) {
  const YamlNode* const found = find(key);
  if (found == nullptr && is_map_) {
    problems_.report(*node_, what_ + " needs the key \"" + std::string(key) + "\"",
                     std::string(hint));
  }
  return found;
}

bool Values::is_scalar(const YamlNode& node, std::string_view wanted) const {
  if (node.kind == YamlNode::Kind::scalar) return true;
  problems_.report(node, std::string(wanted) + " is wanted, not " + std::string(kind_name(node)));
  return false;
}

void Values::text(const YamlNode* node, std::string& into) const {
  if (node != nullptr && is_scalar(*node, "a text")) into = node->text;
}

void Values::name(const YamlNode* node, std::string& into) const {
  if (node == nullptr || !is_scalar(*node, "a name")) return;
  into = node->text;
  if (is_name(node->text)) return;
  problems_.report(*node, in_quotes(node->text) + " is not a name",
                   "a letter, then letters, digits, _ and -, at most 64 in all");
}

void Values::flag(const YamlNode* node, bool& into) const {
  if (node == nullptr || !is_scalar(*node, "true or false")) return;
  std::string lower = node->text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!node->quoted && (node->text == "true" || node->text == "false")) {
    into = node->text == "true";
    return;
  }
  const bool yes =
      lower == "yes" || lower == "on" || lower == "y" || lower == "true" || lower == "1";
  const bool no =
      lower == "no" || lower == "off" || lower == "n" || lower == "false" || lower == "0";
  problems_.report(*node, "true or false is wanted, not " + in_quotes(node->text),
                   yes  ? "write true"
                   : no ? "write false"
                        : "");
}

// Says why a scalar is not the number that was wanted.
void Values::report_number(const YamlNode& node, std::string_view wanted) const {
  const std::string message = std::string(wanted) + " is wanted, not " + in_quotes(node.text);
  std::string plain = node.text;
  std::erase_if(plain, [](char c) { return c == ',' || c == '_' || c == '\''; });
  if (node.quoted && parse_number(node.text)) {
    problems_.report(node, message, "leave out the quotes");
  } else if (is_octal_look_alike(node.text)) {
    std::string decimal = node.text;
    decimal.erase(0, std::min(decimal.find_first_not_of("0+-"), decimal.size() - 1));
    problems_.report(node, in_quotes(node.text) + " looks like an octal number",
                     "write " + decimal + ", without leading zeros");
  } else if (node.text.starts_with("0x") || node.text.starts_with("0o") ||
             node.text.starts_with("0b")) {
    problems_.report(node, message, "write it in decimal");
  } else if (plain != node.text && parse_number(plain)) {
    problems_.report(node, message, "write " + plain);
  } else {
    problems_.report(node, message);
  }
}

void Values::number(const YamlNode* node, double& into, double min, double max) const {
  if (node == nullptr || !is_scalar(*node, "a number")) return;
  const auto value = node->quoted ? std::nullopt : parse_number(node->text);
  if (!value) {
    report_number(*node, "a number");
  } else if (*value < min || *value > max) {
    problems_.report(*node, node->text + " is out of range",
                     "from " + number_text(min) + " to " + number_text(max));
  } else {
    into = *value;
  }
}

std::optional<std::uint64_t> Values::whole_number(const YamlNode* node, std::uint64_t min,
                                                  std::uint64_t max) const {
  if (node == nullptr || !is_scalar(*node, "a whole number")) return std::nullopt;
  const auto number = node->quoted ? std::nullopt : parse_number(node->text);
  if (!number || std::trunc(*number) != *number) {
    report_number(*node, "a whole number");
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const char* const end = node->text.data() + node->text.size();
  const auto [stop, error] = std::from_chars(node->text.data(), end, value);
  bool fits = error == std::errc{} && stop == end;
  if (!fits && *number >= 0 && *number <= exact_integer_max) {  // 1e6
    value = static_cast<std::uint64_t>(*number);
    fits = true;
  }
  if (fits && value >= min && value <= max) return value;
  problems_.report(*node, node->text + " is out of range",
                   "from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

void Values::share(const YamlNode* node, double& into) const {
  if (node == nullptr || !is_scalar(*node, "a share")) return;
  std::string_view digits = node->text;
  const bool percent = digits.ends_with('%');
  if (percent) digits.remove_suffix(1);
  const auto number = node->quoted && !percent ? std::nullopt : parse_number(digits);
  if (!number) {
    problems_.report(*node, "a share is wanted, not " + in_quotes(node->text), "5% or 0.05");
    return;
  }
  const double value = percent ? *number / 100 : *number;
  if (value >= 0 && value <= 1) {
    into = value;
  } else if (!percent && value > 1 && value <= 100) {
    problems_.report(*node, node->text + " is out of range: a share is at most 1 or 100%",
                     "write " + node->text + "%");
  } else {
    problems_.report(*node, node->text + " is out of range", "from 0% to 100%");
  }
}

void Values::duration(const YamlNode* node, Nanos& into, Nanos min) const {
  if (node == nullptr || !is_scalar(*node, "a duration")) return;
  const auto parsed = parse_duration(node->text);
  if (!parsed) {
    problems_.report(*node, parsed.error().message, parsed.error().hint, parsed.error().at);
  } else if (*parsed < min) {
    problems_.report(*node, node->text + " is too short",
                     "at least " + number_text(to_seconds(min)) + "s");
  } else {
    into = *parsed;
  }
}

void Values::random_duration(const YamlNode* node, RandomDuration& into) const {
  if (node == nullptr || !is_scalar(*node, "a duration")) return;
  const auto parsed = parse_random_duration(node->text);
  if (parsed) {
    into = *parsed;
  } else {
    problems_.report(*node, parsed.error().message, parsed.error().hint, parsed.error().at);
  }
}

void Values::source(const YamlNode* node, Source& into) const {
  if (node == nullptr || !is_scalar(*node, "a text")) return;
  into = {node->text, node->place, node->rewritten};
}

void Values::names(const YamlNode* node, std::vector<std::string>& into) const {
  if (node == nullptr) return;
  const auto add = [&](const YamlNode& where, std::string_view text, std::size_t at) {
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1), ++at;
    if (is_name(text)) {
      into.emplace_back(text);
    } else {
      problems_.report(where, in_quotes(text) + " is not a name", "", at);
    }
  };
  into.clear();
  if (node->kind == YamlNode::Kind::null) return;
  if (node->kind == YamlNode::Kind::scalar) {
    std::string_view text = node->text;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      add(*node, text.substr(begin, end - begin), begin);
      begin = end + 1;
    }
    return;
  }
  for (const YamlNodePtr& item : list(node, "a list of names")) {
    if (is_scalar(*item, "a name")) add(*item, item->text, 0);
  }
}

const std::vector<YamlNodePtr>& Values::list(const YamlNode* node, std::string_view what) const {
  static const std::vector<YamlNodePtr> none;
  if (node == nullptr) return none;
  if (node->kind == YamlNode::Kind::list) return node->items;
  problems_.report(*node, std::string(what) + " is wanted, not " + std::string(kind_name(*node)));
  return none;
}

const std::vector<YamlNode::Member>& Values::members(const YamlNode* node,
                                                     std::string_view what) const {
  static const std::vector<YamlNode::Member> none;
  if (node == nullptr) return none;
  if (node->kind == YamlNode::Kind::map) return node->members;
  problems_.report(*node, std::string(what) + " is wanted, not " + std::string(kind_name(*node)));
  return none;
}

}  // namespace stampede
