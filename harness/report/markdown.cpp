// The summary for a pull request or a CI job's page (GitHub-flavoured Markdown).
#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <string_view>

#include "harness/judge/verdict.hpp"
#include "harness/measure/units.hpp"
#include "harness/report/fact_lines.hpp"
#include "harness/report/run_result.hpp"
#include "harness/report/summary.hpp"
#include "harness/report/text_layout.hpp"

namespace stampede {

namespace {

constexpr std::size_t scripts_shown = 20;

// Nothing that a target answered may become markup or break a table.
std::string plain(std::string_view text) {
  constexpr std::string_view special = "\\`*_{}[]<>#|~@&";
  std::string out;
  for (const char c : printable(text)) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (special.find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

// As code; a backtick inside would end it.
std::string code(std::string_view text) {
  std::string inside = printable(text);
  std::ranges::replace(inside, '`', '\'');
  std::ranges::replace(inside, '|', '/');
  return "`" + inside + "`";
}

// A paragraph each, after an empty line.
void write_lines(const std::vector<std::string>& lines, std::ostream& out) {
  for (const std::string& line : lines) out << "\n" << plain(line) << "\n";
}

void write_findings(const RunResult& run, const std::vector<const Finding*>& rows,
                    std::ostream& out) {
  out << "| | rule | measured | limit | |\n|---|---|---:|---:|---|\n";
  for (const Finding* row : rows) {
    std::string note = plain(row->title);
    const bool gate = row->kind == Finding::Kind::gate;
    if (is_held(*row)) {
      if (gate && !row->samples.empty()) note += "<br>" + plain(row->samples.front());
    } else {
      note = "**" + plain(finding_word(*row)) + "**: " + note;
      for (const std::string& sample : row->samples) note += "<br>" + plain(sample);
    }
    out << fmt::format("| {} | {} | {} | {} | {} |\n", mark_of(run, *row),
                       code(row->check.empty() ? row->rule : row->check + " " + row->rule),
                       plain(row->measured), plain(row->limit), note);
  }
}

void write_gates(const RunResult& run, std::ostream& out) {
  const auto rows = findings_of(run, Finding::Kind::gate);
  if (rows.empty()) return;
  out << "\n### Gates: "
      << (proves_something(run) ? fmt::format("{} of {} held", count_held(rows), rows.size())
                                : "not judged, this run proves nothing about the target")
      << "\n\n";
  write_findings(run, rows, out);
}

void write_invariants(const RunResult& run, std::ostream& out) {
  const auto rows = findings_of(run, Finding::Kind::invariant);
  if (rows.empty()) return;
  std::vector<std::string> ids;
  std::vector<const Finding*> bad;
  for (const Finding* row : rows) {
    ids.push_back(row->rule);
    if (row->verdict != Verdict::pass) bad.push_back(row);
  }
  out << fmt::format("\n### Invariants: {} of {} hold\n\n{}\n", count_held(rows), rows.size(),
                     plain(id_ranges(ids)));
  write_lines(seat_lines(run), out);
  if (bad.empty()) return;
  out << "\n";
  write_findings(run, bad, out);
}

void write_validity(const RunResult& run, std::ostream& out) {
  const auto rows = findings_of(run, Finding::Kind::validity);
  if (rows.empty()) return;
  std::vector<const Finding*> bad;
  for (const Finding* row : rows) {
    if (row->verdict != Verdict::pass) bad.push_back(row);
  }
  out << fmt::format("\n### Validity: {}\n", plain(standing_counts(rows)));
  if (!bad.empty()) {
    out << "\n";
    write_findings(run, bad, out);
  }
  out << "\n<details><summary>Self-checks, all rows</summary>\n\n";
  write_findings(run, rows, out);
  out << "\n</details>\n";
}

void write_latency_row(std::ostream& out, std::string_view name,
                       const SeriesResult::Latency& latency) {
  out << "| " << name << " |";
  for (const char* key : {"p50", "p95", "p99", "p99.9", "max", "mean"}) {
    out << ' ' << latency_text(latency, key) << " |";
  }
  out << "\n";
}

void write_figures(const RunResult& run, std::ostream& out) {
  out << "\n### Figures\n\n| | |\n|---|---:|\n";
  const auto row = [&out](std::string_view name, const std::string& value) {
    out << "| " << name << " | " << value << " |\n";
  };
  row("users alive (fewest … most)",
      fmt::format("{} ({} … {})", human_number(run.users_mean), human_count(run.users_min),
                  human_count(run.users_max)));
  row("transactions", human_rate(run.tx_rate));
  row("requests", human_rate(run.http_rate));
  row("errors", fmt::format("{} ({} of {})", human_share(run.error_share),
                            human_count(error_count_of(run.total)), human_count(run.total.count)));
  for (const auto& [name, counter] : run.counters) {
    row(plain(name),
        fmt::format("{} ({})", human_rate(counter.second), human_count(counter.first)));
  }
  row("measured", human_number(run.measured_seconds) + " s");
  if (const std::string words = in_words_of_ngrinder(run); !words.empty()) {
    out << "\n" << plain(words) << "\n";
  }
  out << "\n| | p50 | p95 | p99 | p99.9 | max | mean |\n|---|---:|---:|---:|---:|---:|---:|\n";
  write_latency_row(out, "response (due → answered)", run.total.response);
  write_latency_row(out, "service (sent → answered)", run.total.service);
  write_latency_row(out, "start lag (due → sent)", run.total.lag);
  if (run.hiccups.count > 0) {
    write_latency_row(out, "pauses of the generator's machine (hiccups.hlog)", run.hiccups);
  }
}

void write_steps(const RunResult& run, std::ostream& out) {
  out << "\n<details><summary>Steps</summary>\n\n"
         "| step | n | rate | ok | conflict | gone | rule | window | shed | error "
         "| mean | p50 | p90 | p95 | p99 | p99.9 | max |\n"
         "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const SeriesResult& series : run.series) {
    out << fmt::format("| {} | {} | {} |", plain(series_name(run, series)),
                       human_count(series.count), human_rate(series.rate));
    for (const Outcome outcome : {Outcome::ok, Outcome::conflict, Outcome::gone, Outcome::rule,
                                  Outcome::window, Outcome::shed}) {
      out << ' ' << human_count(outcome_count_of(series, outcome)) << " |";
    }
    out << ' ' << human_count(error_count_of(series)) << " |";
    for (const char* key : {"mean", "p50", "p90", "p95", "p99", "p99.9", "max"}) {
      out << ' ' << latency_text(series.response, key) << " |";
    }
    out << "\n";
  }
  out << "\n\\* transaction · ~ declared wait, not in the totals\n\n</details>\n";
}

void write_funnel(const RunResult& run, std::ostream& out) {
  const std::vector<std::string> lines = funnel_lines(run);
  if (lines.empty()) return;
  out << "\n### Funnel: sessions of the whole run, by what their clients were told\n";
  write_lines(lines, out);
}

void write_resources(const RunResult& run, std::ostream& out) {
  if (run.processes.empty()) return;
  out << fmt::format("\n### Resources: {} transactions in the whole run\n\n",
                     human_count(transactions_of(run)))
      << "| process | CPU time | CPU per transaction | memory | peak | disk read | written "
         "| switches | forced | sockets |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  const auto told = [](const std::optional<std::uint64_t>& count) {
    return count ? human_count(*count) : "–";
  };
  for (const ProcessResult& process : run.processes) {
    out << fmt::format("| {} | {} s | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                       plain(process.role), human_number(process.cpu_seconds),
                       cpu_per_transaction(run, process), human_bytes(process.rss_bytes),
                       human_bytes(process.rss_peak_bytes), human_bytes(process.disk_read_bytes),
                       human_bytes(process.disk_written_bytes), told(process.voluntary_switches),
                       told(process.involuntary_switches), told(process.sockets));
  }
  write_lines(machine_lines(run), out);
  write_lines(store_lines(run, scripts_shown), out);
}

void write_diagnosis(const RunResult& run, std::ostream& out) {
  if (run.diagnosis.empty()) return;
  std::vector<const Finding*> rows;
  for (const Finding& remark : run.diagnosis) rows.push_back(&remark);
  out << "\n### Diagnosis\n\n";
  write_findings(run, rows, out);
}

// Set-up or tear-down; nothing of a run that had none.
void write_phase(std::string_view name, const PhaseResult& phase, std::ostream& out) {
  if (phase.series.empty() && phase.problem.empty()) return;
  out << fmt::format("\n### {}: {}\n\nOnce, by one user, in no other figure; {} s.\n", name,
                     phase.problem.empty() ? "done" : "failed", human_number(phase.seconds));
  if (!phase.problem.empty()) out << "\n**" << plain(phase.problem) << "**\n";
  if (phase.series.empty()) return;
  out << "\n| step | n | ok | other | p50 | max |\n|---|---:|---:|---:|---:|---:|\n";
  for (const SeriesResult& series : phase.series) {
    const std::uint64_t ok = outcome_count_of(series, Outcome::ok);
    out << fmt::format("| {} | {} | {} | {} | {} | {} |\n", plain(series.step),
                       human_count(series.count), human_count(ok), human_count(series.count - ok),
                       latency_text(series.response, "p50"), latency_text(series.response, "max"));
  }
}

}  // namespace

void write_markdown(const RunResult& run, std::ostream& out) {
  out << fmt::format("## {}: {} (exit {})\n\n", plain(run.verdict), plain(run.profile_name),
                     run.exit_code);
  out << plain(meaning_of(static_cast<ExitCode>(run.exit_code))) << ".\n\n";
  if (!run.question.empty()) out << "> " << plain(run.question) << "\n>\n";
  if (!run.pass_means.empty()) out << "> A pass means: " << plain(run.pass_means) << "\n";
  if (run.state != "complete") {
    out << fmt::format("\nThe run is {}: {}\n", plain(run.state), plain(run.state_reason));
  }
  if (run.connecting.tls_insecure) out << "\nTLS is INSECURE: no certificate was verified.\n";
  if (run.tainted) out << "\nThe target is tainted: nothing here holds for a real one.\n";
  write_gates(run, out);
  write_invariants(run, out);
  write_validity(run, out);
  write_figures(run, out);
  write_funnel(run, out);
  write_steps(run, out);
  write_resources(run, out);
  write_diagnosis(run, out);
  write_phase("Set-up", run.setup, out);
  write_phase("Tear-down", run.teardown, out);
  for (const auto& [name, value] : run.environment) {
    if (name == "placement") out << "\nPlacement: " << plain(value) << "\n";
  }
  out << fmt::format("\nseed {} · topology {} · run {}\n", run.seed, code(run.topology),
                     code(run.id));
}

}  // namespace stampede
