#include "harness/run/probe_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "harness/load/arrival_schedule.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {

namespace {

constexpr double share_of_sessions = 0.01;
constexpr double rate_max = 10;
constexpr double probes_wanted = 600;
constexpr double probes_min = 100;

bool is_candidate(const StepSpec& step) {
  const auto* http = std::get_if<HttpSpec>(&step.action);
  return http != nullptr && http->method == "GET" && !http->body && !step.waits;
}

// All candidates of a list of steps, in the order of the profile, those in branches and loops too.
void collect(const std::vector<StepSpec>& steps, std::vector<const StepSpec*>& into) {
  for (const StepSpec& step : steps) {
    if (is_candidate(step)) into.push_back(&step);
    if (const auto* branch = std::get_if<IfSpec>(&step.action)) {
      collect(branch->then_steps, into);
      collect(branch->else_steps, into);
    } else if (const auto* loop = std::get_if<LoopSpec>(&step.action)) {
      collect(loop->steps, into);
    } else if (const auto* choice = std::get_if<ChooseSpec>(&step.action)) {
      for (const ChooseSpec::Branch& each : choice->branches) collect(each.steps, into);
    }
  }
}

// The same profile with nothing but this step, once a session. What it would remember or record is
// left out.
Profile only(const Profile& profile, const ScenarioSpec& scenario, const StepSpec& step,
             double rate) {
  Profile probe;
  probe.name = "probe";
  probe.seed = profile.seed;
  probe.data = profile.data;
  probe.variables = profile.variables;
  StepSpec alone = step;
  std::get<HttpSpec>(alone.action).captures.clear();
  alone.record.reset();
  alone.transaction = false;
  Persona persona;
  persona.name = "probe";
  persona.steps.push_back(std::move(alone));
  probe.personas.emplace("probe", std::move(persona));
  ScenarioSpec one = scenario;
  one.persona = "probe";
  one.model = "open";
  one.load = OpenLoad{rate, {{run_length(profile), rate}}, Arrival::regular};
  one.start_at = Nanos{0};
  one.start_after.clear();
  one.pacing.reset();
  one.users_max = 0;
  one.prepare.clear();
  probe.scenarios.push_back(std::move(one));
  return probe;
}

double mean_rate(const Profile& profile, const ScenarioSpec& scenario, const OpenLoad& open) {
  const Nanos from = profile.warm_up - scenario.start_at;
  const Nanos to = run_length(profile) - scenario.start_at;
  const double seconds = to_seconds(run_length(profile) - profile.warm_up);
  if (seconds <= 0) return 0;
  return static_cast<double>(count_arrivals(open, profile.seed, from, to)) / seconds;
}

}  // namespace

ProbeChoice choose_probe(const Profile& profile) {
  ProbeChoice none;
  none.absent = "no GET step that needs nothing of an earlier answer";
  none.applicable = false;
  const double seconds = to_seconds(run_length(profile) - profile.warm_up);
  for (const ScenarioSpec& scenario : profile.scenarios) {
    const auto* open = std::get_if<OpenLoad>(&scenario.load);
    const auto persona = profile.personas.find(scenario.persona);
    if (open == nullptr || persona == profile.personas.end() || seconds <= 0) continue;
    const double rate = std::min({share_of_sessions * mean_rate(profile, scenario, *open), rate_max,
                                  probes_wanted / seconds});
    std::vector<const StepSpec*> candidates;
    collect(persona->second.steps, candidates);
    for (const StepSpec* candidate : candidates) {
      const StepSpec& step = *candidate;
      Profile probe = only(profile, scenario, step, std::max(rate, 1e-3));
      if (!compile(probe).has_value()) continue;
      if (rate * seconds < probes_min) {
        none.absent = fmt::format("1 % of the load is {:.0f} probes of {}: too few to compare",
                                  rate * seconds, step.name);
        continue;
      }
      return {std::move(probe), scenario.name, step.name, {}, true};
    }
  }
  return none;
}

ProbeStreamRun::ProbeStreamRun(const Profile& profile, const LoadPlan& plan) : plan_(plan) {
  if (!profile.validity.probe) {
    choice_.absent = "switched off by the profile (validity: probe)";
    return;
  }
  choice_ = choose_probe(profile);
  if (!choice_.profile) return;
  compiled_ = compile(*choice_.profile).value();
  // The same data, so the same ids in the same order.
  const auto& known = plan.run->run_values;
  for (std::size_t i = 0; i < known.size() && i < compiled_.run_values.size(); ++i)
    compiled_.run_values[i].second = known[i].second;
  plan_.run = &compiled_;
  plan_.workers = 1;
  plan_.watch_self = false;
}

ProbeStreamRun::~ProbeStreamRun() {
  cut_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void ProbeStreamRun::start(std::stop_token stop) {
  if (!choice_.profile) return;
  thread_ = std::thread([this, stop] {
    const std::stop_callback forward(stop, [this] { cut_.request_stop(); });
    try {
      const LoadOutcome outcome = drive(plan_, cut_.get_token(), {});
      Histogram answers;
      for (const SeriesSnapshot& series : outcome.measured.series) {
        for (std::size_t i = 0; i < outcome_count; ++i) {
          if (is_answered(static_cast<Outcome>(i))) answers += series.response[i];
        }
      }
      response_ = std::move(answers);
    } catch (const std::runtime_error& problem) {
      choice_.absent = problem.what();
    }
  });
}

void ProbeStreamRun::finish(SelfMeasure& into) {
  if (thread_.joinable()) thread_.join();
  into.probe_applicable = choice_.applicable;
  into.probe_absent = choice_.absent;
  if (response_) into.probe = ProbeStream{choice_.scenario, choice_.step, std::move(*response_)};
}

}  // namespace stampede
