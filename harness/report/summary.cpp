#include "harness/report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "harness/measure/units.hpp"

namespace stampede {

namespace {

int number_of(std::string_view id) {
  int number = 0;
  std::from_chars(id.data() + 1, id.data() + id.size(), number);
  return number;
}

}  // namespace

bool proves_something(const RunResult& run) {
  return run.verdict == "PASS" || run.verdict == "FAIL" || run.verdict == "BROKEN_INVARIANT" ||
         run.verdict == "INCONCLUSIVE";
}

std::vector<const Finding*> findings_of(const RunResult& run, Finding::Kind kind) {
  std::vector<const Finding*> found;
  for (const Finding& finding : run.findings) {
    if (finding.kind == kind) found.push_back(&finding);
  }
  return found;
}

bool is_held(const Finding& finding) {
  return finding.verdict == Verdict::pass && finding.standing == Finding::Standing::judged;
}

std::string standing_counts(const std::vector<const Finding*>& findings) {
  using Standing = Finding::Standing;
  constexpr std::array<std::pair<Standing, std::string_view>, 4> words{
      {{Standing::warned, "warned"},
       {Standing::lifted, "lifted by the profile"},
       {Standing::not_run, "not run"},
       {Standing::not_applicable, "not applicable"}}};
  std::string text = fmt::format("{} of {} held", count_held(findings), findings.size());
  for (const auto& [standing, word] : words) {
    const auto count = std::ranges::count_if(
        findings, [&](const Finding* finding) { return finding->standing == standing; });
    if (count > 0) text += fmt::format(", {} {}", count, word);
  }
  return text;
}

std::size_t count_held(const std::vector<const Finding*>& findings) {
  return static_cast<std::size_t>(
      std::ranges::count_if(findings, [](const Finding* finding) { return is_held(*finding); }));
}

std::string_view mark_of(const RunResult& run, const Finding& finding) {
  if (finding.verdict == Verdict::inconclusive) return "?";
  if (finding.verdict != Verdict::pass) return "✗";
  if (finding.standing == Finding::Standing::warned) return "!";
  if (finding.standing == Finding::Standing::lifted) return "^";
  if (finding.standing != Finding::Standing::judged) return "–";
  const bool about_the_target = finding.kind != Finding::Kind::validity;
  return about_the_target && !proves_something(run) ? "·" : "✓";
}

bool is_id(std::string_view rule) {
  return rule.size() >= 2 && rule[0] >= 'A' && rule[0] <= 'Z' &&
         rule.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

std::string id_ranges(const std::vector<std::string>& ids) {
  std::string out;
  for (std::size_t first = 0; first < ids.size();) {
    std::size_t last = first;
    while (is_id(ids[last]) && last + 1 < ids.size() && is_id(ids[last + 1]) &&
           ids[last + 1][0] == ids[last][0] && number_of(ids[last + 1]) == number_of(ids[last]) + 1)
      ++last;
    if (!out.empty()) out += ' ';
    out += last == first ? ids[first] : ids[first] + "–" + ids[last];
    first = last + 1;
  }
  return out;
}

std::string latency_text(const SeriesResult::Latency& latency, const std::string& key) {
  const auto found = latency.ns.find(key);
  if (found == latency.ns.end()) return "–";
  const bool bound = std::ranges::find(latency.at_least, key) != latency.at_least.end();
  return (bound ? "≥ " : "") + human_duration(Nanos{found->second});
}

std::uint64_t outcome_count_of(const SeriesResult& series, Outcome outcome) {
  const auto found = series.outcomes.find(std::string(name_of(outcome)));
  return found == series.outcomes.end() ? 0 : found->second;
}

std::uint64_t error_count_of(const SeriesResult& series) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < outcome_count; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (is_error(outcome)) count += outcome_count_of(series, outcome);
  }
  return count;
}

std::string series_name(const RunResult& run, const SeriesResult& series) {
  const bool several = std::ranges::any_of(run.series, [&](const SeriesResult& other) {
    return other.scenario != run.series.front().scenario;
  });
  std::string name = several ? series.scenario + "." + series.step : series.step;
  if (series.transaction) name += " *";
  if (series.waits) name += " ~";
  return name;
}

std::string hostname_of(const RunResult& run) {
  for (const auto& [name, value] : run.environment) {
    if (name == "hostname" && !value.empty()) return value;
  }
  return "localhost";
}

std::uint64_t transactions_of(const RunResult& run) {
  std::uint64_t count = 0;
  for (const SecondResult& second : run.seconds) count += second.transactions;
  return count;
}

std::string in_words_of_ngrinder(const RunResult& run) {
  if (run.total.count == 0) return {};
  std::uint64_t peak = 0;
  for (const SecondResult& second : run.seconds) {
    if (!second.warm_up && !second.drain) peak = std::max(peak, second.requests);
  }
  return fmt::format("in nGrinder's words: Vuser {} · TPS {} · Peak TPS {} · MTT {} · errors {}",
                     human_count(run.users_max), human_number(run.http_rate), human_count(peak),
                     latency_text(run.total.response, "mean"),
                     human_count(error_count_of(run.total)));
}

std::string cpu_per_transaction(const RunResult& run, const ProcessResult& process) {
  const std::uint64_t transactions = transactions_of(run);
  if (transactions == 0) return "–";
  return human_duration(from_seconds(process.cpu_seconds / static_cast<double>(transactions)));
}

TextTable latency_table(const std::vector<LatencyRow>& rows) {
  TextTable table({{"", 0, false},
                   {"p50"},
                   {"p75", 3},
                   {"p90", 2},
                   {"p95"},
                   {"p99"},
                   {"p99.9", 1},
                   {"max"},
                   {"mean"},
                   {"", 4, false}});
  for (const LatencyRow& row : rows) {
    std::vector<std::string> cells{row.name};
    for (const char* key : {"p50", "p75", "p90", "p95", "p99", "p99.9", "max", "mean"}) {
      cells.push_back(latency_text(row.latency, key));
    }
    cells.emplace_back(row.note);
    table.add(std::move(cells));
  }
  return table;
}

}  // namespace stampede
