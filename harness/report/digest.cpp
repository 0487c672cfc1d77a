#include "harness/report/digest.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace stampede {

namespace {

using Of = Threshold::LatencyClock;

constexpr std::array<std::pair<const char*, double>, 6> quantiles{
    {{"p50", 0.50}, {"p75", 0.75}, {"p90", 0.90}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999}}};

SeriesResult::Latency latency_of(const Latencies& data) {
  SeriesResult::Latency out;
  out.count = data.count();
  out.censored = data.censored.count();
  if (out.count == 0) return out;
  const auto put = [&out](const char* key, const LatencyFigure& figure) {
    out.ns[key] = figure.low.count();
    if (figure.at_least()) out.at_least.emplace_back(key);
  };
  put("mean", *data.mean());
  for (const auto& [key, q] : quantiles) put(key, *data.quantile(q));
  put("max", *data.max());
  out.ns["min"] = data.all().min()->count();
  return out;
}

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

// Equal steps on the logarithm from the smallest value to the largest: a tail stays visible.
std::vector<LatencyBin> distribution_of(const Histogram& values) {
  constexpr int bins = 12;
  std::vector<LatencyBin> out;
  if (values.empty()) return out;
  const double low = std::max(1.0, static_cast<double>(values.min()->count()));
  const auto high = values.max()->count();
  const double step = std::log(std::max(1.0, static_cast<double>(high) / low)) / bins;
  std::uint64_t above = values.count();
  for (int bin = 1; bin <= bins; ++bin) {
    const auto edge = bin == bins ? high : static_cast<std::int64_t>(low * std::exp(step * bin));
    const std::uint64_t higher = bin == bins ? 0 : values.count_above(Nanos{edge});
    if (!out.empty() && out.back().up_to_ns >= edge) {
      out.back().count += above - higher;
    } else {
      out.push_back({edge, above - higher});
    }
    above = higher;
  }
  return out;
}

void digest_users(const MeasuredRun& run, RunResult& into) {
  if (run.seconds.empty()) return;
  const auto [fewest, most] = std::ranges::minmax(run.seconds, {}, &MeasuredSecond::users_alive);
  into.users_min = fewest.users_alive;
  into.users_max = most.users_alive;
  double sum = 0;
  for (const MeasuredSecond& second : run.seconds) sum += static_cast<double>(second.users_alive);
  into.users_mean = sum / static_cast<double>(run.seconds.size());
}

std::optional<std::int64_t> ns_of(const std::optional<LatencyFigure>& figure) {
  return figure ? std::optional(figure->low.count()) : std::nullopt;
}

void digest_connecting(const Snapshot& measured, RunResult& into) {
  into.connecting.dns = digest(measured.connecting.dns);
  into.connecting.connect = digest(measured.connecting.connect);
  into.connecting.tls = digest(measured.connecting.tls);
  into.connecting.tls_resumed = measured.connecting.tls_resumed;
  into.failures.clear();
  for (std::size_t i = 1; i < failure_count; ++i) {
    const auto failure = static_cast<Failure>(i);
    if (measured.failures.count[i] == 0) continue;
    into.failures.push_back({std::string(name_of(failure)), measured.failures.count[i],
                             measured.failures.example[i], std::string(advice_on(failure))});
  }
}

}  // namespace

SeriesResult::Latency digest(const Histogram& values) {
  Latencies known;
  known.known = values;
  return latency_of(known);
}

SeriesResult digest(const Snapshot& measured, const std::vector<SeriesLabel>& series,
                    const Selection& selection, double seconds) {
  SeriesResult out;
  const Tally counted = tally(measured, series, selection);
  out.count = counted.requests;
  out.rate = per_second(counted.requests, seconds);
  out.response = latency_of(latencies(measured, selection, Of::response));
  out.service = latency_of(latencies(measured, selection, Of::service));
  out.lag = latency_of(latencies(measured, selection, Of::lag));
  Latencies first_byte;
  for (const SeriesId id : selection) {
    if (id < measured.series.size()) first_byte.known += measured.series[id].first_byte;
  }
  out.first_byte = latency_of(first_byte);
  for (std::size_t i = 0; i < outcome_count; ++i) {
    const std::string name(outcome_names[i]);
    if (counted.outcomes[i] > 0) out.outcomes[name] = counted.outcomes[i];
    Latencies of_outcome;
    for (const SeriesId id : selection) {
      if (id >= measured.series.size()) continue;
      (is_censored(static_cast<Outcome>(i)) ? of_outcome.censored : of_outcome.known) +=
          measured.series[id].response[i];
    }
    if (of_outcome.count() > 0) out.response_by_outcome[name] = latency_of(of_outcome);
  }
  return out;
}

void digest_run(const MeasuredRun& run, RunResult& into) {
  const Snapshot& measured = run.measured;
  const Selection all = select_series(run.series, "", "");
  into.measured_seconds = run.measured_seconds;
  const Snapshot& ended = rate_snapshot(run);
  const double seconds = rate_seconds(run);
  const auto rate_of = [&](const Selection& selection) {
    return per_second(tally(ended, run.series, selection).requests, seconds);
  };
  into.total = digest(measured, run.series, all, run.measured_seconds);
  into.total.rate = rate_of(all);
  into.distribution = distribution_of(latencies(measured, all, Of::response).known);
  into.statuses.clear();
  for (const StatusCount& each : measured.statuses) {
    into.statuses[std::to_string(each.status)] = each.count;
  }
  into.series.clear();
  for (SeriesId id = 0; id < run.series.size(); ++id) {
    SeriesResult one = digest(measured, run.series, {id}, run.measured_seconds);
    one.scenario = run.series[id].scenario;
    one.step = run.series[id].step;
    one.rate = rate_of({id});
    one.transaction = run.series[id].transaction;
    one.waits = run.series[id].waits;
    one.tags = run.series[id].tags;
    into.series.push_back(std::move(one));
  }
  for (std::size_t i = 0; i < run.counters.size(); ++i) {
    const auto value = [i](const Snapshot& from) {
      return i < from.counters.size() ? from.counters[i] : 0;
    };
    into.counters[run.counters[i]] = {value(measured), per_second(value(ended), seconds)};
  }
  const Tally counted = tally(measured, run.series, all);
  into.sessions = measured.sessions;
  into.requests_begun = measured.requests_begun;
  into.tx_rate = per_second(tally(ended, run.series, all).transactions, seconds);
  into.http_rate = into.total.rate;
  into.error_share = counted.requests == 0 ? 0
                                           : static_cast<double>(counted.errors) /
                                                 static_cast<double>(counted.requests);
  digest_users(run, into);
  into.bytes_in = measured.bytes_in;
  into.bytes_out = measured.bytes_out;
  into.connections = measured.connections;
  into.redirects = measured.redirects;
  digest_connecting(measured, into);
  into.ws_frames_in = measured.ws_frames_in;
  into.ws_frames_out = measured.ws_frames_out;
  into.streams = measured.streams;
  for (std::size_t i = 0; i < outcome_count; ++i) {
    if (!measured.example[i].empty()) {
      into.error_examples[std::string(outcome_names[i])] = measured.example[i];
    }
  }
}

std::optional<FunnelResult> digest(const BookingFunnel& funnel) {
  if (funnel.stages.empty()) return std::nullopt;
  FunnelResult out;
  std::uint64_t before = 0;
  for (const FunnelStage& stage : funnel.stages) {
    FunnelStageResult& one = out.stages.emplace_back();
    one.name = std::string(stage.name);
    one.sessions = stage.sessions;
    if (stage.from_before && before > 0) {
      one.share_of_before = static_cast<double>(*stage.from_before) / static_cast<double>(before);
    }
    before = stage.sessions;
  }
  if (const auto& holds = funnel.holds) {
    out.holds = HoldsResult{holds->acknowledged, holds->ended, holds->ran_out,
                            holds->unknown,      holds->open,  digest(holds->dwell)};
  }
  if (funnel.queue_wait) out.queue_wait = digest(*funnel.queue_wait);
  return out;
}

MachineResult digest(const MachineUse& use) {
  return {use.busy_share, use.memory_used_bytes, use.memory_bytes, use.disk_read_bytes,
          use.disk_written_bytes};
}

SecondResult digest_second(const Snapshot& delta, const std::vector<SeriesLabel>& series,
                           const SecondFacts& facts, const std::vector<std::string>& counters) {
  const Selection all = select_series(series, "", "");
  const Tally counted = tally(delta, series, all);
  const Latencies response = latencies(delta, all, Of::response);
  SecondResult out;
  out.second = facts.second;
  out.warm_up = facts.warm_up;
  out.drain = facts.drain;
  out.requests = counted.requests;
  out.transactions = counted.transactions;
  out.errors = counted.errors;
  out.shed = counted.shed;
  out.users_alive = facts.users_alive;
  out.in_flight = facts.in_flight;
  const auto put = [&](const char* key, double q, std::optional<std::int64_t>& into) {
    const auto figure = response.quantile(q);
    into = ns_of(figure);
    if (figure && figure->at_least()) out.at_least.emplace_back(key);
  };
  put("p50", 0.50, out.response_ns_p50);
  put("p95", 0.95, out.response_ns_p95);
  put("p99", 0.99, out.response_ns_p99);
  out.lag_ns_p99 = ns_of(latencies(delta, all, Of::lag).quantile(0.99));
  out.worker_cpu = facts.worker_cpu;
  for (std::size_t i = 0; i < counters.size(); ++i) {
    out.counters[counters[i]] = i < delta.counters.size() ? delta.counters[i] : 0;
  }
  return out;
}

MeasuredSecond measured_second(const SecondResult& second) {
  MeasuredSecond out{second.requests, second.transactions, second.users_alive, std::nullopt};
  if (second.response_ns_p95) out.response_p95 = Nanos{*second.response_ns_p95};
  return out;
}

}  // namespace stampede
