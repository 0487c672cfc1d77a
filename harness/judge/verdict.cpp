#include "harness/judge/verdict.hpp"

#include <algorithm>
#include <array>
#include <vector>

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

namespace {

constexpr std::string_view taint_rule = "untainted";
constexpr std::array<std::string_view, 7> timing_rules{
    "rate_achieved", "rate_achieved_overall", "not_sent", "loop_lag_p99", "start_lag_p99", "cpu",
    "samples"};

bool is_timing(const Finding& finding) {
  return finding.kind == Finding::Kind::validity &&
         std::ranges::find(timing_rules, finding.rule) != timing_rules.end();
}

}  // namespace

Verdict run_verdict(std::span<const Finding> findings) {
  std::vector<Finding> all, untimed;
  bool tainted = false;
  for (const Finding& finding : findings) {
    if (finding.rule == taint_rule) {
      tainted = finding.verdict != Verdict::pass;
      continue;
    }
    all.push_back(finding);
    if (!is_timing(finding)) untimed.push_back(finding);
  }
  if (worst(untimed) == Verdict::broken_invariant) return Verdict::broken_invariant;
  const Verdict verdict = worst(all);
  return tainted && verdict < Verdict::fail ? Verdict::invalid : verdict;
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
