#include "harness/scenario/scenario.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "harness/scenario/compiler.hpp"

namespace stampede {

namespace {

// In by_status_: decided by the body of the answer.
constexpr std::uint8_t ask_the_body = 255;
constexpr unsigned overloaded_status = 503;

// `"code" : "OVERLOADED"` anywhere in the text; good enough for a refusal, and far cheaper than
// parsing.
bool says_overloaded(std::string_view body) {
  constexpr std::string_view key = "\"code\"";
  constexpr std::string_view blanks = " \t\r\n";
  for (std::size_t at = body.find(key); at != std::string_view::npos; at = body.find(key, at + 1)) {
    std::size_t next = body.find_first_not_of(blanks, at + key.size());
    if (next == std::string_view::npos || body[next] != ':') continue;
    next = body.find_first_not_of(blanks, next + 1);
    if (next != std::string_view::npos && body.substr(next).starts_with("\"OVERLOADED\""))
      return true;
  }
  return false;
}

}  // namespace

Classifier::Classifier(const ExpectSpec& spec) {
  by_status_.fill(static_cast<std::uint8_t>(Outcome::http_error));
  const auto put = [this](unsigned status, Outcome outcome) {
    if (status < by_status_.size()) by_status_[status] = static_cast<std::uint8_t>(outcome);
  };
  if (!spec.ok) {
    for (unsigned status = 200; status < 300; ++status) put(status, Outcome::ok);
    put(304, Outcome::ok);
  }
  if (!spec.conflict) put(409, Outcome::conflict);
  if (!spec.gone) put(410, Outcome::gone);
  if (!spec.rule) put(422, Outcome::rule);
  if (!spec.window) put(425, Outcome::window);
  if (!spec.shed) {
    put(429, Outcome::shed);
    by_status_[overloaded_status] = ask_the_body;
  }
  // Statuses that a step names win over the defaults of the classes that it does not name.
  const auto put_all = [&put](const std::optional<std::vector<unsigned>>& list, Outcome outcome) {
    if (!list) return;
    for (const unsigned status : *list) put(status, outcome);
  };
  put_all(spec.shed, Outcome::shed);
  put_all(spec.window, Outcome::window);
  put_all(spec.rule, Outcome::rule);
  put_all(spec.gone, Outcome::gone);
  put_all(spec.conflict, Outcome::conflict);
  put_all(spec.ok, Outcome::ok);
}

Outcome Classifier::classify(unsigned status, std::string_view body) const noexcept {
  if (status >= by_status_.size()) return Outcome::http_error;
  const std::uint8_t found = by_status_[status];
  if (found != ask_the_body) return static_cast<Outcome>(found);
  return says_overloaded(body) ? Outcome::shed : Outcome::http_error;
}

std::vector<const Steps*> nested_steps(const CompiledStep& step) {
  if (const auto* branch = std::get_if<IfStep>(&step.action)) {
    return {&branch->then_steps, &branch->else_steps};
  }
  if (const auto* loop = std::get_if<LoopStep>(&step.action)) return {&loop->steps};
  if (const auto* retry = std::get_if<RetryStep>(&step.action)) return {&retry->steps};
  std::vector<const Steps*> lists;
  if (const auto* choice = std::get_if<ChooseStep>(&step.action)) {
    for (const Steps& branch : choice->branches) lists.push_back(&branch);
  } else if (const auto* parallel = std::get_if<ParallelStep>(&step.action)) {
    for (const ParallelStep::Branch& branch : parallel->branches) lists.push_back(&branch.steps);
  }
  return lists;
}

Checked<CompiledRun> compile(const Profile& profile) {
  PartialRun run = Compiler(profile).compile();
  if (!run.problems.empty()) return std::move(run.problems);
  return std::move(run.run);
}

PartialRun compile_in_part(const Profile& profile, const Doubts* doubts) {
  return Compiler(profile, doubts).compile();
}

}  // namespace stampede
