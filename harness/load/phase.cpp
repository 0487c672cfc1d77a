#include "harness/load/phase.hpp"

#include <boost/asio/post.hpp>

#include "harness/load/server_address.hpp"
#include "harness/load/virtual_user.hpp"

namespace stampede {

namespace {

// Beyond every scenario's: the random numbers and the session's number are like nobody else's.
constexpr std::uint32_t first_phase_index = 1000;

CompiledRun run_of(const CompiledRun& whole, const CompiledPhase& phase) {
  CompiledRun run;
  run.slots = whole.slots;
  run.run_values = whole.run_values;
  run.series = phase.series;
  run.counters = phase.counters;
  run.functions = whole.functions;
  run.redactor = whole.redactor;
  CompiledScenario scenario;
  scenario.steps = phase.steps;
  scenario.start_variables = phase.start_variables;
  run.scenarios.push_back(std::move(scenario));
  return run;
}

// "setup: login ended as http_error; status 500: …"
std::string problem_of(const Snapshot& remarks, const Snapshot& measured, std::string_view name) {
  std::string text(name);
  const auto add = [&text, &name](const std::string& example) {
    if (!example.empty()) text += (text.size() == name.size() ? ": " : "; ") + example;
  };
  for (const FaultTally& fault : remarks.faults) add(fault.example);
  for (const Snapshot* from : {&remarks, &measured}) {
    for (const std::string& example : from->example) add(example);
  }
  return text;
}

struct Bound {
  VirtualUser& user;
  bool reached = false;
};

}  // namespace

PhaseOutcome run_phase(const LoadPlan& plan, PhaseKind kind, Nanos length_max,
                       std::stop_token stop) {
  const bool setup = kind == PhaseKind::setup;
  const CompiledPhase& phase = setup ? plan.run->setup : plan.run->teardown;
  const CompiledRun run = run_of(*plan.run, phase);
  LoadPlan own;
  own.run = &run;
  own.target = plan.target;
  if (!plan.users.empty()) own.users.push_back(plan.users.front());
  own.seed = plan.seed;
  own.id_salt = plan.id_salt;
  EventLoop loop;
  const TimePoint started = now();
  const HiccupTable hiccups;  // nobody watches
  WorkerState state(loop, own, Servers{server_address(plan.target, 1), {}}, 0, started, hiccups);
  VirtualUser user(state, run.scenarios.front(), first_phase_index + (setup ? 0 : 1));
  user.be_strict();
  user.begin({});
  Bound bound{user};
  Timer timer(
      [](void* owner) {
        auto* reached = static_cast<Bound*>(owner);
        reached->reached = true;
        reached->user.cancel();
      },
      &bound);
  state.wire.timers().arm(timer, started + length_max);
  PhaseOutcome outcome;
  std::exception_ptr error;
  bool ended = false;
  spawn(user.run(run.scenarios.front().steps, started), [&](const std::exception_ptr& thrown) {
    error = thrown;
    ended = true;
    outcome.failed = user.finish(false) != SessionEnd::completed;
    state.wire.close_websockets();
    state.wire.timers().stop();
  });
  {
    const std::stop_callback interrupted(stop, [&] {
      loop.submit([&] {
        outcome.interrupted = !ended;
        user.cancel();
      });
    });
    loop.run();
  }
  if (error) std::rethrow_exception(error);
  outcome.took = now() - started;
  outcome.measured = state.measured.take();
  if (outcome.failed) {
    outcome.problem = problem_of(state.remarks, outcome.measured, setup ? "setup" : "teardown");
    if (bound.reached)
      outcome.problem += fmt::format(": not done within {} s", to_seconds(length_max));
  }
  for (const std::uint32_t slot : phase.sets) {
    outcome.values.emplace_back(slot, user.variables().get(slot));
  }
  return outcome;
}

}  // namespace stampede
