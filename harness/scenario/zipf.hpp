// Popularity by rank: among n items the k-th is chosen with a probability that is proportional to
// k^−s (Zipf). Drawn by rejection-inversion (Hörmann and Derflinger 1996), which needs no table and
// about 1.1 attempts, whatever n is.
#pragma once

#include <cstdint>

#include "harness/scenario/random.hpp"

namespace stampede {

class Zipf {
 public:
  // items > 0; exponent > 0.
  Zipf(std::uint64_t items, double exponent) noexcept;
  // A rank, from 0.
  std::uint64_t operator()(Random& random) const noexcept;

 private:
  [[nodiscard]] double area(double x) const noexcept;
  [[nodiscard]] double inverse_area(double area) const noexcept;
  [[nodiscard]] double height(double x) const noexcept;

  double items_, exponent_;
  double area_first_, area_last_, sure_;
};

// Σ k^−s for the ranks from…to, from 1, both included: relative error below 1e-6.
[[nodiscard]] double zipf_weight(std::uint64_t from, std::uint64_t to, double exponent) noexcept;

}  // namespace stampede
