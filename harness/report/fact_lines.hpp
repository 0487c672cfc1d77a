// Facts of a run that the readable reports tell in a line each: how far people got, where the seats
// are, what stores and machine did. Nothing where nothing is known.
#pragma once

#include <string>
#include <vector>

#include "harness/report/run_result.hpp"

namespace stampede {

// "entered 12,480 → admitted 12,300 (98.6 %) → …", then the wait in the queue, then the holds.
std::vector<std::string> funnel_lines(const RunResult& run);
// "seats 200 = 120 free + 0 held + 2 pending + 78 sold + 0 locked"
std::vector<std::string> seat_lines(const RunResult& run);
// Commits, and scripts with the most time first, at most `scripts_max` of them.
std::vector<std::string> store_lines(const RunResult& run, std::size_t scripts_max);
std::vector<std::string> machine_lines(const RunResult& run);

}  // namespace stampede
