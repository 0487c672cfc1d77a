#include "harness/scenario/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace stampede {

namespace {

constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15ULL;
// No drawn duration is longer, so that a heavy tail cannot overflow a Nanos.
constexpr double drawn_seconds_max = 86'400.0 * 365;

__extension__ using Wide = unsigned __int128;

std::uint64_t mix(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

}  // namespace

// Seed and stream are mixed one after the other, so that (1, 2) and (2, 1) are unrelated.
Random::Random(std::uint64_t seed, std::uint64_t stream) noexcept
    : state_(mix(mix(seed + golden_gamma) + stream * golden_gamma)) {}

std::uint64_t Random::next() noexcept {
  state_ += golden_gamma;
  return mix(state_);
}

double Random::uniform() noexcept { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

// Multiply and shift; the few values that would make the lowest results likelier are drawn again.
std::uint64_t Random::below(std::uint64_t n) noexcept {
  Wide product = static_cast<Wide>(next()) * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t rejected = (0 - n) % n;
    while (static_cast<std::uint64_t>(product) < rejected) product = static_cast<Wide>(next()) * n;
  }
  return static_cast<std::uint64_t>(product >> 64U);
}

double Random::exponential() noexcept { return -std::log1p(-uniform()); }

// Box–Muller. Its second number is thrown away: keeping it would double the state of every session.
double Random::normal() noexcept {
  const double radius = std::sqrt(2 * exponential());
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

Nanos draw(const RandomDuration& duration, Random& random) noexcept {
  const double a = duration.a_seconds;
  double seconds = 0;
  switch (duration.kind) {
    case RandomDuration::Kind::constant:
      seconds = a;
      break;
    case RandomDuration::Kind::uniform:
      seconds = a + (duration.b - a) * random.uniform();
      break;
    case RandomDuration::Kind::exponential:
      seconds = a * random.exponential();
      break;
    case RandomDuration::Kind::normal:
      seconds = a + duration.b * random.normal();
      break;
    case RandomDuration::Kind::lognormal:
      seconds = a * std::exp(duration.b * random.normal());
      break;
  }
  return from_seconds(std::clamp(seconds, 0.0, drawn_seconds_max));
}

}  // namespace stampede
