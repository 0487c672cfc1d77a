// Does an accepted answer say what its step expects? Pure: text in, verdict out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/capture.hpp"
#include "harness/scenario/json_document.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {

struct FailedCheck {
  std::string problem;        // for people: the check and what there was instead
  bool script_error = false;  // its expression ended in an error, so nothing is known
};

// The first check that does not hold.
[[nodiscard]] std::optional<FailedCheck> find_failed_check(
    const std::vector<CompiledCheck>& checks, JsonDocument& document, const HeaderLookup& headers,
    const Variables& variables, ExpressionEngine& engine, Random& random);

}  // namespace stampede
