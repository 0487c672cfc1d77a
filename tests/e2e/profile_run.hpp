// A whole run of a booking profile with the real binaries, and what its run file says.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/command.hpp"

namespace stampede::test {

struct ProfileRun {
  CommandResult command;
  nlohmann::json file;            // run.json; discarded when there is none
  std::vector<std::string> logs;  // names of the files that were kept of what was started
};
// `profile` is relative to the source directory; `more` are further words of the command line;
// `while_running` is called with stampede's process id right after the start.
ProfileRun run_profile(const std::string& profile, const std::vector<std::string>& more = {},
                       const std::function<void(int)>& while_running = {});

// The rules of invariants that were broken.
std::vector<std::string> broken(const nlohmann::json& run);
bool contains(const std::vector<std::string>& words, const std::string& word);
// The finding of a rule, or of a gate by its text; null when there is none.
nlohmann::json finding_of(const nlohmann::json& run, const std::string& rule);

}  // namespace stampede::test
