#include "harness/judge/validity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "harness/judge/self_checks.hpp"
#include "harness/measure/units.hpp"

namespace stampede {

namespace {

constexpr double rate_warned = 0.99;  // the table's; below it only by the profile's own limit

// "L4b" → 4; the identity, which has no number, comes after them.
int number_of(const Finding& finding) {
  int number = 99;
  if (!finding.check.empty()) {
    std::from_chars(finding.check.data() + 1, finding.check.data() + finding.check.size(), number);
  }
  return number;
}

std::vector<Finding> in_order(std::vector<Finding> findings) {
  std::vector<Finding> out;
  out.reserve(findings.size());
  for (int number = 1; number <= 18; ++number) {
    for (Finding& finding : findings) {
      if (number_of(finding) == number) out.push_back(std::move(finding));
    }
  }
  for (Finding& finding : findings) {
    if (finding.check.empty() && !finding.rule.empty()) out.push_back(std::move(finding));
  }
  return out;
}

Finding row(std::string rule, std::string title, bool fine, std::string measured, double figure,
            std::string limit, std::string remedy) {
  Finding finding;
  finding.kind = Finding::Kind::validity;
  finding.rule = std::move(rule);
  finding.title = std::move(title);
  finding.verdict = fine ? Verdict::pass : Verdict::invalid;
  finding.measured = std::move(measured);
  finding.figure = figure;
  finding.limit = std::move(limit);
  if (!fine && !remedy.empty()) finding.samples.push_back(std::move(remedy));
  return finding;
}

// Rows whose figure must be zero.
Finding zero_row(std::string rule, std::string title, std::uint64_t figure, std::string remedy) {
  return row(std::move(rule), std::move(title), figure == 0, human_count(figure),
             static_cast<double>(figure), "= 0", std::move(remedy));
}

// Everything since the start of the load.
Snapshot whole(const ValidityFacts& facts) {
  Snapshot both = *facts.measured;
  if (facts.warm_up != nullptr) both += *facts.warm_up;
  return both;
}

double ratio(std::uint64_t part, std::uint64_t of) {
  return of == 0 ? 0 : static_cast<double>(part) / static_cast<double>(of);
}

std::uint64_t begun(const SessionCounts& sessions) {
  return sessions.scheduled - std::min(sessions.scheduled, sessions.not_sent);
}

void add_rate(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows) {
  if (!facts.arrivals_planned) {
    return rows.not_applicable(
        {"L3", "rate_achieved", "sessions begun of those planned, measured window", "", ""},
        "a closed load has no rate");
  }
  Rows::Row row{"L3", "rate_achieved", "sessions begun of those planned, measured window",
                "± " + human_share(1 - limits.rate_achieved_min),
                "the generator did not keep the rate: more workers, a lower rate, a larger "
                "users_max, or a longer warm_up"};
  const std::uint64_t planned = *facts.arrivals_planned;
  // Closed users make up for no arrival.
  const SessionCounts& sessions = facts.measured->sessions;
  const std::uint64_t started = begun(sessions) - std::min(begun(sessions), sessions.closed_loop);
  const double share = ratio(started, planned);
  // Too many are another experiment as well.
  const double missing = std::abs(1 - share);
  const bool kept = planned > 0 && missing <= 1 - limits.rate_achieved_min;
  row.with(share, planned == 0 ? "nothing was planned"
                               : fmt::format("{} ({} of {})", human_share(share),
                                             human_count(started), human_count(planned)));
  rows.add(std::move(row), !kept                       ? Rows::Grade::invalid
                           : missing > 1 - rate_warned ? Rows::Grade::allowed
                                                       : Rows::Grade::fine);
}

void add_rate_overall(const Snapshot& all, const ValiditySpec& limits, Rows& rows) {
  const SessionCounts& sessions = all.sessions;
  const double share = ratio(begun(sessions), sessions.scheduled);
  const bool kept = sessions.scheduled > 0 && share >= limits.rate_achieved_min;
  Rows::Row row{"L3", "rate_achieved_overall", "sessions begun of those due, whole load",
                "≥ " + human_share(limits.rate_achieved_min),
                "sessions were held back by users_max: raise it, or the target is too slow for "
                "this rate"};
  row.with(share, sessions.scheduled == 0
                      ? "no session was due"
                      : fmt::format("{} ({} of {})", human_share(share),
                                    human_count(begun(sessions)), human_count(sessions.scheduled)));
  rows.add(std::move(row), !kept                 ? Rows::Grade::invalid
                           : share < rate_warned ? Rows::Grade::allowed
                                                 : Rows::Grade::fine);
}

void add_samples(const ValidityFacts& facts, std::vector<Finding>& out) {
  std::uint64_t count = 0;
  for (const SeriesSnapshot& series : facts.measured->series) count += series.count();
  out.push_back(row("samples", "requests in the measured window", count > 0, human_count(count),
                    static_cast<double>(count), "≥ 1",
                    "nothing was measured: is the warm-up longer than the load?"));
  // No data is not a fault of the generator: too little to say.
  if (count == 0) out.back().verdict = Verdict::inconclusive;
}

void add_balances(const Snapshot& all, std::vector<Finding>& out) {
  const SessionCounts& s = all.sessions;
  const std::uint64_t ended = s.completed + s.failed + s.unfinished + s.not_sent;
  out.push_back(row("session_balance", "scheduled = completed + failed + unfinished + not sent",
                    ended == s.scheduled,
                    fmt::format("{} = {}", human_count(s.scheduled), human_count(ended)),
                    static_cast<double>(ended) - static_cast<double>(s.scheduled), "equal",
                    "sessions were lost or counted twice: a bug of stampede, please report it"));
  std::uint64_t outcomes = 0;
  for (const SeriesSnapshot& series : all.series) outcomes += series.count();
  out.push_back(
      row("request_balance", "requests begun = sum of all outcomes", outcomes == all.requests_begun,
          fmt::format("{} = {}", human_count(all.requests_begun), human_count(outcomes)),
          static_cast<double>(outcomes) - static_cast<double>(all.requests_begun), "equal",
          "requests were lost or counted twice: a bug of stampede, please report it"));
  for (std::size_t i = out.size() - 2; i < out.size(); ++i) {
    if (out[i].verdict == Verdict::pass) continue;
    out[i].measured.replace(out[i].measured.find('='), 1, "≠");
  }
}

std::uint64_t out_of_range(const Snapshot& all) {
  std::uint64_t count = all.loop_lag.out_of_range();
  for (const SeriesSnapshot& series : all.series) {
    for (const Histogram& response : series.response) count += response.out_of_range();
    count += series.service.out_of_range() + series.service_censored.out_of_range() +
             series.lag.out_of_range() + series.first_byte.out_of_range();
  }
  return count;
}

// "buyers.pay, response: 4,000 s": one of them; "": there is none.
std::string outlier_example(const ValidityFacts& facts, const Snapshot& all) {
  const auto told = [](const std::string& where, const char* clock, const Histogram& histogram) {
    const auto value = histogram.outlier();
    return value ? fmt::format("{}, {}: {}", where, clock, human_duration(*value)) : std::string();
  };
  for (std::size_t id = 0; id < all.series.size(); ++id) {
    const SeriesSnapshot& series = all.series[id];
    const bool named = facts.run != nullptr && id < facts.run->series.size();
    const std::string where =
        named ? facts.run->series[id].scenario + "." + facts.run->series[id].step
              : fmt::format("series {}", id);
    std::vector<std::pair<const char*, const Histogram*>> kinds;
    for (const Histogram& response : series.response) kinds.emplace_back("response", &response);
    kinds.insert(kinds.end(), {{"service", &series.service},
                               {"service", &series.service_censored},
                               {"start lag", &series.lag},
                               {"first byte", &series.first_byte}});
    for (const auto& [clock, histogram] : kinds) {
      if (std::string text = told(where, clock, *histogram); !text.empty()) return text;
    }
  }
  return told("the generator's own timers", "lateness", all.loop_lag);
}

void add_books(const ValidityFacts& facts, const Snapshot& all, std::vector<Finding>& out) {
  out.push_back(
      zero_row("identity", "samples whose response ≠ lag + service", all.identity_broken,
               "the clock or the recording is wrong: a bug of stampede, please report it"));
  out.push_back(zero_row("out_of_range", "values that no bucket holds (below 0 or above 1 h)",
                         out_of_range(all),
                         "figures above 1 h were cut: shorten the timeouts, or see to "
                         "what push_lag reads"));
  if (std::string example = outlier_example(facts, all); !example.empty()) {
    out.back().samples.insert(out.back().samples.begin(), "for example " + example);
  }
  out.push_back(zero_row("ledger_overflow", "client records that did not fit",
                         facts.ledger_overflow,
                         "the invariants saw a part only: a shorter run or a lower rate"));
  out.push_back(zero_row("log_lost", "parts of the histograms' log that could not be written",
                         facts.log_lost ? 1 : 0, facts.log_ended));
  if (!facts.log_lost && !facts.log_ended.empty()) {
    out.back().standing = Finding::Standing::warned;
    out.back().samples.push_back(facts.log_ended);
  }
  for (std::size_t i = out.size() - 3; i < out.size(); ++i) out[i].check = "L17";
}

// Of the sessions begun; as many as may be missing altogether.
constexpr double fault_share_max = 0.001;

// Sessions that ended for a fault of the profile did not do what it says. Told only when there were
// any.
void add_faults(const Snapshot& all, const ValiditySpec& limits, std::vector<Finding>& out) {
  struct Words {
    const char *rule, *title, *remedy;
  };
  constexpr std::array<Words, session_fault_count> words{
      {{"script_errors", "sessions that an error in Lua ended",
        "mend the expression or function; `stampede validate` finds what can be known before"},
       {"data_exhausted", "sessions for which a feeder had no row left",
        "more rows in its file, `mode: circular`, or fewer sessions"}}};
  for (std::size_t i = 0; i < session_fault_count; ++i) {
    const FaultTally& tally = all.faults[i];
    if (tally.sessions == 0) continue;
    const double share = ratio(tally.sessions, begun(all.sessions));
    const double limit = limits.not_sent_max.value_or(fault_share_max);
    const bool fine = share <= limit;
    out.push_back(row(words[i].rule, words[i].title, fine,
                      fmt::format("{} ({} of {})", human_share(share), human_count(tally.sessions),
                                  human_count(begun(all.sessions))),
                      share, "≤ " + human_share(limit), ""));
    out.back().samples.push_back(tally.example);
    if (!fine) out.back().samples.emplace_back(words[i].remedy);
  }
}

void add_taint(const ValidityFacts& facts, Rows& rows, std::vector<Finding>& out) {
  if (!facts.tainted && !facts.taint_unknown.empty()) {
    return rows.not_run({"", "untainted", "the target ran without planted defects", "clean", ""},
                        facts.taint_unknown);
  }
  std::string taints;
  for (const std::string& taint : facts.taints) taints += (taints.empty() ? "" : ", ") + taint;
  out.push_back(row("untainted", "the target ran without planted defects", !facts.tainted,
                    facts.tainted ? (taints.empty() ? "tainted" : taints) : "clean",
                    facts.tainted ? 1 : 0, "clean",
                    "a target with defects or protections off proves nothing about the real one"));
}

void add_state(const ValidityFacts& facts, Rows& rows, std::vector<Finding>& out) {
  add_taint(facts, rows, out);
  out.push_back(row("complete", "the load ran to its end", !facts.interrupted,
                    facts.interrupted
                        ? (facts.stopped_because.empty() ? "interrupted" : facts.stopped_because)
                        : "complete",
                    facts.interrupted ? 1 : 0, "complete", "let the run end by itself"));
}

}  // namespace

std::vector<Finding> judge_validity(const ValidityFacts& facts, const ValiditySpec& limits) {
  std::vector<Finding> out;
  Rows rows(limits, out);
  const Snapshot all = whole(facts);
  add_lateness(facts, limits, rows);
  add_rate(facts, limits, rows);
  add_rate_overall(all, limits, rows);
  add_arrivals(facts, limits, rows);
  add_machine(facts, limits, rows);
  add_calibration(facts, limits, rows);
  add_statistics(facts, limits, rows);
  add_fidelity(facts, limits, rows);
  add_books(facts, all, out);
  out = in_order(std::move(out));
  add_samples(facts, out);
  add_balances(all, out);
  add_faults(all, limits, out);
  add_state(facts, rows, out);
  return out;
}

}  // namespace stampede
