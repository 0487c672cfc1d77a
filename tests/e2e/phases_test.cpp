// Goal: setup and teardown run once around the load, in books of their own; a set-up that fails
// ends the run before the load; teardown runs whatever became of the run. Method: the real binary
// against a plain server; the run file, the messages, the exit codes.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/e2e/answering_server.hpp"
#include "tests/e2e/command.hpp"

namespace stampede::test {
namespace {

std::string profile_text(const std::string& length) {
  return "name: phases\ndrain: 2s\n"
         "setup:\n  - post: /projects\n    name: create\n    timeout: 2s\n"
         "teardown:\n  - delete: /projects/1\n    name: remove\n    timeout: 2s\n"
         "scenarios:\n  s: {persona: p, model: open, arrivals: regular, start: 50, stages: '" +
         length +
         ":50'}\n"
         "personas:\n  p:\n    - get: /\n      name: get\n      timeout: 1s\n"
         "validity: {samples_min: 20, loop_lag_p99_max: 1s, start_lag_p99_max: 1s, cpu_max: "
         "100%}\n";
}

struct Ran {
  CommandResult result;
  nlohmann::json file;
};

Ran run(const AnsweringServer& server, const std::string& length,
        const std::function<void(int)>& while_running = {}) {
  const TemporaryFolder folder;
  const auto profile = folder.write("p.yaml", profile_text(length));
  Ran ran;
  ran.result = run_command({stampede_binary(), "run", profile, "--url", server.url(), "--out",
                            (folder.path() / "run").string()},
                           while_running);
  ran.file = nlohmann::json::parse(read_file(folder.path() / "run" / "run.json"));
  return ran;
}

TEST(Phases, HaveATableOfTheirOwn) {
  const AnsweringServer server;
  const Ran ran = run(server, "1s");
  SCOPED_TRACE(ran.result.out + ran.result.err);
  ASSERT_EQ(ran.file["setup"]["series"].size(), 1u);
  EXPECT_EQ(ran.file["setup"]["series"][0]["step"], "create");
  EXPECT_EQ(ran.file["setup"]["series"][0]["count"], 1);
  EXPECT_EQ(ran.file["teardown"]["series"][0]["outcomes"]["ok"], 1);
  ASSERT_EQ(ran.file["series"].size(), 1u) << "nothing of it among the measured steps";
  EXPECT_EQ(ran.file["requests_begun"], 50);
  EXPECT_NE(ran.result.out.find("SETUP"), std::string::npos);
  EXPECT_NE(ran.result.out.find("TEARDOWN"), std::string::npos);
}

TEST(Phases, ASetupThatFailsEndsTheRunBeforeTheLoadAndIsTornDown) {
  const AnsweringServer server({.status = 500});
  const Ran ran = run(server, "60s");
  EXPECT_EQ(ran.result.exit_code, 69) << ran.result.out << ran.result.err;
  EXPECT_NE(ran.result.err.find("setup: create ended as http_error"), std::string::npos)
      << ran.result.err;
  EXPECT_NE(ran.result.err.find("status 500"), std::string::npos) << ran.result.err;
  EXPECT_NE(ran.result.err.find("the load was not started"), std::string::npos);
  EXPECT_EQ(ran.file["requests_begun"], 0);
  EXPECT_EQ(ran.file["state"], "failed");
  EXPECT_EQ(ran.file["teardown"]["series"][0]["count"], 1);
  EXPECT_NE(ran.file["teardown"]["problem"], "");
}

TEST(Phases, TeardownRunsAfterCtrlC) {
  const AnsweringServer server;
  const Ran ran = run(server, "60s", [](int process) {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    ::kill(process, SIGINT);
  });
  EXPECT_EQ(ran.result.exit_code, 130) << ran.result.out << ran.result.err;
  EXPECT_EQ(ran.file["teardown"]["series"][0]["outcomes"]["ok"], 1);
  EXPECT_EQ(ran.file["state"], "interrupted");
}

}  // namespace
}  // namespace stampede::test
