#include "harness/measure/snapshot.hpp"

#include <algorithm>
#include <numeric>

namespace stampede {

std::uint64_t SeriesSnapshot::count() const noexcept {
  return std::accumulate(outcomes.begin(), outcomes.end(), std::uint64_t{0});
}

SeriesSnapshot& SeriesSnapshot::operator+=(const SeriesSnapshot& other) {
  for (std::size_t i = 0; i < outcome_count; ++i) {
    outcomes[i] += other.outcomes[i];
    response[i] += other.response[i];
  }
  service += other.service;
  service_censored += other.service_censored;
  lag += other.lag;
  first_byte += other.first_byte;
  return *this;
}

namespace {

// Both ascending; so is the sum.
void add_statuses(std::vector<StatusCount>& into, const std::vector<StatusCount>& from) {
  for (const StatusCount& each : from) {
    const auto at = std::ranges::lower_bound(into, each.status, {}, &StatusCount::status);
    if (at != into.end() && at->status == each.status) {
      at->count += each.count;
    } else {
      into.insert(at, each);
    }
  }
}

}  // namespace

SessionCounts& SessionCounts::operator+=(const SessionCounts& other) {
  scheduled += other.scheduled;
  completed += other.completed;
  failed += other.failed;
  unfinished += other.unfinished;
  not_sent += other.not_sent;
  closed_loop += other.closed_loop;
  return *this;
}

Snapshot& Snapshot::operator+=(const Snapshot& other) {
  if (&other == this) return *this += Snapshot(other);
  if (series.size() < other.series.size()) series.resize(other.series.size());
  for (std::size_t i = 0; i < other.series.size(); ++i) series[i] += other.series[i];
  add_statuses(statuses, other.statuses);
  if (counters.size() < other.counters.size()) counters.resize(other.counters.size());
  for (std::size_t i = 0; i < other.counters.size(); ++i) counters[i] += other.counters[i];
  sessions += other.sessions;
  requests_begun += other.requests_begun;
  loop_lag += other.loop_lag;
  identity_broken += other.identity_broken;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  connections += other.connections;
  redirects += other.redirects;
  ws_frames_in += other.ws_frames_in;
  ws_frames_out += other.ws_frames_out;
  streams += other.streams;
  connecting += other.connecting;
  failures += other.failures;
  for (std::size_t i = 0; i < session_fault_count; ++i) faults[i] += other.faults[i];
  for (std::size_t i = 0; i < outcome_count; ++i) {
    const std::string& theirs = other.example[i];
    if (!theirs.empty() && (example[i].empty() || theirs < example[i])) example[i] = theirs;
  }
  return *this;
}

}  // namespace stampede
