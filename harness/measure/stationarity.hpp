// Is a series, one value after the other, steady? Three tests that look for different ways in which
// it may not be: a level that wanders (ADF), a level that is not one (KPSS), a level that jumps
// once (change point). Pure functions; beside them stand MSER-5 and the trend test of
// statistics.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace stampede {

// Augmented Dickey–Fuller with a constant: the t of γ in
//   Δy_t = α + γ·y_{t−1} + Σ_{i=1..k} δ_i·Δy_{t−i} + ε_t
// A series that comes back to its level has a t far below 0; a random walk has not. k is the number
// of lags up to ⌊(n − 1)^{1/3}⌋ (Said and Dickey 1984) with the least BIC: lags that are not needed
// cost a short series its power. `critical`: 5 %, MacKinnon's response surface (2010) at the number
// of rows regressed. Steady is t < critical.
struct DickeyFuller {
  double t = 0, critical = 0;
  std::size_t lags = 0, rows = 0;
};
// nullopt: under 15 values, or the regression has no unique answer (all values equal, a straight
// line).
[[nodiscard]] std::optional<DickeyFuller> augmented_dickey_fuller(std::span<const double> values);

// Kwiatkowski–Phillips–Schmidt–Shin (1992) for a constant level:
//   η = Σ_t S_t² / (n²·s²),  S_t = Σ_{i≤t} e_i,  e = y − ȳ
//   s² = (1/n)·Σ e_t² + (2/n)·Σ_{j=1..l} (1 − j/(l+1))·Σ_t e_t·e_{t−j},  l = ⌊4·(n/100)^{1/4}⌋
// The null hypothesis is the other way round than that of ADF: steady is η ≤ 0.463 (5 %).
struct Kpss {
  double statistic = 0;
  std::size_t lags = 0;
};
inline constexpr double kpss_critical = 0.463;
// nullopt: under 15 values, or all are equal.
[[nodiscard]] std::optional<Kpss> kpss(std::span<const double> values);

// The one place that divides a series best, by the energy distance of E-divisive (Matteson and
// James 2014, its first step, exponent 1): the largest over all places of
//   n·m/(n + m) · (2·E|X − Y| − E|X − X′| − E|Y − Y′|)
// with at least `change_part_min` values on both sides. `p`: (r + 1)/(N + 1), where r of N
// permutations of the series divide as well or better; they are drawn from a fixed seed, so the
// same series always has the same p. `jump`: median behind the place over that before it, less 1.
//
// Permutations know no order: what hangs together from second to second may look like a change, so
// the effect is judged beside p.
struct ChangePoint {
  std::size_t at = 0;  // the first value of the second part
  double statistic = 0, p = 1, jump = 0;
};
inline constexpr std::size_t change_part_min = 5;
inline constexpr std::size_t change_permutations = 499;
// nullopt: under 20 values, or all are equal. More than 500 are thinned evenly.
[[nodiscard]] std::optional<ChangePoint> change_point(std::span<const double> values);

// (90th − 10th percentile) / median: how much the values differ at all. 0 for none, or a median of
// 0.
[[nodiscard]] double relative_spread(std::span<const double> values);

}  // namespace stampede
