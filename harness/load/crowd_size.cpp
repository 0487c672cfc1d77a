#include "harness/load/crowd_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/load/arrival_schedule.hpp"
#include "harness/load/virtual_user.hpp"
#include "harness/measure/units.hpp"

namespace stampede {

namespace {

constexpr std::uint64_t kibi = 1024, mebi = kibi * kibi;
// Measured (docs/PERFORMANCE.md): a run with ten users, minus what is counted below.
constexpr std::uint64_t base_bytes = 9 * mebi;
// Suspended tasks of a thinking user, the socket's state in the event loop, its place in the heap
// of timers and in the rosters.
constexpr std::uint64_t user_beside_itself_bytes = 900;
constexpr std::uint64_t stream_bytes = 2 * kibi;
constexpr std::uint64_t token_bytes = 400;
// A histogram has a row of 8 KiB for each power of two between its least and its largest value;
// response, service, lag and first byte of a series hardly span more than so many.
constexpr std::uint64_t histograms_of_series = 4, rows_of_histogram = 12, row_bytes = 8 * kibi;
constexpr std::uint64_t second_bytes = 400;
constexpr std::uint64_t recorded_bytes = sizeof(LedgerEntry) + 100;

template <class Step>
bool uses(const Steps& steps) {
  return std::ranges::any_of(steps, [](const CompiledStep& step) {
    if (std::holds_alternative<Step>(step.action)) return true;
    const auto lists = nested_steps(step);
    return std::ranges::any_of(lists, [](const Steps* list) { return uses<Step>(*list); });
  });
}

// Recorded steps of a session, each branch and loop taken once: an order of magnitude.
std::uint64_t recorded_steps(const Steps& steps) {
  std::uint64_t count = 0;
  for (const CompiledStep& step : steps) {
    if (step.record) ++count;
    for (const Steps* list : nested_steps(step)) count += recorded_steps(*list);
  }
  return count;
}

double sessions_planned(const CompiledScenario& scenario) {
  if (const auto* instant = std::get_if<InstantLoad>(&scenario.load)) {
    return static_cast<double>(instant->users) * instant->rounds;
  }
  const auto* open = std::get_if<OpenLoad>(&scenario.load);
  if (open == nullptr) return 0;
  double rate = open->start_rate, sessions = 0;
  for (const Stage& stage : open->stages) {
    sessions += to_seconds(stage.duration) * (rate + stage.target) / 2;
    rate = stage.target;
  }
  return sessions;
}

}  // namespace

std::uint64_t streams_at_once(const CompiledScenario& scenario) {
  const auto each = [&scenario]<class Step>(const Step*) -> std::uint64_t {
    return uses<Step>(scenario.steps) || uses<Step>(scenario.prepare) ? 1 : 0;
  };
  return each(static_cast<const WsConnectStep*>(nullptr)) +
         each(static_cast<const SseConnectStep*>(nullptr));
}

std::uint64_t users_highest(const CompiledScenario& scenario) {
  if (scenario.users_max > 0) return scenario.users_max;
  if (const auto* closed = std::get_if<ClosedLoad>(&scenario.load)) {
    return closed_users_max(*closed);
  }
  if (const auto* instant = std::get_if<InstantLoad>(&scenario.load)) return instant->users;
  const auto& open = std::get<OpenLoad>(scenario.load);
  return static_cast<std::uint64_t>(2 * std::ceil(highest_target(open.start_rate, open.stages)));
}

MemoryEstimate estimate_memory(const CompiledRun& run, std::uint32_t workers, Nanos length,
                               std::uint64_t tokens) {
  MemoryEstimate estimate;
  estimate.base = base_bytes;
  const std::uint64_t user_bytes =
      sizeof(VirtualUser) + user_beside_itself_bytes + run.slots.size() * sizeof(Value);
  for (const CompiledScenario& scenario : run.scenarios) {
    const std::uint64_t users = users_highest(scenario);
    estimate.users += users;
    estimate.crowd += users * (user_bytes + streams_at_once(scenario) * stream_bytes);
    const double recorded =
        sessions_planned(scenario) * static_cast<double>(recorded_steps(scenario.steps));
    estimate.ledger += static_cast<std::uint64_t>(recorded) * recorded_bytes;
  }
  estimate.crowd += tokens * token_bytes;
  // Each worker has one set, and the coordinator the total.
  estimate.figures =
      (workers + 1) * run.series.size() * histograms_of_series * rows_of_histogram * row_bytes;
  estimate.seconds = static_cast<std::uint64_t>(std::ceil(to_seconds(length))) * second_bytes;
  return estimate;
}

std::string memory_text(const MemoryEstimate& estimate) {
  return fmt::format("memory: about {} MiB for {} users", (estimate.total() + mebi - 1) / mebi,
                     human_count(estimate.users));
}

}  // namespace stampede
