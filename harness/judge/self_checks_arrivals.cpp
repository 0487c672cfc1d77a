// Rows about the arrivals: were they offered as planned? L3 to L5, and L18.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/judge/self_checks.hpp"
#include "harness/measure/units.hpp"

namespace stampede {

namespace {

constexpr double second_limit = 0.10;
// A second's count may differ by arrivals that were due at its very end.
constexpr double second_arrivals_min = 4;
constexpr Nanos lateness_high{std::chrono::microseconds{100}};
constexpr double slo_share_high = 0.01;
constexpr std::uint64_t gaps_min = 50;
constexpr std::uint64_t distance_gaps_min = 10'000;
constexpr double distance_warned = 0.005, distance_invalid = 0.02;
// What chance alone gives at 1 %: Kolmogorov's 1.628/√n.
constexpr double kolmogorov_one_percent = 1.628;
constexpr double deviation_warned = 0.05;
constexpr double drift_invalid = 1;
constexpr double fidelity_p = 1e-6;
constexpr double fidelity_effect = 0.01;
constexpr const char* not_as_planned =
    "the arrivals were not those of the plan: a bug of stampede, please report it with the seed";

void add_seconds(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  Rows::Row row{"L3", "rate_per_second", "sessions begun of those planned, the worst late second",
                "± " + human_share(second_limit),
                "the generator fell behind and caught up later: more workers, or a lower rate"};
  if (!facts.arrivals_planned) return rows.not_applicable(row, "a closed load has no rate");
  if (facts.self == nullptr || facts.self->arrival_seconds.empty()) {
    return rows.not_run(row, "the arrivals were not counted by second");
  }
  const Nanos high =
      std::max(lateness_high, from_seconds(slo_share_high * to_seconds(slo_of(facts, limits))));
  double worst = 0;
  for (const ArrivalSecond& second : facts.self->arrival_seconds) {
    const double off = std::abs(static_cast<double>(second.begun) - second.planned);
    if (second.planned == 0 || second.late_max <= high || off < second_arrivals_min) continue;
    worst = std::max(worst, off / second.planned);
  }
  row.figure = worst;
  row.measured = human_share(worst);
  rows.add(row, Rows::grade(worst, second_limit, second_limit));
}

// Also what stands there when no scenario has such arrivals.
Rows::Row poisson_row() {
  return {"L4", "arrivals_ad", "gaps between arrivals against the exponential distribution",
          "A²* ≤ 3.914", not_as_planned};
}
Rows::Row regular_row() {
  return {"L5", "arrivals_regular", "deviation of the gaps between sessions, in periods",
          "≤ 0.05 (warns)", "sessions began unevenly: the period is near what timers can keep"};
}

void add_anderson_darling(const ArrivalShape& shape, Rows& rows) {
  Rows::Row row = poisson_row();
  const auto test = anderson_darling_exponential(shape.gaps);
  if (!test || test->n < gaps_min) {
    return rows.not_applicable(
        row, fmt::format("{}: {} gaps are too few to say", shape.scenario, shape.gaps.size()));
  }
  const double critical = anderson_darling_critical.back();
  row.figure = test->a2_star;
  row.measured =
      fmt::format("A²* {:.2f}, n = {} ({})", test->a2_star, human_count(test->n), shape.scenario);
  rows.add(row, Rows::grade(test->a2_star, critical, 2 * critical));
}

void add_distance(const ArrivalShape& shape, Rows& rows) {
  Rows::Row row{"L4b", "arrivals_ks", "largest distance from the planned distribution, all gaps",
                "D ≤ 0.02 beyond chance", not_as_planned};
  const std::uint64_t n = shape.due.count();
  if (n < distance_gaps_min) {
    return rows.not_applicable(row, fmt::format("{}: {} gaps, {} are needed", shape.scenario,
                                                human_count(n), human_count(distance_gaps_min)));
  }
  const double chance = kolmogorov_one_percent / std::sqrt(static_cast<double>(n));
  const double due = std::max(0.0, *shape.due.distance() - chance);
  const double sent = std::max(0.0, shape.dispatched.distance().value_or(0) - chance);
  row.figure = due;
  row.measured = fmt::format("D {:.4f}, as begun {:.4f} ({})", due, sent, shape.scenario);
  auto grade = Rows::grade(due, distance_warned, distance_invalid);
  if (grade == Rows::Grade::fine && sent > distance_invalid) {
    // How late each was is charged to its response time and judged by L1.
    grade = Rows::Grade::warned;
    row.remedy =
        "sessions began less evenly than they were due: gaps are near what timers can keep";
  }
  rows.add(row, grade);
}

void add_regular(const ArrivalShape& shape, Rows& rows) {
  Rows::Row row = regular_row();
  row.with(shape.gap_deviation, fmt::format("σ {:.3f}, latest {:.2f} ({})", shape.gap_deviation,
                                            shape.late_max, shape.scenario));
  rows.add(row, shape.gap_deviation > deviation_warned ? Rows::Grade::warned : Rows::Grade::fine);
  Rows::Row drift{"L5", "arrivals_drift",
                  "lateness that did not go away within a second, in periods", "≤ 1 period",
                  "the generator fell behind the plan: more workers, or a lower rate"};
  drift.with(shape.drift_max, fmt::format("{:.2f} ({})", shape.drift_max, shape.scenario));
  rows.add(drift, Rows::grade(shape.drift_max, drift_invalid, drift_invalid));
}

void add_shapes(const ValidityFacts& facts, Rows& rows) {
  if (facts.self == nullptr) {
    rows.not_run(poisson_row(), "the arrivals were not looked at");
    rows.not_run(regular_row(), "the arrivals were not looked at");
    return;
  }
  bool any_poisson = false, any_regular = false;
  for (const ArrivalShape& shape : facts.self->arrivals) {
    (shape.regular ? any_regular : any_poisson) = true;
    if (shape.regular) {
      add_regular(shape, rows);
    } else {
      add_anderson_darling(shape, rows);
      add_distance(shape, rows);
    }
  }
  if (!any_poisson) rows.not_applicable(poisson_row(), "no scenario has Poisson arrivals");
  if (!any_regular) rows.not_applicable(regular_row(), "no scenario has regular arrivals");
}

}  // namespace

void add_arrivals(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  add_seconds(facts, limits, rows);
  add_shapes(facts, rows);
}

void add_fidelity(const ValidityFacts& facts, const ValiditySpec&, Rows& rows) {
  Rows::Row row{"L18", "fidelity", "branches, think times and rows drawn, against the plan (χ²)",
                "p ≥ 1e-6 or effect ≤ 1 %",
                "the users did something else than the profile says: a bug of stampede, please "
                "report it with the seed"};
  if (facts.self == nullptr || !facts.self->draws)
    return rows.not_run(row, "draws were not counted");
  std::size_t judged = 0;
  const Draws* worst = nullptr;
  ChiSquared worst_test;
  for (const Draws& draws : *facts.self->draws) {
    const auto test = chi_squared(draws.drawn, draws.planned);
    if (!test) continue;
    ++judged;
    if (worst != nullptr && test->p >= worst_test.p) continue;
    worst = &draws;
    worst_test = *test;
  }
  if (worst == nullptr) {
    return rows.not_applicable(row, facts.self->draws->empty()
                                        ? "nothing is drawn: no choose, think time or feeder"
                                        : "too few draws to say");
  }
  const bool off = worst_test.p < fidelity_p && worst_test.effect > fidelity_effect;
  row.figure = worst_test.p;
  row.measured =
      fmt::format("p {:.2g}, {} ({} judged)", worst_test.p, human_share(worst_test.effect), judged);
  if (off) row.remedy = worst->what + ": " + row.remedy;
  rows.add(row, off ? Rows::Grade::invalid : Rows::Grade::fine);
}

}  // namespace stampede
