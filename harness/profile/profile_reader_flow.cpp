// The steps that steer others: retry, parallel, rendezvous.
#include <algorithm>
#include <array>
#include <utility>

#include "harness/profile/profile_reader_steps.hpp"

namespace stampede {

namespace {

using Names = std::vector<std::string>;

constexpr std::uint64_t tries_max = 1000;
constexpr double backoff_max = 100;
constexpr std::uint64_t connections_max = 64;
constexpr std::uint32_t connections_of_a_browser = 6;
constexpr std::size_t branches_max = 1000;
constexpr std::uint64_t rendezvous_users_max = 10'000'000;
constexpr Nanos retry_wait{std::chrono::milliseconds{100}};
constexpr Nanos retry_wait_max{std::chrono::seconds{30}};

// What is worth another try unless the profile says otherwise: no answer, or "not now".
constexpr OutcomeSet worth_a_retry = set_of(Outcome::timed_out) | set_of(Outcome::connect_failed) |
                                     set_of(Outcome::disconnected) | set_of(Outcome::shed);

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

std::vector<StepSpec> StepReader::read_lone_steps(const YamlNode* node) {
  alone_ = true;
  std::vector<StepSpec> steps = read_steps(node);
  alone_ = false;
  return steps;
}

// Some actions make no sense everywhere.
void StepReader::check_place(const YamlNode& action) {
  const std::string& kind = action.text;
  if (alone_ && kind == "rendezvous") {
    problems_.report(action, "a rendezvous in setup or teardown",
                     "one user runs them: there is nobody to meet");
  }
  // A branch asks and reckons; it opens nothing that outlives it, and waits for nobody.
  constexpr std::array<std::string_view, 16> welcome{
      "get", "post", "put",   "patch",  "delete", "head",  "options", "think",
      "set", "if",   "while", "repeat", "choose", "retry", "count",   "feed"};
  if (in_branch_ && std::find(welcome.begin(), welcome.end(), kind) == welcome.end()) {
    problems_.report(action, in_quotes(kind) + " has no place in a branch of parallel",
                     "HTTP requests, think, set, if, while, repeat, choose, retry and count have");
  }
}

void StepReader::read_steering(const std::string& kind, const YamlNode& value, Fields& fields,
                               StepSpec& step) {
  if (kind == "retry") {
    RetrySpec retry = read_retry(value);
    retry.steps = read_steps(fields.require("do", "the steps to try again"));
    step.action = std::move(retry);
    return;
  }
  if (kind == "parallel") {
    step.action = read_parallel(value, fields, step);
  } else {
    step.action = read_rendezvous(value, fields, step);
  }
  // Not requests: rows of their own.
  step.waits = true;
}

// A random duration, or {ms: EXPRESSION} for one that depends on what happened.
ThinkSpec StepReader::read_think(const YamlNode& value) {
  ThinkSpec think;
  if (value.kind != YamlNode::Kind::map) {
    values_.random_duration(&value, think.duration);
    return think;
  }
  Fields fields(problems_, &value, "a think by expression", {"ms"});
  values_.source(fields.require("ms", "ms: retry_after_ms - 50, an expression"),
                 think.ms.emplace());
  return think;
}

void StepReader::wrap_in_retry(const YamlNode& value, StepSpec& step) {
  RetrySpec retry = read_retry(value);
  StepSpec outer;
  outer.place = step.place;
  retry.steps.push_back(std::move(step));
  outer.action = std::move(retry);
  step = std::move(outer);
}

// `3`, or a map.
RetrySpec StepReader::read_retry(const YamlNode& value) {
  RetrySpec retry;
  retry.on = worth_a_retry;
  retry.wait = {RandomDuration::Kind::constant, to_seconds(retry_wait), 0};
  retry.wait_max = retry_wait_max;
  if (value.kind == YamlNode::Kind::scalar) {
    values_.whole(&value, retry.times, 1, tries_max);
    return retry;
  }
  Fields fields(problems_, &value, "a retry",
                {"times", "on", "wait", "backoff", "wait_max", "retry_after"});
  if (!fields.is_map()) return retry;
  values_.whole(fields.require("times", "how often to try again, at most"), retry.times, 1,
                tries_max);
  if (const YamlNode* const on = fields.find("on")) retry.on = read_outcomes(*on);
  values_.random_duration(fields.find("wait"), retry.wait);
  values_.number(fields.find("backoff"), retry.backoff, 1, backoff_max);
  values_.duration(fields.find("wait_max"), retry.wait_max);
  values_.flag(fields.find("retry_after"), retry.retry_after);
  return retry;
}

OutcomeSet StepReader::read_outcomes(const YamlNode& node) {
  // What may be tried again: every outcome but success and the end of the run.
  const Names known(outcome_names.begin() + 1, outcome_names.end() - 1);
  Names names;
  values_.names(&node, names);
  OutcomeSet set = 0;
  for (const std::string& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found != known.end()) {
      set |= set_of(static_cast<Outcome>(found - known.begin() + 1));
      continue;
    }
    const std::string_view near = nearest(name, known);
    std::string all;
    for (const std::string& each : known) all += (all.empty() ? "known are " : ", ") + each;
    problems_.report(node, "unknown outcome " + in_quotes(name),
                     near.empty() ? all : "did you mean " + in_quotes(near) + "?");
  }
  if (names.empty() && node.kind != YamlNode::Kind::map) {
    problems_.report(node, "a retry on nothing", "on: [timed_out, shed]");
  }
  return set;
}

// A list of branches, or {connections, do: list of branches}.
ParallelSpec StepReader::read_parallel(const YamlNode& value, const Fields& fields,
                                       StepSpec& step) {
  ParallelSpec parallel;
  parallel.connections = connections_of_a_browser;
  values_.whole(fields.find("connections"), parallel.connections, 1, connections_max);
  if (value.kind != YamlNode::Kind::map) {
    read_common(fields, "parallel", step);
    read_branches(&value, parallel);
    return parallel;
  }
  Fields inner(problems_, &value, "a parallel", {"name", "connections", "do"});
  read_common(inner.find("name") != nullptr ? inner : fields, "parallel", step);
  values_.whole(inner.find("connections"), parallel.connections, 1, connections_max);
  read_branches(inner.require("do", "the branches: steps, or lists of steps"), parallel);
  return parallel;
}

// Each item is a branch: a step, or a list of steps that follow each other.
void StepReader::read_branches(const YamlNode* node, ParallelSpec& parallel) {
  if (node == nullptr) return;
  const bool was_in_branch = std::exchange(in_branch_, true);
  for (const YamlNodePtr& item : values_.list(node, "a list of branches")) {
    if (parallel.branches.size() == branches_max) {
      problems_.report(*item, "more than " + std::to_string(branches_max) + " branches");
      break;
    }
    read_item(*item, parallel.branches.emplace_back());
  }
  in_branch_ = was_in_branch;
  if (node->kind == YamlNode::Kind::list && node->items.empty()) {
    problems_.report(*node, "a parallel without branches", "- get: /style.css");
  }
}

// `100`, or {users: 100, name, timeout}.
RendezvousSpec StepReader::read_rendezvous(const YamlNode& value, const Fields& fields,
                                           StepSpec& step) {
  RendezvousSpec meeting;
  if (value.kind != YamlNode::Kind::map) {
    read_common(fields, "rendezvous", step);
    values_.whole(&value, meeting.users, 1, rendezvous_users_max);
    return meeting;
  }
  Fields inner(problems_, &value, "a rendezvous", {"name", "users", "timeout"});
  read_common(inner.find("name") != nullptr ? inner : fields, "rendezvous", step);
  values_.duration(fields.find("timeout"), step.timeout, std::chrono::milliseconds{1});
  values_.duration(inner.find("timeout"), step.timeout, std::chrono::milliseconds{1});
  values_.whole(inner.require("users", "how many wait for each other"), meeting.users, 1,
                rendezvous_users_max);
  return meeting;
}

}  // namespace stampede
