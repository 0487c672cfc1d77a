// Rows about what the machine gave the generator, and what it can give at most: L7 to L11.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/judge/gates.hpp"
#include "harness/judge/self_checks.hpp"
#include "harness/measure/units.hpp"

namespace stampede {

namespace {

struct Graded {
  double warned, invalid;
};
constexpr Graded cpu_grades{0.70, 0.90};
constexpr Graded steal_grades{0.01, 0.05};
constexpr Graded run_queue_grades{0.01, 0.05};
constexpr Graded kernel_grades{0, 0.001};  // events per connection
constexpr Graded null_rate_grades{0.5, 0.8};
constexpr Graded probe_grades{0.10, 0.25};
constexpr double null_floor_of_answers = 0.10;
constexpr double null_floor_of_slo = 0.01;
constexpr std::uint64_t probe_samples_min = 100;
// So few events only warn: where a run has few connections, one is a large share of them. In the
// counters of the network namespace they may also be those of other programs.
constexpr std::uint64_t few_events_max = 9;
constexpr const char* own_machine =
    "the generator was near its limit: more workers, or a machine of its own";

std::string at_most(double share) { return "≤ " + human_share(share); }

void add_cpu(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  Rows::Row row{"L7", "cpu", "CPU of the busiest worker",
                at_most(limits.cpu_max.value_or(cpu_grades.invalid)), own_machine};
  rows.add(
      row.with(facts.worker_cpu_max, human_share(facts.worker_cpu_max)),
      Rows::grade(facts.worker_cpu_max, cpu_grades.warned, cpu_grades.invalid, limits.cpu_max));
}

const MachineUse* machine_of(const ValidityFacts& facts) {
  return facts.self != nullptr && facts.self->machine ? &*facts.self->machine : nullptr;
}

void add_steal(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  const MachineUse* machine = machine_of(facts);
  Rows::Row row{"L7", "steal", "CPU time that the host took away from this machine",
                at_most(limits.steal_max.value_or(steal_grades.invalid)),
                "the host gave this machine's time to others: another host, or another hour"};
  if (machine == nullptr || !machine->steal_share) {
    rows.not_run(row, "/proc/stat could not be read");
  } else {
    row.figure = *machine->steal_share;
    row.measured = human_share(row.figure);
    if (machine->softirq_share) {
      row.measured += fmt::format(" (softirq {})", human_share(*machine->softirq_share));
    }
    rows.add(row,
             Rows::grade(row.figure, steal_grades.warned, steal_grades.invalid, limits.steal_max));
  }
  row = {"L7", "throttled", "periods in which the container's CPU limit stopped it", "= 0",
         "raise the container's CPU limit"};
  if (machine == nullptr || !machine->throttled) {
    return rows.not_run(row, "no cpu.stat of a control group with a CPU limit could be read");
  }
  row.figure = static_cast<double>(*machine->throttled);
  row.measured = human_count(*machine->throttled);
  rows.add(row, Rows::grade(row.figure, 0, 0));
}

void add_run_queue(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  Rows::Row row{"L8", "run_queue", "a load thread was ready to run and waited for a core",
                at_most(limits.run_queue_max.value_or(run_queue_grades.invalid)), own_machine};
  Rows::Row faults{"L8", "major_faults", "pages that load threads had to wait for the disk for",
                   "= 0 (warns)", "memory is short, or the program was still being read"};
  std::optional<double> worst;
  std::uint64_t switches = 0, majors = 0;
  if (facts.self != nullptr) {
    for (const ThreadUse& thread : facts.self->threads) {
      switches += thread.involuntary_switches;
      majors += thread.major_faults;
      if (thread.run_queue_share) worst = std::max(worst.value_or(0), *thread.run_queue_share);
    }
  }
  if (!worst) {
    rows.not_run(row, "/proc/…/schedstat could not be read");
  } else {
    row.figure = *worst;
    row.measured = fmt::format("{} ({} switches)", human_share(row.figure), human_count(switches));
    rows.add(row, Rows::grade(row.figure, run_queue_grades.warned, run_queue_grades.invalid,
                              limits.run_queue_max));
  }
  if (facts.self == nullptr || facts.self->threads.empty()) {
    return rows.not_run(faults, "the threads' counters were not read");
  }
  faults.figure = static_cast<double>(majors);
  faults.measured = human_count(majors);
  rows.add(faults, majors > 0 ? Rows::Grade::warned : Rows::Grade::fine);
}

void add_kernel_path(const ValidityFacts& facts, Rows& rows) {
  const MachineUse* machine = machine_of(facts);
  Rows::Row row{"L9", "kernel_path",
                "full listen queues, TCP timeouts and lost SYNs of this network namespace",
                "≤ 0.1 % of connections",
                "the kernel dropped or repeated packets: raise net.core.somaxconn and the target's "
                "backlog, or open connections more slowly"};
  Rows::Row again{"L9", "retransmits", "TCP segments sent again, whole network namespace",
                  "= 0 (warns)", "packets were lost, here or by another program"};
  const bool read = machine != nullptr && machine->listen_overflows && machine->tcp_timeouts &&
                    machine->syn_retransmits;
  if (!read) {
    rows.not_run(row, "/proc/net/netstat could not be read");
  } else {
    const std::uint64_t events =
        *machine->listen_overflows + *machine->tcp_timeouts + *machine->syn_retransmits;
    const double connections =
        static_cast<double>(std::max<std::uint64_t>(facts.self->connections, 1));
    row.figure = static_cast<double>(events) / connections;
    row.measured =
        fmt::format("{} + {} + {} of {}", human_count(*machine->listen_overflows),
                    human_count(*machine->tcp_timeouts), human_count(*machine->syn_retransmits),
                    human_count(facts.self->connections));
    auto grade = Rows::grade(row.figure, kernel_grades.warned, kernel_grades.invalid);
    if (events <= few_events_max && grade == Rows::Grade::invalid) grade = Rows::Grade::warned;
    rows.add(row, grade);
  }
  if (machine == nullptr || !machine->retransmits) {
    return rows.not_run(again, "/proc/net/snmp could not be read");
  }
  again.figure = static_cast<double>(*machine->retransmits);
  again.measured = human_count(*machine->retransmits);
  rows.add(again, *machine->retransmits > 0 ? Rows::Grade::warned : Rows::Grade::fine);
}

// What the kernel says of the run's own connections, and of no others.
void add_segments(const ValidityFacts& facts, Rows& rows) {
  Rows::Row row{"L9", "segments",
                "segments that the run's own connections sent again, or had no memory for",
                "≤ 0.1 % of connections",
                "the way to the target loses packets, or one side is too slow to take them: what "
                "was repeated came later, and that is in the response times"};
  const SegmentFigures& told = facts.measured->connecting.segments;
  if (told.connections == 0) return rows.not_applicable(row, "no TCP connection was closed");
  // A socket also drops what came twice, as a probe of a peer does that waited for an
  // acknowledgement: nothing is lost by it. Want of memory is counted for all sockets together.
  const MachineUse* machine = machine_of(facts);
  const std::uint64_t lost = machine != nullptr && machine->receive_drops
                                 ? std::min(told.dropped, *machine->receive_drops)
                                 : told.dropped;
  const std::uint64_t events = told.repeated + lost;
  row.figure = static_cast<double>(events) / static_cast<double>(told.connections);
  row.measured =
      fmt::format("{} + {} of {} ({} came twice, {} never acknowledged)",
                  human_count(told.repeated), human_count(lost), human_count(told.connections),
                  human_count(told.dropped - lost), human_count(told.unacknowledged));
  auto grade = Rows::grade(row.figure, kernel_grades.warned, kernel_grades.invalid);
  if (events <= few_events_max && grade == Rows::Grade::invalid) grade = Rows::Grade::warned;
  rows.add(row, grade);
}

// Connections that this machine could not open: descriptors, ports, or nobody listens.
void add_connects(const ValidityFacts& facts, Rows& rows) {
  std::uint64_t failed = 0;
  for (const SeriesSnapshot& series : facts.measured->series) {
    failed += series.outcomes[static_cast<std::size_t>(Outcome::connect_failed)];
  }
  const std::uint64_t tried = failed + facts.measured->connections;
  Rows::Row row{"L9", "connects", "connections that could not be opened", "≤ 0.1 % of those tried",
                "descriptors or local ports ran out, or the target does not accept: the example of "
                "connect_failed says which"};
  row.figure = tried == 0 ? 0 : static_cast<double>(failed) / static_cast<double>(tried);
  row.measured = fmt::format("{} of {}", human_count(failed), human_count(tried));
  rows.add(row, Rows::grade(row.figure, kernel_grades.warned, kernel_grades.invalid));
}

std::uint64_t busiest_second(const MeasuredRun& run) {
  std::uint64_t most = 0;
  for (const MeasuredSecond& second : run.seconds) most = std::max(most, second.requests);
  return most;
}

std::optional<Nanos> measured_p95(const ValidityFacts& facts) {
  if (facts.run == nullptr) return std::nullopt;
  const auto p95 = latencies(*facts.measured, select_series(facts.run->series, "", ""),
                             Threshold::LatencyClock::response)
                       .quantile(0.95);
  return p95 ? std::optional(p95->low) : std::nullopt;
}

void add_null_target(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  Rows::Row rate{"L10", "null_rate",
                 "busiest second, of what this generator can do against a target that does nothing",
                 at_most(null_rate_grades.invalid), own_machine};
  Rows::Row floor{"L10", "null_floor",
                  "p95 against a target that does nothing, of the measured p95",
                  at_most(null_floor_of_answers),
                  "the instrument itself is a part of what was measured that matters: do not quote "
                  "these latencies to more digits than that"};
  const bool ran = facts.self != nullptr && facts.self->null_target && facts.run != nullptr;
  if (!ran) {
    const std::string why = facts.self != nullptr && !facts.self->null_target_absent.empty()
                                ? facts.self->null_target_absent
                                : "no calibration before the run";
    rows.not_run(rate, why);
    rows.not_run(floor, why);
    return;
  }
  const NullTarget& null = *facts.self->null_target;
  const double busiest = static_cast<double>(busiest_second(*facts.run));
  rate.figure = null.requests_per_second > 0 ? busiest / null.requests_per_second : 1;
  rate.measured =
      fmt::format("{} of {}{}", human_share(rate.figure), human_rate(null.requests_per_second),
                  null.own_requests ? "" : " (of GET /)");
  rows.add(rate, Rows::grade(rate.figure, null_rate_grades.warned, null_rate_grades.invalid));
  const auto p95 = measured_p95(facts);
  if (!p95 || *p95 <= Nanos{0}) return rows.not_applicable(floor, "nothing was measured");
  floor.figure = to_seconds(null.response_p95) / to_seconds(*p95);
  floor.measured = fmt::format("{} ({} of {})", human_share(floor.figure),
                               human_duration(null.response_p95), human_duration(*p95));
  const bool matters =
      to_seconds(null.response_p95) > null_floor_of_slo * to_seconds(slo_of(facts, limits));
  auto grade = Rows::grade(floor.figure, null_floor_of_answers, null_floor_of_answers);
  // A floor of under 1 % of the SLO cannot turn a gate.
  if (grade == Rows::Grade::invalid && !matters) grade = Rows::Grade::warned;
  rows.add(floor, grade);
}

void add_probe(const ValidityFacts& facts, Rows& rows) {
  Rows::Row row{"L11", "probe",
                "p95 of a stream of its own thread and connections, against the load",
                "± " + human_share(probe_grades.invalid),
                "requests queue inside the generator: more workers"};
  if (facts.self == nullptr || facts.run == nullptr) return rows.not_run(row, "no probe ran");
  if (!facts.self->probe_applicable) return rows.not_applicable(row, facts.self->probe_absent);
  if (!facts.self->probe) {
    return rows.not_run(
        row, facts.self->probe_absent.empty() ? "no probe ran" : facts.self->probe_absent);
  }
  const ProbeStream& probe = *facts.self->probe;
  const std::uint64_t n = probe.response.count();
  const auto bulk =
      latencies(*facts.measured, select_series(facts.run->series, probe.scenario, probe.step),
                Threshold::LatencyClock::response)
          .quantile(0.95);
  if (n < probe_samples_min || !bulk || bulk->low <= Nanos{0}) {
    return rows.not_applicable(
        row, fmt::format("{} probes of {} are too few to say", human_count(n), probe.step));
  }
  const Nanos p95 = *probe.response.quantile(0.95);
  row.figure = to_seconds(p95) / to_seconds(bulk->low) - 1;
  row.measured = fmt::format("{} ({} of {}, {})", human_share(row.figure), human_duration(p95),
                             human_duration(bulk->low), probe.step);
  auto grade = Rows::grade(std::abs(row.figure), probe_grades.warned, probe_grades.invalid);
  // Few probes scatter: only what lies outside of their interval counts.
  const RankInterval ranks = quantile_ranks(0.95, n);
  const auto lower = ranks.lower ? probe.response.at_rank_low(*ranks.lower) : std::nullopt;
  const auto upper = ranks.upper ? probe.response.at_rank(*ranks.upper) : std::nullopt;
  const bool inside = (!lower || *lower <= bulk->low) && (!upper || bulk->low <= *upper);
  if (inside) grade = Rows::Grade::fine;
  rows.add(row, grade);
}

}  // namespace

void add_machine(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  add_cpu(facts, limits, rows);
  add_steal(facts, limits, rows);
  add_run_queue(facts, limits, rows);
  add_kernel_path(facts, rows);
  add_segments(facts, rows);
  add_connects(facts, rows);
}

void add_calibration(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  add_null_target(facts, limits, rows);
  add_probe(facts, rows);
}

}  // namespace stampede
