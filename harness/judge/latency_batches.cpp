#include "harness/judge/latency_batches.hpp"

namespace stampede {

namespace {

// Compact again: parts are kept for the whole run.
void add(Latencies& into, const Latencies& more) {
  into.known += more.known;
  into.known = into.known.take();
  into.censored += more.censored;
  into.censored = into.censored.take();
}

}  // namespace

LatencyBatches::LatencyBatches(const std::vector<Gate>& gates,
                               const std::vector<SeriesLabel>& series) {
  for (const Gate& gate : gates) {
    const Threshold& threshold = gate.threshold;
    if (threshold.measure != Threshold::Measure::latency_quantile) continue;
    Selection selection = select_series(series, threshold);
    if (find_batches(batched_, selection, threshold.clock) != nullptr) continue;
    batched_.push_back({std::move(selection), threshold.clock, {}});
  }
}

void LatencyBatches::add(const Snapshot& second) {
  const bool begins = seconds_in_last_ == 0;
  for (BatchedLatencies& each : batched_) {
    if (begins) each.parts.emplace_back();
    stampede::add(each.parts.back(), latencies(second, each.selection, each.clock));
  }
  if (++seconds_in_last_ < seconds_each_) return;
  seconds_in_last_ = 0;
  if (!batched_.empty() && batched_.front().parts.size() == parts_max) merge_pairs();
}

void LatencyBatches::merge_pairs() {
  for (BatchedLatencies& each : batched_) {
    for (std::size_t i = 0; i < parts_max / 2; ++i) {
      if (i > 0) each.parts[i] = std::move(each.parts[2 * i]);
      stampede::add(each.parts[i], each.parts[2 * i + 1]);
    }
    each.parts.resize(parts_max / 2);
  }
  seconds_each_ *= 2;
}

}  // namespace stampede
