// Made-up runs that look like real ones, the same in every build.
#pragma once

#include "harness/report/run_result.hpp"

namespace stampede {

RunResult passing_result();
RunResult failing_result();     // two gates missed, one unproven, timeouts, an invariant broken
RunResult invalid_result();     // a late generator; every gate held
RunResult unfinished_result();  // the target died: hardly anything is there

}  // namespace stampede
