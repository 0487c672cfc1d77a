#include "harness/measure/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace stampede {

namespace {

constexpr int iterations_max = 10'000;
constexpr double tiny = 1e-300;
constexpr double precision = 1e-14;
constexpr std::size_t values_of_a_group_min = 5;
constexpr double expected_count_min = 5;

// Lower incomplete gamma by its series; for x < a + 1.
double gamma_p_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int i = 1; i < iterations_max; ++i) {
    term *= x / (a + i);
    sum += term;
    if (std::abs(term) < std::abs(sum) * precision) break;
  }
  return sum * std::exp(a * std::log(x) - x - std::lgamma(a));
}

// Upper incomplete gamma by Lentz's continued fraction; for x ≥ a + 1.
double gamma_q_fraction(double a, double x) {
  double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
  for (int i = 1; i < iterations_max; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (std::abs(d) < tiny) d = tiny;
    c = b + an / c;
    if (std::abs(c) < tiny) c = tiny;
    d = 1 / d;
    h *= d * c;
    if (std::abs(d * c - 1) < precision) break;
  }
  return h * std::exp(a * std::log(x) - x - std::lgamma(a));
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Lengths of runs of equal values in a sorted range, each given to `visit` if above 1.
template <class Visit>
void each_tie(const std::vector<double>& sorted, Visit visit) {
  for (std::size_t first = 0; first < sorted.size();) {
    std::size_t last = first;
    while (last < sorted.size() && sorted[last] == sorted[first]) ++last;
    if (last - first > 1) visit(static_cast<double>(last - first));
    first = last;
  }
}

}  // namespace

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double gamma_q(double a, double x) {
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - gamma_p_series(a, x) : gamma_q_fraction(a, x);
}

double chi_squared_p(double statistic, double dof) { return gamma_q(dof / 2, statistic / 2); }

double normal_upper(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

std::optional<AndersonDarling> anderson_darling_exponential(std::span<const double> values) {
  if (values.size() < 8) return std::nullopt;
  const double mean = mean_of(values);
  if (!(mean > 0)) return std::nullopt;
  std::vector<double> x(values.begin(), values.end());
  std::ranges::sort(x);
  const double n = static_cast<double>(x.size());
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double low = std::max(x[i] / mean, 1e-12);
    const double high = std::max(x[x.size() - 1 - i] / mean, 1e-12);
    // ln F by log1p where F is near 1, and ln(1 − F) is exactly −x/x̄.
    const double log_f = std::log(-std::expm1(-low));
    sum += (2 * static_cast<double>(i) + 1) * (log_f - high);
  }
  AndersonDarling out;
  out.n = x.size();
  out.a2 = -n - sum / n;
  out.a2_star = out.a2 * (1 + 0.6 / n);
  return out;
}

void SystematicSample::add(double value) {
  if (seen_++ % stride_ != 0) return;
  if (kept_.size() == capacity) {
    for (std::size_t i = 0; i < capacity / 2; ++i) kept_[i] = kept_[2 * i];
    kept_.resize(capacity / 2);
    stride_ *= 2;
    if ((seen_ - 1) % stride_ != 0) return;
  }
  kept_.push_back(value);
}

std::vector<double> thinned(std::span<const double> values, std::size_t count) {
  if (values.size() <= count) return {values.begin(), values.end()};
  std::vector<double> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(values[i * values.size() / count]);
  return out;
}

void UniformDistance::add(double u) noexcept {
  const double place = std::clamp(u, 0.0, 1.0) * static_cast<double>(bins);
  ++counts_[std::min(static_cast<std::size_t>(place), bins - 1)];
  ++count_;
}

UniformDistance& UniformDistance::operator+=(const UniformDistance& other) {
  for (std::size_t i = 0; i < bins; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  return *this;
}

std::optional<double> UniformDistance::distance() const {
  if (count_ == 0) return std::nullopt;
  double worst = 0;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < bins; ++i) {
    below += counts_[i];
    const double empirical = static_cast<double>(below) / static_cast<double>(count_);
    const double planned = static_cast<double>(i + 1) / static_cast<double>(bins);
    worst = std::max(worst, std::abs(empirical - planned));
  }
  return worst;
}

std::optional<ChiSquared> chi_squared(std::span<const std::uint64_t> observed,
                                      std::span<const double> shares) {
  if (observed.size() != shares.size() || observed.size() < 2) return std::nullopt;
  ChiSquared out;
  out.n = std::accumulate(observed.begin(), observed.end(), std::uint64_t{0});
  const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (out.n == 0 || !(total > 0)) return std::nullopt;
  const double n = static_cast<double>(out.n);
  bool impossible = false;
  std::size_t cells = 0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const double share = shares[i] / total;
    const double count = static_cast<double>(observed[i]);
    out.effect = std::max(out.effect, std::abs(count / n - share));
    if (share <= 0) {
      impossible = impossible || observed[i] > 0;
      continue;
    }
    if (share * n < expected_count_min) return std::nullopt;
    ++cells;
    out.statistic += (count - share * n) * (count - share * n) / (share * n);
  }
  out.dof = static_cast<double>(std::max<std::size_t>(cells, 2) - 1);
  out.p = impossible ? 0 : chi_squared_p(out.statistic, out.dof);
  return out;
}

std::optional<KruskalWallis> kruskal_wallis(std::span<const std::vector<double>> groups) {
  std::vector<std::pair<double, std::size_t>> all;
  std::size_t used = 0;
  for (const std::vector<double>& group : groups) {
    if (group.size() < values_of_a_group_min) continue;
    for (const double value : group) all.emplace_back(value, used);
    ++used;
  }
  if (used < 2) return std::nullopt;
  std::ranges::sort(all);
  const double n = static_cast<double>(all.size());
  std::vector<double> rank_sums(used), sizes(used);
  double ties = 0;
  for (std::size_t first = 0; first < all.size();) {
    std::size_t last = first;
    while (last < all.size() && all[last].first == all[first].first) ++last;
    const double equal = static_cast<double>(last - first);
    const double rank = static_cast<double>(first) + (equal + 1) / 2;  // mean of ranks from 1
    ties += equal * equal * equal - equal;
    for (std::size_t i = first; i < last; ++i) {
      rank_sums[all[i].second] += rank;
      ++sizes[all[i].second];
    }
    first = last;
  }
  const double correction = 1 - ties / (n * n * n - n);
  if (!(correction > 0)) return std::nullopt;
  double sum = 0;
  for (std::size_t g = 0; g < used; ++g) sum += rank_sums[g] * rank_sums[g] / sizes[g];
  KruskalWallis out;
  out.h = (12 / (n * (n + 1)) * sum - 3 * (n + 1)) / correction;
  out.p = chi_squared_p(std::max(out.h, 0.0), static_cast<double>(used - 1));
  return out;
}

std::optional<Mser5> mser5(std::span<const double> values) {
  constexpr std::size_t batch = 5, batches_min = 4;
  const std::size_t k = values.size() / batch;
  if (k < batches_min) return std::nullopt;
  std::vector<double> z;
  z.reserve(k);
  for (std::size_t i = 0; i < k; ++i) z.push_back(mean_of(values.subspan(i * batch, batch)));
  Mser5 out;
  double best = std::numeric_limits<double>::infinity();
  std::size_t cut = 0;
  for (std::size_t d = 0; d <= k / 2; ++d) {
    const std::span<const double> left = std::span(z).subspan(d);
    const double mean = mean_of(left);
    double sum = 0;
    for (const double value : left) sum += (value - mean) * (value - mean);
    const double size = static_cast<double>(k - d);
    const double score = sum / (size * size);
    if (score < best) {
      best = score;
      cut = d;
    }
  }
  out.cut = cut * batch;
  out.at_limit = cut == k / 2;
  return out;
}

std::optional<Trend> trend(std::span<const double> values) {
  constexpr std::size_t values_min = 10, values_max = 1000;
  if (values.size() < values_min) return std::nullopt;
  // All pairs: bounded, or an hour of seconds would be 6.5 million of them.
  const std::vector<double> y = thinned(values, values_max);
  const double n = static_cast<double>(y.size());
  double s = 0;
  std::vector<double> slopes;
  slopes.reserve(y.size() * (y.size() - 1) / 2);
  for (std::size_t i = 0; i < y.size(); ++i) {
    for (std::size_t j = i + 1; j < y.size(); ++j) {
      s += y[j] > y[i] ? 1 : y[j] < y[i] ? -1 : 0;
      slopes.push_back((y[j] - y[i]) / static_cast<double>(j - i));
    }
  }
  std::vector<double> sorted = y;
  std::ranges::sort(sorted);
  double variance = n * (n - 1) * (2 * n + 5);
  each_tie(sorted, [&variance](double t) { variance -= t * (t - 1) * (2 * t + 5); });
  variance /= 18;
  Trend out;
  if (!(variance > 0)) return out;  // all values are equal: no trend
  const double z = s > 0   ? (s - 1) / std::sqrt(variance)
                   : s < 0 ? (s + 1) / std::sqrt(variance)
                           : 0;
  out.p = 2 * normal_upper(std::abs(z));
  const double level = median_of(y);
  if (level != 0) out.rise = median_of(std::move(slopes)) * (n - 1) / std::abs(level);
  return out;
}

}  // namespace stampede
