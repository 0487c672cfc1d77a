// The lines that console and Markdown share: funnel, seats, stores, machine.
#include "harness/report/fact_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/report/sample_result.hpp"

namespace stampede {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(FactLines, TellNothingOfWhatIsNotKnown) {
  const RunResult nothing = unfinished_result();
  EXPECT_THAT(funnel_lines(nothing), IsEmpty());
  EXPECT_THAT(seat_lines(nothing), IsEmpty());
  EXPECT_THAT(store_lines(nothing, 6), IsEmpty());
  EXPECT_THAT(machine_lines(nothing), IsEmpty());
  RunResult silent;
  silent.stores.emplace();
  silent.machine.emplace();
  EXPECT_THAT(store_lines(silent, 6), IsEmpty());
  EXPECT_THAT(machine_lines(silent), IsEmpty());
}

TEST(FactLines, AFunnelHasItsStagesTheWaitAndTheHolds) {
  RunResult result;
  FunnelResult& funnel = result.funnel.emplace();
  funnel.stages = {{"held", 1'200, std::nullopt}, {"ordered", 300, 0.25}};
  EXPECT_THAT(funnel_lines(result), ElementsAre("held 1,200 → ordered 300 (25 %)"));
  funnel.holds = HoldsResult{200, 100, 50, 2, 48, {}};
  funnel.holds->dwell.count = 100;
  funnel.holds->dwell.ns = {{"p50", 14'000'000'000}, {"p95", 27'000'000'000}};
  funnel.queue_wait.emplace().ns = {{"p50", 2'000'000'000}, {"p95", 6'000'000'000}};
  EXPECT_THAT(funnel_lines(result),
              ElementsAre("held 1,200 → ordered 300 (25 %)",
                          "queue wait, from entering to admitted: p50 2 s · p95 6 s",
                          "holds 200: 25 % ran out, 2 of unknown end, 48 open at the end · from "
                          "hold to order or release p50 14 s · p95 27 s"));
}

TEST(FactLines, SeatsThatAreNowhereOrTwiceAreSaid) {
  RunResult result;
  result.seats = SeatLedger{1'000, 700, 10, 5, 20, 265};
  EXPECT_THAT(seat_lines(result),
              ElementsAre("seats 1,000 = 700 free + 10 held + 20 pending + 265 sold + 5 locked"));
  result.seats->sold = 262;
  EXPECT_THAT(seat_lines(result), ElementsAre(HasSubstr("262 sold + 5 locked + 3: in none of")));
  result.seats->sold = 266;
  EXPECT_THAT(seat_lines(result), ElementsAre(HasSubstr("5 locked - 1: counted twice")));
}

TEST(FactLines, CommitsAreToldForEachTransactionAndScriptsByTheirTime) {
  RunResult result;
  result.seconds = {SecondResult{}, SecondResult{}};
  result.seconds[0].transactions = 300;
  result.seconds[1].transactions = 100;
  StoresResult& stores = result.stores.emplace();
  stores.mysql_commits = 200;
  stores.redis_scripts = {{"a", {10, 1'000}}, {"b", {5, 4'000}}, {"c", {1, 2'000}}};
  EXPECT_THAT(store_lines(result, 2),
              ElementsAre("MySQL: 200 commits · 0.5 for each transaction",
                          "Redis scripts, seen from the server (network and waits included): "
                          "b 5 × 4 µs · a 10 × 1 µs · 1 more in run.json"));
}

TEST(FactLines, StandInConsoleAndMarkdown) {
  const RunResult result = passing_result();
  std::ostringstream console, markdown;
  write_console(result, console, false, 200);
  write_markdown(result, markdown);
  EXPECT_THAT(console.str(), HasSubstr(seat_lines(result).at(0)));
  EXPECT_THAT(console.str(), HasSubstr(machine_lines(result).at(0)));
  for (const std::string& text : {console.str(), markdown.str()}) {
    EXPECT_THAT(text, HasSubstr("entered 24,960 → admitted 24,310 (97.4 %)"));
    EXPECT_THAT(text, HasSubstr("40,000 = 19,421 free"));
    EXPECT_THAT(text, HasSubstr("48,210 commits"));
    EXPECT_THAT(text, HasSubstr("CPU busy 71.3 %"));
  }
  EXPECT_THAT(markdown.str(), HasSubstr("Placement: generator, target and databases on one"));
}

}  // namespace
}  // namespace stampede
