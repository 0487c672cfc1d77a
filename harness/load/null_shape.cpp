#include "harness/load/null_shape.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace stampede {

namespace {

// Of a variable that is known only from an answer: as long as many an id.
constexpr std::string_view unknown_text = "00000000";

void append(const Steps& steps, Steps& into);

void append_action(const CompiledStep& step, const HttpStep& http, Steps& into) {
  CompiledStep plain;
  plain.series = step.series;
  plain.timeout = step.timeout;
  HttpStep request = http;
  request.classifier = Classifier(ExpectSpec{});
  request.captures.clear();
  request.checks.clear();
  request.required_headers.clear();
  request.wanted_headers.clear();
  request.wanted_headers_and_wait.clear();
  plain.action = std::move(request);
  into.push_back(std::move(plain));
}
void append_action(const CompiledStep&, const IfStep& branch, Steps& into) {
  append(branch.then_steps.empty() ? branch.else_steps : branch.then_steps, into);
}
void append_action(const CompiledStep&, const LoopStep& loop, Steps& into) {
  // How often a condition would hold is known only when it is asked.
  LoopStep again{std::nullopt, loop.condition ? 1 : loop.times, {}};
  append(loop.steps, again.steps);
  if (!again.steps.empty()) into.emplace_back().action = std::move(again);
}
void append_action(const CompiledStep&, const ChooseStep& choice, Steps& into) {
  ChooseStep same{choice.cumulative, {}};
  bool any = false;
  for (const Steps& branch : choice.branches) {
    append(branch, same.branches.emplace_back());
    any = any || !same.branches.back().empty();
  }
  if (any) into.emplace_back().action = std::move(same);
}
void append_action(const CompiledStep&, const RetryStep& retry, Steps& into) {
  append(retry.steps, into);
}
void append_action(const CompiledStep&, const ParallelStep& group, Steps& into) {
  for (const ParallelStep::Branch& branch : group.branches) append(branch.steps, into);
}
template <class Other>
void append_action(const CompiledStep&, const Other&, Steps&) {}

void append(const Steps& steps, Steps& into) {
  for (const CompiledStep& step : steps) {
    std::visit([&](const auto& action) { append_action(step, action, into); }, step.action);
  }
}

bool counts(const CompiledRun& run, const Steps& steps) {
  return std::ranges::any_of(steps, [&run](const CompiledStep& step) {
    const bool request = std::holds_alternative<HttpStep>(step.action);
    if (request && !run.series[step.series].waits) return true;
    return std::ranges::any_of(nested_steps(step),
                               [&run](const Steps* inside) { return counts(run, *inside); });
  });
}

// Puts a wait before each request.
void slow_down(Steps& steps, Nanos wait) {
  Steps slow;
  for (CompiledStep& step : steps) {
    if (std::holds_alternative<HttpStep>(step.action)) {
      slow.emplace_back().action = ThinkStep{{RandomDuration::Kind::constant, to_seconds(wait), 0}};
    } else if (auto* loop = std::get_if<LoopStep>(&step.action)) {
      slow_down(loop->steps, wait);
    } else if (auto* choice = std::get_if<ChooseStep>(&step.action)) {
      for (Steps& branch : choice->branches) slow_down(branch, wait);
    }
    slow.push_back(std::move(step));
  }
  steps = std::move(slow);
}

// Mean of what linear stages go through.
double mean_of(double from, const std::vector<Stage>& stages) {
  double area = 0, seconds = 0;
  for (const Stage& stage : stages) {
    area += to_seconds(stage.duration) * (from + stage.target) / 2;
    seconds += to_seconds(stage.duration);
    from = stage.target;
  }
  return seconds > 0 ? area / seconds : from;
}

double weight_of(const LoadShape& load) {
  if (const auto* open = std::get_if<OpenLoad>(&load)) {
    return mean_of(open->start_rate, open->stages);
  }
  if (const auto* closed = std::get_if<ClosedLoad>(&load)) {
    return mean_of(closed->start_users, closed->stages);
  }
  const auto& instant = std::get<InstantLoad>(load);
  return instant.users / std::max(1e-3, to_seconds(instant.every));
}

// Every slot that a session would fill by itself.
void fill_slots(const CompiledRun& original, CompiledRun& run) {
  std::vector<bool> known(run.slots.size());
  for (std::uint32_t slot = 0; slot < builtin_slots; ++slot) known[slot] = true;
  for (auto& [slot, value] : run.run_values) {
    if (known[slot]) continue;
    known[slot] = true;
    if (std::holds_alternative<std::monostate>(value)) value = std::int64_t{1};  // event_1 …
  }
  for (const CompiledFeeder& feeder : original.feeders) {
    for (const auto& [slot, column] : feeder.columns) {
      if (known[slot] || feeder.rows == nullptr || feeder.rows->rows() == 0) continue;
      known[slot] = true;
      run.run_values.emplace_back(slot, feeder.rows->value(0, column));
    }
  }
  for (std::uint32_t slot = 0; slot < known.size(); ++slot) {
    if (!known[slot]) run.run_values.emplace_back(slot, std::string(unknown_text));
  }
}

}  // namespace

std::optional<NullShape> NullShape::of(const CompiledRun& run) {
  NullShape shape;
  CompiledRun& own = shape.run_;
  own.slots = run.slots;
  own.run_values = run.run_values;
  own.series = run.series;
  own.counters = run.counters;
  own.functions = run.functions;
  own.redactor = run.redactor;
  for (const CompiledScenario& scenario : run.scenarios) {
    CompiledScenario plain;
    plain.name = scenario.name;
    plain.model = "closed";
    plain.user_from = scenario.user_from;
    plain.user_count = scenario.user_count;
    plain.start_variables = scenario.start_variables;
    if (scenario.connection) {
      // How long a connection lives is a part of what a request costs; where it goes is not.
      plain.connection.emplace().max_requests = scenario.connection->max_requests;
      plain.connection->max_age = scenario.connection->max_age;
    }
    append(scenario.steps, plain.steps);
    if (!counts(own, plain.steps)) continue;
    own.scenarios.push_back(std::move(plain));
    shape.weights_.push_back(std::max(1e-9, weight_of(scenario.load)));
  }
  if (own.scenarios.empty()) return std::nullopt;
  fill_slots(run, own);
  const double sum = std::accumulate(shape.weights_.begin(), shape.weights_.end(), 0.0);
  for (double& weight : shape.weights_) weight /= sum;
  return shape;
}

CompiledRun NullShape::hurried(std::uint32_t users, Nanos length) const {
  CompiledRun run = run_;
  for (std::size_t i = 0; i < run.scenarios.size(); ++i) {
    const double part = std::max(1.0, std::round(users * weights_[i]));
    run.scenarios[i].load = ClosedLoad{part, {{length, part}}};
  }
  return run;
}

CompiledRun NullShape::leisurely(Nanos between, Nanos length) const {
  CompiledRun run = run_;
  for (CompiledScenario& scenario : run.scenarios) {
    scenario.load = ClosedLoad{1, {{length, 1}}};
    slow_down(scenario.steps, between * static_cast<std::int64_t>(run.scenarios.size()));
  }
  return run;
}

}  // namespace stampede
