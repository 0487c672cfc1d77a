// Named shapes of an open load, as linear stages: the rest of the harness knows only stages. A
// curve becomes at most 4,000 straight pieces between points that lie on it.
#pragma once

#include <vector>

#include "harness/profile/profile.hpp"

namespace stampede {

// A rate in sessions per second at the beginning, and what follows.
struct StagePlan {
  double start = 0;
  std::vector<Stage> stages;
};

// Sessions that the plan starts: the area under the rate.
double sessions_of(const StagePlan& plan);

StagePlan steady_shape(double rate, Nanos length);
StagePlan ramp_shape(double from, double to, Nanos length);
// Each rate for so long, with jumps between them.
StagePlan steps_shape(const std::vector<double>& rates, Nanos each);

// base + (peak − base)·2^(−t/half_life), for `length`.
struct SpikeShape {
  double base = 0, peak = 0;
  Nanos half_life{std::chrono::seconds{20}}, length{std::chrono::minutes{2}};
};
StagePlan spike_shape(const SpikeShape& shape);

// The opening of a sale: a fifth of all sessions arrives evenly within the first 10 s, the others
// over the next 300 s at a rate that decays exponentially from there (mean 40 s, so that the curve
// has no step). The plan starts `sessions` in all.
StagePlan open10_shape(double sessions);

// At every full minute from the start of the scenario `burst` sessions within `over`, besides
// `base` all the time.
struct MinuteShape {
  double base = 0, burst = 0;
  Nanos over{std::chrono::seconds{5}}, length{std::chrono::minutes{5}};
};
StagePlan minute_shape(const MinuteShape& shape);

// mean + amplitude·sin(2πt/period), never below 0; every `spike_every` (0: never) the rate jumps to
// `spike_peak` above it and that decays with `spike_half_life`.
struct SineShape {
  double mean = 0, amplitude = 0;
  Nanos period{std::chrono::minutes{10}}, length{std::chrono::hours{1}};
  double spike_peak = 0;
  Nanos spike_every{0}, spike_half_life{std::chrono::seconds{20}};
};
StagePlan sine_shape(const SineShape& shape);

}  // namespace stampede
