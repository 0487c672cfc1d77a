// What logs and stores say of a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "harness/topology/operation.hpp"

namespace stampede {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LogFactsTest : public testing::Test {
 protected:
  ~LogFactsTest() override {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }
  LogFacts of(const std::string& text) {
    std::ofstream(file_) << text;
    return read_log_facts("boxoffice", file_);
  }
  std::filesystem::path file_ =
      std::filesystem::temp_directory_path() / ("log_facts_" + std::to_string(getpid()));
};

TEST_F(LogFactsTest, CountsLinesByTheirLevelAndShowsErrorsFirst) {
  const LogFacts facts = of(R"({"ts":"1","level":"info","msg":"ready"}
{"ts":"2","level":"warning","msg":"slow"}
{"ts":"3","level":"error","msg":"broken"}
{"ts":"4","level":"info","msg":"says \"level\" error"}
)");
  EXPECT_EQ(facts.role, "boxoffice");
  EXPECT_EQ(facts.errors, 1U);
  EXPECT_EQ(facts.warnings, 1U);
  EXPECT_THAT(facts.samples, ElementsAre(HasSubstr("broken")));
  EXPECT_FALSE(facts.cut);
}

TEST_F(LogFactsTest, WithoutErrorsWarningsAreShownThreeAtMostAndShort) {
  std::string text;
  for (int i = 0; i < 9; ++i) {
    text += R"({"level":"warning","msg":")" + std::string(1000, 'x') + "\"}\n";
  }
  const LogFacts facts = of(text);
  EXPECT_EQ(facts.warnings, 9U);
  ASSERT_EQ(facts.samples.size(), 3U);
  EXPECT_LE(facts.samples[0].size(), 200U);
}

TEST_F(LogFactsTest, AFileThatIsNotThereHasNone) {
  const LogFacts facts = read_log_facts("boxoffice", file_);
  EXPECT_EQ(facts.errors + facts.warnings, 0U);
}

TEST(StoreFactsSince, TakesAwayWhatWasBeforeTheRun) {
  StoreFacts before, after;
  before.script_calls = 10;
  before.script_micros = 500;
  after.script_calls = 110;
  after.script_micros = 2500;
  const StoreFacts of_the_run = since(before, after);
  EXPECT_EQ(of_the_run.script_calls, 100U);
  EXPECT_EQ(of_the_run.script_micros, 2000U);
}

TEST(StoreFactsSince, ARestartedRedisCountsFromNothing) {
  StoreFacts before, after;
  before.script_calls = 1000;
  after.script_calls = 7;
  EXPECT_EQ(since(before, after).script_calls, 7U);
  EXPECT_FALSE(since({}, {}).script_calls);
  EXPECT_FALSE(since({}, after).script_calls) << "how many of them are the run's, nobody knows";
}

TEST(StoreFactsSince, CommitsAndScriptsAreThoseOfTheRun) {
  StoreFacts before, after;
  before.mysql_commits = 100;
  after.mysql_commits = 350;
  after.mysql_log_syncs = 9;
  before.scripts = {{"hold", {10, 0.5}}, {"idle", {4, 0.1}}, {"again", {50, 9.0}}};
  after.scripts = {
      {"hold", {30, 1.5}}, {"idle", {4, 0.1}}, {"new", {2, 0.25}}, {"again", {3, 0.75}}};
  const StoreFacts of_the_run = since(before, after);
  EXPECT_EQ(of_the_run.mysql_commits, 250U);
  EXPECT_FALSE(of_the_run.mysql_log_syncs) << "not told before";
  ASSERT_TRUE(of_the_run.scripts);
  EXPECT_EQ(of_the_run.scripts->size(), 3U) << "one that did not run is not there";
  EXPECT_EQ(of_the_run.scripts->at("hold").calls, 20U);
  EXPECT_DOUBLE_EQ(of_the_run.scripts->at("hold").seconds, 1.0);
  EXPECT_EQ(of_the_run.scripts->at("new").calls, 2U);
  EXPECT_EQ(of_the_run.scripts->at("again").calls, 3U) << "its process was started anew";
  before.scripts.reset();
  EXPECT_FALSE(since(before, after).scripts);
}

TEST(ScriptFacts, AreReadFromTheMetricsOfEveryInstance) {
  std::map<std::string, ScriptFacts> scripts;
  const std::string text =
      "# HELP redis_script_seconds One script of Redis, with the way there and back.\n"
      "# TYPE redis_script_seconds histogram\n"
      "redis_script_seconds_bucket{script=\"hold\",le=\"0.001\"} 3\n"
      "redis_script_seconds_bucket{script=\"hold\",le=\"+Inf\"} 4\n"
      "redis_script_seconds_sum{script=\"hold\"} 0.0025\n"
      "redis_script_seconds_count{script=\"hold\"} 4\n"
      "redis_script_seconds_count{script=\"broken} 4\n"
      "redis_script_seconds_count{script=\"word\"} many\n"
      "redis_script_seconds_count 99\n"
      "mysql_tx_seconds_count{name=\"hold\"} 7";
  add_script_facts(text, scripts);
  add_script_facts(text, scripts);
  ASSERT_EQ(scripts.size(), 1U);
  EXPECT_EQ(scripts.at("hold").calls, 8U);
  EXPECT_DOUBLE_EQ(scripts.at("hold").seconds, 0.005);
}

TEST(StoreFactsOf, StoresThatDoNotAnswerAreLeftOut) {
  TopologyEndpoints nobody;
  EXPECT_FALSE(read_store_facts(nobody).mysql);
  nobody.redis = Endpoint{"127.0.0.1", 1};
  nobody.mysql = MysqlEndpoint{"127.0.0.1", 1, "u", "p", "d"};
  const StoreFacts facts = read_store_facts(nobody);
  EXPECT_FALSE(facts.redis);
  EXPECT_FALSE(facts.mysql);
  EXPECT_FALSE(facts.mysql_commits);
  EXPECT_FALSE(facts.scripts) << "nobody's server is asked that is not boxoffice";
}

}  // namespace
}  // namespace stampede
