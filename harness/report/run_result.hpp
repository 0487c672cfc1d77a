// The finished run: the only bridge between running and reporting. run.json is its text.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/diagnostic.hpp"
#include "harness/judge/finding.hpp"
#include "harness/judge/seat_ledger.hpp"
#include "harness/measure/snapshot.hpp"

namespace stampede {

// A digest of one series (or of a total), measured window only. report/digest.hpp makes it.
struct SeriesResult {
  std::string scenario, step;  // both empty: the total
  bool transaction = false, waits = false;
  std::map<std::string, std::string> tags;  // of the profile, its scenario and its step
  std::uint64_t count = 0;
  double rate = 0;
  std::map<std::string, std::uint64_t> outcomes;  // by name_of(Outcome); only those that occurred
  struct Latency {
    std::uint64_t count = 0;
    // Nanoseconds; no data: no entries. Keys: mean min p50 p75 p90 p95 p99 p99.9 max.
    std::map<std::string, std::int64_t> ns;
    // Of them requests that were cut off (timeout, end of the drain), at their age then.
    std::uint64_t censored = 0;
    std::vector<std::string> at_least;  // keys of `ns` that are lower bounds because of these
  };
  Latency response, service, lag, first_byte;
  std::map<std::string, Latency> response_by_outcome;
};

struct SecondResult {
  std::uint32_t second = 0;
  bool warm_up = false, drain = false;
  std::uint64_t requests = 0, transactions = 0, errors = 0, shed = 0, users_alive = 0,
                in_flight = 0;
  std::optional<std::int64_t> response_ns_p50, response_ns_p95, response_ns_p99, lag_ns_p99;
  std::vector<std::string> at_least;  // p50 p95 p99: lower bounds, as in Latency
  double worker_cpu = 0;
  std::map<std::string, std::uint64_t> counters{};  // of the profile: what was counted in it
};

struct ProcessResult {
  std::string role;
  double cpu_seconds = 0;  // over the whole run
  std::uint64_t rss_bytes = 0, rss_peak_bytes = 0;
  std::uint64_t disk_read_bytes = 0, disk_written_bytes = 0;  // over the whole run
  // Over the whole run, all its threads: gave its core away to wait · lost it to somebody else.
  std::optional<std::uint64_t> voluntary_switches{}, involuntary_switches{};
  std::optional<std::uint64_t> sockets{};  // open when the load ended
};

// What the stores did over the whole run; absent where they, or the target, do not tell.
struct StoresResult {
  std::optional<std::uint64_t> mysql_commits, mysql_log_syncs, mysql_file_syncs;
  // Of a script of Redis, as the target's processes saw it: the way and the wait are in it.
  struct Script {
    std::uint64_t calls = 0;
    std::int64_t ns_mean = 0;
  };
  std::map<std::string, Script> redis_scripts;
};

// The generator's machine as a whole, measured window; absent where the kernel does not tell.
struct MachineResult {
  std::optional<double> cpu_busy_share;                          // of all cores, 0…1
  std::optional<std::uint64_t> memory_used_bytes, memory_bytes;  // at the end of the window
  std::optional<std::uint64_t> disk_read_bytes, disk_written_bytes;
};

// How connections were made. Times are of successful parts, apart from any request.
struct ConnectingResult {
  SeriesResult::Latency dns, connect, tls;
  std::uint64_t tls_resumed = 0;  // of the handshakes
  bool tls_insecure = false;      // certificates were not verified
};
// Requests that got no answer, by reason.
struct FailureResult {
  std::string reason;  // see failure.hpp
  std::uint64_t count = 0;
  std::string example, advice;
};

// Answered requests whose response time lies above the bin before and not above `up_to_ns`.
struct LatencyBin {
  std::int64_t up_to_ns = 0;
  std::uint64_t count = 0;
};

// Set-up or tear-down, outside of what was measured.
struct PhaseResult {
  double seconds = 0;
  std::string problem;  // "": none
  std::vector<SeriesResult> series;
};

struct FunnelStageResult {
  std::string name;  // entered admitted held ordered paid confirmed
  std::uint64_t sessions = 0;
  std::optional<double> share_of_before;  // of the sessions of the stage before
};
struct HoldsResult {
  std::uint64_t acknowledged = 0;  // = the sum of the next four
  std::uint64_t ended = 0, ran_out = 0, unknown = 0, open = 0;
  SeriesResult::Latency dwell;  // of the ended ones
};
// How far sessions came on their way to a ticket, by what their clients were told; the whole run.
struct FunnelResult {
  std::vector<FunnelStageResult> stages;  // those that were recorded
  std::optional<HoldsResult> holds;
  std::optional<SeriesResult::Latency> queue_wait;
};

struct RunResult {
  int schema_version = 1;
  std::string id;          // directory name of the run
  std::string started_at;  // RFC 3339 UTC
  double duration_seconds = 0, measured_seconds = 0;
  std::string state;  // complete · interrupted · target_died · failed
  std::string state_reason;
  // PASS FAIL BROKEN_INVARIANT INVALID INCONCLUSIVE (INTERRUPTED TOPOLOGY when it did not end)
  std::string verdict;
  int exit_code = 0;
  std::string profile_name, question, pass_means, profile_file, profile_text;
  std::uint64_t seed = 0;
  std::string
      ids;  // what ids were made of, beside the seed; "": of nothing else, as runs of before
  std::vector<std::string> command_line;  // secrets replaced
  std::string topology;
  bool attached = false, tainted = false;
  std::vector<std::string> defects;
  // stampede version, git commit, kernel, CPU, cores, memory, limits, target's versions
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<Finding> findings;  // gates, invariants, validity
  SeriesResult total;
  std::vector<SeriesResult> series;
  std::map<std::string, std::uint64_t> statuses;  // HTTP status → answers, waits included
  std::vector<LatencyBin> distribution;           // of the total's response time; empty: no data
  std::map<std::string, std::pair<std::uint64_t, double>> counters;  // count, per second
  SessionCounts sessions, sessions_warm_up;
  std::uint64_t requests_begun = 0;
  double tx_rate = 0, http_rate = 0, error_share = 0;
  std::uint64_t users_min = 0, users_max = 0;
  double users_mean = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0, connections = 0, ws_frames_in = 0, ws_frames_out = 0;
  PhaseResult setup, teardown;
  StreamCounts streams;
  std::uint64_t redirects = 0;
  std::map<std::string, std::string> error_examples;  // by outcome name
  ConnectingResult connecting;
  std::vector<FailureResult> failures;  // those that occurred
  // By how much a thread that only sleeps overslept: pauses of the generator's machine. Empty: it
  // did not run.
  SeriesResult::Latency hiccups;
  std::vector<SecondResult> seconds;
  std::vector<ProcessResult> processes;  // stampede first
  std::optional<FunnelResult> funnel;    // absent: the profile records nothing of the kind
  std::optional<SeatLedger> seats;       // absent: no audit, or a store was not read
  std::optional<StoresResult> stores;    // absent: nothing was driven
  std::optional<MachineResult> machine;  // absent: it was not watched
  std::vector<Finding> diagnosis;        // remarks; they decide nothing
  std::string ledger_note;
  std::vector<std::string> files;  // what the run wrote, for people; may be empty
};

inline constexpr std::size_t run_json_bytes_max = 256UL * 1024 * 1024;

std::string to_json(const RunResult& result);  // schema: reports/run_result.schema.json
// All problems at once; each message begins with the JSON pointer of its place.
[[nodiscard]] Checked<RunResult> run_result_from_json(std::string_view text);

// Reporters: functions over the finished result.
// A quick measurement: see `stampede bench`.
void write_bench(const RunResult& result, std::ostream& out);
void write_console(const RunResult& result, std::ostream& out, bool colour, int width);
void write_csv(const RunResult& result, std::ostream& out);    // a row for each second
void write_junit(const RunResult& result, std::ostream& out);  // valid against both public schemas
void write_markdown(const RunResult& result, std::ostream& out);
void write_openmetrics(const RunResult& result, std::ostream& out);  // Prometheus reads it too

}  // namespace stampede
