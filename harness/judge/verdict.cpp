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
constexpr std::array<std::string_view, 5> standing_words{"judged", "warned", "lifted", "not_run",
                                                         "not_applicable"};
// Self-checks that are about the books: what they find puts the witness itself in doubt.
constexpr std::array<std::string_view, 2> book_checks{"L12", "L17"};

// About time, rate and shape: no lateness of the generator can have broken an invariant.
bool is_timing(const Finding& finding) {
  if (finding.kind != Finding::Kind::validity) return false;
  if (finding.check.empty()) return finding.rule == "samples";
  return std::ranges::find(book_checks, finding.check) == book_checks.end();
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

std::string_view finding_word(const Finding& finding) noexcept {
  if (finding.standing == Finding::Standing::judged) return finding_word(finding.verdict);
  return standing_words[static_cast<std::size_t>(finding.standing)];
}

std::optional<Finding::Standing> standing_of(std::string_view word) noexcept {
  for (std::size_t i = 1; i < standing_words.size(); ++i) {
    if (standing_words[i] == word) return static_cast<Finding::Standing>(i);
  }
  return std::nullopt;
}

}  // namespace stampede
