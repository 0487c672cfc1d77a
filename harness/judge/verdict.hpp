// From findings to the verdict of a run and its exit code.
#pragma once

#include <span>
#include <string_view>

#include "harness/exit_code.hpp"
#include "harness/judge/finding.hpp"

namespace stampede {

ExitCode exit_code_of(Verdict verdict) noexcept;
std::string_view name_of(ExitCode code) noexcept;
std::string_view meaning_of(ExitCode code) noexcept;

// The word for one finding: held, unproven, missed, broken, invalid. Other words than those of the
// verdict of a run, so that no report of an invalid run can be searched for PASS and answer.
std::string_view finding_word(Verdict verdict) noexcept;

}  // namespace stampede
