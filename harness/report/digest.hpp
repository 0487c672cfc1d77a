// From snapshots to the figures of a run file.
#pragma once

#include "harness/judge/funnel.hpp"
#include "harness/judge/measured_run.hpp"
#include "harness/measure/self_measure.hpp"
#include "harness/report/run_result.hpp"

namespace stampede {

SeriesResult digest(const Snapshot& measured, const std::vector<SeriesLabel>& series,
                    const Selection& selection, double seconds);

// Fills what the measured window says: total, series, counters, sessions, rates, users, traffic,
// examples of errors. The other members stay as they are.
void digest_run(const MeasuredRun& run, RunResult& into);

// Of values that are all known.
SeriesResult::Latency digest(const Histogram& values);

// Absent when no stage was recorded.
std::optional<FunnelResult> digest(const BookingFunnel& funnel);
// Of the machine only what the report tells: the rest is judged by the self-checks.
MachineResult digest(const MachineUse& use);

// What a second has besides its snapshot.
struct SecondFacts {
  std::uint32_t second = 0;
  bool warm_up = false, drain = false;
  std::uint64_t users_alive = 0, in_flight = 0;
  double worker_cpu = 0;
};
SecondResult digest_second(const Snapshot& delta, const std::vector<SeriesLabel>& series,
                           const SecondFacts& facts, const std::vector<std::string>& counters = {});
MeasuredSecond measured_second(const SecondResult& second);

}  // namespace stampede
