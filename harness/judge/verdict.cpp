#include "harness/judge/verdict.hpp"

namespace stampede {

ExitCode exit_code_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::pass:
      return ExitCode::pass;
    case Verdict::inconclusive:
      return ExitCode::inconclusive;
    case Verdict::fail:
      return ExitCode::fail;
    case Verdict::broken_invariant:
      return ExitCode::broken_invariant;
    case Verdict::invalid:
      return ExitCode::invalid;
  }
  return ExitCode::internal;
}

std::string_view name_of(ExitCode code) noexcept {
  for (const ExitCodeRow& row : exit_code_table) {
    if (row.code == code) return row.name;
  }
  return "INTERNAL";
}

std::string_view meaning_of(ExitCode code) noexcept {
  for (const ExitCodeRow& row : exit_code_table) {
    if (row.code == code) return row.meaning;
  }
  return "";
}

std::string_view finding_word(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::pass:
      return "held";
    case Verdict::inconclusive:
      return "unproven";
    case Verdict::fail:
      return "missed";
    case Verdict::broken_invariant:
      return "broken";
    case Verdict::invalid:
      return "invalid";
  }
  return "invalid";
}

}  // namespace stampede
