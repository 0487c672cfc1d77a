// Tests and distances that the self-checks are made of: pure functions over samples, with the
// formulas of the literature named beside each.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace stampede {

// Of at least one value.
[[nodiscard]] double median_of(std::vector<double> values);

// Regularised upper incomplete gamma function Q(a, x), a > 0, x ≥ 0 (series and continued fraction
// of Numerical Recipes §6.2); relative error below 1e-10 where it is not negligible.
[[nodiscard]] double gamma_q(double a, double x);
// P(χ² with `dof` degrees of freedom > statistic).
[[nodiscard]] double chi_squared_p(double statistic, double dof);
// P(standard normal > z).
[[nodiscard]] double normal_upper(double z);

// Anderson–Darling against the exponential distribution whose mean is the sample's:
//   A² = −n − (1/n) Σ (2i−1)[ln F(x_i) + ln(1 − F(x_{n+1−i}))],  F = 1 − e^{−x/x̄}
//   A²* = A²(1 + 0.6/n)
// Stephens's critical values of A²* for an estimated mean. Values ≤ 0 count as 1e-12 of the mean.
struct AndersonDarling {
  double a2 = 0, a2_star = 0;
  std::uint64_t n = 0;
};
inline constexpr std::array<double, 5> anderson_darling_critical{0.922, 1.078, 1.341, 1.606,
                                                                 1.957};  // 15 10 5 2.5 1 %
// nullopt: fewer than 8 values, or none above 0. Sorts a copy.
[[nodiscard]] std::optional<AndersonDarling> anderson_darling_exponential(
    std::span<const double> values);

// Every k-th value of a stream of unknown length in constant memory: k doubles whenever the sample
// has filled up, so between capacity/2 and capacity values of it are kept, evenly spread.
class SystematicSample {
 public:
  static constexpr std::size_t capacity = 8192;

  SystematicSample() { kept_.reserve(capacity); }
  void add(double value);
  [[nodiscard]] const std::vector<double>& kept() const noexcept { return kept_; }
  [[nodiscard]] std::uint64_t seen() const noexcept { return seen_; }
  [[nodiscard]] std::uint64_t stride() const noexcept { return stride_; }

 private:
  std::vector<double> kept_;
  std::uint64_t seen_ = 0, stride_ = 1;
};
// At most `count` values of it, evenly spread.
[[nodiscard]] std::vector<double> thinned(std::span<const double> values, std::size_t count);

// Kolmogorov–Smirnov distance of a stream from the distribution that its values were mapped with
// (u = F(x), uniform when the stream is as planned), in constant memory: bins of 1/4096. The
// distance at the bins' edges is exact; between edges it may be larger by at most `resolution`.
class UniformDistance {
 public:
  static constexpr std::size_t bins = 4096;
  static constexpr double resolution = 1.0 / bins;

  UniformDistance() : counts_(bins) {}
  void add(double u) noexcept;
  UniformDistance& operator+=(const UniformDistance& other);
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::optional<double> distance() const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
};

// Pearson's χ² of counts against planned shares (which are scaled to sum 1; a share of 0 with a
// count makes p 0). Effect: the largest |observed share − planned share|.
struct ChiSquared {
  double statistic = 0, dof = 0, p = 1, effect = 0;
  std::uint64_t n = 0;
};
// nullopt: sizes differ, fewer than two cells, or an expected count below 5 in any cell that is
// planned.
[[nodiscard]] std::optional<ChiSquared> chi_squared(std::span<const std::uint64_t> observed,
                                                    std::span<const double> shares);

// Kruskal–Wallis H with the correction for ties, and its p from χ² with (groups − 1) degrees.
struct KruskalWallis {
  double h = 0, p = 1;
};
// nullopt: fewer than two groups with at least 5 values each, or all values equal.
[[nodiscard]] std::optional<KruskalWallis> kruskal_wallis(
    std::span<const std::vector<double>> groups);

// MSER-5 (White 1997): values batched by 5, d* = argmin over d ≤ k/2 of Σ(Z_i − Z̄)²/(k − d)² over
// what is left after cutting d batches. cut: 5·d* values. at_limit: d* reached k/2, so no steady
// part was found.
struct Mser5 {
  std::size_t cut = 0;
  bool at_limit = false;
};
[[nodiscard]] std::optional<Mser5> mser5(std::span<const double> values);  // nullopt: under 20

// Mann–Kendall test for a trend, two-sided p by the normal approximation with ties; and the
// Theil–Sen slope (the median of all pairwise slopes) times the length, over the median level: how
// much the series rose from end to end.
struct Trend {
  double p = 1, rise = 0;
};
[[nodiscard]] std::optional<Trend> trend(std::span<const double> values);  // nullopt: under 10

}  // namespace stampede
