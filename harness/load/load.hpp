// Drives compiled scenarios against one endpoint from a number of worker threads, and hands back
// what was measured. The only driver: every load shape is a value. Workers share nothing; once a
// second each hands over a snapshot.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/connection.hpp"
#include "harness/history/ledger.hpp"
#include "harness/measure/self_measure.hpp"
#include "harness/measure/snapshot.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/time.hpp"

namespace stampede {

struct HttpTarget {
  std::string host;  // name or address; resolved before the start, unless connection.dns says else
  std::uint16_t port = 80;
  std::string path_prefix;  // "" or "/prefix"
  std::string host_header;  // as sent
  bool use_tls = false;
  std::string socket_path{};  // of a Unix-domain socket, in place of host and port
  ConnectionSpec connection{};
  TlsSpec tls{};  // where use_tls
};

// The users that sessions act as. token may be empty (a target without accounts).
struct UserIdentity {
  std::uint64_t id = 0;
  std::string token;
};

// Faults planted into the generator itself, for the tests that show that each self-check trips. No
// command and no profile sets them.
struct GeneratorMutation {
  std::uint32_t drop_arrival_every = 0;    // this arrival never happens and is not counted
  std::uint32_t repeat_arrival_every = 0;  // this arrival happens twice
  Nanos arrival_tick{0};                   // arrivals fall on multiples of this
  bool skew_choices = false;               // the first branches are chosen more often
  bool skew_rows = false;                  // the first half of a feeder's rows is drawn alone
  std::uint32_t lose_sample_every = 0;     // this answer is not recorded
};

struct LoadPlan {
  const CompiledRun* run = nullptr;
  HttpTarget target;
  std::vector<UserIdentity> users;  // may be empty: session number is the id then
  std::uint64_t seed = 1;
  IdSalt id_salt;  // of ${uuid}
  std::uint32_t workers = 1;
  Nanos warm_up{0};  // samples whose intended time lies before this are warm-up
  Nanos length{0};   // of all load (run_length)
  Nanos drain{0};  // after length: started sessions may finish; then they are cut off (unfinished)
  bool watch_self = true;              // a thread that watches the machine, for the self-checks
  Nanos slo{std::chrono::seconds{1}};  // stalls above a tenth of it taint the answers they overlap
  std::size_t ledger_entries_max = 20'000'000;  // of each worker, and of all together
  GeneratorMutation mutation;
};

// Gauges at the end of a second, summed over workers.
struct LoadGauges {
  std::uint64_t users_alive = 0, requests_in_flight = 0, connections_open = 0, websockets_open = 0;
};

// One second of the run.
struct LoadSecond {
  std::uint32_t second = 0;  // from 0, since the start of the load
  bool warm_up = false;      // its start lies in the warm-up
  bool drain = false;
  Snapshot delta;                          // warm-up and measured samples that ended in it, merged
  Snapshot delta_warm_up, delta_measured;  // its parts
  LoadGauges gauges;
  double worker_cpu = 0;  // busiest worker thread's CPU share of that second, 0…1
};

struct LoadOutcome {
  Snapshot warm_up, measured;  // by intended time of the sample (requests) or arrival (sessions)
  Ledger ledger;
  TimePoint started, ended;  // of the load
  bool interrupted = false;
  bool ended_early = false;  // every session that there might be (sessions_max) had ended by then
  std::string stopped_because;  // "" ran to its end; else why it was ended early ("interrupted", …)
  double worker_cpu_max = 0;  // highest mean CPU share over the measured window among workers, 0…1
  double worker_cpu_seconds = 0;  // all workers, whole load
  std::uint64_t scheduled_measured =
      0;             // arrivals of the plan in the measured window (open, instant)
  SelfMeasure self;  // what the self-checks L1–L18 are made of
};

// The niceness that load threads ask for (setpriority); only a privileged process gets it.
inline constexpr int generator_niceness = -20;

// "" or why the descriptors that this process may open could run out: more than the users alone
// need, fewer than their HTTP connections and WebSockets together. Raises the limit as far as it
// goes.
std::string descriptor_warning(const CompiledRun& run);

// Blocks until all is done. `each_second` is called on the calling thread. A stop request ends the
// load at once (sessions count as unfinished). Throws std::runtime_error only for what makes
// driving impossible (unresolvable host, no descriptors even after setrlimit: the message says how
// many are needed and how to raise the limit).
LoadOutcome drive(const LoadPlan& plan, std::stop_token stop,
                  const std::function<void(const LoadSecond&)>& each_second);

}  // namespace stampede
