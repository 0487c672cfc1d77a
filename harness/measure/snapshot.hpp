// What was measured over some time: a monoid (associative, commutative, with the empty snapshot as
// zero), so per-second, per-worker and per-machine snapshots merge into the total without loss.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/connection_figures.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/session_fault.hpp"
#include "harness/measure/stream_counts.hpp"
#include "harness/outcome.hpp"
#include "harness/time.hpp"

namespace stampede {

// One finished request. R = done − intended, S = done − sent, G = sent − intended: R = S + G,
// checked on record. `sent` is the instant of the first attempt to write a byte (or to connect,
// when the step is the connecting); TimePoint{} in `sent` or `first_byte` means that it never came
// to that.
struct Sample {
  TimePoint intended, sent, first_byte, done;
  Outcome outcome = Outcome::ok;
  std::uint16_t status = 0;  // of the HTTP answer; 0: none
};

// A complete answer that the target meant: what a latency is about.
constexpr bool is_answered(Outcome outcome) {
  return outcome < Outcome::shed || outcome == Outcome::http_error ||
         outcome == Outcome::assertion_failed;
}
// Right-censored: the answer would have come later than the value that was recorded, or never.
constexpr bool is_censored(Outcome outcome) {
  return outcome == Outcome::timed_out || outcome == Outcome::unfinished;
}

// Of one series. The latency of a series is that of every answered request but the shed ones; a
// timeout enters at its timeout value, a request cut off at the end of the drain at its age, both
// marked as censored.
struct SeriesSnapshot {
  std::array<std::uint64_t, outcome_count> outcomes{};
  std::array<Histogram, outcome_count> response;  // by outcome; empty ones own no memory
  Histogram service, service_censored;            // the same requests as the latency; sent ones
  Histogram lag;                                  // every request that was sent
  Histogram first_byte;                           // first byte − sent, where one came

  [[nodiscard]] std::uint64_t count() const noexcept;
  SeriesSnapshot& operator+=(const SeriesSnapshot& other);
  bool operator==(const SeriesSnapshot&) const = default;
};

// What became of the sessions (arrivals): scheduled = completed + failed + unfinished + not_sent,
// or the run is INVALID.
struct SessionCounts {
  std::uint64_t scheduled = 0;    // arrivals of the plan that came due (closed: sessions begun)
  std::uint64_t completed = 0;    // ran to the end of their steps (whatever the answers were)
  std::uint64_t failed = 0;       // ended early by a failure of the session itself
  std::uint64_t unfinished = 0;   // cut off at the end of the drain
  std::uint64_t not_sent = 0;     // could not start: users_max reached, or still waiting at the end
  std::uint64_t closed_loop = 0;  // of `scheduled`, those of closed users, who have no rate to keep
  SessionCounts& operator+=(const SessionCounts& other);
  bool operator==(const SessionCounts&) const = default;
};

// How many answers had which status, ascending. HTTP knows three digits; others are not counted.
struct StatusCount {
  std::uint16_t status = 0;
  std::uint64_t count = 0;
  bool operator==(const StatusCount&) const = default;
};
inline constexpr std::uint16_t status_max = 599;

struct Snapshot {
  std::vector<SeriesSnapshot> series;   // by SeriesId
  std::vector<StatusCount> statuses;    // of all series
  std::vector<std::uint64_t> counters;  // by counter index
  SessionCounts sessions;
  std::uint64_t requests_begun = 0;  // = Σ outcomes of all series, or the run is INVALID
  Histogram loop_lag;  // event-loop lateness of timers that the worker measures for itself
  // Samples with R ≠ S + G or a negative part: always 0, else the run is INVALID.
  std::uint64_t identity_broken = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0, connections = 0;
  std::uint64_t redirects = 0;  // requests that followed one: within a sample, not one of their own
  std::uint64_t ws_frames_in = 0, ws_frames_out = 0;
  StreamCounts streams;
  // One example text per error outcome; "" none. Merging keeps the first in alphabetical order.
  std::array<std::string, outcome_count> example;
  ConnectionFigures connecting;
  FailureCounts failures;
  FaultTallies faults;  // by SessionFault; their sessions are among the failed ones

  // Sizes may differ: the shorter is extended with zeros.
  Snapshot& operator+=(const Snapshot& other);
  bool operator==(const Snapshot&) const = default;
};

}  // namespace stampede
