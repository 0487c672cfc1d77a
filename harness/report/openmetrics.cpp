// The result as metrics: a text that OpenMetrics 1.0 and Prometheus' format 0.0.4 both allow, for a
// push gateway or a text file collector. Of a finished run nothing grows any more, so everything is
// a gauge, or a summary with its quantiles.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <ostream>
#include <set>

#include "harness/judge/verdict.hpp"
#include "harness/report/run_result.hpp"
#include "harness/report/summary.hpp"

namespace stampede {

namespace {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// {scenario="buyers",step="hold"}
std::string written(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value));
  }
  return out.empty() ? "" : "{" + out + "}";
}

class Exposition {
 public:
  explicit Exposition(std::ostream& out) : out_(out) {}

  // The samples of a metric follow its head at once: both formats want them together.
  void head(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "stampede_" + std::string(name);
    out_ << fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help, type);
  }
  void sample(const Labels& labels, double value, std::string_view suffix = "") {
    out_ << fmt::format("{}{}{} ", name_, suffix, written(labels));
    out_ << (std::isfinite(value) ? fmt::format("{}\n", value) : "NaN\n");
  }
  void gauge(std::string_view name, std::string_view help, double value) {
    head(name, "gauge", help);
    sample({}, value);
  }

 private:
  std::ostream& out_;
  std::string name_;
};

constexpr std::array<std::pair<std::string_view, const char*>, 7> quantiles{{{"0.5", "p50"},
                                                                             {"0.75", "p75"},
                                                                             {"0.9", "p90"},
                                                                             {"0.95", "p95"},
                                                                             {"0.99", "p99"},
                                                                             {"0.999", "p99.9"},
                                                                             {"1", "max"}}};

double to_number(std::uint64_t count) { return static_cast<double>(count); }
double seconds_of(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

void write_head(const RunResult& run, Exposition& out) {
  out.head("run_info", "gauge", "The run that this is of.");
  out.sample({{"run", run.id},
              {"profile", run.profile_name},
              {"topology", run.topology},
              {"state", run.state},
              {"started_at", run.started_at}},
             1);
  out.head("run_verdict", "gauge", "1 for the verdict of the run.");
  out.sample({{"verdict", run.verdict}}, 1);
  out.gauge("run_exit_code", "What stampede ended with; 0 is a pass.", run.exit_code);
  out.gauge("run_tainted", "1: the target ran with planted defects or without protections.",
            run.tainted ? 1 : 0);
  out.gauge("run_duration_seconds", "The load, with warm-up and drain.", run.duration_seconds);
  out.gauge("run_measured_seconds", "The measured window.", run.measured_seconds);
}

void write_findings(const RunResult& run, Exposition& out) {
  constexpr std::array<std::string_view, 4> kinds{"gate", "invariant", "validity", "diagnosis"};
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
  for (const Finding& finding : run.findings) {
    ++counts[{std::string(kinds[static_cast<std::size_t>(finding.kind)]),
              std::string(finding_word(finding))}];
  }
  out.head("findings", "gauge", "Rules that were evaluated, by what became of them.");
  for (const auto& [of, count] : counts) {
    out.sample({{"kind", of.first}, {"result", of.second}}, to_number(count));
  }
  out.head("gate_figure", "gauge", "What a gate measured: seconds, share, per second or count.");
  std::set<std::string_view> told;  // nobody forbids a gate that is there twice
  for (const Finding& finding : run.findings) {
    if (finding.kind != Finding::Kind::gate || !told.insert(finding.rule).second) continue;
    out.sample({{"rule", finding.rule}, {"result", finding_word(finding)}}, finding.figure);
  }
}

void write_rates(const RunResult& run, Exposition& out) {
  out.gauge("transactions_per_second", "Transactions with a definite answer.", run.tx_rate);
  out.gauge("requests_per_second", "Requests with an end of any kind.", run.http_rate);
  out.gauge("errors_ratio", "Errors among all requests.", run.error_share);
  out.head("users", "gauge", "Users alive, over the seconds of the measured window.");
  out.sample({{"over", "min"}}, to_number(run.users_min));
  out.sample({{"over", "mean"}}, run.users_mean);
  out.sample({{"over", "max"}}, to_number(run.users_max));
  out.head("counted", "gauge", "What the profile counts, measured window.");
  for (const auto& [name, counter] : run.counters) {
    out.sample({{"counter", name}}, to_number(counter.first));
  }
  out.head("counted_per_second", "gauge", "The same for each second.");
  for (const auto& [name, counter] : run.counters) {
    out.sample({{"counter", name}}, counter.second);
  }
  out.head("sessions", "gauge", "Sessions that came due, by what became of them.");
  const SessionCounts& sessions = run.sessions;
  out.sample({{"end", "completed"}}, to_number(sessions.completed));
  out.sample({{"end", "failed"}}, to_number(sessions.failed));
  out.sample({{"end", "unfinished"}}, to_number(sessions.unfinished));
  out.sample({{"end", "not_sent"}}, to_number(sessions.not_sent));
}

// The total (without names), then each series.
template <class Visit>
void each_series(const RunResult& run, const Visit& visit) {
  visit(run.total, Labels{});
  for (const SeriesResult& series : run.series) {
    visit(series, Labels{{"scenario", series.scenario}, {"step", series.step}});
  }
}

void write_latencies(const RunResult& run, std::string_view what, std::string_view help,
                     SeriesResult::Latency SeriesResult::*of, Exposition& out) {
  out.head(fmt::format("{}_seconds", what), "summary", help);
  each_series(run, [&](const SeriesResult& series, const Labels& labels) {
    const SeriesResult::Latency& latency = series.*of;
    for (const auto& [q, key] : quantiles) {
      const auto found = latency.ns.find(key);
      if (found == latency.ns.end()) continue;
      Labels with = labels;
      with.emplace_back("quantile", q);
      out.sample(with, seconds_of(found->second));
    }
    const auto mean = latency.ns.find("mean");
    const double sum = mean == latency.ns.end() ? 0 : seconds_of(mean->second);
    out.sample(labels, sum * to_number(latency.count), "_sum");
    out.sample(labels, to_number(latency.count), "_count");
  });
  out.head(
      fmt::format("{}_cut_off", what), "gauge",
      "Of them requests that were cut off, at their age: quantiles above them are at least so.");
  each_series(run, [&](const SeriesResult& series, const Labels& labels) {
    out.sample(labels, to_number((series.*of).censored));
  });
}

void write_outcomes(const RunResult& run, Exposition& out) {
  out.head("requests", "gauge", "Requests of the measured window, by outcome.");
  each_series(run, [&](const SeriesResult& series, const Labels& labels) {
    for (const auto& [outcome, count] : series.outcomes) {
      Labels with = labels;
      with.emplace_back("outcome", outcome);
      out.sample(with, to_number(count));
    }
  });
}

void write_funnel(const RunResult& run, Exposition& out) {
  if (!run.funnel) return;
  out.head("funnel_sessions", "gauge", "Sessions that came so far, whole run.");
  for (const FunnelStageResult& stage : run.funnel->stages) {
    out.sample({{"stage", stage.name}}, to_number(stage.sessions));
  }
}

void write_processes(const RunResult& run, Exposition& out) {
  // Two of one role are told apart by their number.
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < run.processes.size(); ++i) numbers.push_back(std::to_string(i));
  out.head("process_cpu_seconds", "gauge", "CPU time of a process over the whole run.");
  for (std::size_t i = 0; i < run.processes.size(); ++i) {
    out.sample({{"role", run.processes[i].role}, {"number", numbers[i]}},
               run.processes[i].cpu_seconds);
  }
  out.head("process_memory_bytes", "gauge", "Memory of a process when the load ended.");
  for (std::size_t i = 0; i < run.processes.size(); ++i) {
    out.sample({{"role", run.processes[i].role}, {"number", numbers[i]}},
               to_number(run.processes[i].rss_bytes));
  }
}

}  // namespace

void write_openmetrics(const RunResult& run, std::ostream& out) {
  Exposition exposition(out);
  write_head(run, exposition);
  write_findings(run, exposition);
  write_rates(run, exposition);
  write_latencies(run, "response", "From when a request was due until it was answered.",
                  &SeriesResult::response, exposition);
  write_latencies(run, "service", "From when a request was sent until it was answered.",
                  &SeriesResult::service, exposition);
  write_outcomes(run, exposition);
  write_funnel(run, exposition);
  write_processes(run, exposition);
  out << "# EOF\n";
}

}  // namespace stampede
