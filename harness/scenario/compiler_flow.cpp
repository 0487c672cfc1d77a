// Retry, parallel, rendezvous, set-up and tear-down.
#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/scenario/compiler.hpp"

namespace stampede {

namespace {

// The most sessions that a scenario can have at once; nullopt: nothing limits them.
std::optional<std::uint64_t> users_limit(const ScenarioSpec& scenario) {
  std::optional<std::uint64_t> limit;
  if (const auto* closed = std::get_if<ClosedLoad>(&scenario.load)) {
    double highest = closed->start_users;
    for (const Stage& stage : closed->stages) highest = std::max(highest, stage.target);
    limit = static_cast<std::uint64_t>(std::ceil(highest));
  } else if (const auto* instant = std::get_if<InstantLoad>(&scenario.load)) {
    limit = instant->users;
  }
  if (scenario.users_max > 0) {
    limit = std::min<std::uint64_t>(limit.value_or(scenario.users_max), scenario.users_max);
  }
  return limit;
}

bool meets_at(const std::vector<StepSpec>& steps, std::string_view point) {
  return std::any_of(steps.begin(), steps.end(), [point](const StepSpec& step) {
    if (std::holds_alternative<RendezvousSpec>(step.action)) return step.name == point;
    const auto lists = nested_steps(step);
    return std::any_of(lists.begin(), lists.end(),
                       [point](const auto* list) { return meets_at(*list, point); });
  });
}

}  // namespace

std::vector<std::uint32_t> Compiler::slots_set_by(const std::vector<StepSpec>& steps) const {
  std::vector<std::uint32_t> slots;
  for_each_variable(steps, [&](const std::string& name, Place) {
    const std::uint32_t slot = slot_of(name);
    if (slot < builtin_slots) return;  // a name that was refused
    if (std::find(slots.begin(), slots.end(), slot) == slots.end()) slots.push_back(slot);
  });
  return slots;
}

RetryStep Compiler::compile_action(const RetrySpec& spec, Place /*place*/) {
  RetryStep step{spec.times,
                 spec.on,
                 spec.wait,
                 spec.backoff,
                 spec.wait_max,
                 spec.retry_after,
                 counter_of(counter_retries),
                 counter_of(counter_retries_exhausted),
                 {}};
  const bool was_guarded = std::exchange(guarded_, true);
  const bool wanted = std::exchange(wants_retry_after_, wants_retry_after_ || spec.retry_after);
  step.steps = compile_steps(spec.steps);
  guarded_ = was_guarded;
  wants_retry_after_ = wanted;
  return step;
}

ParallelStep Compiler::compile_action(const ParallelSpec& spec, Place /*place*/) {
  ParallelStep step;
  step.connections = spec.connections;
  const bool was_guarded = std::exchange(guarded_, true);
  for (const auto& branch : spec.branches) {
    step.branches.push_back({compile_steps(branch), slots_set_by(branch)});
  }
  guarded_ = was_guarded;
  return step;
}

RendezvousStep Compiler::compile_action(const RendezvousSpec& spec, Place place) {
  auto& points = run_.rendezvous;
  const std::string& name = step_->name;
  const auto found = std::find_if(points.begin(), points.end(),
                                  [&name](const auto& point) { return point.name == name; });
  const auto index = static_cast<std::uint32_t>(found - points.begin());
  if (found == points.end()) {
    points.push_back({name, spec.users});
    meetings_.push_back(place);
  } else if (found->users != spec.users) {
    report(
        place,
        "the rendezvous \"" + name + "\" has " + std::to_string(found->users) + " users elsewhere",
        "users of all scenarios meet at a point: one number for all");
  }
  return {index};
}

// Users who can never come are waited for in vain, every time.
void Compiler::check_rendezvous() {
  const bool certain = doubts_ == nullptr || !(doubts_->in("scenarios") || doubts_->in("personas"));
  if (!certain) return;
  for (std::size_t at = 0; at < run_.rendezvous.size(); ++at) {
    const RendezvousPoint& point = run_.rendezvous[at];
    std::uint64_t most = 0;
    bool limited = true;
    for (const ScenarioSpec& scenario : profile_.scenarios) {
      const auto persona = profile_.personas.find(scenario.persona);
      const bool comes =
          meets_at(scenario.prepare, point.name) ||
          (persona != profile_.personas.end() && meets_at(persona->second.steps, point.name));
      if (!comes) continue;
      const auto limit = users_limit(scenario);
      limited = limited && limit;
      most += limit.value_or(0);
    }
    if (!limited || most >= point.users) continue;
    report(meetings_[at],
           "the rendezvous \"" + point.name + "\" waits for " + std::to_string(point.users) +
               " users, and there are never more than " + std::to_string(most),
           "fewer users here, or more in the scenarios that come by");
  }
}

// Set-up and tear-down have series and counters of their own, so those of the run are put aside.
CompiledPhase Compiler::compile_phase(const std::string& name, const std::vector<StepSpec>& specs) {
  CompiledPhase phase;
  if (specs.empty()) return phase;
  auto series = std::exchange(run_.series, {});
  auto counters = std::exchange(run_.counters, {});
  scenario_ = name;
  names_.clear();
  tags_ = profile_.tags;
  const bool was_guarded = std::exchange(guarded_, true);
  in_phase_ = true;
  phase.steps = compile_steps(specs);
  in_phase_ = false;
  guarded_ = was_guarded;
  for (const auto& [variable, source] : profile_.variables) {
    phase.start_variables.emplace_back(slot_of(variable), compile_template(source));
  }
  phase.sets = slots_set_by(specs);
  phase.series = std::exchange(run_.series, std::move(series));
  phase.counters = std::exchange(run_.counters, std::move(counters));
  return phase;
}

void Compiler::compile_phases() {
  check_rendezvous();
  run_.setup = compile_phase("setup", profile_.setup);
  run_.teardown = compile_phase("teardown", profile_.teardown);
  check_hidden_captures();
}

// Start values are set after what the set-up found: a name that is both would never be seen.
void Compiler::check_hidden_captures() {
  const auto check = [this](const std::vector<std::pair<std::string, Source>>& variables) {
    for_each_variable(profile_.setup, [&](const std::string& name, Place place) {
      const bool hidden = std::any_of(variables.begin(), variables.end(),
                                      [&name](const auto& known) { return known.first == name; });
      if (!hidden) return;
      report(place, "\"" + name + "\" has a start value, which would hide what setup finds",
             "choose another name, or remove it from `variables`");
    });
  };
  check(profile_.variables);
  for (const ScenarioSpec& scenario : profile_.scenarios) check(scenario.variables);
}

}  // namespace stampede
