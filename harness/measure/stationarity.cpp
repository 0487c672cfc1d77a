#include "harness/measure/stationarity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "harness/measure/statistics.hpp"

namespace stampede {

namespace {

constexpr std::size_t values_min = 15, change_values_min = 20, change_values_max = 500;
constexpr double singular = 1e-10;  // of a pivot, once every column has length 1
constexpr double rounding = 1e-9;   // of a column that is a constant
constexpr std::uint64_t permutation_seed = 20'140'401;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

bool all_equal(std::span<const double> values) {
  const auto [least, most] = std::ranges::minmax(values);
  return least == most;
}

double product(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// Less its mean, and of length 1. False: all values are equal, but for what rounding makes of that.
bool standardise(std::vector<double>& column) {
  const double before = std::sqrt(product(column, column)), mean = mean_of(column);
  for (double& value : column) value -= mean;
  const double length = std::sqrt(product(column, column));
  if (!(length > rounding * before)) return false;
  for (double& value : column) value /= length;
  return true;
}

// Gauss with partial pivoting, on a square matrix with right-hand sides as further columns, which
// become the solutions. False: singular.
bool solve(std::vector<std::vector<double>>& rows) {
  const std::size_t n = rows.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t best = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(rows[i][k]) > std::abs(rows[best][k])) best = i;
    }
    if (!(std::abs(rows[best][k]) > singular)) return false;
    std::swap(rows[k], rows[best]);
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = rows[i][k] / rows[k][k];
      for (std::size_t j = k; j < rows[i].size(); ++j) rows[i][j] -= factor * rows[k][j];
    }
  }
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t j = n; j < rows[k].size(); ++j) rows[k][j] /= rows[k][k];
  }
  return true;
}

struct Regression {
  double t = 0;            // of the first column's coefficient
  double unexplained = 0;  // share of the outcome's variance
};

// With a constant. nullopt: singular, or nothing is left to explain.
std::optional<Regression> regress(std::vector<std::vector<double>> columns,
                                  std::vector<double> outcome) {
  const std::size_t k = columns.size(), n = outcome.size();
  for (std::vector<double>& column : columns) {
    if (!standardise(column)) return std::nullopt;
  }
  if (!standardise(outcome)) return std::nullopt;
  // XᵀX beside Xᵀy and the first unit vector: the coefficients, and the first column of the
  // inverse.
  std::vector<std::vector<double>> system(k);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) system[i].push_back(product(columns[i], columns[j]));
    system[i].push_back(product(columns[i], outcome));
    system[i].push_back(i == 0 ? 1 : 0);
  }
  if (!solve(system)) return std::nullopt;
  Regression out;
  for (std::size_t row = 0; row < n; ++row) {
    double residual = outcome[row];
    for (std::size_t i = 0; i < k; ++i) residual -= system[i][k] * columns[i][row];
    out.unexplained += residual * residual;
  }
  if (!(out.unexplained > singular)) return std::nullopt;
  // The constant takes a degree of freedom, too. (Scaling a column does not change its t.)
  const double variance = out.unexplained / static_cast<double>(n - k - 1) * system[0][k + 1];
  out.t = system[0][k] / std::sqrt(variance);
  return out;
}

// Steps from value `first` on, explained by the level before them and by `lags` earlier steps.
std::optional<Regression> regress_steps(std::span<const double> values, std::size_t first,
                                        std::size_t lags) {
  std::vector<std::vector<double>> columns(lags + 1);
  std::vector<double> steps;
  for (std::size_t now = first; now + 1 < values.size(); ++now) {
    steps.push_back(values[now + 1] - values[now]);
    columns[0].push_back(values[now]);
    for (std::size_t i = 1; i <= lags; ++i) {
      columns[i].push_back(values[now + 1 - i] - values[now - i]);
    }
  }
  return regress(std::move(columns), std::move(steps));
}

// The number of lags with the least n·ln(RSS) + k·ln(n), all asked about the same rows.
std::size_t lags_of_least_bic(std::span<const double> values, std::size_t lags_max) {
  const double rows = static_cast<double>(values.size() - 1 - lags_max);
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t lags = 0; lags <= lags_max; ++lags) {
    const auto fit = regress_steps(values, lags_max, lags);
    if (!fit) continue;
    const double bic =
        rows * std::log(fit->unexplained) + static_cast<double>(lags) * std::log(rows);
    if (bic < least) {
      least = bic;
      best = lags;
    }
  }
  return best;
}

// MacKinnon 2010, table 2: one variable, constant, 5 %.
double dickey_fuller_critical(std::size_t rows) {
  const double n = static_cast<double>(rows);
  return -2.86154 - 2.8903 / n - 4.234 / (n * n) - 40.040 / (n * n * n);
}

struct Division {
  std::size_t at = 0;
  double statistic = -1;
};

// Distances between all pairs, read in the order that `order` gives: moving one value from the
// second part to the first changes the sums by that value's distances only.
class Distances {
 public:
  explicit Distances(std::span<const double> values)
      : n_(values.size()), between_(values.size() * values.size()) {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < n_; ++j) between_[i * n_ + j] = std::abs(values[i] - values[j]);
    }
    total_ = std::accumulate(between_.begin(), between_.end(), 0.0) / 2;
  }

  [[nodiscard]] Division best(const std::vector<std::size_t>& order) const {
    Division best;
    double first = 0, second = total_;  // sums within the two parts
    for (std::size_t next = 0; next + change_part_min < n_; ++next) {
      const double* const row = &between_[order[next] * n_];
      for (std::size_t i = 0; i < next; ++i) first += row[order[i]];
      for (std::size_t i = next + 1; i < n_; ++i) second -= row[order[i]];
      if (next + 1 < change_part_min) continue;
      const double a = static_cast<double>(next + 1), b = static_cast<double>(n_ - next - 1);
      const double apart = 2 * (total_ - first - second) / (a * b) - 2 * first / (a * (a - 1)) -
                           2 * second / (b * (b - 1));
      const double statistic = a * b / (a + b) * apart;
      if (statistic > best.statistic) best = {next + 1, statistic};
    }
    return best;
  }

 private:
  std::size_t n_;
  std::vector<double> between_;
  double total_ = 0;
};

// Fisher and Yates; written out, because std::shuffle may differ between libraries.
void permute(std::vector<std::size_t>& order, std::mt19937_64& random) {
  for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random() % (i + 1)]);
}

}  // namespace

std::optional<DickeyFuller> augmented_dickey_fuller(std::span<const double> values) {
  if (values.size() < values_min) return std::nullopt;
  const auto lags_max =
      static_cast<std::size_t>(std::cbrt(static_cast<double>(values.size() - 1)) + 1e-9);
  DickeyFuller out;
  out.lags = lags_of_least_bic(values, lags_max);
  out.rows = values.size() - 1 - out.lags;
  const auto fit = regress_steps(values, out.lags, out.lags);
  if (!fit) return std::nullopt;
  out.t = fit->t;
  out.critical = dickey_fuller_critical(out.rows);
  return out;
}

std::optional<Kpss> kpss(std::span<const double> values) {
  if (values.size() < values_min) return std::nullopt;
  if (all_equal(values)) return std::nullopt;
  const double n = static_cast<double>(values.size()), mean = mean_of(values);
  std::vector<double> e(values.begin(), values.end());
  for (double& value : e) value -= mean;
  Kpss out;
  out.lags = static_cast<std::size_t>(4 * std::pow(n / 100, 0.25));
  double variance = product(e, e) / n;
  for (std::size_t j = 1; j <= out.lags; ++j) {
    const double weight = 1 - static_cast<double>(j) / static_cast<double>(out.lags + 1);
    variance += 2 * weight * product(std::span(e).subspan(j), std::span(e).first(e.size() - j)) / n;
  }
  if (!(variance > 0)) return std::nullopt;
  double sum = 0, statistic = 0;
  for (const double value : e) {
    sum += value;
    statistic += sum * sum;
  }
  out.statistic = statistic / (n * n * variance);
  return out;
}

std::optional<ChangePoint> change_point(std::span<const double> values) {
  if (values.size() < change_values_min) return std::nullopt;
  const std::vector<double> y = thinned(values, change_values_max);
  if (all_equal(y)) return std::nullopt;
  const Distances distances(y);
  std::vector<std::size_t> order(y.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const Division found = distances.best(order);
  std::mt19937_64 random(permutation_seed);
  std::size_t as_good = 0;
  for (std::size_t i = 0; i < change_permutations; ++i) {
    permute(order, random);
    if (distances.best(order).statistic >= found.statistic) ++as_good;
  }
  ChangePoint out;
  out.statistic = found.statistic;
  out.p = static_cast<double>(as_good + 1) / static_cast<double>(change_permutations + 1);
  out.at = found.at * values.size() / y.size();
  const auto middle = y.begin() + static_cast<std::ptrdiff_t>(found.at);
  const double before = median_of({y.begin(), middle}), after = median_of({middle, y.end()});
  if (before != 0) out.jump = after / before - 1;
  return out;
}

double relative_spread(std::span<const double> values) {
  if (values.empty()) return 0;
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const std::size_t last = sorted.size() - 1;
  const double middle = median_of(sorted);
  return middle == 0 ? 0 : (sorted[last * 9 / 10] - sorted[last / 10]) / std::abs(middle);
}

}  // namespace stampede
