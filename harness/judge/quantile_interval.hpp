// Confidence interval of a quantile of samples that depend on each other: neighbours wait in the
// same queue, so a thousand of them tell as much as a few dozen independent ones. An interval that
// takes them as independent covers the truth about one time in four on a queue at 80 % load.
//
// Method (batch means of the indicator, then order statistics): with the samples in the order in
// which they were due, q̂ the quantile of all, B batches of equal size m, b_k the share of batch k
// that is ≤ q̂:
//
//   V = Σ (b_k − p)² / (B − 1)     inflation = max(1, V·m / (p(1 − p)))     n_eff = n / inflation
//   lower rank ⌊n(p − τ√(p(1 − p) / n_eff))⌋     upper rank ⌈n(p + τ√(p(1 − p) / n_eff))⌉ + 1
//
// with τ the quantile of Student's t with B − 1 degrees of freedom. Batches must be long beside the
// queue's memory (50 relaxation times or more): that is the caller's to know. Where they are not of
// equal size, V·m is Σ m_k (b_k − p)² / (B − 1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "harness/time.hpp"

namespace stampede {

struct QuantileInterval {
  Nanos estimate{0};                  // nearest rank
  std::optional<Nanos> lower, upper;  // absent: the samples do not reach so far
  std::uint64_t samples = 0;
  double samples_effective = 0;  // n_eff: so many independent ones tell as much
  double inflation = 1;
  // False: n_eff·min(p, 1 − p) < 20, too little to say at any confidence.
  bool estimable = false;

  // The interval holds `value`. An absent end holds everything.
  [[nodiscard]] bool holds(Nanos value) const {
    return (!lower || *lower <= value) && (!upper || value <= *upper);
  }
};

inline constexpr std::uint32_t interval_batches = 20;

// One batch: how many samples it has, and how many of them are not above q̂.
struct BatchShare {
  std::uint64_t samples = 0, within = 0;
};
// Ranks, from 1, of the samples that enclose the quantile; absent where n has no such rank.
struct DependentRanks {
  std::optional<std::uint64_t> lower, upper;
  double samples_effective = 0, inflation = 1;
  bool estimable = false;  // as in QuantileInterval
};
// Of `samples` samples in all. nullopt: fewer than two batches that are not empty.
std::optional<DependentRanks> dependent_quantile_ranks(std::span<const BatchShare> batches,
                                                       std::uint64_t samples, double p,
                                                       double confidence);

// `samples` in the order in which they were due; 0 < p < 1; 0 < confidence < 1. nullopt: fewer than
// two samples for each batch.
std::optional<QuantileInterval> dependent_quantile_interval(
    std::span<const Nanos> samples, double p, double confidence,
    std::uint32_t batches = interval_batches);

}  // namespace stampede
