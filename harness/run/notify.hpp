// Tells somebody else that a run has ended: a command of the operator's, as a pipeline or a pager
// wants it.
#pragma once

#include <chrono>
#include <string>

#include "harness/run/environment.hpp"

namespace stampede {

inline constexpr std::chrono::seconds notify_time_max{30};

// Runs `command` with /bin/sh, `facts` added to our environment but for our own STAMPEDE_ variables
// (some are secrets), nothing to read, and its output where ours goes. Waits for its end, or kills
// it (and what it started) after `longest`. Returns what went wrong: not started, ended with
// another status than 0, took too long; else "".
[[nodiscard]] std::string notify(const std::string& command, const Facts& facts,
                                 std::chrono::milliseconds longest = notify_time_max);

}  // namespace stampede
