#include "harness/scenario/zipf.hpp"

#include <algorithm>
#include <cmath>

namespace stampede {

namespace {

// Ranks up to here are added up one by one; beyond, the integral from half to half is as good.
constexpr std::uint64_t summed_max = 4096;

// (e^x − 1) / x and ln(1 + x) / x, also where x is next to nothing.
double growth(double x) noexcept { return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x / 2; }
double shrinking(double x) noexcept { return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x / 2; }

// ∫ t^−s dt from 1 to x.
double integral(double x, double exponent) noexcept {
  const double log = std::log(x);
  return growth((1 - exponent) * log) * log;
}

}  // namespace

Zipf::Zipf(std::uint64_t items, double exponent) noexcept
    : items_(static_cast<double>(items)),
      exponent_(exponent),
      area_first_(area(1.5) - 1),
      area_last_(area(items_ + 0.5)),
      sure_(2 - inverse_area(area(2.5) - height(2))) {}

double Zipf::area(double x) const noexcept { return integral(x, exponent_); }
double Zipf::height(double x) const noexcept { return std::pow(x, -exponent_); }
double Zipf::inverse_area(double area) const noexcept {
  const double t = std::max(-1.0, area * (1 - exponent_));
  return std::exp(shrinking(t) * area);
}

std::uint64_t Zipf::operator()(Random& random) const noexcept {
  while (true) {
    const double u = area_last_ + random.uniform() * (area_first_ - area_last_);
    const double x = inverse_area(u);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, items_);
    const bool inside = rank - x <= sure_ || u >= area(rank + 0.5) - height(rank);
    if (inside) return static_cast<std::uint64_t>(rank) - 1;
  }
}

double zipf_weight(std::uint64_t from, std::uint64_t to, double exponent) noexcept {
  double sum = 0;
  for (; from <= to && from <= summed_max; ++from) {
    sum += std::pow(static_cast<double>(from), -exponent);
  }
  if (from > to) return sum;
  return sum + integral(static_cast<double>(to) + 0.5, exponent) -
         integral(static_cast<double>(from) - 0.5, exponent);
}

}  // namespace stampede
