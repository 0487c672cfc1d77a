// Rows about the figures themselves: L12 to L16.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/judge/self_checks.hpp"
#include "harness/measure/stationarity.hpp"
#include "harness/measure/units.hpp"

namespace stampede {

namespace {

constexpr double little_warned = 0.02, little_invalid = 0.05;
constexpr std::uint64_t looks_min = 1000;
constexpr double standard_errors = 4;
constexpr std::size_t steady_seconds_min = 40;
constexpr double trend_p = 0.01;
constexpr double rise_warned = 0.05, rise_invalid = 0.25;
constexpr double drift_ppm_warned = 10;
// Beyond what time synchronisation may steer (500 ppm), and the precision of the histogram (0.1 %).
constexpr double drift_ppm_invalid = 1000;
// What people do not notice, and what the tests of holds and of openings allow.
constexpr Nanos target_clock_limit{std::chrono::milliseconds{50}};
constexpr double worker_warned = 0.10, worker_invalid = 0.25;
constexpr double worker_p = 0.01;
constexpr std::uint64_t worker_samples_min = 1000;

void add_identity(const ValidityFacts& facts, Rows& rows) {
  Rows::Row row{"L12", "little_identity",
                "∫ requests in the system dt = Σ of their times in it (Little, exact)", "equal",
                "requests entered or left twice or never: a bug of stampede, please report "
                "it"};
  if (facts.self == nullptr || !facts.self->identity) {
    return rows.not_run(row, "the books of entries were not kept");
  }
  const LittleIdentity& books = *facts.self->identity;
  const bool equal = books.integral == books.residence && books.left_over == 0;
  const auto off = static_cast<std::int64_t>(books.integral - books.residence);
  row.figure = static_cast<double>(off) / 1e9;
  row.measured =
      equal ? fmt::format("equal: {:.3f} s", static_cast<double>(books.residence) / 1e9)
            : fmt::format("differs by {:.3g} s, {} left over", row.figure, books.left_over);
  rows.add(row, equal ? Rows::Grade::fine : Rows::Grade::invalid);
}

// What the two sides may differ by although both are right, relative. A look that came late says
// nothing of the time by which it was late. And a request is in flight from before its clock begins
// until after that has stopped: a moment that is long beside a very short answer, and longer where
// the load thread waits for a core in it.
double explained_by_waiting(const LittleSample& sample, bool more_seen) {
  const double unclocked = more_seen ? sample.unclocked_max / sample.computed_mean : 0;
  return sample.late_share + unclocked;
}

void add_sampled(const ValidityFacts& facts, Rows& rows) {
  Rows::Row row{"L13", "little_sampled",
                "requests in flight as a second thread saw them, against rate × mean service",
                "± " + human_share(little_invalid),
                "the counts of requests in flight and their times disagree: a stalled sampler, or "
                "times that are not those of the requests"};
  if (facts.self == nullptr || !facts.self->in_flight) {
    return rows.not_run(row, "the sampler did not run");
  }
  const LittleSample& sample = *facts.self->in_flight;
  if (sample.looks < looks_min || sample.computed_mean <= 0) {
    return rows.not_applicable(row, "too few looks to say");
  }
  row.figure = sample.sampled_mean / sample.computed_mean - 1;
  const double explained = explained_by_waiting(sample, row.figure > 0);
  row.measured = fmt::format("{} ({:.3g} against {:.3g}; {} may be this machine's own waiting)",
                             human_share(row.figure), sample.sampled_mean, sample.computed_mean,
                             human_share(explained));
  const double beyond = std::abs(row.figure) - explained - standard_errors * sample.standard_error;
  rows.add(row, Rows::grade(beyond, little_warned, little_invalid));
}

// What the tests say of the seconds that MSER-5 keeps.
struct Kept {
  std::optional<DickeyFuller> wanders;
  std::optional<Kpss> off_level;
  std::optional<ChangePoint> change;
  double spread = 0;

  explicit Kept(std::span<const double> p95)
      : wanders(augmented_dickey_fuller(p95)),
        off_level(kpss(p95)),
        change(change_point(p95)),
        spread(relative_spread(p95)) {}

  // A level that differs by less than this from second to second is one, whatever the tests make of
  // the little that there is.
  [[nodiscard]] bool one_of_them_objects() const {
    if (spread <= rise_warned) return false;
    return (wanders && wanders->t >= wanders->critical) ||
           (off_level && off_level->statistic > kpss_critical) || jumps();
  }
  [[nodiscard]] bool jumps() const {
    return change && change->p < trend_p && std::abs(change->jump) > rise_warned;
  }
  [[nodiscard]] std::string words(std::size_t cut) const {
    std::string text;
    if (wanders) text += fmt::format("; ADF t {:.2f} of {:.2f}", wanders->t, wanders->critical);
    if (off_level) text += fmt::format("; KPSS {:.2f}", off_level->statistic);
    if (change) {
      text += fmt::format("; {} at {} s, p {:.2g}", human_share(change->jump), cut + change->at,
                          change->p);
    }
    return text;
  }
};

// MSER-5 finds where a steady part begins; Mann–Kendall and Theil–Sen whether all of it rises or
// falls; ADF, KPSS and the change point whether the part that is kept is steady. Only where the
// first two say so is the run called unsteady: each alone is a hint. A fall is warned about and no
// more: a target that still settles makes the reported latency too high, so a gate that holds is
// safe; one that grows slower makes it too low.
void add_stationarity(const ValidityFacts& facts, Rows& rows) {
  Rows::Row row{"L14", "stationary",
                "p95 of each second: neither settling, drifting, wandering nor jumping", "no trend",
                "a longer warm_up, or the target has not come to a steady state: its "
                "figures depend on when one looks"};
  if (facts.run == nullptr) return rows.not_run(row, "the seconds were not kept");
  if (!facts.steady_plan) {
    return rows.not_applicable(row, "the plan itself changes within the measured window");
  }
  std::vector<double> p95;
  for (const MeasuredSecond& second : facts.run->seconds) {
    if (second.response_p95) p95.push_back(to_seconds(*second.response_p95));
  }
  if (p95.size() < steady_seconds_min) {
    return rows.not_applicable(
        row, fmt::format("{} seconds with answers, {} are needed", p95.size(), steady_seconds_min));
  }
  const auto settled = mser5(p95);
  const auto slope = trend(p95);
  if (!settled || !slope) return rows.not_applicable(row, "too few seconds");
  const Kept kept{std::span<const double>(p95).subspan(settled->cut)};
  row.figure = slope->rise;
  row.measured =
      fmt::format("{} end to end, p {:.2g}; MSER-5 cuts {} s{}", human_share(slope->rise), slope->p,
                  settled->cut, kept.words(settled->cut));
  const bool drifts = slope->p < trend_p && std::abs(slope->rise) > rise_warned;
  const bool much = drifts && slope->rise > rise_invalid && settled->at_limit;
  const bool hinted = drifts || settled->at_limit || kept.one_of_them_objects();
  rows.add(row, much ? Rows::Grade::invalid : hinted ? Rows::Grade::warned : Rows::Grade::fine);
}

void add_clock(const ValidityFacts& facts, Rows& rows) {
  Rows::Row row{"L15", "clock",
                "steps back of CLOCK_MONOTONIC, and its drift against the raw clock",
                "= 0, ≤ 1,000 ppm",
                "the clock of this machine cannot be trusted: see its time synchronisation"};
  if (facts.self == nullptr || !facts.self->clock) return rows.not_run(row, "not watched");
  const ClockFacts& clock = *facts.self->clock;
  if (!clock.drift_ppm) return rows.not_run(row, "CLOCK_MONOTONIC_RAW could not be read");
  row.figure = *clock.drift_ppm;
  row.measured = fmt::format("{} of {} reads, {:.1f} ppm", human_count(clock.went_back),
                             human_count(clock.reads), std::abs(*clock.drift_ppm));
  auto grade = Rows::grade(std::abs(*clock.drift_ppm), drift_ppm_warned, drift_ppm_invalid);
  if (clock.went_back > 0) grade = Rows::Grade::invalid;
  rows.add(row, grade);
}

// Where the limit lies within the uncertainty it is not proven that the clocks differ by more.
void add_target_clock(const ValidityFacts& facts, Rows& rows) {
  Rows::Row row{"L15", "target_clock",
                "the target's clock against this machine's, before and after the load",
                "≤ " + human_duration(target_clock_limit),
                "openings, expiry and push lag compare times of both machines, and are off by as "
                "much: synchronise their clocks"};
  if (facts.self == nullptr) return;  // the row of this machine's own clock says so
  const TargetClock& clock = facts.self->target_clock;
  if (!clock.applies)
    return rows.not_applicable(row, clock.absent.empty() ? "not asked" : clock.absent);
  std::string text;
  Nanos worst{0}, surely{0}, perhaps{0};
  for (const auto& [name, seen] : {std::pair{"before", clock.before}, {"after", clock.after}}) {
    if (!seen) continue;
    const Nanos size = std::chrono::abs(seen->offset);
    text += fmt::format("{}{} {} ± {}", text.empty() ? "" : ", ", name,
                        human_duration(seen->offset), human_duration(seen->uncertainty));
    worst = std::max(worst, size);
    surely = std::max(surely, size - seen->uncertainty);
    perhaps = std::max(perhaps, size + seen->uncertainty);
  }
  if (text.empty()) return rows.not_run(row, clock.absent);
  row.with(to_seconds(worst), text);
  rows.add(row, surely > target_clock_limit    ? Rows::Grade::invalid
                : perhaps > target_clock_limit ? Rows::Grade::warned
                                               : Rows::Grade::fine);
}

void add_workers(const ValidityFacts& facts, Rows& rows) {
  Rows::Row row{"L16", "workers_alike", "p95 of each worker against their median",
                "± " + human_share(worker_invalid),
                "one worker sees another target than the others: its core, its connections or its "
                "share of the users differ"};
  if (facts.self == nullptr) return rows.not_run(row, "the workers' answers were not kept apart");
  const std::vector<WorkerAnswers>& workers = facts.self->workers;
  if (workers.size() < 2) return rows.not_applicable(row, "there is one worker");
  std::vector<double> p95s;
  std::vector<std::vector<double>> blocks;
  for (const WorkerAnswers& worker : workers) {
    if (worker.response.count() < worker_samples_min) {
      return rows.not_applicable(row, "a worker has under 1,000 answers");
    }
    p95s.push_back(to_seconds(*worker.response.quantile(0.95)));
    blocks.push_back(worker.p95_seconds);
  }
  std::vector<double> sorted = p95s;
  std::ranges::sort(sorted);
  const double median = (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
  double worst = 0;
  for (const double p95 : p95s) worst = std::max(worst, std::abs(p95 / median - 1));
  const auto test = kruskal_wallis(blocks);
  row.figure = worst;
  row.measured =
      fmt::format("{}{}", human_share(worst), test ? fmt::format(", p {:.2g}", test->p) : "");
  auto grade = Rows::grade(worst, worker_warned, worker_invalid);
  // Seconds that scatter as much within a worker as between workers prove no difference.
  if (test && test->p > worker_p && grade == Rows::Grade::invalid) grade = Rows::Grade::warned;
  rows.add(row, grade);
}

}  // namespace

void add_statistics(const ValidityFacts& facts, const ValiditySpec&, Rows& rows) {
  add_identity(facts, rows);
  add_sampled(facts, rows);
  add_stationarity(facts, rows);
  add_clock(facts, rows);
  add_target_clock(facts, rows);
  add_workers(facts, rows);
}

}  // namespace stampede
