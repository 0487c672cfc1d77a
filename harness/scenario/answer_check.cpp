#include "harness/scenario/answer_check.hpp"

namespace stampede {

namespace {

using Relation = Check::Relation;
using Subject = Check::Subject;

// Far more than an example shows: it is cut to its length after secrets have been taken out.
constexpr std::size_t shown_bytes_max = 1024;

// Of a value for people, in quotes.
std::string shown(std::string_view text) {
  if (text.size() <= shown_bytes_max) return "\"" + std::string(text) + "\"";
  return "\"" + std::string(text.substr(0, shown_bytes_max)) + "…\"";
}

std::optional<double> number_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*integer);
  }
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

// Numbers are equal by value (10 and 10.0), everything else by its text.
bool are_equal(const Value& actual, const std::string& actual_text, const std::string& wanted) {
  if (actual_text == wanted) return true;
  const auto number = number_of(actual);
  const auto other = number ? number_of(value_of_text(wanted)) : std::nullopt;
  return number && other && *number == *other;
}

class Examination {
 public:
  Examination(JsonDocument& document, const HeaderLookup& headers, const Variables& variables,
              ExpressionEngine& engine, Random& random)
      : document_(document),
        headers_(headers),
        variables_(variables),
        engine_(engine),
        random_(random) {}

  std::optional<FailedCheck> find_failure(const CompiledCheck& check) {
    if (check.subject == Subject::expression) return evaluate(check);
    const bool there = look_up(check);
    if (check.relation == Relation::exists)
      return there ? nothing() : failed(check, "it is absent");
    if (check.relation == Relation::absent) {
      return there ? failed(check, "it is " + shown(text_)) : nothing();
    }
    if (!there) return failed(check, why_absent());
    if (holds(check)) return nothing();
    // A body is too long to tell; the sample's example would show no more than its beginning.
    return failed(check, check.subject == Subject::body ? "" : "it is " + shown(text_));
  }

 private:
  static std::optional<FailedCheck> nothing() { return std::nullopt; }
  static std::optional<FailedCheck> failed(const CompiledCheck& check, const std::string& why) {
    return FailedCheck{"check failed: " + check.text + (why.empty() ? "" : " (" + why + ")")};
  }

  std::optional<FailedCheck> evaluate(const CompiledCheck& check) {
    const auto value = engine_.evaluate(check.expression, variables_, random_);
    if (!value) {
      return FailedCheck{"script error in the check `" + check.text + "`: " + value.error(), true};
    }
    return ExpressionEngine::truthy(*value) ? nothing() : failed(check, "");
  }

  [[nodiscard]] std::string why_absent() const {
    return document_.problem().empty() ? "it is absent" : std::string(document_.problem());
  }

  // Puts what the check is about into text_, and into value_ if it may be a number; false: it is
  // absent.
  bool look_up(const CompiledCheck& check) {
    text_.clear();
    value_ = Value{};
    if (check.subject == Subject::body) return true;
    if (check.subject == Subject::header) {
      const auto found = headers_(check.name);
      if (found) text_.assign(*found);
      return found.has_value();
    }
    const auto found = document_.find(check.name);
    if (!found) return false;
    if (found->kind == JsonMember::Kind::text) {
      text_.assign(document_.text_of(*found));
      return true;
    }
    value_ = value_of_json(*found);
    if (found->kind == JsonMember::Kind::null) text_ = "null";
    append_text(text_, value_);
    return true;
  }

  bool holds(const CompiledCheck& check) {
    const std::string_view text =
        check.subject == Subject::body ? document_.text() : std::string_view(text_);
    if (check.relation == Relation::matches) return check.pattern->found_in(text);
    wanted_.clear();
    check.value.render(variables_, random_, wanted_);
    switch (check.relation) {
      case Relation::contains:
        return text.find(wanted_) != std::string_view::npos;
      case Relation::lacks:
        return text.find(wanted_) == std::string_view::npos;
      case Relation::equal:
        return are_equal(value_, text_, wanted_);
      case Relation::not_equal:
        return !are_equal(value_, text_, wanted_);
      default:
        return is_ordered(check.relation);
    }
  }

  // What is no number stands in no order.
  [[nodiscard]] bool is_ordered(Relation relation) const {
    const auto actual = number_of(value_);
    const auto wanted = number_of(value_of_text(wanted_));
    if (!actual || !wanted) return false;
    if (relation == Relation::less) return *actual < *wanted;
    if (relation == Relation::less_equal) return *actual <= *wanted;
    return relation == Relation::greater ? *actual > *wanted : *actual >= *wanted;
  }

  JsonDocument& document_;
  const HeaderLookup& headers_;
  const Variables& variables_;
  ExpressionEngine& engine_;
  Random& random_;
  // Of what is looked at and of what is wanted: reused by all answers of a worker, so that a check
  // takes no memory. Their size is bounded by that of an answer.
  static thread_local std::string text_, wanted_;
  Value value_;
};

thread_local std::string Examination::text_;
thread_local std::string Examination::wanted_;

}  // namespace

std::optional<FailedCheck> find_failed_check(const std::vector<CompiledCheck>& checks,
                                             JsonDocument& document, const HeaderLookup& headers,
                                             const Variables& variables, ExpressionEngine& engine,
                                             Random& random) {
  Examination examination(document, headers, variables, engine, random);
  for (const CompiledCheck& check : checks) {
    if (auto failure = examination.find_failure(check)) return failure;
  }
  return std::nullopt;
}

}  // namespace stampede
