#include "harness/judge/measured_run.hpp"

#include <algorithm>

namespace stampede {

namespace {

LatencyFigure figure(Nanos low, std::optional<Nanos> high) { return {low, high}; }

void add_response(const SeriesSnapshot& series, Latencies& into) {
  for (std::size_t i = 0; i < outcome_count; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (is_answered(outcome)) into.known += series.response[i];
    if (is_censored(outcome)) into.censored += series.response[i];
  }
}

}  // namespace

const Snapshot& rate_snapshot(const MeasuredRun& run) {
  return run.ended_in_seconds ? *run.ended_in_seconds : run.measured;
}

double rate_seconds(const MeasuredRun& run) {
  if (!run.ended_in_seconds) return run.measured_seconds;
  const auto whole = static_cast<double>(run.seconds.size());
  // The last second of a load whose length is not whole is counted for what it has of it.
  return run.measured_seconds > 0 ? std::min(whole, run.measured_seconds) : whole;
}

Histogram Latencies::all() const {
  Histogram both = known;
  both += censored;
  return both;
}

std::optional<LatencyFigure> Latencies::quantile(double q) const {
  if (count() == 0) return std::nullopt;
  const std::uint64_t rank = Histogram::rank_of(q, count());
  if (censored.empty()) return figure(*known.quantile(q), known.quantile(q));
  const Histogram both = all();
  const Nanos top = *both.max();
  const auto high = known.at_rank(rank);
  return figure(std::min(*both.at_rank(rank), top),
                high ? std::optional(std::min(*high, top)) : high);
}

std::optional<LatencyFigure> Latencies::mean() const {
  if (count() == 0) return std::nullopt;
  if (censored.empty()) return figure(*known.mean(), known.mean());
  return figure(*all().mean(), std::nullopt);
}

std::optional<LatencyFigure> Latencies::max() const {
  if (count() == 0) return std::nullopt;
  if (censored.empty()) return figure(*known.max(), known.max());
  return figure(*all().max(), std::nullopt);
}

Selection select_series(const std::vector<SeriesLabel>& series, const std::string& scenario,
                        const std::string& step) {
  Selection selection;
  for (SeriesId id = 0; id < series.size(); ++id) {
    const SeriesLabel& label = series[id];
    const bool named = label.step == step && (scenario.empty() || label.scenario == scenario);
    const bool in_total = scenario.empty() && step.empty() && !label.waits;
    if (in_total || (!step.empty() && named)) selection.push_back(id);
  }
  return selection;
}

Selection select_series(const std::vector<SeriesLabel>& series, const Threshold& threshold) {
  if (threshold.tag.empty()) return select_series(series, threshold.scenario, threshold.step);
  Selection selection;
  for (SeriesId id = 0; id < series.size(); ++id) {
    const auto tag = series[id].tags.find(threshold.tag);
    const bool tagged = tag != series[id].tags.end() && tag->second == threshold.tag_value;
    if (tagged && !series[id].waits) selection.push_back(id);
  }
  return selection;
}

const BatchedLatencies* find_batches(const std::vector<BatchedLatencies>& batched,
                                     const Selection& selection, Threshold::LatencyClock clock) {
  const auto found = std::ranges::find_if(batched, [&](const BatchedLatencies& each) {
    return each.clock == clock && each.selection == selection;
  });
  return found == batched.end() ? nullptr : &*found;
}

Latencies latencies(const Snapshot& measured, const Selection& selection,
                    Threshold::LatencyClock clock) {
  Latencies out;
  for (const SeriesId id : selection) {
    if (id >= measured.series.size()) continue;
    const SeriesSnapshot& series = measured.series[id];
    switch (clock) {
      case Threshold::LatencyClock::response:
        add_response(series, out);
        break;
      case Threshold::LatencyClock::service:
        out.known += series.service;
        out.censored += series.service_censored;
        break;
      case Threshold::LatencyClock::lag:
        out.known += series.lag;
        break;
    }
  }
  return out;
}

Tally tally(const Snapshot& measured, const std::vector<SeriesLabel>& series,
            const Selection& selection) {
  Tally out;
  for (const SeriesId id : selection) {
    if (id >= measured.series.size()) continue;
    for (std::size_t i = 0; i < outcome_count; ++i) {
      const auto outcome = static_cast<Outcome>(i);
      const std::uint64_t count = measured.series[id].outcomes[i];
      out.outcomes[i] += count;
      out.requests += count;
      if (is_error(outcome)) out.errors += count;
      if (outcome == Outcome::shed) out.shed += count;
      if (series[id].transaction && is_definite(outcome)) out.transactions += count;
    }
  }
  return out;
}

}  // namespace stampede
