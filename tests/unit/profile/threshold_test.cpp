// The gate grammar: every form, and what is said about what is none.
#include "harness/profile/threshold.hpp"

#include <gtest/gtest.h>

#include <string>

namespace stampede {
namespace {

using Measure = Threshold::Measure;
using Clock = Threshold::LatencyClock;
using Comparison = Threshold::Comparison;

Threshold parsed(std::string_view text) {
  const auto result = parse_threshold(text);
  EXPECT_TRUE(result.has_value()) << text << "\n" << (result ? "" : render(result.error(), text));
  return result ? *result : Threshold{};
}

// "column: message (hint)" of a gate that must not parse.
std::string problem(std::string_view text) {
  const auto result = parse_threshold(text);
  if (result) return "parsed";
  EXPECT_EQ(result.error().size(), 1U);
  const Diagnostic found = result.error().front();
  return std::to_string(found.place.column) + ": " + found.message +
         (found.hint.empty() ? "" : " (" + found.hint + ")");
}

TEST(Threshold, QuantileOfTheResponseTimeOfAll) {
  const Threshold gate = parsed("p95 < 300ms");
  EXPECT_EQ(gate.measure, Measure::latency_quantile);
  EXPECT_EQ(gate.clock, Clock::response);
  EXPECT_DOUBLE_EQ(gate.quantile, 0.95);
  EXPECT_EQ(gate.comparison, Comparison::less);
  EXPECT_DOUBLE_EQ(gate.quantity, 0.3);
  EXPECT_EQ(gate.step, "");
  EXPECT_EQ(gate.scenario, "");
}

TEST(Threshold, StepAndScenarioSelectors) {
  const Threshold step = parsed("seat-map_2 p99.9 <= 1.5s");
  EXPECT_EQ(step.step, "seat-map_2");
  EXPECT_DOUBLE_EQ(step.quantile, 0.999);
  EXPECT_DOUBLE_EQ(step.quantity, 1.5);
  EXPECT_EQ(step.comparison, Comparison::less_equal);
  const Threshold both = parsed("buyers.hold max < 900us");
  EXPECT_EQ(both.scenario, "buyers");
  EXPECT_EQ(both.step, "hold");
  EXPECT_EQ(both.measure, Measure::latency_max);
  EXPECT_DOUBLE_EQ(both.quantity, 0.0009);
}

TEST(Threshold, Clocks) {
  EXPECT_EQ(parsed("service p95 < 10ms").clock, Clock::service);
  const Threshold lag = parsed("hold lag mean < 500ns");
  EXPECT_EQ(lag.clock, Clock::lag);
  EXPECT_EQ(lag.step, "hold");
  EXPECT_EQ(lag.measure, Measure::latency_mean);
}

TEST(Threshold, SharesInPercentOrAsAFraction) {
  EXPECT_DOUBLE_EQ(parsed("errors < 0.5%").quantity, 0.005);
  EXPECT_DOUBLE_EQ(parsed("errors < 0.005").quantity, 0.005);
  const Threshold none = parsed("errors == 0");
  EXPECT_EQ(none.measure, Measure::errors);
  EXPECT_EQ(none.comparison, Comparison::equal);
  EXPECT_DOUBLE_EQ(none.quantity, 0);
  EXPECT_EQ(parsed("enter shed <= 1%").measure, Measure::shed);
}

TEST(Threshold, Rates) {
  EXPECT_EQ(parsed("rate >= 1000/s").measure, Measure::rate);
  EXPECT_EQ(parsed("tx_rate >= 1000").measure, Measure::tx_rate);
  const Threshold seconds = parsed("tx_rate p5 >= 950/s");
  EXPECT_EQ(seconds.measure, Measure::tx_rate_quantile);
  EXPECT_DOUBLE_EQ(seconds.quantile, 0.05);
  const Threshold counter = parsed("confirmed_rate >= 100/s");
  EXPECT_EQ(counter.measure, Measure::counter_rate);
  EXPECT_EQ(counter.name, "confirmed");
  EXPECT_EQ(counter.comparison, Comparison::greater_equal);
}

TEST(Threshold, Counts) {
  const Threshold total = parsed("count ok > 100");
  EXPECT_EQ(total.measure, Measure::count_of_outcome);
  EXPECT_EQ(total.name, "ok");
  EXPECT_EQ(total.step, "");
  const Threshold step = parsed("hold count conflict == 79");
  EXPECT_EQ(step.step, "hold");
  EXPECT_EQ(step.name, "conflict");
  EXPECT_DOUBLE_EQ(step.quantity, 79);
  const Threshold counter = parsed("sold_out_count > 5");
  EXPECT_EQ(counter.measure, Measure::counter_count);
  EXPECT_EQ(counter.name, "sold_out");
}

TEST(Threshold, Users) {
  EXPECT_EQ(parsed("users >= 9500").measure, Measure::users_min);
  EXPECT_EQ(parsed("users min >= 9500").measure, Measure::users_min);
  EXPECT_EQ(parsed("users mean >= 9500").measure, Measure::users_mean);
}

TEST(Threshold, BlanksDoNotMatter) {
  EXPECT_DOUBLE_EQ(parsed("  p95<300ms ").quantity, 0.3);
  EXPECT_DOUBLE_EQ(parsed("p95 < 300 ms").quantity, 0.3);
}

TEST(Threshold, AStepNamedLikeACounterMeasureStaysAStep) {
  const Threshold gate = parsed("exchange_rate p95 < 1s");
  EXPECT_EQ(gate.step, "exchange_rate");
  EXPECT_EQ(gate.measure, Measure::latency_quantile);
}

TEST(Threshold, ProblemsOfTheMeasure) {
  EXPECT_EQ(problem("errros < 1%"), "1: unknown measure \"errros\" (did you mean \"errors\"?)");
  EXPECT_EQ(problem("hold errros < 1%"),
            "6: unknown measure \"errros\" (did you mean \"errors\"?)");
  EXPECT_EQ(problem("p100 < 1s"),
            "1: a quantile lies between p0 and p100, and is neither (write max)");
  EXPECT_EQ(problem("hold p0 < 1s"), "6: a quantile lies between p0 and p100, and is neither");
  EXPECT_EQ(problem("min < 1s"), "1: a minimum proves nothing (p5, p50, mean, max)");
  EXPECT_EQ(problem("count okay > 1"), "7: unknown outcome \"okay\" (did you mean \"ok\"?)");
  EXPECT_EQ(problem("count > 1"), "6: which outcome is counted? (count ok > 100)");
  EXPECT_EQ(problem("service < 1s"), "8: which statistic of it? (service p95 < 300ms)");
  EXPECT_EQ(problem("hold users > 5"),
            "1: this measure is of the whole run and takes no step (leave out \"hold\")");
  EXPECT_EQ(problem("a.b.c p95 < 1s"), "1: \"a.b.c\" names no step (STEP or SCENARIO.STEP)");
  EXPECT_EQ(problem(""), "1: a gate starts with what it measures (p95 < 300ms)");
}

TEST(Threshold, ProblemsOfTheComparison) {
  EXPECT_EQ(problem("p95 300ms"),
            "5: unexpected \"300ms\" (a comparison stands here: <, <=, >, >= or ==)");
  EXPECT_EQ(problem("p95"), "4: a comparison is missing (<, <=, >, >= or ==)");
  EXPECT_EQ(problem("errors = 0"), "8: unknown comparison (write ==)");
  EXPECT_EQ(problem("p95 =< 1s"), "5: unknown comparison (write <=)");
  EXPECT_EQ(problem("errors != 0"), "8: a comparison is missing (<, <=, >, >= or ==)");
}

TEST(Threshold, ProblemsOfTheQuantity) {
  EXPECT_EQ(problem("p95 < 300"), "7: a latency needs a unit (write 300ms)");
  EXPECT_EQ(problem("p95 < 5%"), "8: unit \"%\" does not fit what is measured (300ms)");
  EXPECT_EQ(problem("p95 < 3min"), "8: unknown unit \"min\" (ns, us, ms, s, % or /s)");
  EXPECT_EQ(problem("errors < 5"), "10: a share is at most 100% (or 1) (write 5%)");
  EXPECT_EQ(problem("errors < 5ms"), "11: unit \"ms\" does not fit what is measured (0.5%)");
  EXPECT_EQ(problem("users > 5/s"), "10: unit \"/s\" does not fit what is measured (100)");
  EXPECT_EQ(problem("users > 9,500"), "9: a number has no separators (1000, not 1,000)");
  EXPECT_EQ(problem("errors < -1"), "10: nothing measured is negative");
  EXPECT_EQ(problem("p95 <"), "6: a number is missing (300ms)");
  EXPECT_EQ(problem("p95 < fast"), "7: a number is missing (300ms)");
}

TEST(Threshold, ATagSelects) {
  const auto gate = parse_threshold("team=check-out.v2 service p95 < 300ms");
  ASSERT_TRUE(gate.has_value());
  EXPECT_EQ(gate->tag, "team");
  EXPECT_EQ(gate->tag_value, "check-out.v2");
  EXPECT_EQ(gate->step, "");
  EXPECT_EQ(gate->clock, Threshold::LatencyClock::service);
  EXPECT_TRUE(parse_threshold("team=a errors == 0").has_value());
  EXPECT_TRUE(parse_threshold("team=a count ok > 5").has_value());
  const auto message = [](std::string_view text) {
    const auto wrong = parse_threshold(text);
    return wrong ? "parsed" : wrong.error().front().message;
  };
  EXPECT_EQ(message("errors=0"), "unknown comparison");
  EXPECT_EQ(message("team=a users > 5"), "this measure is of the whole run and takes no tag");
  EXPECT_EQ(message("team=a login p95 < 1s"), "a tag and a step at once");
}

}  // namespace
}  // namespace stampede
