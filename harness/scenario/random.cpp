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

IdSalt id_salt_of(std::string_view ids) noexcept {
  IdSalt salt;
  if (ids.empty()) return salt;
  // FNV-1a, then mixed by the generator: neighbouring texts shall differ in every digit.
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325ULL;
  for (const char c : ids) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3ULL;
  Random mixed(hash, ids.size());
  for (std::uint64_t& half : salt.halves) half = mixed.next();
  return salt;
}

std::array<char, 32> draw_id(Random& random, const IdSalt& salt) noexcept {
  constexpr std::string_view hex_digits = "0123456789abcdef";
  std::array<char, 32> digits{};
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t bits = random.next() ^ salt.halves[half];
    for (std::size_t digit = 0; digit < 16; ++digit, bits >>= 4U) {
      digits[half * 16 + digit] = hex_digits[bits & 15U];
    }
  }
  return digits;
}

}  // namespace stampede
