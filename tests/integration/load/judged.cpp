#include "tests/integration/load/judged.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace stampede::test {

std::vector<Finding> judged(const Driven& driven, const JudgedWith& with) {
  MeasuredRun run;
  run.measured = driven.outcome.measured;
  for (const SeriesInfo& info : driven.run.series) {
    run.series.push_back({info.scenario, info.step, info.transaction, info.waits});
  }
  const Selection all = select_series(run.series, "", "");
  for (const LoadSecond& second : driven.seconds) {
    if (second.warm_up || second.drain) continue;
    MeasuredSecond row;
    row.requests = tally(second.delta, run.series, all).requests;
    const auto p95 = latencies(second.delta, all, Threshold::LatencyClock::response).quantile(0.95);
    if (p95) row.response_p95 = p95->low;
    run.seconds.push_back(row);
  }
  SelfMeasure self = driven.outcome.self;
  self.null_target = with.null_target;
  ValidityFacts facts;
  facts.warm_up = &driven.outcome.warm_up;
  facts.measured = &driven.outcome.measured;
  facts.arrivals_planned = driven.outcome.scheduled_measured;
  facts.worker_cpu_max = driven.outcome.worker_cpu_max;
  facts.ledger_overflow = driven.outcome.ledger.overflow();
  facts.run = &run;
  facts.self = &self;
  facts.steady_plan = with.steady_plan;
  return judge_validity(facts, with.limits);
}

Finding row_of(const std::vector<Finding>& findings, const std::string& rule) {
  const auto found = std::ranges::find(findings, rule, &Finding::rule);
  if (found == findings.end()) throw std::runtime_error("no row " + rule);
  return *found;
}

void expect_held(const std::vector<Finding>& findings, const std::vector<std::string>& rules) {
  for (const std::string& rule : rules) {
    const Finding row = row_of(findings, rule);
    EXPECT_EQ(row.verdict, Verdict::pass) << rule << ": " << row.measured;
    EXPECT_EQ(row.standing, Finding::Standing::judged) << rule << ": " << row.measured;
  }
}

void expect_invalid(const std::vector<Finding>& findings, const std::string& rule) {
  const Finding row = row_of(findings, rule);
  EXPECT_EQ(row.verdict, Verdict::invalid)
      << rule << ": " << row.measured << (row.samples.empty() ? "" : ", " + row.samples.front());
}

void expect_not_invalid(const std::vector<Finding>& findings, const std::string& rule) {
  const Finding row = row_of(findings, rule);
  EXPECT_EQ(row.verdict, Verdict::pass) << rule << ": " << row.measured;
  EXPECT_TRUE(row.standing == Finding::Standing::judged ||
              row.standing == Finding::Standing::warned)
      << rule << ": " << row.measured << (row.samples.empty() ? "" : ", " + row.samples.front());
}

}  // namespace stampede::test
