#include "harness/profile/check.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace stampede {

namespace {

using Subject = Check::Subject;
using Relation = Check::Relation;

constexpr std::array<std::pair<std::string_view, Subject>, 3> subjects{
    {{"body", Subject::body}, {"header", Subject::header}, {"json", Subject::json}}};
constexpr std::array<std::pair<std::string_view, Relation>, 11> relations{
    {{"contains", Relation::contains},
     {"lacks", Relation::lacks},
     {"matches", Relation::matches},
     {"==", Relation::equal},
     {"!=", Relation::not_equal},
     {"<", Relation::less},
     {"<=", Relation::less_equal},
     {">", Relation::greater},
     {">=", Relation::greater_equal},
     {"exists", Relation::exists},
     {"absent", Relation::absent}}};

bool is_order(Relation relation) {
  return relation >= Relation::less && relation <= Relation::greater_equal;
}
bool takes_no_value(Relation relation) {
  return relation == Relation::exists || relation == Relation::absent;
}

// RFC 6901, at least one member deep: the whole document is the body.
bool is_member_pointer(std::string_view text) {
  if (!text.starts_with('/')) return false;
  for (std::size_t at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
  }
  return true;
}

class CheckReader {
 public:
  explicit CheckReader(std::string_view text) : text_(text) {}

  Checked<Check> read() {
    const std::string_view first = word();
    const auto* const subject = std::find_if(
        subjects.begin(), subjects.end(), [first](const auto& one) { return one.first == first; });
    if (subject == subjects.end()) {
      check_.value = std::string(text_);
      return check_;
    }
    check_.subject = subject->second;
    if (read_name() && read_relation() && read_value()) return check_;
    return Diagnostics{problem_};
  }

 private:
  bool fail(std::size_t at, std::string message, std::string hint) {
    problem_ = {"", {1, static_cast<int>(at) + 1}, std::move(message), std::move(hint)};
    return false;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  std::string_view word() {
    skip_blanks();
    begin_ = at_;
    while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '\t') ++at_;
    return text_.substr(begin_, at_ - begin_);
  }

  bool read_name() {
    if (check_.subject == Subject::body) return true;
    check_.name = std::string(word());
    if (check_.subject == Subject::header) {
      return !check_.name.empty() ||
             fail(begin_, "which header?", "header Content-Type contains json");
    }
    if (is_member_pointer(check_.name)) return true;
    return fail(begin_, "\"" + check_.name + "\" is not a JSON pointer",
                "json /items/0/id == 7; an expression that begins with `json` stands in brackets");
  }

  bool read_relation() {
    const std::string_view found = word();
    const auto* const relation =
        std::find_if(relations.begin(), relations.end(),
                     [found](const auto& one) { return one.first == found; });
    if (relation == relations.end()) {
      std::string hint = "contains, lacks, matches, ==, !=, <, <=, >, >=, exists or absent";
      if (found == "=" || found == "is") hint = "write ==";
      if (found == "not" || found == "~=") hint = found == "not" ? "write lacks" : "write !=";
      return fail(begin_,
                  found.empty() ? "a relation is missing"
                                : "unknown relation \"" + std::string(found) + "\"",
                  hint);
    }
    check_.relation = relation->second;
    return fits();
  }

  bool fits() {
    const Relation relation = check_.relation;
    if (is_order(relation) && check_.subject != Subject::json) {
      return fail(begin_, "only JSON members have an order", "json /total < 10");
    }
    const bool whole_body = check_.subject == Subject::body && relation != Relation::contains &&
                            relation != Relation::lacks && relation != Relation::matches;
    return !whole_body || fail(begin_, "a body is not compared as a whole",
                               "body contains TEXT, body matches PATTERN, json /member == VALUE");
  }

  bool read_value() {
    skip_blanks();
    std::string_view value = text_.substr(at_);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    if (takes_no_value(check_.relation)) {
      return value.empty() || fail(at_, "nothing follows `exists` and `absent`",
                                   "leave out \"" + std::string(value) + "\"");
    }
    if (value.empty()) return fail(at_, "a value is missing", "in quotes, if it is empty: \"\"");
    const bool quoted = value.size() > 1 && (value.front() == '"' || value.front() == '\'') &&
                        value.back() == value.front();
    check_.value_at = at_ + (quoted ? 1 : 0);
    check_.value = std::string(quoted ? value.substr(1, value.size() - 2) : value);
    const bool vain = check_.value.empty() && check_.relation <= Relation::matches;
    return !vain || fail(at_, "an empty text is in every text", "name what the answer must say");
  }

  std::string_view text_;
  std::size_t at_ = 0, begin_ = 0;
  Check check_;
  Diagnostic problem_;
};

}  // namespace

Checked<Check> parse_check(std::string_view text) { return CheckReader(text).read(); }

}  // namespace stampede
