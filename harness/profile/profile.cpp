#include "harness/profile/profile.hpp"

#include <algorithm>

namespace stampede {

namespace {

Nanos sum_of(const std::vector<Stage>& stages) {
  Nanos sum{0};
  for (const Stage& stage : stages) sum += stage.duration;
  return sum;
}

}  // namespace

std::vector<const std::vector<StepSpec>*> nested_steps(const StepSpec& step) {
  if (const auto* branch = std::get_if<IfSpec>(&step.action)) {
    return {&branch->then_steps, &branch->else_steps};
  }
  if (const auto* loop = std::get_if<LoopSpec>(&step.action)) return {&loop->steps};
  if (const auto* retry = std::get_if<RetrySpec>(&step.action)) return {&retry->steps};
  std::vector<const std::vector<StepSpec>*> lists;
  if (const auto* choose = std::get_if<ChooseSpec>(&step.action)) {
    for (const ChooseSpec::Branch& branch : choose->branches) lists.push_back(&branch.steps);
  } else if (const auto* parallel = std::get_if<ParallelSpec>(&step.action)) {
    for (const auto& branch : parallel->branches) lists.push_back(&branch);
  }
  return lists;
}

std::vector<DerivedSeries> derived_series(const StepSpec& step) {
  std::vector<DerivedSeries> series;
  const auto add = [&](bool wanted, Derived what, std::string_view suffix) {
    if (wanted) series.push_back({what, step.name + std::string(suffix)});
  };
  if (const auto* socket = std::get_if<WsConnectSpec>(&step.action)) {
    add(socket->ping_every > Nanos{0}, Derived::ping, "_ping");
    add(socket->push_lag.has_value(), Derived::push_lag, "_push_lag");
  } else if (const auto* stream = std::get_if<SseConnectSpec>(&step.action)) {
    add(true, Derived::first_event, "_first_event");
    add(true, Derived::gap, "_gap");
    add(stream->reconnects_max > 0, Derived::reconnect, "_reconnect");
    add(stream->push_lag.has_value(), Derived::push_lag, "_push_lag");
  }
  return series;
}

bool is_json_pointer(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != '/') return false;
  for (std::size_t at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    const std::string_view escape = text.substr(at, 2);
    if (escape != "~0" && escape != "~1") return false;
  }
  return true;
}

// Subtle: each round of an instant load owns the whole of `every`, so that the last round's
// sessions run inside the load and not in the drain.
Nanos load_length(const LoadShape& load) {
  if (const auto* open = std::get_if<OpenLoad>(&load)) return sum_of(open->stages);
  if (const auto* closed = std::get_if<ClosedLoad>(&load)) return sum_of(closed->stages);
  const auto& instant = std::get<InstantLoad>(load);
  return instant.every * static_cast<std::int64_t>(instant.rounds);
}

Nanos run_length(const Profile& profile) {
  Nanos end = profile.warm_up;
  for (const ScenarioSpec& scenario : profile.scenarios) {
    end = std::max(end, scenario.start_at + load_length(scenario.load));
  }
  return end;
}

}  // namespace stampede
