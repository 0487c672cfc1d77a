#include "harness/judge/quantile_interval.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <vector>

#include "harness/measure/histogram.hpp"

namespace stampede {

namespace {

constexpr double effective_in_tail_min = 20;

// V·m / (p(1 − p)), at least 1.
double inflation_of(std::span<const BatchShare> batches, std::uint32_t count, double p) {
  double squares = 0;
  for (const BatchShare& batch : batches) {
    if (batch.samples == 0) continue;
    const auto size = static_cast<double>(batch.samples);
    const double off = static_cast<double>(batch.within) / size - p;
    squares += size * off * off;
  }
  return std::max(1.0, squares / (count - 1) / (p * (1 - p)));
}

}  // namespace

std::optional<DependentRanks> dependent_quantile_ranks(std::span<const BatchShare> batches,
                                                       std::uint64_t samples, double p,
                                                       double confidence) {
  const auto count = static_cast<std::uint32_t>(
      std::ranges::count_if(batches, [](const BatchShare& batch) { return batch.samples > 0; }));
  if (count < 2) return std::nullopt;
  DependentRanks out;
  out.inflation = inflation_of(batches, count, p);
  const auto n = static_cast<double>(samples);
  out.samples_effective = n / out.inflation;
  out.estimable = out.samples_effective * std::min(p, 1 - p) >= effective_in_tail_min;
  const double tau =
      boost::math::quantile(boost::math::students_t(count - 1.0), 1 - (1 - confidence) / 2);
  const double half = tau * std::sqrt(p * (1 - p) / out.samples_effective);
  const double lower = std::floor(n * (p - half)), upper = std::ceil(n * (p + half)) + 1;
  if (lower >= 1) out.lower = static_cast<std::uint64_t>(lower);
  if (upper <= n) out.upper = static_cast<std::uint64_t>(upper);
  return out;
}

std::optional<QuantileInterval> dependent_quantile_interval(std::span<const Nanos> samples,
                                                            double p, double confidence,
                                                            std::uint32_t batches) {
  if (batches < 2 || samples.size() < 2 * std::size_t{batches}) return std::nullopt;
  std::vector<Nanos> ranked(samples.begin(), samples.end());
  const auto at_rank = [&ranked](std::uint64_t rank) {
    const auto place = ranked.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
    std::ranges::nth_element(ranked, place);
    return *place;
  };
  QuantileInterval out;
  out.samples = samples.size();
  out.estimate = at_rank(Histogram::rank_of(p, samples.size()));
  // Samples beyond the last whole batch are left out of the shares.
  const std::size_t size = samples.size() / batches;
  std::vector<BatchShare> shares;
  for (std::uint32_t batch = 0; batch < batches; ++batch) {
    const auto within = std::ranges::count_if(samples.subspan(batch * size, size),
                                              [&](Nanos sample) { return sample <= out.estimate; });
    shares.push_back({size, static_cast<std::uint64_t>(within)});
  }
  const auto ranks = dependent_quantile_ranks(shares, samples.size(), p, confidence);
  out.inflation = ranks->inflation;
  out.samples_effective = ranks->samples_effective;
  out.estimable = ranks->estimable;
  if (ranks->lower) out.lower = at_rank(*ranks->lower);
  if (ranks->upper) out.upper = at_rank(*ranks->upper);
  return out;
}

}  // namespace stampede
