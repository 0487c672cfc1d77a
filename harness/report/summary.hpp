// What the readable reports have in common: which words and marks a finding gets, how a latency is
// written, how the invariants are told in one line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/report/run_result.hpp"
#include "harness/report/text_layout.hpp"

namespace stampede {

// False for a run whose figures prove nothing: INVALID, or one that did not end.
bool proves_something(const RunResult& run);

std::vector<const Finding*> findings_of(const RunResult& run, Finding::Kind kind);
// Judged, and within its limit without a warning.
bool is_held(const Finding& finding);
std::size_t count_held(const std::vector<const Finding*>& findings);
// "20 of 24 held, 2 warned, 1 not run, 1 not applicable"
std::string standing_counts(const std::vector<const Finding*>& findings);

// "✓" held · "✗" missed, broken or invalid · "?" unproven · "!" warned · "^" lifted by the profile
// · "–" not run or not applicable · "·" would have held in a run that proves nothing.
std::string_view mark_of(const RunResult& run, const Finding& finding);

// "A1–A9 R1–R7 L1–L5 L7": ids are a letter and a number; others follow as they are.
std::string id_ranges(const std::vector<std::string>& ids);
bool is_id(std::string_view rule);  // a letter and a number: an invariant, not a derived figure

// "143 ms", "≥ 10 s" for a lower bound, "–" without data.
std::string latency_text(const SeriesResult::Latency& latency, const std::string& key);

// Over the whole run, warm-up and drain too: what the processes' CPU time was spent on.
std::uint64_t transactions_of(const RunResult& run);
// "612 µs": CPU time of this process for each transaction; "–" in a run without any.
std::string cpu_per_transaction(const RunResult& run, const ProcessResult& process);

// For eyes used to nGrinder: Vuser, TPS (requests), Peak TPS, MTT, errors. "" without data.
std::string in_words_of_ngrinder(const RunResult& run);

// One line of the table of latencies: what it is, and from when to when.
struct LatencyRow {
  const char* name;
  const SeriesResult::Latency& latency;
  const char* note;
};
// Their quantiles side by side; where there is little room the less important ones go.
TextTable latency_table(const std::vector<LatencyRow>& rows);
std::uint64_t outcome_count_of(const SeriesResult& series, Outcome outcome);
std::uint64_t error_count_of(const SeriesResult& series);
// "buyers.hold", or "hold" when the run has one scenario; "*" a transaction, "~" a declared wait.
std::string series_name(const RunResult& run, const SeriesResult& series);
std::string hostname_of(const RunResult& run);

}  // namespace stampede
