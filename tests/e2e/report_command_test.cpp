// Goal: a finished run can be told again in every form, and its histograms are those behind its
// figures. Method: one short run with the real binary; `stampede report` on its folder, and on
// damaged ones; the log added up and compared with the run file.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/judge/measured_run.hpp"
#include "harness/measure/hdr_log.hpp"
#include "tests/e2e/answering_server.hpp"
#include "tests/e2e/command.hpp"

namespace stampede::test {
namespace {

class ReportCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    const AnsweringServer server({.delay = std::chrono::milliseconds(3)});
    const auto profile = folder_->write(
        "p.yaml",
        "name: tiny\nquestion: Does it answer?\ndrain: 2s\nwarm_up: 1s\nscenarios:\n"
        "  s: {persona: p, model: open, arrivals: regular, stages: '0s:100, 3s:100'}\n"
        "personas:\n  p:\n    - get: /\n      name: get\n      timeout: 1s\n"
        "gates: [p95 < 900ms]\nvalidity: {samples_min: 20, loop_lag_p99_max: 1s, "
        "start_lag_p99_max: 1s, cpu_max: 100%}\n");
    run_ = folder_->path() / "run";
    const auto result =
        run_command({stampede_binary(), "run", profile, "--url", server.url(), "--out", run_});
    ASSERT_TRUE(exists(run_ / "run.json")) << result.out << result.err;
  }
  static void TearDownTestSuite() { delete folder_; }

  static CommandResult report(const std::string& run, const std::vector<std::string>& more) {
    std::vector<std::string> words{stampede_binary(), "report", run};
    words.insert(words.end(), more.begin(), more.end());
    return run_command(words);
  }
  static TemporaryFolder* folder_;
  static std::filesystem::path run_;
};

TemporaryFolder* ReportCommand::folder_ = nullptr;
std::filesystem::path ReportCommand::run_;

TEST_F(ReportCommand, EachFormIsTheOneThatTheRunWrote) {
  for (const auto& [format, file] :
       {std::pair{"json", "run.json"}, std::pair{"junit", "junit.xml"},
        std::pair{"markdown", "summary.md"}, std::pair{"hlog", "histograms.hlog"}}) {
    const auto told = report(run_, {"--format", format});
    EXPECT_EQ(told.exit_code, 0) << told.err;
    EXPECT_EQ(told.out, read_file(run_ / file)) << format;
    EXPECT_EQ(told.err, "");
  }
  const auto csv = report(run_, {"--format", "csv"});
  EXPECT_EQ(csv.exit_code, 0) << csv.err;
  const auto seconds = nlohmann::json::parse(read_file(run_ / "run.json")).at("seconds").size();
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(csv.out, '\n')), seconds + 1);
  const auto metrics = report(run_, {"--format", "openmetrics"});
  EXPECT_EQ(metrics.exit_code, 0) << metrics.err;
  EXPECT_NE(metrics.out.find("stampede_response_seconds{quantile=\"0.95\"} "), std::string::npos);
  EXPECT_TRUE(metrics.out.ends_with("# EOF\n"));
  const auto console = report(run_ / "run.json", {});
  EXPECT_EQ(console.exit_code, 0) << console.err;
  EXPECT_NE(console.out.find("FIGURES"), std::string::npos) << console.out;
}

TEST_F(ReportCommand, AFileIsWrittenWhenOneIsNamed) {
  const auto path = folder_->path() / "again.json";
  const auto told = report(run_, {"--format", "json", "--out", path});
  EXPECT_EQ(told.exit_code, 0) << told.err;
  EXPECT_EQ(told.out, "");
  EXPECT_EQ(read_file(path), read_file(run_ / "run.json"));
  EXPECT_EQ(report(run_, {"--out", "/no/such/folder/x"}).exit_code, 69);
}

TEST_F(ReportCommand, WhatIsNoRunIsSixtyFourAndSaysWhy) {
  EXPECT_EQ(report(run_, {"--format", "pdf"}).exit_code, 64);
  const auto missing = report(folder_->path() / "nothing", {});
  EXPECT_EQ(missing.exit_code, 64);
  EXPECT_NE(missing.err.find("hint:"), std::string::npos) << missing.err;
  const std::string text = read_file(run_ / "run.json");
  const auto half = report(folder_->write("half.json", text.substr(0, text.size() / 2)), {});
  EXPECT_EQ(half.exit_code, 64);
  EXPECT_NE(half.err.find("not valid JSON"), std::string::npos) << half.err;
}

TEST_F(ReportCommand, ALogThatEndsEarlyIsToldWithAWarning) {
  const auto other = folder_->path() / "early";
  std::filesystem::create_directory(other);
  std::string log = read_file(run_ / "histograms.hlog");
  log.resize(log.rfind("#[End"));
  std::ofstream(other / "histograms.hlog") << log;
  const auto told = report(other, {"--format", "hlog"});
  EXPECT_EQ(told.exit_code, 0);
  EXPECT_EQ(told.out, log);
  EXPECT_NE(told.err.find("ends early"), std::string::npos) << told.err;
  std::ofstream(other / "histograms.hlog") << log.substr(0, log.size() - 9);
  const auto damaged = report(other, {"--format", "hlog"});
  EXPECT_EQ(damaged.exit_code, 64);
  EXPECT_NE(damaged.err.find("line "), std::string::npos) << damaged.err;
  EXPECT_EQ(damaged.out, "");
}

// The intervals of a tag, added up.
std::map<std::string, Histogram> added_up(const std::string& text) {
  std::istringstream in(text);
  HdrLogReader reader(in);
  std::map<std::string, Histogram> sums;
  while (true) {
    const auto next = reader.next();
    EXPECT_TRUE(next.has_value()) << next.error().text;
    if (next.has_error() || !*next) return sums;
    sums[(*next)->tag] += (*next)->histogram.own();
  }
}

TEST_F(ReportCommand, TheLogAddsUpToTheFiguresOfTheRunFile) {
  const auto run = nlohmann::json::parse(read_file(run_ / "run.json"));
  const auto sums = added_up(read_file(run_ / "histograms.hlog"));
  for (const char* clock : {"response", "service", "lag"}) {
    const auto& figures = run["series"][0][clock];
    const auto sum = sums.find(std::string("s/get.") + clock);
    ASSERT_NE(sum, sums.end()) << clock;
    EXPECT_EQ(sum->second.count(), figures["count"].get<std::uint64_t>());
    const HdrHistogram buckets(sum->second);
    for (const auto& [key, percent] : {std::pair{"p50", 50.0}, std::pair{"p95", 95.0},
                                       std::pair{"p99", 99.0}, std::pair{"p99.9", 99.9}}) {
      const auto largest = figures["ns"]["max"].get<std::int64_t>();
      EXPECT_EQ(std::min(buckets.percentile(percent).value(), largest),
                figures["ns"][key].get<std::int64_t>())
          << clock << " " << key;
    }
    EXPECT_TRUE(sums.contains(std::string("warm_up/s/get.") + clock));
  }
}

}  // namespace
}  // namespace stampede::test
