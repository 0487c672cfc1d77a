// hiccups.hlog of a run: by how much a thread that only slept overslept, second by second of the
// measured window, in HdrHistogram's log format as jHiccup writes it. What stands there is the
// machine's doing (and the generator's), never the target's.
#pragma once

#include <string>

#include "harness/measure/self_measure.hpp"

namespace stampede {

inline constexpr const char* hiccup_log_name = "hiccups.hlog";

// `start_time`: of the load, in seconds since the epoch; `window_seconds`: from there to the
// measured window.
[[nodiscard]] std::string hiccup_log(const Hiccups& hiccups, double start_time,
                                     double window_seconds, const std::string& start_time_text,
                                     const std::string& written_by);

}  // namespace stampede
