// The last look at a run's result before it is written: no secret of the profile stays in any text
// of it, wherever it came from.
#pragma once

#include "harness/profile/redactor.hpp"
#include "harness/report/run_result.hpp"

namespace stampede {

void redact(RunResult& result, const Redactor& redactor);

}  // namespace stampede
