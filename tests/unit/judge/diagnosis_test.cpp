// Remarks in the order of an operator, each at its limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/judge/diagnosis.hpp"

namespace stampede {
namespace {

using Standing = Finding::Standing;
using testing::ElementsAre;
using testing::HasSubstr;

OperationFacts healthy() {
  OperationFacts facts;
  facts.statuses = {{"200", 900}, {"409", 80}, {"503", 20}};
  facts.logs = {{"boxoffice", 0, 0, {}, false}};
  facts.cpu = {{"boxoffice", 0.4}};
  facts.stores.mysql = ConnectionFacts{17, 500, 0};
  facts.stores.redis = ConnectionFacts{8, 20000, 0};
  facts.stores.script_calls = 1000;
  facts.stores.script_micros = 21000;
  return facts;
}

const Finding& remark(const std::vector<Finding>& remarks, const std::string& rule) {
  const auto found = std::ranges::find(remarks, rule, &Finding::rule);
  EXPECT_NE(found, remarks.end()) << rule;
  return *found;
}

TEST(Diagnosis, LooksInTheOrderOfAnOperatorAndDecidesNothing) {
  OperationFacts facts = healthy();
  facts.statuses["500"] = 5000;
  std::vector<std::string> rules;
  for (const Finding& one : diagnose(facts)) {
    rules.push_back(one.rule);
    EXPECT_EQ(one.verdict, Verdict::pass) << one.rule;
    EXPECT_EQ(one.kind, Finding::Kind::diagnosis) << one.rule;
  }
  EXPECT_THAT(rules, ElementsAre("server_errors", "log_errors", "target_cpu", "mysql_connections",
                                 "redis_connections", "redis_scripts"));
}

TEST(Diagnosis, SaysNothingOfAHealthyRun) {
  const auto remarks = diagnose(healthy());
  for (const Finding& one : remarks) EXPECT_EQ(one.standing, Standing::judged) << one.rule;
  EXPECT_EQ(remark(remarks, "server_errors").measured, "2 %");
  EXPECT_EQ(remark(remarks, "mysql_connections").measured, "17 of 500");
  EXPECT_EQ(remark(remarks, "redis_scripts").measured, "21 µs");
}

TEST(Diagnosis, WarnsOfServerErrorsAboveFivePercent) {
  OperationFacts facts = healthy();
  facts.statuses = {{"200", 949}, {"500", 21}, {"503", 30}};
  const auto remarks = diagnose(facts);
  const Finding& errors = remark(remarks, "server_errors");
  EXPECT_EQ(errors.standing, Standing::warned);
  EXPECT_THAT(errors.samples.front(), HasSubstr("500 × 21, 503 × 30"));
  facts.statuses["200"] = 970;
  EXPECT_EQ(remark(diagnose(facts), "server_errors").standing, Standing::judged);
}

TEST(Diagnosis, WarnsOfErrorsInAnyLogAndShowsThem) {
  OperationFacts facts = healthy();
  facts.logs = {{"boxoffice order", 3, 0, {}, false},
                {"boxoffice payment", 1, 2, {"the words of it"}, true}};
  const auto remarks = diagnose(facts);
  const Finding& logs = remark(remarks, "log_errors");
  EXPECT_EQ(logs.standing, Standing::warned);
  EXPECT_EQ(logs.measured, "2; 4 warnings");
  EXPECT_THAT(logs.samples,
              ElementsAre("boxoffice payment: the words of it", HasSubstr("only the beginning")));
}

TEST(Diagnosis, WarnsOfTheBusiestProcessAboveSeventyPercent) {
  OperationFacts facts = healthy();
  facts.cpu = {{"boxoffice order", 0.2}, {"boxoffice catalog", 0.71}};
  const auto remarks = diagnose(facts);
  const Finding& cpu = remark(remarks, "target_cpu");
  EXPECT_EQ(cpu.standing, Standing::warned);
  EXPECT_EQ(cpu.samples.front(), "boxoffice catalog");
  facts.cpu.back().second = 0.7;
  EXPECT_EQ(remark(diagnose(facts), "target_cpu").standing, Standing::judged);
}

TEST(Diagnosis, WarnsOfConnectionsNearTheirLimitOrRefused) {
  OperationFacts facts = healthy();
  facts.stores.mysql = ConnectionFacts{451, 500, 0};
  facts.stores.redis = ConnectionFacts{8, 20000, 1};
  const auto remarks = diagnose(facts);
  EXPECT_EQ(remark(remarks, "mysql_connections").standing, Standing::warned);
  EXPECT_EQ(remark(remarks, "redis_connections").standing, Standing::warned);
  facts.stores.mysql->used = 450;
  EXPECT_EQ(remark(diagnose(facts), "mysql_connections").standing, Standing::judged);
}

TEST(Diagnosis, WhatNobodyCouldTellIsNotSaidToBeFine) {
  for (const Finding& one : diagnose({})) {
    EXPECT_EQ(one.standing, Standing::not_run) << one.rule;
    EXPECT_EQ(one.measured, "not told");
    EXPECT_FALSE(one.samples.empty());
  }
}

}  // namespace
}  // namespace stampede
