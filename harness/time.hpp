// The only clock of the harness: CLOCK_MONOTONIC in integer nanoseconds. Wall-clock time appears
// only in what people read (the run file's start time) and in comparisons with the target's time
// stamps.
#pragma once

#include <chrono>
#include <cstdint>

namespace stampede {

using Nanos = std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;
// A point of CLOCK_MONOTONIC. Points of two machines must never be compared.
using TimePoint = std::chrono::time_point<Clock, Nanos>;

inline TimePoint now() noexcept { return std::chrono::time_point_cast<Nanos>(Clock::now()); }

inline double to_seconds(Nanos n) noexcept { return std::chrono::duration<double>(n).count(); }
inline double to_millis(Nanos n) noexcept { return to_seconds(n) * 1e3; }
inline Nanos from_seconds(double seconds) noexcept {
  return Nanos{static_cast<std::int64_t>(seconds * 1e9)};
}

}  // namespace stampede
