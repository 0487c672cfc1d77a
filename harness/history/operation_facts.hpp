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

struct StoreFacts {
  std::optional<ConnectionFacts> mysql, redis;
  // Scripts by their hash: how often Redis ran one, and its own time for that; since it was
  // started.
  std::optional<std::uint64_t> script_calls, script_micros;
};

struct OperationFacts {
  std::map<std::string, std::uint64_t> statuses;    // HTTP status → answers
  std::vector<LogFacts> logs;                       // empty: the target was not started here
  std::vector<std::pair<std::string, double>> cpu;  // boxoffice processes: role, share of a core
  StoreFacts stores;                                // scripts: of the run alone
};

}  // namespace stampede
