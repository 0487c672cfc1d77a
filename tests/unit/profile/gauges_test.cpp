// `gauges` of a profile, the gates on them, and gates against another figure of the run.
#include <gtest/gtest.h>

#include "harness/profile/threshold.hpp"
#include "tests/unit/profile/reading.hpp"

namespace stampede::test {
namespace {

using Statistic = Threshold::GaugeStatistic;
using Comparison = Threshold::Comparison;
using Measure = Threshold::Measure;

std::string profile(const std::string& more) {
  return "name: t\n" + more +
         "scenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\npersonas:\n  p:\n"
         "    - get: /\n      name: look\n    - get: /two\n      name: again\n";
}

Threshold parsed(std::string_view text) {
  const auto result = parse_threshold(text);
  EXPECT_TRUE(result.has_value()) << text << "\n" << (result ? "" : render(result.error(), text));
  return result ? *result : Threshold{};
}

std::string problem(std::string_view text) {
  const auto result = parse_threshold(text);
  if (result) return "parsed";
  const Diagnostic found = result.error().front();
  return std::to_string(found.place.column) + ": " + found.message +
         (found.hint.empty() ? "" : " (" + found.hint + ")");
}

TEST(Gauges, EveryKindOfFigure) {
  const Profile read = read_good(
      profile("gauges:\n  waiting: queue_waiting\n  mine: queue_active{event=\"1\", kind=\"a b\"}\n"
              "  memory: process boxoffice rss\n  redis: redis used_memory\n"));
  ASSERT_EQ(read.gauges.size(), 4U);
  EXPECT_EQ(read.gauges[0].name, "waiting");
  EXPECT_EQ(read.gauges[0].kind, GaugeSpec::Kind::metric);
  EXPECT_EQ(read.gauges[0].source, "queue_waiting");
  EXPECT_TRUE(read.gauges[0].labels.empty());
  EXPECT_EQ(read.gauges[1].source, "queue_active");
  ASSERT_EQ(read.gauges[1].labels.size(), 2U);
  EXPECT_EQ(read.gauges[1].labels[0], std::pair(std::string("event"), std::string("1")));
  EXPECT_EQ(read.gauges[1].labels[1], std::pair(std::string("kind"), std::string("a b")));
  EXPECT_EQ(read.gauges[2].kind, GaugeSpec::Kind::process);
  EXPECT_EQ(read.gauges[2].source, "boxoffice");
  EXPECT_EQ(read.gauges[2].figure, "rss");
  EXPECT_EQ(read.gauges[3].kind, GaugeSpec::Kind::redis);
  EXPECT_EQ(read.gauges[3].source, "used_memory");
}

TEST(Gauges, EveryProblemAtOnce) {
  EXPECT_EQ(problems_of(profile("gauges:\n  1st: queue_waiting\n  b: process boxoffice heat\n"
                                "  c: queue_active{event=1}\n  d: [x]\n")),
            "3:3 \"1st\" is not a name | a letter, then letters, digits, _ and -, at most 64 in all"
            "\n4:6 \"process boxoffice heat\" is no figure of the target | queue_active, "
            "queue_active{event=\"1\"}, process boxoffice rss, redis used_memory\n"
            "5:6 \"queue_active{event=1}\" is no figure of the target | queue_active, "
            "queue_active{event=\"1\"}, process boxoffice rss, redis used_memory\n"
            "6:6 a text is wanted, not a list\n");
}

TEST(Gauges, AGateMayNameOnlyWhatThereIs) {
  const std::string gauges = "gauges: {active: queue_active}\n";
  EXPECT_EQ(problems_of(profile(gauges + "gates: [gauge actve max < 3]\n")),
            "3:9 gate: unknown gauge \"actve\" | did you mean \"active\"?\n");
  EXPECT_EQ(problems_of(profile(gauges + "gates: [gauge active max < 3 while acitve > 0]\n")),
            "3:9 gate: unknown gauge \"acitve\" | did you mean \"active\"?\n");
  EXPECT_EQ(problems_of(profile("gates: [look p95 < 2 x agian p95]\n")),
            "2:9 gate: unknown step \"agian\" | did you mean \"again\"?\n");
}

TEST(GaugeGate, EveryStatisticAndItsLimit) {
  const Threshold max = parsed("gauge active max <= 4000");
  EXPECT_EQ(max.measure, Measure::gauge);
  EXPECT_EQ(max.name, "active");
  EXPECT_EQ(max.statistic, Statistic::max);
  EXPECT_EQ(max.comparison, Comparison::less_equal);
  EXPECT_DOUBLE_EQ(max.quantity, 4000);
  EXPECT_DOUBLE_EQ(parsed("gauge memory last<200MB").quantity, 200e6);
  EXPECT_DOUBLE_EQ(parsed("gauge memory mean < 1 KiB").quantity, 1024);
  EXPECT_DOUBLE_EQ(parsed("gauge admitted rate >= 196/s").quantity, 196);
  EXPECT_DOUBLE_EQ(parsed("gauge memory growth < 5%").quantity, 0.05);
  EXPECT_DOUBLE_EQ(parsed("gauge memory slope < 1%/h").quantity, 0.01);
  EXPECT_EQ(parsed("gauge memory slope < 1%/h").statistic, Statistic::slope);
  EXPECT_EQ(parsed("gauge memory min == 0").statistic, Statistic::min);
}

TEST(GaugeGate, Conditions) {
  const Threshold gate = parsed("gauge admitted rate >= 196/s while waiting > 0 and active<4000");
  EXPECT_DOUBLE_EQ(gate.quantity, 196);
  ASSERT_EQ(gate.conditions.size(), 2U);
  EXPECT_EQ(gate.conditions[0].gauge, "waiting");
  EXPECT_EQ(gate.conditions[0].comparison, Comparison::greater);
  EXPECT_DOUBLE_EQ(gate.conditions[0].quantity, 0);
  EXPECT_EQ(gate.conditions[1].gauge, "active");
  EXPECT_EQ(gate.conditions[1].comparison, Comparison::less);
  EXPECT_DOUBLE_EQ(gate.conditions[1].quantity, 4000);
}

TEST(GaugeGate, WhatIsNoneIsTold) {
  EXPECT_EQ(problem("gauge"), "6: which gauge? (gauge active max <= 4000)");
  EXPECT_EQ(problem("gauge a"),
            "8: which statistic of it? (min, mean, max, last, rate, growth or slope)");
  EXPECT_EQ(problem("gauge a p95 < 3"),
            "9: unknown statistic \"p95\" (min, mean, max, last, rate, growth or slope)");
  EXPECT_EQ(problem("gauge a max 3"),
            "13: a comparison stands here, not \"3\" (<, <=, >, >= or ==)");
  EXPECT_EQ(problem("gauge a max => 3"),
            "13: a comparison stands here, not \"=>\" (<, <=, >, >= or ==)");
  EXPECT_EQ(problem("gauge a max <"), "14: a number is missing (gauge active max <= 4000)");
  EXPECT_EQ(problem("gauge a max < -3"),
            "15: a number stands here, not \"-3\" (gauge active max <= 4000)");
  EXPECT_EQ(problem("gauge a growth < 3"), "19: the limit is a share (2%, of a slope 2%/h)");
  EXPECT_EQ(problem("gauge a max < 3ms"),
            "16: unknown unit \"ms\" (none, or a size: KB, MB, GB, KiB, MiB, GiB)");
  EXPECT_EQ(problem("gauge a max < 3 while b"), "24: a comparison is missing (<, <=, >, >= or ==)");
  EXPECT_EQ(problem("gauge a max < 3 while b > 1 or c > 2"),
            "29: unknown unit \"or\" (none, or a size: KB, MB, GB, KiB, MiB, GiB)");
}

TEST(RelativeGate, AgainstAnotherFigure) {
  const Threshold gate = parsed("new.hold p95 <= 1.1 x old.hold p95");
  EXPECT_EQ(gate.scenario, "new");
  EXPECT_EQ(gate.comparison, Comparison::less_equal);
  EXPECT_DOUBLE_EQ(gate.factor, 1.1);
  ASSERT_NE(gate.reference, nullptr);
  EXPECT_EQ(gate.reference->scenario, "old");
  EXPECT_EQ(gate.reference->step, "hold");
  EXPECT_DOUBLE_EQ(gate.reference->quantile, 0.95);
  EXPECT_DOUBLE_EQ(parsed("hold p99 < p99").factor, 1);
  EXPECT_NE(parsed("hold p99 < p99").reference, nullptr);
  EXPECT_EQ(parsed("a count ok > 2 x b count ok").reference->name, "ok");
}

TEST(RelativeGate, WhatIsNoneIsTold) {
  EXPECT_EQ(problem("p95 < 2 x errors"), "11: compared with a figure of another kind (300ms)");
  EXPECT_EQ(problem("p95 < 2 x hold p95 ms"),
            "20: unexpected \"ms\" (a comparison stands here: <, <=, >, >= or ==)");
  EXPECT_EQ(problem("p95 < fast"), "7: a number is missing (300ms)");
}

}  // namespace
}  // namespace stampede::test
