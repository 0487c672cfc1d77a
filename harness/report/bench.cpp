// The answer of `stampede bench`: rate, both clocks, statuses, errors, a histogram, and whether the
// generator was the bottleneck.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "harness/measure/units.hpp"
#include "harness/report/run_result.hpp"
#include "harness/report/summary.hpp"
#include "harness/report/text_layout.hpp"

namespace stampede {
namespace {

constexpr std::size_t bar_width = 40;

// Eighths of a block, so that a small share is seen too.
std::string bar(double share) {
  static constexpr std::array<std::string_view, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto parts = static_cast<std::size_t>(share * static_cast<double>(bar_width * 8));
  std::string text;
  for (std::size_t i = 0; i < parts / 8; ++i) text += "█";
  text += eighths[parts % 8];
  return text.empty() && share > 0 ? "▏" : text;
}

void write_lines(const TextTable& table, std::ostream& out) {
  for (const std::string& line : table.lines(200)) out << "  " << line << '\n';
}

void write_latencies(const RunResult& run, std::ostream& out) {
  out << '\n';
  write_lines(latency_table({{"response", run.total.response, "due → answered"},
                             {"service", run.total.service, "sent → answered"},
                             {"first byte", run.total.first_byte, "sent → first byte"},
                             {"start lag", run.total.lag, "due → sent"}}),
              out);
}

void write_distribution(const RunResult& run, std::ostream& out) {
  if (run.distribution.empty()) return;
  std::uint64_t total = 0, most = 1;
  for (const LatencyBin& bin : run.distribution) {
    total += bin.count;
    most = std::max(most, bin.count);
  }
  TextTable rows({{"response", 0}, {"answers", 0}, {"share", 0}, {"", 0, false}});
  for (const LatencyBin& bin : run.distribution) {
    rows.add({"≤ " + human_duration(Nanos{bin.up_to_ns}), human_count(bin.count),
              human_share(static_cast<double>(bin.count) / static_cast<double>(total)),
              bar(static_cast<double>(bin.count) / static_cast<double>(most))});
  }
  out << '\n';
  write_lines(rows, out);
}

void write_errors(const RunResult& run, std::ostream& out) {
  const std::uint64_t errors = error_count_of(run.total);
  out << fmt::format("  errors    {} ({})\n", human_count(errors), human_share(run.error_share));
  for (std::size_t i = 0; i < outcome_count; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const std::uint64_t count = outcome_count_of(run.total, outcome);
    if (!is_error(outcome) || count == 0) continue;
    const auto example = run.error_examples.find(std::string(name_of(outcome)));
    out << fmt::format(
        "            {} {}{}\n", name_of(outcome), human_count(count),
        example == run.error_examples.end() ? "" : ", as: " + fit(printable(example->second), 100));
  }
}

// Why connections or answers failed, and what to do about it.
void write_failures(const RunResult& run, std::ostream& out) {
  for (const FailureResult& failure : run.failures) {
    out << fmt::format("            {} {}: {}\n", failure.reason, human_count(failure.count),
                       failure.advice);
  }
}

void write_verdict(const RunResult& run, std::ostream& out) {
  out << '\n';
  for (const Finding* gate : findings_of(run, Finding::Kind::gate)) {
    out << fmt::format("  {} {}  {}\n", mark_of(run, *gate), printable(gate->rule),
                       printable(gate->measured));
  }
  const auto rows = findings_of(run, Finding::Kind::validity);
  if (run.statuses.empty()) {
    out << "  NO ANSWER: nothing was measured\n";
    return;
  }
  const bool kept_up =
      std::ranges::all_of(rows, [](const Finding* row) { return row->verdict == Verdict::pass; });
  if (kept_up && !rows.empty()) {
    out << fmt::format("  {}: the generator kept up (self-checks: {})\n", run.verdict,
                       standing_counts(rows));
    return;
  }
  out << fmt::format("  {}{}\n", run.verdict,
                     run.verdict == "INVALID" ? ": these figures prove nothing" : "");
  for (const Finding* row : rows) {
    if (row->verdict == Verdict::pass) continue;
    out << fmt::format("  ✗ {}: {}, wanted {}\n", printable(row->title), printable(row->measured),
                       printable(row->limit));
    for (const std::string& sample : row->samples) {
      out << "      " << fit(printable(sample), 120) << '\n';
    }
  }
}

}  // namespace

void write_bench(const RunResult& run, std::ostream& out) {
  out << "\nstampede bench: " << printable(run.question) << '\n';
  if (run.connecting.tls_insecure) {
    out << "  TLS is INSECURE: no certificate was verified\n";
  }
  out << fmt::format("  requests  {} in {} s = {}\n", human_count(run.total.count),
                     human_number(run.measured_seconds), human_rate(run.http_rate));
  const double seconds = run.duration_seconds > 0 ? run.duration_seconds : 1;
  const auto per_second = [seconds](std::uint64_t bytes) {
    return human_bytes(static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds)) + "/s";
  };
  out << fmt::format("  traffic   {} in ({}), {} out ({}), {} connections\n",
                     human_bytes(run.bytes_in), per_second(run.bytes_in),
                     human_bytes(run.bytes_out), per_second(run.bytes_out),
                     human_count(run.connections));
  out << "  statuses  ";
  if (run.statuses.empty()) out << "none";
  for (bool first = true; const auto& [status, count] : run.statuses) {
    out << (first ? "" : " · ") << status << ": " << human_count(count);
    first = false;
  }
  out << '\n';
  write_errors(run, out);
  write_failures(run, out);
  if (run.total.count > 0) {
    write_latencies(run, out);
    write_distribution(run, out);
  }
  write_verdict(run, out);
}

}  // namespace stampede
