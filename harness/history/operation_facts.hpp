// How the parts of the target fared during a run, as an operator would look at them: their logs,
// their CPU, the connections of their stores. topology/ reads it, judge/ makes remarks of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace stampede {

// What a part wrote into its log. Of lines that are JSON with a "level".
struct LogFacts {
  std::string role;
  std::uint64_t warnings = 0, errors = 0;
  std::vector<std::string> samples;  // of errors, else of warnings; at most 3, shortened
  bool cut = false;                  // the log was too large to be read whole
};

struct ConnectionFacts {
  std::uint64_t used = 0;      // MySQL: the most at once since it was started; Redis: now
  std::uint64_t limit = 0;     // 0: not told
  std::uint64_t rejected = 0;  // for want of a place, since it was started
};

// A script of Redis as the target's own processes timed it: the way there and back and the wait for
// a connection are in it.
struct ScriptFacts {
  std::uint64_t calls = 0;
  double seconds = 0;  // of all calls together
};

struct StoreFacts {
  std::optional<ConnectionFacts> mysql, redis;
  // COMMIT statements, and how often InnoDB made its log (where the server tells that), or any of
  // its files, go to the disk; since MySQL was started.
  std::optional<std::uint64_t> mysql_commits, mysql_log_syncs, mysql_file_syncs;
  // Scripts by their hash: how often Redis ran one, and its own time for that; since it was
  // started.
  std::optional<std::uint64_t> script_calls, script_micros;
  std::optional<std::map<std::string, ScriptFacts>> scripts;  // by name; absent: not told
};

struct OperationFacts {
  std::map<std::string, std::uint64_t> statuses;    // HTTP status → answers
  std::vector<LogFacts> logs;                       // empty: the target was not started here
  std::vector<std::pair<std::string, double>> cpu;  // boxoffice processes: role, share of a core
  StoreFacts stores;                                // counts that grow: of the run alone
};

}  // namespace stampede
