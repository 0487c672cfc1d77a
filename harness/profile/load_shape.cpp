#include "harness/profile/load_shape.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace stampede {
namespace {

constexpr std::int64_t pieces_max = 4'000;
constexpr int pieces_per_half_life = 16;

// Straight pieces of about `piece` each; fewer and longer ones when they would be too many.
template <class Rate>
void follow(StagePlan& plan, Nanos length, Nanos piece, Rate rate) {
  const std::int64_t wanted = (length + piece - Nanos{1}) / std::max(piece, Nanos{1});
  const std::int64_t count = std::clamp<std::int64_t>(wanted, 1, pieces_max);
  for (std::int64_t i = 1; i <= count; ++i) {
    const Nanos from = length * (i - 1) / count, to = length * i / count;
    plan.stages.push_back({to - from, std::max(0.0, rate(to))});
  }
}

double decay(Nanos age, Nanos half_life) {
  return std::exp2(-to_seconds(age) / to_seconds(half_life));
}

// What an exponential decay keeps after its last stage differs a little from the curve (chords lie
// above it): the plan is scaled to the number of sessions that it shall start.
void scale_to(StagePlan& plan, double sessions) {
  const double factor = sessions / std::max(1e-12, sessions_of(plan));
  plan.start *= factor;
  for (Stage& stage : plan.stages) stage.target *= factor;
}

}  // namespace

double sessions_of(const StagePlan& plan) {
  double from = plan.start, sessions = 0;
  for (const Stage& stage : plan.stages) {
    sessions += to_seconds(stage.duration) * (from + stage.target) / 2;
    from = stage.target;
  }
  return sessions;
}

StagePlan steady_shape(double rate, Nanos length) { return {rate, {{length, rate}}}; }

StagePlan ramp_shape(double from, double to, Nanos length) { return {from, {{length, to}}}; }

StagePlan steps_shape(const std::vector<double>& rates, Nanos each) {
  StagePlan plan;
  for (const double rate : rates) {
    if (plan.stages.empty()) {
      plan.start = rate;
    } else {
      plan.stages.push_back({Nanos{0}, rate});
    }
    plan.stages.push_back({each, rate});
  }
  return plan;
}

StagePlan spike_shape(const SpikeShape& shape) {
  StagePlan plan;
  plan.start = shape.peak;
  follow(plan, shape.length, shape.half_life / pieces_per_half_life, [&](Nanos at) {
    return shape.base + (shape.peak - shape.base) * decay(at, shape.half_life);
  });
  return plan;
}

StagePlan open10_shape(double sessions) {
  constexpr std::chrono::seconds even{10}, rest{300};
  constexpr double even_share = 0.2, mean_seconds = 40;
  StagePlan tail;
  tail.start = sessions * even_share / to_seconds(even);
  follow(tail, rest, std::chrono::seconds{1},
         [&](Nanos at) { return tail.start * std::exp(-to_seconds(at) / mean_seconds); });
  const double first = tail.start;
  scale_to(tail, sessions * (1 - even_share));
  StagePlan plan{first, {{even, first}, {Nanos{0}, tail.start}}};
  plan.stages.insert(plan.stages.end(), tail.stages.begin(), tail.stages.end());
  return plan;
}

StagePlan minute_shape(const MinuteShape& shape) {
  constexpr std::chrono::minutes minute{1};
  StagePlan plan;
  const Nanos over = std::min<Nanos>(shape.over, minute);
  const double high = shape.base + shape.burst / to_seconds(over);
  plan.start = high;
  for (Nanos at{0}; at < shape.length; at += minute) {
    if (at > Nanos{0}) plan.stages.push_back({Nanos{0}, high});
    const Nanos left = shape.length - at;
    plan.stages.push_back({std::min(over, left), high});
    if (left <= over || over == minute) continue;
    plan.stages.push_back({Nanos{0}, shape.base});
    plan.stages.push_back({std::min<Nanos>(left, minute) - over, shape.base});
  }
  return plan;
}

StagePlan sine_shape(const SineShape& shape) {
  const bool spikes = shape.spike_every > Nanos{0};
  const auto wave = [&](Nanos at) {
    const double turn = 2 * std::numbers::pi * to_seconds(at) / to_seconds(shape.period);
    return shape.mean + shape.amplitude * std::sin(turn);
  };
  StagePlan plan;
  plan.start = std::max(0.0, wave(Nanos{0}));
  const Nanos wave_piece = shape.period / 64;
  const Nanos every = spikes ? shape.spike_every : shape.length;
  const Nanos piece =
      std::max<Nanos>(spikes ? std::min(wave_piece, shape.spike_half_life / 8) : wave_piece,
                      shape.length / pieces_max);
  for (Nanos from{0}; from < shape.length; from += every) {
    const bool spike = spikes && from > Nanos{0};
    const auto rate = [&](Nanos at) {
      const double above = spike ? shape.spike_peak * decay(at, shape.spike_half_life) : 0;
      return wave(from + at) + above;
    };
    if (spike) plan.stages.push_back({Nanos{0}, std::max(0.0, rate(Nanos{0}))});
    follow(plan, std::min(every, shape.length - from), piece, rate);
  }
  return plan;
}

}  // namespace stampede
