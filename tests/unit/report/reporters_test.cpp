#include <gtest/gtest.h>

#include <functional>
#include <regex>
#include <sstream>

#include "harness/report/run_result.hpp"
#include "harness/report/text_layout.hpp"
#include "tests/unit/report/external.hpp"
#include "tests/unit/report/golden.hpp"
#include "tests/unit/report/sample_result.hpp"

namespace stampede {
namespace {

std::string console(const RunResult& result, int width, bool colour = false) {
  std::ostringstream out;
  write_console(result, out, colour, width);
  return out.str();
}
std::string junit(const RunResult& result) {
  std::ostringstream out;
  write_junit(result, out);
  return out.str();
}
std::string markdown(const RunResult& result) {
  std::ostringstream out;
  write_markdown(result, out);
  return out.str();
}

TEST(Console, LooksAsItAlwaysDid) {
  EXPECT_TRUE(matches_golden("console_pass.txt", console(passing_result(), 110)));
  EXPECT_TRUE(matches_golden("console_pass_80.txt", console(passing_result(), 80)));
  EXPECT_TRUE(matches_golden("console_broken.txt", console(failing_result(), 120)));
  EXPECT_TRUE(matches_golden("console_invalid.txt", console(invalid_result(), 110)));
  EXPECT_TRUE(matches_golden("console_unfinished.txt", console(unfinished_result(), 100)));
}

TEST(Console, SaysWhatStreamsDid) {
  RunResult result = passing_result();
  EXPECT_EQ(console(result, 200).find("closed with"), std::string::npos);
  result.streams.events = 12;
  result.streams.reconnects = 3;
  result.streams.close_codes = {{0, 1}, {1000, 7}, {4410, 2}};
  result.streams.push_lag_negative = 4;
  const std::string text = console(result, 200);
  EXPECT_NE(text.find("12 events · 3 reconnects · closed with others × 1, 1000 × 7, 4410 × 2"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("4 pushes came before they were stamped"), std::string::npos) << text;
}

TEST(Csv, HasARowForEachSecondAndNothingWhereNothingWasAnswered) {
  RunResult result;
  SecondResult first;
  first.warm_up = true;
  first.requests = 12;
  first.response_ns_p50 = 1'234'567;
  first.at_least = {"p95", "p99"};
  SecondResult second;
  second.second = 1;
  second.users_alive = 7;
  second.worker_cpu = 0.125;
  second.counters = {{"confirmed", 3}};
  result.counters = {{"confirmed", {3, 3.0}}, {"of \"them\", all", {0, 0.0}}};
  result.seconds = {first, second};
  std::ostringstream out;
  write_csv(result, out);
  EXPECT_EQ(out.str(),
            "second,phase,requests,transactions,errors,shed,users,in_flight,response_p50_ms,"
            "response_p95_ms,response_p99_ms,at_least,lag_p99_ms,worker_cpu,count_confirmed,"
            "\"count_of \"\"them\"\", all\"\r\n"
            "0,warm_up,12,0,0,0,0,0,1.235,,,p95 p99,,0.0000,,\r\n"
            "1,measured,0,0,0,0,7,0,,,,,,0.1250,3,\r\n");
}

TEST(Console, TellsCpuForEachTransactionOfTheWholeRun) {
  RunResult result = passing_result();
  result.seconds = {SecondResult{}, SecondResult{}};
  result.seconds[0].warm_up = true;
  result.seconds[0].transactions = 300;
  result.seconds[1].transactions = 700;
  result.processes = {{"boxoffice", 0.5, 1, 1, 0, 2048}};
  EXPECT_NE(console(result, 200).find("over the whole run: 1,000 transactions"), std::string::npos);
  EXPECT_NE(console(result, 200).find("500 µs"), std::string::npos) << console(result, 200);
  EXPECT_NE(markdown(result).find("| boxoffice | 0.5 s | 500 µs |"), std::string::npos)
      << markdown(result);
  result.seconds.clear();
  EXPECT_NE(markdown(result).find("| boxoffice | 0.5 s | – |"), std::string::npos);
}

TEST(Console, SaysWhatIsToBeLookedAtAndWhatNobodyCouldTell) {
  RunResult result = passing_result();
  EXPECT_NE(console(result, 120).find("DIAGNOSIS   1 to look at"), std::string::npos)
      << console(result, 120);
  for (Finding& remark : result.diagnosis) remark.standing = Finding::Standing::judged;
  EXPECT_NE(console(result, 120).find("DIAGNOSIS   nothing to remark"), std::string::npos);
  result.diagnosis.clear();
  EXPECT_EQ(console(result, 120).find("DIAGNOSIS"), std::string::npos);
}

TEST(Console, HasTheWordsOfNgrinderOfTheMeasuredSeconds) {
  RunResult result = passing_result();
  for (SecondResult& second : result.seconds) second.requests = 100;
  result.seconds.at(0).requests = 9'999;
  result.seconds.at(0).warm_up = true;
  result.seconds.back().warm_up = result.seconds.back().drain = false;
  result.seconds.back().requests = 1'234;
  EXPECT_NE(console(result, 200).find("Peak TPS 1,234 · MTT"), std::string::npos)
      << console(result, 200);
}

TEST(Console, KeepsToItsWidth) {
  for (const RunResult& result :
       {passing_result(), failing_result(), invalid_result(), unfinished_result(), RunResult{}}) {
    for (const int width : {80, 100, 133, 200}) {
      std::istringstream lines(console(result, width));
      for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(display_width(line), static_cast<std::size_t>(width)) << line;
      }
    }
  }
}

TEST(Console, ColourOnlyRepeatsWhatIsWritten) {
  for (const RunResult& result : {passing_result(), failing_result(), invalid_result()}) {
    const std::string coloured = console(result, 120, true);
    EXPECT_NE(coloured.find("\x1b["), std::string::npos);
    const std::regex codes("\x1b\\[[0-9;]*m");
    EXPECT_EQ(std::regex_replace(coloured, codes, ""), console(result, 120));
  }
}

TEST(Console, TheTargetCannotSteerTheTerminal) {
  const std::string text = console(failing_result(), 120);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x01'), std::string::npos);
}

TEST(Console, AnInvalidRunNeverSaysPassNorTicksAGate) {
  const std::string text = console(invalid_result(), 110);
  EXPECT_EQ(text.find("PASS"), std::string::npos);
  // Self-checks are ticked, one by one; what is said about the target is not.
  EXPECT_EQ(text.substr(0, text.find("VALIDITY")).find("✓"), std::string::npos);
}

TEST(Console, ASelfCheckThatWasNotRunIsNeverTicked) {
  std::istringstream lines(console(invalid_result(), 80));
  std::size_t not_run = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" not run, ") == std::string::npos) continue;
    ++not_run;
    EXPECT_EQ(line.find("✓"), std::string::npos) << line;
  }
  EXPECT_GT(not_run, 5U);
}

TEST(Console, WitnessesOfABrokenInvariantAreShown) {
  const std::string text = console(failing_result(), 120);
  EXPECT_NE(text.find("event 1 seat 17: orders 7101, 7120"), std::string::npos);
  EXPECT_NE(text.find("A1–A9 R1–R7 L1–L5 L7–L8: 21 of 23 hold"), std::string::npos);
}

TEST(Markdown, LooksAsItAlwaysDid) {
  EXPECT_TRUE(matches_golden("summary_pass.md", markdown(passing_result())));
  EXPECT_TRUE(matches_golden("summary_broken.md", markdown(failing_result())));
  EXPECT_EQ(markdown(invalid_result()).find("PASS"), std::string::npos);
}

TEST(Junit, LooksAsItAlwaysDid) {
  EXPECT_TRUE(matches_golden("junit_broken.xml", junit(failing_result())));
}

TEST(Junit, CountsFailuresAndErrorsApart) {
  const std::string text = junit(failing_result());
  const auto count = [&text](const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  const std::size_t failures = count("<failure "), errors = count("<error ");
  EXPECT_GE(failures, 3U);
  EXPECT_GE(errors, 1U);
  EXPECT_NE(text.find("failures=\"" + std::to_string(failures) + "\" errors=\"" +
                      std::to_string(errors) + "\""),
            std::string::npos);
  EXPECT_NE(text.find("tests=\"" + std::to_string(count("<testcase ")) + "\""), std::string::npos);
}

TEST(Junit, ARunThatDidNotEndIsNotGreen) {
  EXPECT_NE(junit(unfinished_result()).find("tests=\"1\" failures=\"0\" errors=\"1\""),
            std::string::npos);
  EXPECT_NE(junit(RunResult{}).find("errors=\"1\""), std::string::npos);
}

// A set-up of one step that went well, and a tear-down that did not.
RunResult result_with_phases() {
  RunResult result = passing_result();
  SeriesResult step;
  step.scenario = "setup";
  step.step = "make|project";
  step.count = 1;
  step.outcomes = {{"ok", 1}};
  step.response.count = 1;
  step.response.ns = {{"p50", 2'000'000}, {"max", 2'000'000}};
  result.setup.seconds = 1.5;
  result.setup.series = {step};
  step.step = "remove";
  step.outcomes = {{"http_error", 1}};
  result.teardown.series = {step};
  result.teardown.problem = "teardown: remove ended as http_error; status 500: <b>";
  return result;
}

TEST(Markdown, TellsOfSetUpAndTearDown) {
  EXPECT_EQ(markdown(passing_result()).find("Set-up"), std::string::npos);
  const std::string text = markdown(result_with_phases());
  EXPECT_NE(text.find("### Set-up: done\n"), std::string::npos) << text;
  EXPECT_NE(text.find("| make\\|project | 1 | 1 | 0 | 2 ms | 2 ms |"), std::string::npos) << text;
  EXPECT_NE(text.find("### Tear-down: failed\n"), std::string::npos) << text;
  EXPECT_NE(text.find("status 500: &lt;b\\>"), std::string::npos) << text;
  EXPECT_NE(text.find("| remove | 1 | 0 | 1 |"), std::string::npos) << text;
}

TEST(Junit, HasACaseForSetUpAndTearDown) {
  const std::string text = junit(result_with_phases());
  EXPECT_NE(text.find("<testcase name=\"the setup is done\" "
                      "classname=\"stampede.steady-1k.setup\" time=\"1.500\"/>"),
            std::string::npos);
  EXPECT_NE(text.find("<skipped message=\"teardown: remove ended as http_error"), std::string::npos)
      << "it changes no verdict, so it is no failure either";
  EXPECT_NE(text.find("failures=\"0\" errors=\"0\""), std::string::npos);
  RunResult failed = unfinished_result();
  failed.setup.problem = "setup: login ended as http_error";
  EXPECT_NE(junit(failed).find("<error type=\"failed\" message=\"setup: login"), std::string::npos);
}

TEST(Reports, TellOfThePausesOfTheGeneratorsMachine) {
  RunResult result = passing_result();
  EXPECT_EQ(markdown(result).find("pauses"), std::string::npos);
  result.hiccups.count = 60'000;
  result.hiccups.ns = {{"p50", 60'000},    {"p95", 70'000},    {"p99", 90'000},
                       {"p99.9", 700'000}, {"max", 3'200'000}, {"mean", 61'000}};
  for (const std::string& text : {markdown(result), console(result, 110)}) {
    EXPECT_NE(text.find("pauses of the generator's machine"), std::string::npos);
    EXPECT_NE(text.find("3.2 ms"), std::string::npos);
    EXPECT_NE(text.find("hiccups.hlog"), std::string::npos);
  }
}

TEST(Junit, ValidatesAgainstBothPublicSchemas) {
  if (!command_works("xmllint --version")) GTEST_SKIP() << "xmllint is not installed";
  for (const char* schema : {"JUnit.xsd", "junit-10.xsd"}) {
    const auto file = public_vectors() / schema;
    if (!std::filesystem::exists(file)) GTEST_SKIP() << "the public schemas are not here";
    RunResult nasty = failing_result();
    nasty.findings[0].samples.emplace_back("]]> \x01\x1f\xff \xef\xbf\xbf <a b='c'> & \x7f");
    nasty.findings[0].title = " leading, \"quoted\"\nand broken ";
    nasty.duration_seconds = 123456.789;
    for (const RunResult& result :
         {passing_result(), failing_result(), invalid_result(), unfinished_result(), RunResult{},
          nasty, result_with_phases()}) {
      EXPECT_TRUE(accepted_by("xmllint --noout --schema " + file.string() + " {}", junit(result)));
    }
  }
}

TEST(Console, TellsEveryQuantileOfAStepAtAnyWidth) {
  RunResult result = passing_result();
  for (SeriesResult& series : result.series) {
    if (series.step == "hold") series.response.ns["p99.9"] = 1'770'000'000;
  }
  const std::string narrow = console(result, 80), wide = console(result, 200);
  EXPECT_NE(narrow.find("1.77 s"), std::string::npos) << narrow;
  EXPECT_NE(narrow.find("\n  response time "), std::string::npos) << "a table of its own";
  EXPECT_NE(wide.find("1.77 s"), std::string::npos) << wide;
  EXPECT_EQ(wide.find("\n  response time "), std::string::npos) << "one table is enough";
}

TEST(Console, DrawsACounterOfTheProfileBySecond) {
  RunResult result = passing_result();
  EXPECT_NE(console(result, 100).find("confirmed/s"), std::string::npos);
  for (SecondResult& second : result.seconds) second.counters.clear();
  EXPECT_EQ(console(result, 100).find("confirmed/s"), std::string::npos) << "a run of before";
}

TEST(TextLayout, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width("µs ≥ …"), 6U);
  EXPECT_EQ(display_width("예매"), 4U);
  EXPECT_EQ(fit("abcdef", 4), "abc…");
  EXPECT_EQ(fit("예매시스템", 5), "예매…");
  EXPECT_EQ(fit("abc", 3), "abc");
  EXPECT_EQ(pad_left("≥ 1", 5), "  ≥ 1");
  EXPECT_EQ(printable("a\x1b[31m\nb\xc3"), "a?[31m b?");
  EXPECT_EQ(wrap("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(spark({0, 1, 4, 8}), "▁▁▄█");
}

TEST(TextLayout, ATableDropsItsLeastImportantColumnFirst) {
  TextTable table({{"name", 0, false, 4}, {"much", 2}, {"more", 1}, {"last", 0}});
  table.add({"abcdefgh", "1", "2", "3"});
  EXPECT_EQ(table.lines(40)[1], "abcdefgh     1     2     3");
  EXPECT_EQ(table.lines(24)[1], "abcde…     1     2     3");
  EXPECT_EQ(table.lines(16)[1], "abc…     2     3");
  EXPECT_EQ(table.lines(5)[1], "abc…     3");
}

}  // namespace
}  // namespace stampede
