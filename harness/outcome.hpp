// What can become of one request. Ground vocabulary: no dependency.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stampede {

// Every request that was begun ends in exactly one of these.
enum class Outcome : std::uint8_t {
  ok,
  conflict,          // 409: lost a race, may change
  gone,              // 410: was valid and is over
  rule,              // 422: can never succeed as sent
  window,            // 425: too early
  shed,              // 429, 503 OVERLOADED: refused to protect itself
  http_error,        // a status that the step does not allow
  assertion_failed,  // allowed status, but a capture or an expectation of the body failed
  timed_out,         // no complete answer by the step's timeout
  connect_failed,    // no connection
  disconnected,      // reset or closed before the answer was complete
  malformed,         // the answer is not what the protocol allows, or over a limit
  unfinished,        // still running when the drain ended
};
inline constexpr std::size_t outcome_count = 13;
inline constexpr std::array<std::string_view, outcome_count> outcome_names{
    "ok",         "conflict",         "gone",      "rule",           "window",       "shed",
    "http_error", "assertion_failed", "timed_out", "connect_failed", "disconnected", "malformed",
    "unfinished"};

constexpr std::string_view name_of(Outcome outcome) {
  return outcome_names[static_cast<std::size_t>(outcome)];
}
// Errors by domain: everything that is neither an accepted answer, nor a legitimate no, nor shed.
constexpr bool is_error(Outcome outcome) { return outcome > Outcome::shed; }
// A definite answer: what makes a state-changing request count as a transaction.
constexpr bool is_definite(Outcome outcome) { return outcome < Outcome::shed; }

// Did the operation take effect on the server? `unknown` is what a lost answer leaves behind.
enum class Certainty : std::uint8_t { applied, not_applied, unknown };

// Index of a step in the run's series table (see scenario.hpp: SeriesInfo).
using SeriesId = std::uint32_t;

}  // namespace stampede
