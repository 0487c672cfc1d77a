// The composition root: one set of parts per thread, the start, and the end by signal. Knows every
// part; no part knows it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "target/config.hpp"

namespace boxoffice {

// Serves until SIGTERM or SIGINT, then drains. Returns the exit code. A second signal ends the
// process at once. `made_up` names the secrets that were not given.
int run_boxoffice(Config config, const std::vector<std::string>& made_up);

}  // namespace boxoffice
