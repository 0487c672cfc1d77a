// From findings to the verdict of a run and its exit code.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "harness/exit_code.hpp"
#include "harness/judge/finding.hpp"

namespace stampede {

ExitCode exit_code_of(Verdict verdict) noexcept;
std::string_view name_of(ExitCode code) noexcept;
std::string_view meaning_of(ExitCode code) noexcept;

// The verdict of a run. The worst finding decides, with two rules of precedence:
// - A planted defect (the row `untainted`) never lets a run pass, but does not hide what it was
// planted to
//   show: a failed or broken run stays that.
// - A broken invariant was seen, and no lateness of the generator can have made it: the rows about
// time and
//   rate do not hide it. Rows about the books (balances, lost records) do: then the witness is in
//   doubt.
Verdict run_verdict(std::span<const Finding> findings);

// The word for one finding: held, unproven, missed, broken, invalid. Other words than those of the
// verdict of a run, so that no report of an invalid run can be searched for PASS and answer.
std::string_view finding_word(Verdict verdict) noexcept;
// The same, or how the finding stands beside: warned, lifted, not_run, not_applicable.
std::string_view finding_word(const Finding& finding) noexcept;
// "not_run" → its standing; nullopt: none of these words.
std::optional<Finding::Standing> standing_of(std::string_view word) noexcept;

}  // namespace stampede
