// The chapters before and after the load: set-up and tear-down.
#include <fmt/format.h>

#include <ostream>

#include "harness/load/phase.hpp"
#include "harness/measure/units.hpp"
#include "harness/report/digest.hpp"
#include "harness/run/story.hpp"

namespace stampede {
namespace {

// A set-up that hangs ends the run; a tear-down that hangs, after Ctrl-C as well, holds it up for
// no longer than this.
constexpr std::chrono::minutes setup_max{10};
constexpr std::chrono::seconds teardown_max{30};

PhaseResult result_of(const CompiledPhase& phase, const PhaseOutcome& outcome,
                      const std::string& name) {
  PhaseResult result;
  result.seconds = to_seconds(outcome.took);
  result.problem = outcome.failed ? outcome.problem : "";
  std::vector<SeriesLabel> labels;
  for (const SeriesInfo& info : phase.series) {
    labels.push_back({info.scenario, info.step, info.transaction, info.waits});
  }
  for (SeriesId id = 0; id < labels.size(); ++id) {
    SeriesResult one = digest(outcome.measured, labels, {id}, result.seconds);
    one.scenario = name;
    one.step = labels[id].step;
    one.transaction = labels[id].transaction;
    one.waits = labels[id].waits;
    result.series.push_back(std::move(one));
  }
  return result;
}

std::string told(const std::string& name, const PhaseOutcome& outcome) {
  return fmt::format("{}: {} requests in {}", name, outcome.measured.requests_begun,
                     human_duration(outcome.took));
}

}  // namespace

bool Story::run_setup() {
  set_up_ = true;
  if (compiled_.setup.steps.empty()) return true;
  try {
    PhaseOutcome outcome = run_phase(make_plan(), PhaseKind::setup, setup_max, stop_.get_token());
    result_.setup = result_of(compiled_.setup, outcome, "setup");
    note(told("setup", outcome));
    if (outcome.interrupted) {
      end("interrupted", "stopped by a signal during the set-up");
    } else if (outcome.failed) {
      end("failed", outcome.problem + " (the load was not started)");
    }
    for (auto& value : outcome.values) compiled_.run_values.push_back(std::move(value));
  } catch (const std::runtime_error& problem) {
    end("failed", fmt::format("setup: {}", problem.what()));
  }
  return !ended();
}

// Whatever became of the run. Its failure is told and changes no verdict: what was measured before
// it holds.
void Story::run_teardown() {
  if (!set_up_ || compiled_.teardown.steps.empty()) return;
  try {
    const PhaseOutcome outcome = run_phase(make_plan(), PhaseKind::teardown, teardown_max, {});
    result_.teardown = result_of(compiled_.teardown, outcome, "teardown");
    note(told("teardown", outcome));
  } catch (const std::runtime_error& problem) {
    result_.teardown.problem = fmt::format("teardown: {}", problem.what());
  }
  if (result_.teardown.problem.empty()) return;
  err_ << "stampede: " << result_.teardown.problem << " (what the set-up made may be left)\n";
}

}  // namespace stampede
