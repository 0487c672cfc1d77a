// Goal: `stampede bench` measures any URL without a profile and tells text or JSON. Method: the
// real binary against a small server; a busy machine may make the run INVALID (3), which is told
// too.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/answering_server.hpp"
#include "tests/e2e/command.hpp"

namespace stampede::test {
namespace {

CommandResult bench(std::vector<std::string> words) {
  words.insert(words.begin(), {stampede_binary(), "bench"});
  return run_command(words);
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Bench, TellsRateBothClocksStatusesAndAHistogram) {
  const AnsweringServer server;
  const auto result = bench({server.url() + "/x?y=1", "-c", "4", "-d", "1", "-q"});
  EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 3) << result.err;
  for (const char* part : {"requests", "statuses  200: ", "errors    0", "response", "service",
                           "start lag", "≤ ", "█"}) {
    EXPECT_TRUE(holds(result.out, part)) << part << "\n" << result.out;
  }
  EXPECT_TRUE(holds(result.out, result.exit_code == 0 ? "PASS" : "INVALID")) << result.out;
}

TEST(Bench, KeepsARateAndWritesJsonToAPipe) {
  const AnsweringServer server;
  const auto result = bench({server.url(), "-R", "200", "-d", "1s", "-o", "json"});
  EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 3) << result.err;
  const auto run = nlohmann::json::parse(result.out);
  EXPECT_EQ(run["sessions"]["scheduled"], 200);
  EXPECT_EQ(run["statuses"]["200"], 200);
  std::uint64_t answers = 0;
  for (const auto& bin : run["distribution"]) answers += bin["count"].get<std::uint64_t>();
  EXPECT_EQ(answers, 200u);
}

TEST(Bench, JsonHoldsNoCredential) {
  const AnsweringServer server;
  const auto result = bench({server.url(), "-n", "20", "-c", "1", "-o", "json", "-H",
                             "Authorization: Bearer hush-hush", "-H", "Accept: text/html"});
  EXPECT_TRUE(holds(result.out, "text/html")) << result.out;
  EXPECT_TRUE(holds(result.out, "***")) << result.out;
  EXPECT_FALSE(holds(result.out, "hush-hush")) << result.out;
}

TEST(Bench, ANumberOfRequestsIsSentByTheLoopAndThenItEnds) {
  const AnsweringServer server;
  const auto result = bench({server.url(), "-n", "1003", "-c", "7", "-t", "2", "-o", "json"});
  EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 3) << result.err;
  const auto run = nlohmann::json::parse(result.out);
  EXPECT_EQ(run["sessions"]["scheduled"], 1003);
  EXPECT_EQ(run["sessions"]["completed"], 1003);
  EXPECT_EQ(run["statuses"]["200"], 1003);
  EXPECT_EQ(run["state"], "complete");
  const double seconds = run["measured_seconds"];
  EXPECT_GT(seconds, 0);
  EXPECT_LT(seconds, 60) << "it ends with the last of them";
  EXPECT_NEAR(run["http_per_second"].get<double>() * seconds, 1003, 1);
}

TEST(Bench, ANumberOfRequestsOrATimeWhicheverIsEarlier) {
  const AnsweringServer server;
  const auto few = bench({server.url(), "-n", "5", "-c", "9", "-d", "60s", "-o", "json"});
  EXPECT_EQ(nlohmann::json::parse(few.out)["statuses"]["200"], 5);
  const auto at_rate =
      bench({server.url(), "-n", "40", "-R", "100", "-t", "2", "-c", "4", "-o", "json"});
  EXPECT_EQ(nlohmann::json::parse(at_rate.out)["statuses"]["200"], 40);
  const auto cut =
      bench({server.url(), "-n", "1000000000", "-R", "100", "-d", "500ms", "-o", "json"});
  EXPECT_EQ(nlohmann::json::parse(cut.out)["statuses"]["200"], 50);
  EXPECT_EQ(bench({server.url(), "-n", "0"}).exit_code, 64);
  EXPECT_EQ(bench({server.url(), "-n", "5", "--stages", "1s:5"}).exit_code, 64);
}

TEST(Bench, ErrorsAreCountedAndGatesJudged) {
  const AnsweringServer server({.status = 500});
  const auto result = bench({server.url(), "-R", "50", "-d", "1s", "--gate", "errors < 1%", "-q"});
  EXPECT_TRUE(result.exit_code == 1 || result.exit_code == 3) << result.out;
  EXPECT_TRUE(holds(result.out, "http_error 50")) << result.out;
  EXPECT_TRUE(holds(result.out, "✗ errors < 1%") || result.exit_code == 3) << result.out;
}

TEST(Bench, NobodyThereIsNoResult) {
  const auto result = bench({"http://127.0.0.1:1/", "-c", "2", "-d", "1s", "-q"});
  EXPECT_EQ(result.exit_code, 69);
  EXPECT_TRUE(holds(result.out, "connect_failed")) << result.out;
  EXPECT_FALSE(holds(result.out, "PASS")) << result.out;
  EXPECT_TRUE(holds(result.err, "gave no answer at all")) << result.err;
}

TEST(Run, StagesOnTheCommandLineReplaceThoseOfTheOnlyScenario) {
  const AnsweringServer server;
  const TemporaryFolder folder;
  const std::string profile = folder.write(
      "p.yaml",
      "name: t\nscenarios:\n  s: {persona: p, model: open, arrivals: regular, stages: '9s:1'}\n"
      "personas: {p: [{get: /, name: get}]}\n");
  const auto result =
      run_command({stampede_binary(), "run", profile, "--url", server.url(), "-q", "--stages",
                   "0s:100,1s:100", "--out", (folder.path() / "run").string()});
  EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 3) << result.err;
  const auto run = nlohmann::json::parse(read_file(folder.path() / "run" / "run.json"));
  EXPECT_EQ(run["sessions"]["scheduled"], 100);
  EXPECT_EQ(run_command({stampede_binary(), "run", profile, "--stages", "x=1s:5"}).exit_code, 64);
}

TEST(Bench, ABadCommandLineNamesEveryProblem) {
  const auto result = bench({"nowhere", "-m", "BREW", "-H", "x", "-d", "1x"});
  EXPECT_EQ(result.exit_code, 64);
  for (const char* part : {"no scheme", "BREW", "no header", "unknown unit"}) {
    EXPECT_TRUE(holds(result.err, part)) << part << "\n" << result.err;
  }
}

}  // namespace
}  // namespace stampede::test
