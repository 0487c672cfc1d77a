// All random choices of a session come from one generator keyed by (seed, session): user i makes
// the same choices in every run and topology.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "harness/profile/profile.hpp"
#include "harness/time.hpp"

namespace stampede {

// SplitMix64 (Steele, Lea, Flood 2014): 8 bytes of state, so 10,000 users cost nothing.
class Random {
 public:
  Random() = default;
  Random(std::uint64_t seed, std::uint64_t stream) noexcept;
  std::uint64_t next() noexcept;
  double uniform() noexcept;                      // [0, 1)
  std::uint64_t below(std::uint64_t n) noexcept;  // [0, n), n > 0
  double exponential() noexcept;                  // mean 1
  double normal() noexcept;                       // mean 0, deviation 1

 private:
  std::uint64_t state_ = 0;
};

Nanos draw(const RandomDuration& duration, Random& random) noexcept;

// What makes the ids of one run differ from those of every other. It is mixed into the digits of
// ids and into nothing else: choices are those of the seed, whatever it is.
struct IdSalt {
  std::array<std::uint64_t, 2> halves{};
};
// The same for the same text; none for "".
[[nodiscard]] IdSalt id_salt_of(std::string_view ids) noexcept;
// 32 hex digits. Within one salt no more of them are alike than of the numbers that were drawn.
[[nodiscard]] std::array<char, 32> draw_id(Random& random, const IdSalt& salt) noexcept;

}  // namespace stampede
