// What the generator measured about itself while it made load: the raw facts of the self-checks
// L1–L18 (docs/MEASUREMENT.md §6). Plain values; harness/load collects them, harness/judge judges
// them. What could not be read here is absent, and its row then says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/histogram.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/time.hpp"

namespace stampede {

// L3–L5: the arrivals of one open scenario in the measured window, all workers.
struct ArrivalShape {
  std::string scenario;
  bool regular = false;
  std::uint64_t count = 0;
  // Poisson: gaps between the due times of sessions that began, mapped by the plan so that they are
  // Exp(1) if all is as planned; a systematic sample of at most 4096.
  std::vector<double> gaps;
  UniformDistance due, dispatched;  // Poisson: of all gaps, between due and between sent times
  // Regular, in periods of the plan: standard deviation of the gaps between sessions as begun;
  // largest lateness; and the drift: the largest over seconds of the least lateness in one.
  double gap_deviation = 0, late_max = 0, drift_max = 0;
};

// L3: one second of the measured window.
struct ArrivalSecond {
  std::uint32_t planned = 0, begun = 0;  // due in it · begun in it
  Nanos late_max{0};                     // the latest of those due in it
};

// L6: a thread that only sleeps 1 ms at a time and records by how much more (jHiccup's idea).
struct Hiccups {
  Histogram excess;
  std::vector<Histogram> seconds;  // the same by second of the measured window
  Nanos taint_limit{0};            // hiccups longer than this taint the answers they overlap
  std::uint64_t long_ones = 0;     // of them
  std::uint64_t samples = 0;       // requests looked at
  std::uint64_t tainted = 0;       // of them overlapping a long hiccup
  std::uint64_t forgotten = 0;     // long hiccups beyond the table's size: tainted is a lower bound
};

// L7, L8: of one thread that makes load, measured window.
struct ThreadUse {
  std::string name;
  double cpu_share = 0;                   // 0…1
  std::optional<double> run_queue_share;  // time ready to run and waiting for a core, of wall
  std::uint64_t involuntary_switches = 0, major_faults = 0;
};

// L7, L9: of the machine (or container), measured window. Network counters are those of the network
// namespace, so other programs' connections are in them.
struct MachineUse {
  std::optional<double> steal_share, softirq_share;  // of all cores' time
  // Of the report, not judged: not idle and not waiting for a disk; memory that nothing could be
  // started in when the window ended; what went through to whole disks.
  std::optional<double> busy_share;
  std::optional<std::uint64_t> memory_used_bytes, memory_bytes, disk_read_bytes, disk_written_bytes;
  std::optional<std::uint64_t> throttled;  // periods in which the cgroup was stopped
  std::optional<std::uint64_t> listen_overflows, tcp_timeouts, syn_retransmits, retransmits;
  std::optional<std::uint64_t> receive_drops;  // segments that came and found no memory
};

// L10: the instrument against a server that does nothing.
struct NullTarget {
  double requests_per_second = 0;  // most that this many workers reach
  Nanos response_p95{0};           // at a low rate
  bool own_requests = true;        // with the run's own requests; false: with GET /
};

// L11: one idempotent step, repeated at a low rate by a thread and connections of its own.
struct ProbeStream {
  std::string scenario, step;
  Histogram response;
};

// L12: number in the system integrated over the window, against the sum of the residences clipped
// to it; ns, exact (modulo 2^64).
struct LittleIdentity {
  std::uint64_t integral = 0, residence = 0;
  std::int64_t left_over = 0;  // entered and never left
};

// L13: requests in flight as a thread of its own saw them, against the sum of their service times.
struct LittleSample {
  double sampled_mean = 0, computed_mean = 0;
  double standard_error = 0;  // of the sampling, relative
  std::uint64_t looks = 0;
  double watched_seconds = 0;
  double interval_rms = 0;  // seconds between looks, as a request in flight meets them
  double late_share = 0;    // of the watched time: looks that a busy machine held up
  // Requests, the mean: they are on the books, but their clock has not begun or has stopped. At
  // most one for each load thread, and only while that has a core or waits for one.
  double unclocked_max = 0;
};

// L15
struct ClockFacts {
  std::uint64_t went_back = 0, reads = 0;
  std::optional<double> drift_ppm;  // CLOCK_MONOTONIC against CLOCK_MONOTONIC_RAW
};

// L15: the target's wall clock minus this machine's, by four time stamps, as far as they can tell.
struct ClockOffset {
  Nanos offset{0}, uncertainty{0};  // half the round trip, and half of the stamps' unit
};
struct TargetClock {
  std::optional<ClockOffset> before, after;  // the load
  std::string absent;                        // why both are absent, or one of them
  bool applies = false;                      // the target has a clock that can be asked
};

// L16: of one worker, measured window, steps that are in the totals.
struct WorkerAnswers {
  Histogram response;
  std::vector<double> p95_seconds;  // of each second with at least 20 answers
};

// L18: how often each branch of a choice, each sixteenth of a think time's distribution, or each
// sixteenth of a feeder's rows was drawn.
struct Draws {
  std::string what;  // "choose 1 of buyers", "think 2 of buyers", "rows of accounts"
  std::vector<double> planned;
  std::vector<std::uint64_t> drawn;
};

struct SelfMeasure {
  std::vector<ArrivalShape> arrivals;
  std::vector<ArrivalSecond> arrival_seconds;
  std::optional<Hiccups> hiccups;
  std::vector<ThreadUse> threads;
  std::optional<MachineUse> machine;
  std::uint64_t connections = 0;  // open at the start of the window, and opened in it
  std::optional<NullTarget> null_target;
  std::string null_target_absent;  // why
  std::optional<ProbeStream> probe;
  std::string probe_absent;
  bool probe_applicable = true;
  std::optional<LittleIdentity> identity;
  std::optional<LittleSample> in_flight;
  std::optional<ClockFacts> clock;
  TargetClock target_clock;
  std::vector<WorkerAnswers> workers;
  std::optional<std::vector<Draws>> draws;
};

}  // namespace stampede
