// The summary that is read in ten seconds: verdict, why, figures. What is wrong is spelt out; what
// is right takes a line. Colour only repeats what a mark or a word says.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

#include "harness/judge/verdict.hpp"
#include "harness/measure/units.hpp"
#include "harness/report/fact_lines.hpp"
#include "harness/report/run_result.hpp"
#include "harness/report/summary.hpp"
#include "harness/report/text_layout.hpp"

namespace stampede {

namespace {

constexpr std::size_t width_min = 80;
constexpr std::size_t width_max = 200;
constexpr std::size_t samples_shown = 10;
constexpr std::size_t scripts_shown = 6;
constexpr std::size_t counter_curves_max = 2;
constexpr std::array<const char*, 7> step_times{"mean", "p50", "p90", "p95", "p99", "p99.9", "max"};

enum class Style { plain, bold, dim, green, red, yellow, magenta };

class Console {
 public:
  Console(const RunResult& run, std::ostream& out, bool colour, int width)
      : run_(run),
        out_(out),
        colour_(colour),
        width_(std::clamp(static_cast<std::size_t>(std::max(width, 0)), width_min, width_max)) {}

  void write() {
    write_head();
    write_gates();
    write_invariants();
    write_validity();
    write_figures();
    write_timeline();
    write_funnel();
    write_steps();
    write_phase("SETUP", run_.setup);
    write_phase("TEARDOWN", run_.teardown);
    write_errors();
    write_failures();
    write_resources();
    write_diagnosis();
    write_books();
  }

 private:
  void write_head();
  void write_gates();
  void write_invariants();
  void write_validity();
  void write_self_checks(const std::vector<const Finding*>& rows);
  void write_figures();
  void write_latencies();
  void write_timeline();
  void write_funnel();
  void write_steps();
  void write_step_times();
  void write_phase(const std::string& name, const PhaseResult& phase);
  void write_errors();
  void write_resources();
  void write_diagnosis();
  void write_failures();
  void write_connecting();
  void write_books();
  void write_streams();

  [[nodiscard]] std::string paint(Style style, const std::string& text) const {
    if (!colour_ || style == Style::plain) return text;
    constexpr std::array<std::string_view, 7> codes{"", "1", "2", "32", "31", "33", "35"};
    return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(style)], text);
  }
  [[nodiscard]] static Style style_of(std::string_view mark) {
    if (mark == "✓") return Style::green;
    if (mark == "✗") return Style::red;
    return mark == "?" || mark == "!" || mark == "^" ? Style::yellow : Style::dim;
  }
  void line(const std::string& text) { out_ << text << '\n'; }
  // "GATES       8 of 8 held"
  void title(const std::string& name, const std::string& text) {
    out_ << '\n' << paint(Style::bold, pad_right(name, 11)) << ' ';
    const auto lines = wrap(text, width_ - 12);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      line((i == 0 ? "" : std::string(12, ' ')) + lines[i]);
    }
  }
  void wrapped(const std::string& text, std::size_t indent, Style style = Style::plain) {
    for (const std::string& each : wrap(printable(text), width_ - indent)) {
      line(std::string(indent, ' ') + paint(style, each));
    }
  }
  void table(const TextTable& rows) {
    const auto lines = rows.lines(width_ - 2);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      line("  " + paint(i == 0 ? Style::dim : Style::plain, lines[i]));
    }
  }
  void finding(const Finding& finding, std::size_t rule_width, std::size_t measured_width);
  void findings(const std::vector<const Finding*>& rows);

  const RunResult& run_;
  std::ostream& out_;
  bool colour_;
  std::size_t width_;
};

Style style_of_verdict(const std::string& verdict) {
  if (verdict == "PASS") return Style::green;
  if (verdict == "FAIL" || verdict == "BROKEN_INVARIANT") return Style::red;
  return verdict == "INVALID" ? Style::magenta : Style::yellow;
}

void Console::write_head() {
  const std::string exit = fmt::format("exit {}", run_.exit_code);
  const std::string verdict = printable(run_.verdict);
  const std::string name = fit(printable(run_.profile_name), 40);
  const Style style = style_of_verdict(run_.verdict);
  const std::size_t used = display_width(verdict) + display_width(name) + exit.size() + 6;
  const std::string meaning(meaning_of(static_cast<ExitCode>(run_.exit_code)));
  const std::size_t room = width_ > used ? width_ - used : 0;
  // On a narrow terminal the meaning gets a line of its own, rather than being cut.
  const bool fits = display_width(meaning) <= room;
  out_ << paint(style, std::string(width_, '=')) << '\n';
  out_ << ' ' << paint(style, paint(Style::bold, verdict)) << "  " << paint(Style::bold, name)
       << "  " << pad_right(fits ? meaning : "", room) << ' ' << exit << '\n';
  if (!fits) wrapped(meaning, 2);
  out_ << paint(style, std::string(width_, '=')) << '\n';
  wrapped(run_.question, 2, Style::bold);
  if (!run_.pass_means.empty()) wrapped("A pass means: " + run_.pass_means, 2);
  if (run_.state != "complete" && !run_.state.empty()) {
    wrapped(fmt::format("The run is {}{}{}.", run_.state, run_.state_reason.empty() ? "" : ": ",
                        run_.state_reason),
            2, Style::yellow);
  }
  if (run_.connecting.tls_insecure) {
    wrapped("TLS is INSECURE: no certificate was verified (tls.insecure).", 2, Style::yellow);
  }
  if (run_.tainted) {
    std::string defects;
    for (const std::string& defect : run_.defects)
      defects += (defects.empty() ? "" : ", ") + defect;
    wrapped("The target is tainted" + (defects.empty() ? "" : " (" + defects + ")") +
                ": nothing here holds for a real one.",
            2, Style::yellow);
  }
}

// "L1 start_lag_p99"
std::string name_of(const Finding& finding) {
  return printable(finding.check.empty() ? finding.rule : finding.check + " " + finding.rule);
}

void Console::finding(const Finding& finding, std::size_t rule_width, std::size_t measured_width) {
  const std::string_view mark = mark_of(run_, finding);
  const Style style = style_of(mark);
  const bool fine = is_held(finding);
  const bool is_gate = finding.kind == Finding::Kind::gate;
  const std::size_t used = 4 + rule_width + 2 + measured_width + 2;
  std::string note = finding.title;
  if (is_gate && fine && !finding.samples.empty()) note = finding.samples.front();
  if (!fine) {
    note = fmt::format("{}: {}", finding_word(finding),
                       is_gate ? finding.title : "limit " + finding.limit);
  }
  out_ << "  " << paint(style, std::string(mark)) << ' '
       << pad_right(fit(name_of(finding), rule_width), rule_width) << "  "
       << paint(fine ? Style::plain : Style::bold,
                pad_left(fit(printable(finding.measured), measured_width), measured_width))
       << "  " << paint(fine ? Style::dim : style, fit(printable(note), width_ - used)) << '\n';
  if (fine) return;
  if (!is_gate) wrapped(finding.title, 6);
  const std::size_t shown = std::min(finding.samples.size(), samples_shown);
  for (std::size_t i = 0; i < shown; ++i) wrapped(finding.samples[i], 6);
  if (shown < finding.samples.size()) {
    line(fmt::format("      and {} more", finding.samples.size() - shown));
  }
}

void Console::findings(const std::vector<const Finding*>& rows) {
  std::size_t rule_width = 0, measured_width = 0;
  for (const Finding* row : rows) {
    rule_width = std::max(rule_width, display_width(name_of(*row)));
    measured_width = std::max(measured_width, display_width(printable(row->measured)));
  }
  for (const Finding* row : rows) {
    finding(*row, std::min(rule_width, width_ * 2 / 5), std::min(measured_width, width_ / 3));
  }
}

std::string held_of(const std::vector<const Finding*>& rows) {
  return fmt::format("{} of {} held", count_held(rows), rows.size());
}

void Console::write_gates() {
  const auto rows = findings_of(run_, Finding::Kind::gate);
  if (run_.findings.empty()) return title("GATES", "nothing was judged");
  if (rows.empty()) return title("GATES", "none: the profile sets no limits");
  title("GATES", proves_something(run_) ? held_of(rows)
                                        : "not judged: this run proves nothing about the target");
  findings(rows);
}

void Console::write_invariants() {
  const auto rows = findings_of(run_, Finding::Kind::invariant);
  if (rows.empty() && run_.findings.empty()) return;
  if (rows.empty()) return title("INVARIANTS", "not checked: the profile asks for none");
  std::vector<std::string> ids;
  std::vector<const Finding*> numbered, bad;
  std::string derived;
  for (const Finding* row : rows) {
    if (row->verdict != Verdict::pass) bad.push_back(row);
    if (is_id(row->rule)) {
      ids.push_back(row->rule);
      numbered.push_back(row);
    } else {
      derived += fmt::format(" · {} {}", printable(row->rule), printable(row->measured));
    }
  }
  const std::string_view word = proves_something(run_) ? "hold" : "hold, of an unproven run";
  title("INVARIANTS", fmt::format("{}: {} of {} {}{}", id_ranges(ids), count_held(numbered),
                                  numbered.size(), word, derived));
  for (const std::string& text : seat_lines(run_)) wrapped(text, 2);
  findings(bad);
}

void Console::write_validity() {
  const auto rows = findings_of(run_, Finding::Kind::validity);
  if (rows.empty()) return;
  const bool all_pass =
      std::ranges::all_of(rows, [](const Finding* row) { return row->verdict == Verdict::pass; });
  title("VALIDITY",
        standing_counts(rows) + (all_pass ? ": the generator kept up and its books balance" : ""));
  write_self_checks(rows);
  std::vector<const Finding*> bad;
  for (const Finding* row : rows) {
    using Standing = Finding::Standing;
    const bool silent = is_held(*row) || row->standing == Standing::not_run ||
                        row->standing == Standing::not_applicable;
    if (!silent) bad.push_back(row);
  }
  findings(bad);
}

// How much a row wants to be seen among those of its number.
int urgency(const Finding& finding) {
  using Standing = Finding::Standing;
  if (finding.verdict != Verdict::pass) return 5;
  if (finding.standing == Standing::lifted) return 4;
  if (finding.standing == Standing::warned) return 3;
  if (finding.standing == Standing::judged) return 2;
  return finding.standing == Standing::not_run ? 1 : 0;
}

// A cell for each of L1 … L18, with the most urgent of its rows; then what was not run, and what
// does not apply.
void Console::write_self_checks(const std::vector<const Finding*>& rows) {
  constexpr std::size_t cell_width_min = 46;
  std::vector<const Finding*> cells;
  for (const Finding* row : rows) {
    if (row->check.empty()) continue;
    const auto known = std::ranges::find(cells, row->check, &Finding::check);
    if (known == cells.end()) {
      cells.push_back(row);
    } else if (urgency(*row) > urgency(**known)) {
      *known = row;
    }
  }
  const std::size_t columns = std::max<std::size_t>(1, (width_ - 2) / cell_width_min);
  const std::size_t cell_width = (width_ - 2) / columns;
  const std::size_t height = (cells.size() + columns - 1) / columns;
  for (std::size_t at = 0; at < height; ++at) {
    std::string text = "  ";
    for (std::size_t cell = at; cell < cells.size(); cell += height) {
      const Finding& row = *cells[cell];
      const std::string_view mark = mark_of(run_, row);
      const std::string short_measured = row.measured.substr(0, row.measured.find(" ("));
      const std::string words =
          fmt::format("{} {}, {}", name_of(row), printable(short_measured), printable(row.limit));
      const bool last = cell + height >= cells.size();
      const std::string fitted = fit(words, cell_width - 4);
      text += paint(style_of(mark), std::string(mark)) + " " +
              (last ? fitted : pad_right(fitted, cell_width - 2));
    }
    line(text);
  }
  for (const Finding::Standing standing :
       {Finding::Standing::not_run, Finding::Standing::not_applicable}) {
    std::string names;
    for (const Finding* row : rows) {
      if (row->standing != standing) continue;
      names += (names.empty() ? "" : ", ") + name_of(*row);
      if (!row->samples.empty()) names += " (" + row->samples.front() + ")";
    }
    const bool not_run = standing == Finding::Standing::not_run;
    if (!names.empty())
      wrapped((not_run ? "not run: " : "not applicable: ") + names, 2, Style::dim);
  }
}

void Console::write_figures() {
  if (run_.total.count == 0) return title("FIGURES", "nothing was measured");
  title("FIGURES",
        fmt::format("{} s measured of {} s, seed {}, {}", human_number(run_.measured_seconds),
                    human_number(run_.duration_seconds), run_.seed, printable(run_.topology)));
  std::vector<std::string> facts{
      "users alive " + human_number(run_.users_mean) +
          fmt::format(" ({} … {})", human_count(run_.users_min), human_count(run_.users_max)),
      "transactions " + human_rate(run_.tx_rate), "requests " + human_rate(run_.http_rate),
      fmt::format("errors {} ({} of {})", human_share(run_.error_share),
                  human_count(error_count_of(run_.total)), human_count(run_.total.count)),
      "shed " + human_count(outcome_count_of(run_.total, Outcome::shed))};
  for (const auto& [name, counter] : run_.counters) {
    facts.push_back(fmt::format("{} {} ({})", printable(name), human_rate(counter.second),
                                human_count(counter.first)));
  }
  std::string row;
  for (const std::string& fact : facts) {
    if (!row.empty() && display_width(row) + 3 + display_width(fact) > width_ - 2) {
      line("  " + std::exchange(row, ""));
    }
    row += (row.empty() ? "" : " · ") + fact;
  }
  line("  " + row);
  wrapped(in_words_of_ngrinder(run_), 2, Style::dim);
  write_latencies();
}

void Console::write_latencies() {
  table(latency_table({{"response", run_.total.response, "due → answered"},
                       {"service", run_.total.service, "sent → answered"},
                       {"start lag", run_.total.lag, "due → sent"}}));
}

// Means of at most `count` equal pieces of the values.
std::vector<double> condensed(const std::vector<double>& values, std::size_t count) {
  if (values.size() <= count) return values;
  std::vector<double> out;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t first = i * values.size() / count;
    const std::size_t last = std::max(first + 1, (i + 1) * values.size() / count);
    double sum = 0;
    for (std::size_t at = first; at < last; ++at) sum += values[at];
    out.push_back(sum / static_cast<double>(last - first));
  }
  return out;
}

void Console::write_timeline() {
  if (run_.seconds.size() < 3) return;
  constexpr std::size_t label = 14, scale = 24;
  const std::size_t room = width_ - label - scale;
  std::vector<double> transactions, users, p95, phase;
  for (const SecondResult& second : run_.seconds) {
    transactions.push_back(static_cast<double>(second.transactions));
    users.push_back(static_cast<double>(second.users_alive));
    p95.push_back(static_cast<double>(second.response_ns_p95.value_or(0)));
    phase.push_back(second.warm_up || second.drain ? 1 : 0);
  }
  title("TIMELINE", fmt::format("{} s; below the curves: - warm-up and drain, = measured",
                                run_.seconds.size()));
  const auto curve = [&](const std::string& name, const std::vector<double>& values,
                         const std::string& top) {
    line("  " + pad_right(fit(name, label - 3), label - 2) + spark(condensed(values, room)) +
         "  max " + top);
  };
  curve("tx/s", transactions, human_rate(std::ranges::max(transactions)));
  curve("users", users, human_number(std::ranges::max(users)));
  curve("p95", p95, human_duration(Nanos{static_cast<std::int64_t>(std::ranges::max(p95))}));
  std::size_t curves = 0;
  for (const auto& [name, total] : run_.counters) {
    std::vector<double> counted;
    for (const SecondResult& second : run_.seconds) {
      const auto found = second.counters.find(name);
      counted.push_back(found == second.counters.end() ? 0 : static_cast<double>(found->second));
    }
    const double top = std::ranges::max(counted);
    if (top == 0 || curves >= counter_curves_max) continue;
    ++curves;
    curve(printable(name) + "/s", counted, human_rate(top));
  }
  std::string phases;
  for (const double share : condensed(phase, room)) phases += share > 0.5 ? '-' : '=';
  line(std::string(label, ' ') + phases);
}

void Console::write_funnel() {
  const std::vector<std::string> lines = funnel_lines(run_);
  if (lines.empty()) return;
  title("FUNNEL", "sessions of the whole run, by what their clients were told");
  for (const std::string& text : lines) wrapped(text, 2);
}

// One table where there is room for it; else what became of the requests, then how long they took.
void Console::write_steps() {
  if (run_.series.empty()) return;
  title("STEPS", "* transaction   ~ declared wait, not in the totals");
  std::vector<Outcome> shown;
  for (const Outcome outcome : {Outcome::ok, Outcome::conflict, Outcome::gone, Outcome::rule,
                                Outcome::window, Outcome::shed}) {
    const bool any = std::ranges::any_of(run_.series, [outcome](const SeriesResult& series) {
      return outcome_count_of(series, outcome) > 0;
    });
    if (any || outcome == Outcome::ok) shown.push_back(outcome);
  }
  std::vector<Column> columns{{"step", 0, false, 14}, {"n", 2}, {"rate", 4}};
  for (const Outcome outcome : shown) {
    columns.push_back({std::string(name_of(outcome)), outcome == Outcome::ok ? 1 : 0});
  }
  columns.push_back({"error"});
  TextTable counts(columns);
  for (const char* key : step_times) columns.push_back({key});
  TextTable whole(columns);
  for (const SeriesResult& series : run_.series) {
    std::vector<std::string> cells{printable(series_name(run_, series)), human_count(series.count),
                                   human_rate(series.rate)};
    for (const Outcome outcome : shown) {
      cells.push_back(human_count(outcome_count_of(series, outcome)));
    }
    cells.push_back(human_count(error_count_of(series)));
    counts.add(cells);
    for (const char* key : step_times) cells.push_back(latency_text(series.response, key));
    whole.add(std::move(cells));
  }
  if (whole.width() <= width_ - 2) return table(whole);
  table(counts);
  write_step_times();
}

void Console::write_step_times() {
  constexpr std::array<int, step_times.size()> priorities{2, 3, 4, 0, 0, 1, 2};
  std::vector<Column> columns{{"response time", 0, false, 14}};
  for (std::size_t i = 0; i < step_times.size(); ++i) {
    columns.push_back({step_times[i], priorities[i]});
  }
  TextTable times(columns);
  for (const SeriesResult& series : run_.series) {
    std::vector<std::string> cells{printable(series_name(run_, series))};
    for (const char* key : step_times) cells.push_back(latency_text(series.response, key));
    times.add(std::move(cells));
  }
  table(times);
}

void Console::write_phase(const std::string& name, const PhaseResult& phase) {
  if (phase.series.empty() && phase.problem.empty()) return;
  title(name, "once, by one user, in no other figure");
  if (!phase.problem.empty()) wrapped("failed: " + phase.problem, 2, Style::yellow);
  TextTable rows({{"step", 0, false, 14}, {"n"}, {"ok"}, {"other"}, {"p50", 1}, {"max"}});
  for (const SeriesResult& series : phase.series) {
    const std::uint64_t ok = outcome_count_of(series, Outcome::ok);
    rows.add({printable(series.step), human_count(series.count), human_count(ok),
              human_count(series.count - ok), latency_text(series.response, "p50"),
              latency_text(series.response, "max")});
  }
  if (!phase.series.empty()) table(rows);
}

void Console::write_errors() {
  bool any = false;
  for (std::size_t i = 0; i < outcome_count; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const std::string name(name_of(outcome));
    std::uint64_t count = 0;
    for (const SeriesResult& series : run_.series) count += outcome_count_of(series, outcome);
    if (!is_error(outcome) || count == 0) continue;
    if (!std::exchange(any, true)) title("ERRORS", "declared waits included; one example each");
    const auto example = run_.error_examples.find(name);
    wrapped(fmt::format("{} {}: {}", name, human_count(count),
                        example == run_.error_examples.end() ? "(no example)" : example->second),
            2);
  }
  for (const Finding& finding : run_.findings) {
    const bool fault = finding.rule == "script_errors" || finding.rule == "data_exhausted";
    if (!fault || finding.samples.empty()) continue;
    if (!std::exchange(any, true)) title("ERRORS", "one example each");
    wrapped(fmt::format("{}, {}: {}", finding.title, finding.measured, finding.samples.front()), 2);
  }
}

void Console::write_failures() {
  for (const FailureResult& failure : run_.failures) {
    wrapped(fmt::format("because {} {}: {}", failure.reason, human_count(failure.count),
                        failure.example),
            2);
    wrapped("→ " + failure.advice, 4, Style::yellow);
  }
}

// What making the connections took, apart from the requests that waited for it.
void Console::write_connecting() {
  const ConnectingResult& made = run_.connecting;
  const auto part = [this](const char* what, const SeriesResult::Latency& took,
                           const std::string& note) {
    if (took.count == 0) return;
    wrapped(fmt::format("{} {}{}: p50 {} · p99 {} · max {}", what, human_count(took.count), note,
                        latency_text(took, "p50"), latency_text(took, "p99"),
                        latency_text(took, "max")),
            2);
  };
  part("DNS", made.dns, "");
  part("connect", made.connect, "");
  part("TLS", made.tls, fmt::format(" ({} resumed)", human_count(made.tls_resumed)));
}

void Console::write_resources() {
  if (run_.processes.empty()) return;
  const std::uint64_t transactions = transactions_of(run_);
  title("RESOURCES", transactions == 0 ? "over the whole run"
                                       : fmt::format("over the whole run: {} transactions",
                                                     human_count(transactions)));
  TextTable rows({{"process", 0, false, 12},
                  {"CPU time"},
                  {"CPU/tx"},
                  {"CPU share"},
                  {"memory"},
                  {"peak", 1},
                  {"disk read", 3},
                  {"written", 2},
                  {"switches", 4},
                  {"forced", 4},
                  {"sockets", 4}});
  const auto told = [](const std::optional<std::uint64_t>& count) {
    return count ? human_count(*count) : "–";
  };
  for (const ProcessResult& process : run_.processes) {
    rows.add(
        {printable(process.role), human_number(process.cpu_seconds) + " s",
         cpu_per_transaction(run_, process),
         run_.duration_seconds > 0 ? human_share(process.cpu_seconds / run_.duration_seconds) : "–",
         human_bytes(process.rss_bytes), human_bytes(process.rss_peak_bytes),
         human_bytes(process.disk_read_bytes), human_bytes(process.disk_written_bytes),
         told(process.voluntary_switches), told(process.involuntary_switches),
         told(process.sockets)});
  }
  table(rows);
  for (const std::string& text : machine_lines(run_)) wrapped(text, 2);
  for (const std::string& text : store_lines(run_, scripts_shown)) wrapped(text, 2);
  if (run_.hiccups.count == 0) return;
  wrapped(fmt::format("pauses of the generator's machine: p50 {} · p99 {} · p99.9 {} · max {} "
                      "(hiccups.hlog)",
                      latency_text(run_.hiccups, "p50"), latency_text(run_.hiccups, "p99"),
                      latency_text(run_.hiccups, "p99.9"), latency_text(run_.hiccups, "max")),
          2);
}

// In the order in which an operator looks.
void Console::write_diagnosis() {
  if (run_.diagnosis.empty()) return;
  std::vector<const Finding*> rows;
  std::size_t warned = 0;
  for (const Finding& remark : run_.diagnosis) {
    rows.push_back(&remark);
    if (remark.standing == Finding::Standing::warned) ++warned;
  }
  title("DIAGNOSIS",
        warned == 0 ? "nothing to remark" : fmt::format("{} to look at, in this order", warned));
  findings(rows);
}

// WebSockets and event streams; nothing about a run that had none.
void Console::write_streams() {
  const StreamCounts& streams = run_.streams;
  std::string text;
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : " · ", human_count(count), what);
  };
  add(streams.messages_in, "messages");
  add(streams.binary_in, "binary messages");
  add(streams.events, "events");
  add(streams.reconnects, "reconnects");
  add(streams.unread_dropped, "dropped unread");
  add(streams.malformed, "streams given up as malformed");
  std::string codes;
  for (const auto& [code, times] : streams.close_codes) {
    codes += fmt::format("{}{} × {}", codes.empty() ? "closed with " : ", ",
                         code == 0 ? "others" : std::to_string(code), human_count(times));
  }
  if (!codes.empty()) text += (text.empty() ? "" : " · ") + codes;
  if (!text.empty()) wrapped(text, 2);
  if (streams.push_lag_negative > 0) {
    wrapped(
        fmt::format("{} pushes came before they were stamped: target and generator do not share "
                    "a clock, so no push lag of this run means anything",
                    human_count(streams.push_lag_negative)),
        2);
  }
  if (streams.push_lag_unusable > 0) {
    wrapped(
        fmt::format("{} pushes had no time stamp where `push_lag` points, or one of more than an "
                    "hour ago: they are in no figure",
                    human_count(streams.push_lag_unusable)),
        2);
  }
}

void Console::write_books() {
  const SessionCounts& s = run_.sessions;
  title("SESSIONS",
        fmt::format("{} due = {} completed + {} failed + {} unfinished + {} not sent",
                    human_count(s.scheduled), human_count(s.completed), human_count(s.failed),
                    human_count(s.unfinished), human_count(s.not_sent)));
  wrapped(fmt::format("{} connections · {} in · {} out · {} frames in · {} frames out",
                      human_count(run_.connections), human_bytes(run_.bytes_in),
                      human_bytes(run_.bytes_out), human_count(run_.ws_frames_in),
                      human_count(run_.ws_frames_out)),
          2);
  write_connecting();
  write_streams();
  if (run_.redirects > 0) {
    wrapped(fmt::format("{} redirects followed: requests within the samples, not counted there",
                        human_count(run_.redirects)),
            2);
  }
  if (!run_.ledger_note.empty()) wrapped(run_.ledger_note, 2);
  if (run_.files.empty()) return;
  title("FILES", printable(run_.files.front()));
  for (std::size_t i = 1; i < run_.files.size(); ++i) {
    line(std::string(12, ' ') + printable(run_.files[i]));
  }
}

}  // namespace

void write_console(const RunResult& result, std::ostream& out, bool colour, int width) {
  Console(result, out, colour, width).write();
}

}  // namespace stampede
