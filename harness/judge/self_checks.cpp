// How a row is graded, and the rows about lateness: L1, L2 and L6.
#include "harness/judge/self_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/measure/units.hpp"

namespace stampede {

namespace {

// Below this the lag is what timers and wake-ups of an ordinary machine give.
constexpr Nanos lag_floor{std::chrono::milliseconds{2}};
constexpr Nanos lag_warning_floor{std::chrono::microseconds{100}};
constexpr double slo_share_warned = 0.01;
constexpr double slo_share_invalid = 0.05;
constexpr double answer_share_invalid = 0.05;
constexpr Nanos loop_lag_limit{std::chrono::milliseconds{5}};
constexpr Nanos loop_lag_p999_warned{std::chrono::milliseconds{1}};
constexpr double tainted_limit = 0.01;
constexpr double not_sent_limit = 0.001;
constexpr double budget_share = 0.1;

std::optional<double> in_seconds(std::optional<Nanos> time) {
  return time ? std::optional(to_seconds(*time)) : std::nullopt;
}

std::string at_most(double seconds) { return "≤ " + human_duration(from_seconds(seconds)); }

// A row whose figure is a time.
Rows::Row with_time(Rows::Row row, std::optional<Nanos> time) {
  return row.with(time ? to_seconds(*time) : 0, time ? human_duration(*time) : "not measured");
}

}  // namespace

std::optional<Nanos> tightest_latency(const std::vector<Gate>& gates) {
  std::optional<double> tightest;
  for (const Gate& gate : gates) {
    const Threshold& t = gate.threshold;
    const bool latency = t.measure == Threshold::Measure::latency_quantile ||
                         t.measure == Threshold::Measure::latency_mean ||
                         t.measure == Threshold::Measure::latency_max;
    const bool upper = t.comparison == Threshold::Comparison::less ||
                       t.comparison == Threshold::Comparison::less_equal;
    if (!latency || !upper || t.reference || t.clock != Threshold::LatencyClock::response) continue;
    tightest = std::min(tightest.value_or(t.quantity), t.quantity);
  }
  if (!tightest || *tightest <= 0) return std::nullopt;
  return from_seconds(*tightest);
}

std::optional<double> error_budget(const std::vector<Gate>& gates) {
  std::optional<double> budget;
  for (const Gate& gate : gates) {
    if (gate.threshold.measure != Threshold::Measure::errors || gate.threshold.reference) continue;
    budget = std::min(budget.value_or(1), gate.threshold.quantity);
  }
  return budget;
}

Nanos slo_of(const std::vector<Gate>& gates, const ValiditySpec& limits) {
  if (limits.slo) return *limits.slo;
  return tightest_latency(gates).value_or(default_slo);
}

Nanos slo_of(const ValidityFacts& facts, const ValiditySpec& limits) {
  return slo_of(facts.gates != nullptr ? *facts.gates : std::vector<Gate>{}, limits);
}

Rows::Grade Rows::grade(double figure, double warn_above, double invalid_above,
                        std::optional<double> own) {
  if (figure > own.value_or(invalid_above)) return Grade::invalid;
  if (figure > invalid_above) return Grade::allowed;
  return figure > warn_above ? Grade::warned : Grade::fine;
}

void Rows::push(Row row, Verdict verdict, Finding::Standing standing,
                std::optional<std::string> sample) {
  Finding finding;
  finding.kind = Finding::Kind::validity;
  finding.check = std::move(row.check);
  finding.rule = std::move(row.rule);
  finding.title = std::move(row.title);
  finding.verdict = verdict;
  finding.standing = standing;
  finding.measured = std::move(row.measured);
  finding.figure = row.figure;
  finding.limit = std::move(row.limit);
  if (sample && !sample->empty()) finding.samples.push_back(std::move(*sample));
  out_.push_back(std::move(finding));
}

void Rows::add(Row row, Grade grade) {
  using Standing = Finding::Standing;
  std::string remedy = std::move(row.remedy);
  switch (grade) {
    case Grade::fine:
      return push(std::move(row), Verdict::pass, Standing::judged, std::nullopt);
    case Grade::warned:
      return push(std::move(row), Verdict::pass, Standing::warned, std::move(remedy));
    case Grade::allowed:
      return push(std::move(row), Verdict::pass, Standing::lifted,
                  "lifted by the profile: it allows more than the table; " + remedy);
    case Grade::invalid:
      break;
  }
  if (std::ranges::find(limits_.lift, row.check) != limits_.lift.end()) {
    return push(std::move(row), Verdict::pass, Standing::lifted,
                "lifted by the profile (validity: lift); " + remedy);
  }
  push(std::move(row), Verdict::invalid, Standing::judged, std::move(remedy));
}

void Rows::not_run(Row row, std::string why) {
  row.measured = "not run";
  row.figure = 0;
  push(std::move(row), Verdict::pass, Finding::Standing::not_run, std::move(why));
}

void Rows::not_applicable(Row row, std::string why) {
  row.measured = "not applicable";
  row.figure = 0;
  push(std::move(row), Verdict::pass, Finding::Standing::not_applicable, std::move(why));
}

namespace {

// The longest lateness may not reach the SLO. `own`: what the profile allows of the p99, which is
// then allowed here too.
void add_worst(Rows::Row row, std::optional<Nanos> most, double slo, std::optional<double> own,
               const char* absent, Rows& rows) {
  if (own) own = std::max(*own, slo);
  row.limit = at_most(own.value_or(slo));
  row = with_time(std::move(row), most);
  if (!most) return rows.not_run(row, absent);
  rows.add(row, Rows::grade(row.figure, slo, slo, own));
}

// L1. Lateness is charged to the response time, so it can only make a target look worse; but where
// it is a part of what was measured that matters, the figure is the generator's.
void add_start_lag(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  Histogram lag;
  for (const SeriesSnapshot& series : facts.measured->series) lag += series.lag;
  const double slo = to_seconds(slo_of(facts, limits));
  double allowed = facts.run != nullptr ? slo_share_invalid * slo : 0;
  if (facts.run != nullptr) {
    const Latencies answers = latencies(*facts.measured, select_series(facts.run->series, "", ""),
                                        Threshold::LatencyClock::response);
    const auto p95 = answers.quantile(0.95);
    if (p95) allowed = std::min(allowed, answer_share_invalid * to_seconds(p95->low));
  }
  allowed = std::max(allowed, to_seconds(lag_floor));
  const auto own = in_seconds(limits.start_lag_p99_max);
  const double warned =
      std::min(allowed, std::max(to_seconds(lag_warning_floor), slo_share_warned * slo));
  const auto p99 = lag.quantile(0.99), most = lag.max();
  const std::string remedy =
      "requests left late: more workers, a larger users_max, or connections that open too slowly";
  rows.add(with_time({"L1", "start_lag_p99", "send-time error (sent − due), p99",
                      at_most(own.value_or(allowed)), remedy},
                     p99),
           p99 ? Rows::grade(to_seconds(*p99), warned, allowed, own) : Rows::Grade::invalid);
  add_worst(
      {"L1", "start_lag_max", "send-time error, the worst of all: not above the SLO", "", remedy},
      most, slo, own, "nothing was sent", rows);
}

// L2
void add_not_sent(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  const SessionCounts& sessions = facts.measured->sessions;
  const double share = sessions.scheduled == 0 ? 0
                                               : static_cast<double>(sessions.not_sent) /
                                                     static_cast<double>(sessions.scheduled);
  double allowed = not_sent_limit;
  if (facts.gates != nullptr) {
    const auto budget = error_budget(*facts.gates);
    if (budget) allowed = std::min(allowed, budget_share * *budget);
  }
  const double limit = limits.not_sent_max.value_or(allowed);
  Rows::Row row{"L2", "not_sent", "arrivals that never began", "≤ " + human_share(limit),
                "what was never asked was never measured: raise users_max or lower the rate"};
  row.with(share, fmt::format("{} ({} of {})", human_share(share), human_count(sessions.not_sent),
                              human_count(sessions.scheduled)));
  rows.add(std::move(row), Rows::grade(share, 0, allowed, limits.not_sent_max));
}

// L6: the loop's own timers.
void add_loop_lag(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  const Histogram& lag = facts.measured->loop_lag;
  const auto p99 = lag.quantile(0.99), p999 = lag.quantile(0.999), most = lag.max();
  const auto own = in_seconds(limits.loop_lag_p99_max);
  const std::string remedy =
      "the generator's event loop stalled: more workers, or fewer other programs on the machine";
  Rows::Row row = with_time({"L6", "loop_lag_p99", "lateness of the generator's own timers, p99",
                             at_most(own.value_or(to_seconds(loop_lag_limit))), remedy},
                            p99);
  Rows::Grade grade =
      p99 ? Rows::grade(row.figure, to_seconds(loop_lag_limit), to_seconds(loop_lag_limit), own)
          : Rows::Grade::invalid;
  if (grade == Rows::Grade::fine && p999 > loop_lag_p999_warned) {
    grade = Rows::Grade::warned;
    row.remedy = fmt::format("p99.9 is {}, above 1 ms: {}", human_duration(*p999), remedy);
  }
  rows.add(std::move(row), grade);
  add_worst({"L6", "loop_lag_max",
             "lateness of the generator's own timers, the worst: not above the SLO", "", remedy},
            most, to_seconds(slo_of(facts, limits)), own, "the loop took no look at its timers",
            rows);
}

// L6: answers that the machine's own stalls may have made late.
void add_hiccups(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  Rows::Row row{"L6", "tainted_answers",
                "answers that overlap a stall of the machine above 10 % of the SLO",
                "≤ " + human_share(limits.tainted_max.value_or(tainted_limit)),
                "the machine stood still while answers were awaited: fewer other programs, pinned "
                "cores, or a machine of its own"};
  if (facts.self == nullptr || !facts.self->hiccups) {
    return rows.not_run(row, "the sleeping thread did not run");
  }
  const Hiccups& seen = *facts.self->hiccups;
  if (seen.samples == 0) return rows.not_applicable(row, "no answer was looked at");
  const auto worst = seen.excess.max();
  row.figure = static_cast<double>(seen.tainted) / static_cast<double>(seen.samples);
  row.measured = fmt::format("{}; {} stalls, worst {}", human_share(row.figure),
                             human_count(seen.long_ones), human_duration(worst.value_or(Nanos{0})));
  const double warned = 0;
  rows.add(row, Rows::grade(row.figure, warned, tainted_limit, limits.tainted_max));
}

}  // namespace

void add_lateness(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  add_start_lag(facts, limits, rows);
  add_not_sent(facts, limits, rows);
  add_loop_lag(facts, limits, rows);
  add_hiccups(facts, limits, rows);
}

}  // namespace stampede
