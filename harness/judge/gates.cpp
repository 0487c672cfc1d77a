#include "harness/judge/gates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/judge/gauge_gates.hpp"
#include "harness/judge/quantile_interval.hpp"
#include "harness/measure/units.hpp"

namespace stampede {

using Measure = Threshold::Measure;
using Comparison = Threshold::Comparison;

std::string_view symbol_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::less:
      return "<";
    case Comparison::less_equal:
      return "≤";
    case Comparison::greater:
      return ">";
    case Comparison::greater_equal:
      return "≥";
    case Comparison::equal:
      return "=";
  }
  return "?";
}

bool holds(double figure, Comparison comparison, double limit) {
  switch (comparison) {
    case Comparison::less:
      return figure < limit;
    case Comparison::less_equal:
      return figure <= limit;
    case Comparison::greater:
      return figure > limit;
    case Comparison::greater_equal:
      return figure >= limit;
    case Comparison::equal:
      return figure == limit;
  }
  return false;
}

namespace {

constexpr double normal_95 = 1.959963984540054;

bool is_latency(Measure measure) {
  return measure == Measure::latency_quantile || measure == Measure::latency_mean ||
         measure == Measure::latency_max;
}
bool is_of_the_whole_run(Measure measure) {
  return measure == Measure::tx_rate_quantile || measure == Measure::users_min ||
         measure == Measure::users_mean || measure == Measure::counter_rate ||
         measure == Measure::counter_count || measure == Measure::gauge;
}

std::string human_figure(Measure measure, double figure) {
  if (is_latency(measure)) return human_duration(Nanos{std::llround(figure * 1e9)});
  switch (measure) {
    case Measure::errors:
    case Measure::shed:
      return human_share(figure);
    case Measure::rate:
    case Measure::tx_rate:
    case Measure::tx_rate_quantile:
    case Measure::counter_rate:
      return human_rate(figure);
    default:
      return human_number(figure);
  }
}

std::string percent_name(double quantile) { return fmt::format("p{:.10g}", quantile * 100); }

std::string selector_name(const Threshold& threshold) {
  if (!threshold.tag.empty()) return threshold.tag + "=" + threshold.tag_value;
  if (threshold.step.empty()) return "all requests";
  return threshold.scenario.empty() ? threshold.step : threshold.scenario + "." + threshold.step;
}

std::string clock_name(Threshold::LatencyClock clock) {
  switch (clock) {
    case Threshold::LatencyClock::response:
      return "response time";
    case Threshold::LatencyClock::service:
      return "service time";
    case Threshold::LatencyClock::lag:
      return "start lag";
  }
  return "";
}

std::string title_of(const Threshold& threshold) {
  const std::string of = selector_name(threshold);
  const std::string clock = clock_name(threshold.clock);
  switch (threshold.measure) {
    case Measure::latency_quantile:
      return fmt::format("{} of the {} of {}", percent_name(threshold.quantile), clock, of);
    case Measure::latency_mean:
      return fmt::format("mean {} of {}", clock, of);
    case Measure::latency_max:
      return fmt::format("longest {} of {}", clock, of);
    case Measure::errors:
      return "share of errors among " + of;
    case Measure::shed:
      return "share of shed answers among " + of;
    case Measure::rate:
      return of + " per second";
    case Measure::tx_rate:
      return "transactions per second of " + of;
    case Measure::tx_rate_quantile:
      return percent_name(threshold.quantile) + " of the transactions in each second";
    case Measure::users_min:
      return "fewest live users in any second";
    case Measure::users_mean:
      return "live users, mean over the seconds";
    case Measure::count_of_outcome:
      return fmt::format("answers `{}` of {}", threshold.name, of);
    case Measure::counter_rate:
      return threshold.name + " per second";
    case Measure::counter_count:
      return "number of " + threshold.name;
    case Measure::gauge:
      return gauge_title(threshold);
  }
  return "";
}

// One gate under evaluation.
struct Evaluation {
  const Threshold& threshold;
  const MeasuredRun& run;
  Selection selection;
  Finding finding;

  void inconclusive(std::string why) {
    finding.verdict = Verdict::inconclusive;
    finding.samples.insert(finding.samples.begin(), std::move(why));
  }
  void decide(double figure) {
    finding.figure = figure;
    finding.measured = human_figure(threshold.measure, figure);
    finding.verdict =
        holds(figure, threshold.comparison, threshold.quantity) ? Verdict::pass : Verdict::fail;
  }
};

constexpr double interval_confidence = 0.95;
constexpr std::size_t interval_parts_min = 5;

// What the parts of the run say of how much its requests depend on each other; nullopt: too few.
std::optional<DependentRanks> dependent_ranks(const BatchedLatencies& batched,
                                              const Latencies& data, double quantile) {
  if (batched.parts.size() < interval_parts_min) return std::nullopt;
  const Nanos estimate = *data.all().at_rank(Histogram::rank_of(quantile, data.count()));
  std::vector<BatchShare> shares;
  for (const Latencies& part : batched.parts) {
    shares.push_back({part.count(), part.count() - part.known.count_above(estimate) -
                                        part.censored.count_above(estimate)});
  }
  return dependent_quantile_ranks(shares, data.count(), quantile, interval_confidence);
}

// Order statistics, widened to the edges of their buckets. A censored value counts as one that
// never came where it could make the interval end too early. Requests wait in the same queue as
// their neighbours, so n of them tell as much as fewer that do not.
void add_interval(Evaluation& evaluation, const Latencies& data, const BatchedLatencies* batched) {
  const double quantile = evaluation.threshold.quantile;
  const auto dependent =
      batched == nullptr ? std::nullopt : dependent_ranks(*batched, data, quantile);
  RankInterval ranks = quantile_ranks(quantile, data.count());
  if (dependent) ranks = {dependent->lower, dependent->upper};
  const auto low = ranks.lower ? data.all().at_rank_low(*ranks.lower) : std::nullopt;
  const auto high = ranks.upper ? data.known.at_rank(*ranks.upper) : std::nullopt;
  FigureInterval& interval = evaluation.finding.interval.emplace();
  interval.confidence = interval_confidence;
  if (low) interval.low = to_seconds(*low);
  if (high) interval.high = to_seconds(*high);
  interval.samples = data.count();
  std::string worth = "as if independent: the run is too short to say";
  if (dependent) {
    interval.samples_effective = dependent->samples_effective;
    worth = fmt::format("worth {} independent{}",
                        human_count(static_cast<std::uint64_t>(dependent->samples_effective)),
                        dependent->estimable ? "" : ", too few to estimate it");
  }
  evaluation.finding.samples.push_back(fmt::format(
      "95 % CI {} … {}, n = {} ({})", low ? human_duration(*low) : "no lower bound",
      high ? human_duration(*high) : "no upper bound", human_count(data.count()), worth));
}

// The quantile may as well lie on the other side of the limit: then another run would decide
// otherwise, and this one has not decided. Only where it is known what the samples are worth.
bool is_undecided(const Evaluation& evaluation) {
  const auto& interval = evaluation.finding.interval;
  if (!interval || !interval->samples_effective || !interval->low || !interval->high) return false;
  const double limit = evaluation.threshold.quantity;
  return evaluation.threshold.comparison != Comparison::equal && *interval->low <= limit &&
         limit <= *interval->high;
}

// Decides with the bound that the comparison must fear: never a pass on a number that nobody knows.
void decide_latency(Evaluation& evaluation, const LatencyFigure& figure) {
  const Threshold& threshold = evaluation.threshold;
  evaluation.decide(to_seconds(figure.low));
  if (!figure.at_least()) return;
  Finding& finding = evaluation.finding;
  const bool upwards = threshold.comparison == Comparison::greater ||
                       threshold.comparison == Comparison::greater_equal;
  // A mean takes cut-off requests at their age, or a single timeout would make every mean unknown;
  // the mark and the note say so. An order statistic has no such excuse.
  const bool at_face_value = upwards || threshold.measure == Measure::latency_mean;
  const bool proven =
      at_face_value ? finding.verdict == Verdict::pass
                    : threshold.comparison != Comparison::equal && figure.high &&
                          holds(to_seconds(*figure.high), threshold.comparison, threshold.quantity);
  finding.verdict = proven ? Verdict::pass : Verdict::fail;
  finding.measured = "≥ " + finding.measured;
  if (figure.high) {
    finding.samples.push_back("at most " + human_duration(*figure.high) +
                              ", had the requests that were cut off below it taken longest");
  } else {
    finding.samples.push_back("at least: requests that were cut off count with their age then");
  }
}

// How many requests were above the limit, and how many nobody waited for.
void explain_latency(Evaluation& evaluation, const Latencies& data) {
  Finding& finding = evaluation.finding;
  const Nanos limit = from_seconds(evaluation.threshold.quantity);
  if (finding.verdict == Verdict::fail && evaluation.threshold.measure != Measure::latency_mean) {
    finding.samples.push_back(fmt::format("{} of {} requests above {}",
                                          human_count(data.all().count_above(limit)),
                                          human_count(data.count()), human_duration(limit)));
  }
  if (!data.censored.empty()) {
    finding.samples.push_back(human_count(data.censored.count()) +
                              " requests were cut off (timeout or end of the drain)");
  }
}

void judge_latency(Evaluation& evaluation) {
  const Threshold& threshold = evaluation.threshold;
  const Latencies data = latencies(evaluation.run.measured, evaluation.selection, threshold.clock);
  const bool quantile = threshold.measure == Measure::latency_quantile;
  const auto figure = quantile ? data.quantile(threshold.quantile)
                      : threshold.measure == Measure::latency_mean ? data.mean()
                                                                   : data.max();
  if (!figure) return evaluation.inconclusive("no samples");
  if (quantile) {
    const auto* batched =
        find_batches(evaluation.run.batched, evaluation.selection, threshold.clock);
    add_interval(evaluation, data, batched);
  }
  decide_latency(evaluation, *figure);
  explain_latency(evaluation, data);
  if (is_undecided(evaluation)) {
    evaluation.inconclusive(
        fmt::format("{}: the limit lies within the interval, a longer run may "
                    "tell",
                    evaluation.finding.verdict == Verdict::pass ? "held, but not proven"
                                                                : "missed, but not proven"));
  }
  // With room for the way the fraction was read: 95/100 and 0.95 may differ in the last bit.
  const std::uint64_t needed = evaluation.run.samples_min;
  if (quantile && threshold.quantile > 0.95 - 1e-9 && data.count() < needed) {
    evaluation.inconclusive(
        fmt::format("{} of {} samples", human_count(data.count()), human_count(needed)));
  }
}

// "timed_out 12, http_error 3", most frequent first.
std::string error_breakdown(const Tally& tally) {
  std::vector<std::pair<std::uint64_t, std::string_view>> rows;
  for (std::size_t i = 0; i < outcome_count; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (is_error(outcome) && tally.outcomes[i] > 0)
      rows.emplace_back(tally.outcomes[i], name_of(outcome));
  }
  std::ranges::sort(rows, std::greater<>{});
  std::string text;
  for (const auto& [count, name] : rows) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, human_count(count));
  }
  return text;
}

void judge_share(Evaluation& evaluation, const Tally& tally) {
  const bool errors = evaluation.threshold.measure == Measure::errors;
  const std::uint64_t count = errors ? tally.errors : tally.shed;
  const auto requests = static_cast<double>(tally.requests);
  evaluation.decide(static_cast<double>(count) / requests);
  std::string of =
      fmt::format("{} of {} requests", human_count(count), human_count(tally.requests));
  if (count == 0) {
    of += fmt::format("; below {} with 95 % confidence (3/n)",
                      human_share(std::min(1.0, 3 / requests)));
  }
  evaluation.finding.samples.push_back(std::move(of));
  if (count > 0 && errors) evaluation.finding.samples.push_back(error_breakdown(tally));
}

void judge_seconds(Evaluation& evaluation) {
  std::vector<double> values;
  for (const MeasuredSecond& second : evaluation.run.seconds) {
    values.push_back(static_cast<double>(evaluation.threshold.measure == Measure::tx_rate_quantile
                                             ? second.transactions
                                             : second.users_alive));
  }
  if (values.empty()) return evaluation.inconclusive("no whole second was measured");
  std::ranges::sort(values);
  switch (evaluation.threshold.measure) {
    case Measure::tx_rate_quantile:
      evaluation.decide(
          values[Histogram::rank_of(evaluation.threshold.quantile, values.size()) - 1]);
      break;
    case Measure::users_min:
      evaluation.decide(values.front());
      break;
    default: {
      double sum = 0;
      for (const double value : values) sum += value;
      evaluation.decide(sum / static_cast<double>(values.size()));
    }
  }
  evaluation.finding.samples.push_back(fmt::format("{} seconds, {} … {}", values.size(),
                                                   human_number(values.front()),
                                                   human_number(values.back())));
}

void judge_rate(Evaluation& evaluation, std::uint64_t count) {
  const double seconds = rate_seconds(evaluation.run);
  if (seconds <= 0) return evaluation.inconclusive("no time was measured");
  evaluation.decide(static_cast<double>(count) / seconds);
  evaluation.finding.samples.push_back(
      fmt::format("{} in {} s", human_count(count), human_number(seconds)));
}

std::optional<std::size_t> outcome_index(const std::string& name) {
  const auto* found = std::ranges::find(outcome_names, name);
  if (found == outcome_names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - outcome_names.begin());
}

std::optional<std::uint64_t> counter_value(const MeasuredRun& run, const Snapshot& snapshot,
                                           const std::string& name) {
  const auto found = std::ranges::find(run.counters, name);
  if (found == run.counters.end()) return std::nullopt;
  const auto index = static_cast<std::size_t>(found - run.counters.begin());
  return index < snapshot.counters.size() ? snapshot.counters[index] : 0;
}

void judge_counter(Evaluation& evaluation) {
  const MeasuredRun& run = evaluation.run;
  const bool rate = evaluation.threshold.measure == Measure::counter_rate;
  const auto count =
      counter_value(run, rate ? rate_snapshot(run) : run.measured, evaluation.threshold.name);
  if (!count) return evaluation.inconclusive("no counter of this name");
  if (rate) return judge_rate(evaluation, *count);
  evaluation.decide(static_cast<double>(*count));
}

void judge_count(Evaluation& evaluation, const Tally& tally) {
  const auto index = outcome_index(evaluation.threshold.name);
  if (!index) return evaluation.inconclusive("no outcome of this name");
  evaluation.decide(static_cast<double>(tally.outcomes[*index]));
  evaluation.finding.samples.push_back("of " + human_count(tally.requests) + " requests");
}

void judge_tallied(Evaluation& evaluation) {
  const MeasuredRun& run = evaluation.run;
  const Tally counted = tally(run.measured, run.series, evaluation.selection);
  if (counted.requests == 0) return evaluation.inconclusive("no samples");
  const auto ended = [&] { return tally(rate_snapshot(run), run.series, evaluation.selection); };
  switch (evaluation.threshold.measure) {
    case Measure::errors:
    case Measure::shed:
      return judge_share(evaluation, counted);
    case Measure::rate:
      return judge_rate(evaluation, ended().requests);
    case Measure::tx_rate:
      return judge_rate(evaluation, ended().transactions);
    case Measure::count_of_outcome:
      return judge_count(evaluation, counted);
    case Measure::counter_rate:
    case Measure::counter_count:
      return judge_counter(evaluation);
    default:
      return judge_seconds(evaluation);
  }
}

// Every problem of one gate.
Diagnostics gate_problems(const Gate& gate, const std::vector<SeriesLabel>& series,
                          const std::vector<std::string>& counters, const std::string& file) {
  const Threshold& threshold = gate.threshold;
  Diagnostics found;
  const auto problem = [&](std::string message, std::string hint) {
    found.push_back({file, gate.place, std::move(message), std::move(hint)});
  };
  const auto did_you_mean = [](const std::string& word, const std::vector<std::string>& names) {
    const std::string_view near = nearest(word, names);
    return near.empty() ? std::string() : fmt::format("did you mean `{}`?", near);
  };
  const bool selects = !threshold.scenario.empty() || !threshold.step.empty();
  if (!threshold.tag.empty() && select_series(series, threshold).empty()) {
    std::vector<std::string> names;
    for (const SeriesLabel& label : series) {
      for (const auto& [tag, value] : label.tags) names.push_back(tag + "=" + value);
    }
    problem(fmt::format("no step has the tag `{}`", selector_name(threshold)),
            did_you_mean(selector_name(threshold), names));
  }
  if (selects && is_of_the_whole_run(threshold.measure)) {
    problem(fmt::format("`{}` is kept for the whole run, not for a step", gate.text),
            "leave the selector out");
  } else if (selects && select_series(series, threshold.scenario, threshold.step).empty()) {
    std::vector<std::string> names;
    for (const SeriesLabel& label : series) {
      names.push_back(threshold.scenario.empty() ? label.step : label.scenario + "." + label.step);
    }
    problem(fmt::format("no step is called `{}`", selector_name(threshold)),
            did_you_mean(selector_name(threshold), names));
  }
  const bool counts =
      threshold.measure == Measure::counter_rate || threshold.measure == Measure::counter_count;
  if (counts && std::ranges::find(counters, threshold.name) == counters.end()) {
    problem(fmt::format("no step counts `{}`", threshold.name),
            did_you_mean(threshold.name, counters));
  }
  if (threshold.measure == Measure::count_of_outcome && !outcome_index(threshold.name)) {
    problem(fmt::format("`{}` is no outcome", threshold.name),
            did_you_mean(threshold.name, {outcome_names.begin(), outcome_names.end()}));
  }
  if (threshold.reference) {
    const Gate other{*threshold.reference, gate.text, gate.place};
    std::ranges::move(gate_problems(other, series, counters, file), std::back_inserter(found));
  }
  return found;
}

}  // namespace

namespace {

// Against another figure of the run.
Finding judge_relative(const Threshold& threshold, std::string_view text, const MeasuredRun& run) {
  const Finding other = judge(*threshold.reference, text, run);
  Threshold absolute = threshold;
  absolute.reference = nullptr;
  absolute.quantity = threshold.factor * other.figure;
  Finding finding = judge(absolute, text, run);
  const std::string times = threshold.factor == 1 ? "" : fmt::format("{} × ", threshold.factor);
  finding.samples.push_back(
      fmt::format("the limit is {}the {}: {}", times, other.title, other.measured));
  // Whether the other figure is good is not asked, but there must be one.
  if (other.verdict == Verdict::inconclusive) finding.verdict = Verdict::inconclusive;
  return finding;
}

}  // namespace

Finding judge(const Threshold& threshold, std::string_view text, const MeasuredRun& run) {
  if (threshold.reference) return judge_relative(threshold, text, run);
  Evaluation evaluation{threshold, run, select_series(run.series, threshold), {}};
  Finding& finding = evaluation.finding;
  finding.kind = Finding::Kind::gate;
  finding.rule = text;
  finding.title = title_of(threshold);
  if (threshold.measure == Measure::gauge) {
    judge_gauge(threshold, run.gauges, finding);
    return finding;
  }
  finding.limit = fmt::format("{} {}", symbol_of(threshold.comparison),
                              human_figure(threshold.measure, threshold.quantity));
  finding.measured = "no data";
  if (is_latency(threshold.measure)) {
    judge_latency(evaluation);
  } else {
    judge_tallied(evaluation);
  }
  return finding;
}

std::vector<Finding> judge(const std::vector<Gate>& gates, const MeasuredRun& run) {
  std::vector<Finding> findings;
  findings.reserve(gates.size());
  for (const Gate& gate : gates) findings.push_back(judge(gate.threshold, gate.text, run));
  return findings;
}

Diagnostics check_gates(const std::vector<Gate>& gates, const std::vector<SeriesLabel>& series,
                        const std::vector<std::string>& counters, std::string_view file) {
  Diagnostics all;
  for (const Gate& gate : gates) {
    Diagnostics found = gate_problems(gate, series, counters, std::string(file));
    std::ranges::move(found, std::back_inserter(all));
  }
  return all;
}

RankInterval quantile_ranks(double q, std::uint64_t n) {
  const auto count = static_cast<double>(n);
  const double half = normal_95 * std::sqrt(count * q * (1 - q));
  const double lower = std::floor(count * q - half);
  const double upper = std::ceil(count * q + half) + 1;
  RankInterval ranks;
  if (n > 0 && lower >= 1) ranks.lower = static_cast<std::uint64_t>(lower);
  if (n > 0 && upper <= count) ranks.upper = static_cast<std::uint64_t>(upper);
  return ranks;
}

}  // namespace stampede
