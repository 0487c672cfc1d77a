// What the run was made on and with: facts for the report, so that somebody else can repeat it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace stampede {

using Facts = std::vector<std::pair<std::string, std::string>>;

// Kernel, CPU, cores, memory, limits, load, governor, stampede's version and commit, compiler. No
// secrets, no environment variables.
Facts collect_environment();

std::string host_name();
// RFC 3339, UTC, whole seconds.
std::string utc_now();

}  // namespace stampede
