#include "harness/judge/quantile_interval.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <vector>

#include "harness/measure/histogram.hpp"

namespace stampede {

namespace {

constexpr double effective_in_tail_min = 20;

// V·m / (p(1 − p)), at least 1. Samples beyond the last whole batch are left out.
double inflation_of(std::span<const Nanos> samples, Nanos estimate, double p,
                    std::uint32_t batches) {
  const std::size_t size = samples.size() / batches;
  double squares = 0;
  for (std::uint32_t batch = 0; batch < batches; ++batch) {
    const auto part = samples.subspan(batch * size, size);
    const auto within =
        std::ranges::count_if(part, [estimate](Nanos sample) { return sample <= estimate; });
    const double share = static_cast<double>(within) / static_cast<double>(size);
    squares += (share - p) * (share - p);
  }
  const double variance = squares / (batches - 1);
  return std::max(1.0, variance * static_cast<double>(size) / (p * (1 - p)));
}

}  // namespace

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
  out.inflation = inflation_of(samples, out.estimate, p, batches);
  const auto n = static_cast<double>(samples.size());
  out.samples_effective = n / out.inflation;
  out.estimable = out.samples_effective * std::min(p, 1 - p) >= effective_in_tail_min;
  const double tau =
      boost::math::quantile(boost::math::students_t(batches - 1.0), 1 - (1 - confidence) / 2);
  const double half = tau * std::sqrt(p * (1 - p) / out.samples_effective);
  const double lower = std::floor(n * (p - half)), upper = std::ceil(n * (p + half)) + 1;
  if (lower >= 1) out.lower = at_rank(static_cast<std::uint64_t>(lower));
  if (upper <= n) out.upper = at_rank(static_cast<std::uint64_t>(upper));
  return out;
}

}  // namespace stampede
