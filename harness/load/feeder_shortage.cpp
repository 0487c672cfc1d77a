#include "harness/load/feeder_shortage.hpp"

#include <algorithm>

#include "harness/load/arrival_schedule.hpp"

namespace stampede {

namespace {

// By a list of steps that runs once; what stands in branches and loops may not come.
std::uint64_t taken_by(const Steps& steps, std::uint32_t feeder) {
  return static_cast<std::uint64_t>(
      std::count_if(steps.begin(), steps.end(), [feeder](const CompiledStep& step) {
        const auto* const feed = std::get_if<FeedStep>(&step.action);
        return feed != nullptr && feed->feeder == feeder;
      }));
}

// Begun by one worker of `workers`: they take turns, in the order of the arrivals or users, and the
// first of them has at least as many as any other.
std::uint64_t share_of_first(std::uint64_t sessions, std::uint32_t workers) {
  return sessions / workers + (sessions % workers > 0 ? 1 : 0);
}

// `workers` 1: of all of them.
std::uint64_t sessions_of(const CompiledScenario& scenario, std::uint32_t index, std::uint64_t seed,
                          Nanos length, std::uint32_t workers) {
  const Nanos until = length - scenario.start_at;
  if (const auto* const open = std::get_if<OpenLoad>(&scenario.load)) {
    return share_of_first(count_arrivals(*open, schedule_seed(seed, index), Nanos{0}, until),
                          workers);
  }
  if (const auto* const instant = std::get_if<InstantLoad>(&scenario.load)) {
    std::uint64_t sessions = 0;
    for (std::uint32_t round = 0; round < instant->rounds; ++round) {
      if (round * instant->every < until) sessions += share_of_first(instant->users, workers);
    }
    return sessions;
  }
  return share_of_first(closed_users_max(std::get<ClosedLoad>(scenario.load)), workers);
}

}  // namespace

std::uint64_t rows_needed(const CompiledRun& run, std::uint32_t feeder, std::uint64_t seed,
                          Nanos length, std::uint32_t workers) {
  // Where every worker goes through all rows, the rows must last for each alone.
  const std::uint32_t sharing = run.feeders.at(feeder).by_worker ? 1 : workers;
  std::uint64_t needed = 0;
  std::uint32_t index = 0;
  for (const CompiledScenario& scenario : run.scenarios) {
    const auto listed =
        static_cast<std::uint64_t>(std::count(scenario.feed.begin(), scenario.feed.end(), feeder));
    const std::uint64_t each =
        listed + taken_by(scenario.prepare, feeder) + taken_by(scenario.steps, feeder);
    if (each > 0) needed += each * sessions_of(scenario, index, seed, length, sharing);
    ++index;
  }
  return needed;
}

Diagnostics feeder_shortages(const Profile& profile, const CompiledRun& run) {
  Diagnostics problems;
  const Nanos length = run_length(profile);
  for (std::uint32_t index = 0; index < run.feeders.size(); ++index) {
    const CompiledFeeder& feeder = run.feeders[index];
    if (!feeder.ends() || feeder.rows == nullptr) continue;
    const std::uint64_t needed = rows_needed(run, index, profile.seed, length, profile.workers);
    const std::uint64_t rows = feeder.rows->rows();
    if (needed <= rows) continue;
    problems.push_back({profile.file, feeder.place,
                        "feeder \"" + feeder.name + "\" has " + std::to_string(rows) +
                            (rows == 1 ? " row" : " rows") + ", and the sessions of " +
                            (feeder.by_worker ? "this load need " : "one worker need ") +
                            std::to_string(needed),
                        "more rows in its file, `mode: circular`, or less load"});
  }
  return problems;
}

}  // namespace stampede
