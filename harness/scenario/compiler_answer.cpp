// The parts of a step that look into its answer: regular expressions and checks.
#include <algorithm>

#include "harness/scenario/compiler.hpp"

namespace stampede {

namespace {

bool is_of_header(const CompiledCapture& capture) {
  return capture.from == CaptureSpec::From::header ||
         (capture.from == CaptureSpec::From::regex && !capture.pointer.empty());
}

}  // namespace

std::shared_ptr<const RegexPattern> Compiler::compile_pattern(const Source& source) {
  if (was_not_read(source)) return nullptr;
  auto pattern = RegexPattern::compile(source.text);
  if (pattern) return std::move(*pattern);
  report(pattern.error(), source);
  return nullptr;
}

void Compiler::compile_regex_capture(const CaptureSpec& spec, CompiledCapture& capture) {
  capture.pattern = compile_pattern(spec.pattern);
  capture.which = spec.which;
  capture.nth = spec.nth;
  if (capture.pattern == nullptr) return;
  const unsigned groups = capture.pattern->groups();
  capture.group = spec.group.value_or(groups > 0 ? 1 : 0);
  if (capture.group <= groups) return;
  report(spec.pattern.place,
         "the pattern has no group " + std::to_string(capture.group) + ", only " +
             std::to_string(groups),
         "a group stands in brackets; group 0 is the whole match");
}

std::vector<CompiledCheck> Compiler::compile_checks(const std::vector<CheckSpec>& specs) {
  std::vector<CompiledCheck> checks;
  for (const CheckSpec& spec : specs) {
    CompiledCheck check{spec.check.subject, spec.check.relation, spec.check.name, {}, nullptr, {},
                        spec.text.text};
    if (check.subject == Check::Subject::expression) {
      check.expression = compile_expression(spec.value);
    } else if (check.relation == Check::Relation::matches) {
      check.pattern = compile_pattern(spec.value);
    } else {
      check.value = compile_template(spec.value);
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

bool looks_into_body(const std::vector<CompiledCapture>& captures,
                     const std::vector<CompiledCheck>& checks) {
  return std::any_of(captures.begin(), captures.end(),
                     [](const CompiledCapture& capture) { return !is_of_header(capture); }) ||
         std::any_of(checks.begin(), checks.end(), [](const CompiledCheck& check) {
           return check.subject == Check::Subject::body || check.subject == Check::Subject::json;
         });
}

std::vector<std::string> wanted_headers(const std::vector<CompiledCapture>& captures,
                                        const std::vector<CompiledCheck>& checks) {
  std::vector<std::string> names;
  const auto add = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const CompiledCapture& capture : captures) {
    if (is_of_header(capture)) add(capture.pointer);
  }
  for (const CompiledCheck& check : checks) {
    if (check.subject == Check::Subject::header) add(check.name);
  }
  return names;
}

}  // namespace stampede
