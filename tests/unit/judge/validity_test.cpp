#include "harness/judge/validity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace stampede {
namespace {

using std::chrono::milliseconds;

// A run in which everything is as it should be; each test damages one thing.
struct Books {
  Snapshot warm_up, measured;
  ValidityFacts facts;
  Books() {
    measured.series.resize(2);
    measured.series[0].outcomes[0] = 9990;
    measured.series[0].response[0].record(milliseconds{20}, 9990);
    measured.series[0].lag.record(milliseconds{1}, 9990);
    measured.series[1].outcomes[static_cast<std::size_t>(Outcome::timed_out)] = 10;
    measured.requests_begun = 10'000;
    measured.loop_lag.record(milliseconds{1}, 1000);
    measured.sessions = {1000, 980, 5, 15, 0};
    warm_up.sessions = {100, 100, 0, 0, 0};
    facts.arrivals_planned = 1000;
    facts.worker_cpu_max = 0.5;
  }
  [[nodiscard]] std::vector<Finding> judged(const ValiditySpec& limits = {}) {
    facts.warm_up = &warm_up;
    facts.measured = &measured;
    return judge_validity(facts, limits);
  }
};

std::vector<std::string> tripped(const std::vector<Finding>& findings) {
  std::vector<std::string> rules;
  for (const Finding& finding : findings) {
    if (finding.verdict != Verdict::pass) rules.push_back(finding.rule);
  }
  return rules;
}

TEST(Validity, AGoodRunIsValid) {
  Books books;
  const auto findings = books.judged();
  EXPECT_EQ(tripped(findings), std::vector<std::string>{});
  EXPECT_EQ(worst(findings), Verdict::pass);
  for (const Finding& finding : findings) {
    EXPECT_EQ(finding.kind, Finding::Kind::validity);
    EXPECT_FALSE(finding.measured.empty()) << finding.rule;
    EXPECT_FALSE(finding.limit.empty()) << finding.rule;
  }
}

struct Damage {
  std::string rule;
  std::function<void(Books&)> apply;
  std::vector<std::string> also;  // rows that cannot but trip with it
};

// What a list of tests shows of it.
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.rule; }

class ValidityRow : public testing::TestWithParam<Damage> {};

TEST_P(ValidityRow, TripsAndNamesARemedy) {
  Books books;
  GetParam().apply(books);
  const auto findings = books.judged();
  std::vector<std::string> expected = GetParam().also;
  expected.push_back(GetParam().rule);
  auto found = tripped(findings);
  std::ranges::sort(expected);
  std::ranges::sort(found);
  EXPECT_EQ(found, expected);
  EXPECT_EQ(worst(findings), Verdict::invalid);
  for (const Finding& finding : findings) {
    if (finding.verdict != Verdict::pass) {
      EXPECT_FALSE(finding.samples.empty()) << finding.rule;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, ValidityRow,
    testing::Values(
        Damage{"rate_achieved", [](Books& b) { b.facts.arrivals_planned = 1020; }, {}},
        Damage{"rate_achieved", [](Books& b) { b.facts.arrivals_planned = 980; }, {}},
        Damage{"rate_achieved", [](Books& b) { b.facts.arrivals_planned = 0; }, {}},
        Damage{"rate_achieved_overall",
               [](Books& b) {
                 b.warm_up.sessions = {1000, 900, 0, 0, 100};
               },
               {}},
        Damage{"not_sent",
               [](Books& b) {
                 b.measured.sessions = {1000, 978, 5, 15, 2};
               },
               {}},
        Damage{
            "loop_lag_p99", [](Books& b) { b.measured.loop_lag.record(milliseconds{6}, 20); }, {}},
        Damage{"loop_lag_p99", [](Books& b) { b.measured.loop_lag.clear(); }, {}},
        Damage{"start_lag_p99",
               [](Books& b) { b.measured.series[0].lag.record(milliseconds{3}, 200); },
               {}},
        Damage{"cpu", [](Books& b) { b.facts.worker_cpu_max = 0.91; }, {}},
        Damage{"session_balance", [](Books& b) { ++b.measured.sessions.completed; }, {}},
        Damage{"session_balance", [](Books& b) { --b.warm_up.sessions.completed; }, {}},
        Damage{"request_balance", [](Books& b) { ++b.measured.requests_begun; }, {}},
        Damage{"request_balance", [](Books& b) { ++b.measured.series[1].outcomes[2]; }, {}},
        Damage{"identity", [](Books& b) { b.warm_up.identity_broken = 1; }, {}},
        Damage{"out_of_range",
               [](Books& b) { b.measured.series[0].service.record(std::chrono::hours{2}); },
               {}},
        Damage{"ledger_overflow", [](Books& b) { b.facts.ledger_overflow = 1; }, {}},
        Damage{"untainted", [](Books& b) { b.facts.tainted = true; }, {}},
        Damage{"complete", [](Books& b) { b.facts.interrupted = true; }, {}}));

TEST(Validity, NothingMeasuredIsNotAFaultOfTheGenerator) {
  Books books;
  books.measured.series.clear();
  books.measured.requests_begun = 0;
  const auto findings = books.judged();
  const auto samples = std::ranges::find(findings, "samples", &Finding::rule);
  ASSERT_NE(samples, findings.end());
  EXPECT_EQ(samples->verdict, Verdict::inconclusive);
}

TEST(Validity, ClosedLoadHasNoRateToKeep) {
  Books books;
  books.facts.arrivals_planned.reset();
  const auto findings = books.judged();
  const auto rate = std::ranges::find(findings, "rate_achieved", &Finding::rule);
  ASSERT_NE(rate, findings.end());
  EXPECT_EQ(rate->standing, Finding::Standing::not_applicable);
}

TEST(Validity, ClosedSessionsDoNotMakeUpForMissingArrivals) {
  Books books;
  books.facts.arrivals_planned = 500;
  books.measured.sessions.closed_loop = 550;  // of 1000: no more than 450 were arrivals
  EXPECT_EQ(tripped(books.judged()), std::vector<std::string>{"rate_achieved"});
}

TEST(Validity, TheProfileSetsTheLimits) {
  Books books;
  books.facts.worker_cpu_max = 0.95;
  ValiditySpec loose;
  loose.cpu_max = 1;
  EXPECT_EQ(tripped(books.judged(loose)), std::vector<std::string>{});
}

TEST(Validity, ABrokenBalanceIsNotWrittenAsAnEquation) {
  Books books;
  ++books.measured.requests_begun;
  const auto findings = books.judged();
  const auto balance = std::ranges::find(findings, "request_balance", &Finding::rule);
  ASSERT_NE(balance, findings.end());
  EXPECT_EQ(balance->measured, "10,001 ≠ 10,000");
}

Finding row_of(Books& books, const std::string& rule) {
  for (const Finding& finding : books.judged()) {
    if (finding.rule == rule) return finding;
  }
  return {};
}

TEST(Validity, ATargetThatNobodyCouldAskIsNotCalledClean) {
  Books books;
  EXPECT_EQ(row_of(books, "untainted").measured, "clean");
  books.facts.taint_unknown = "no admin port";
  const Finding row = row_of(books, "untainted");
  EXPECT_EQ(row.standing, Finding::Standing::not_run);
  EXPECT_EQ(row.measured, "not run");
  EXPECT_EQ(row.samples, std::vector<std::string>{"no admin port"});
  books.facts.tainted = true;  // what was seen before it could not be asked any more
  EXPECT_EQ(row_of(books, "untainted").verdict, Verdict::invalid);
}

TEST(Validity, AValueThatNoBucketHoldsIsToldWithItsStep) {
  Books books;
  MeasuredRun run;
  run.series = {{"buyers", "look"}, {"buyers", "pay"}};
  books.facts.run = &run;
  books.measured.series[1].service.record(std::chrono::seconds{4000});
  const Finding row = row_of(books, "out_of_range");
  EXPECT_EQ(row.verdict, Verdict::invalid);
  ASSERT_EQ(row.samples.size(), 2U);
  EXPECT_EQ(row.samples[0], "for example buyers.pay, service: 4000 s");
  books.measured.loop_lag.record(Nanos{-5});
  books.measured.series[1].service.clear();
  EXPECT_EQ(row_of(books, "out_of_range").samples.at(0),
            "for example the generator's own timers, lateness: -5 ns");
}

TEST(Validity, FaultsOfTheProfileAreToldWithAnExampleAndAreInvalidInNumbers) {
  Books books;
  auto& fault = books.measured.faults[static_cast<std::size_t>(SessionFault::script_error)];
  fault = {1, "line 8: `f(x)`: attempt to index a nil value (user 7312)"};
  const auto row_of = [&books] {
    for (const Finding& finding : books.judged()) {
      if (finding.rule == "script_errors") return finding;
    }
    return Finding{};
  };
  EXPECT_EQ(row_of().verdict, Verdict::pass);  // 1 of 1,100 is below 1 in 1,000
  ASSERT_EQ(row_of().samples.size(), 1U);
  EXPECT_NE(row_of().samples.front().find("user 7312"), std::string::npos);
  fault.sessions = 2;
  EXPECT_EQ(row_of().verdict, Verdict::invalid);
  EXPECT_EQ(row_of().samples.size(), 2U) << "what to do";
}

}  // namespace
}  // namespace stampede
