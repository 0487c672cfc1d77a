// Goal: what a target tells of itself is asked before and after the load, and where nobody can be
// asked nothing is claimed. Method: the real binary against a server that plays boxoffice's admin
// port: its defects are switched on in mid-run, its clock is wrong.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;

struct Manner {
  int tainted_from = 1000;  // the n-th look at the defects, from 0
  std::chrono::milliseconds clock{0};
};

class Target {
 public:
  explicit Target(Manner manner)
      : server_([this, manner](const Seen& seen) { return answer(seen, manner); }) {}
  [[nodiscard]] std::string address() const {
    return "127.0.0.1:" + std::to_string(server_.port());
  }
  int looks = 0, times = 0;

 private:
  Reply answer(const Seen& seen, const Manner& manner) {
    Reply reply;
    if (seen.target == "/admin/config") {
      reply.body = looks++ < manner.tainted_from ? R"({"tainted": false, "defects": []})"
                                                 : R"({"tainted": true, "defects": ["idem_off"]})";
    }
    if (seen.target == "/api/time") {
      ++times;
      const auto wall = std::chrono::system_clock::now().time_since_epoch() + manner.clock;
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count();
      reply.body = "{\"epochMs\": " + std::to_string(ms) + "}";
    }
    return reply;
  }
  ScriptedServer server_;
};

struct Attached {
  CommandResult command;
  nlohmann::json file;
  [[nodiscard]] nlohmann::json finding(const std::string& rule) const {
    for (const auto& finding : file["findings"]) {
      if (finding["rule"] == rule) return finding;
    }
    return nullptr;
  }
};

Attached run_against(const Target& target, bool admin) {
  const TemporaryFolder folder;
  const auto profile = folder.write(
      "p.yaml",
      "name: tiny\nquestion: Is it clean?\ndrain: 2s\nscenarios:\n  s: {persona: p, model: open, "
      "arrivals: regular, start: 100, stages: '1s:100'}\n"
      "personas:\n  p:\n    - {get: /, name: get, timeout: 1s}\ngates: [p95 < 900ms]\n"
      "validity: {samples_min: 20, calibration: false, "
      "lift: [L1, L3, L5, L6, L7, L8, L9, L11, L13]}\n");
  const std::string out = (folder.path() / "run").string();
  std::vector<std::string> words{
      stampede_binary(), "run", profile, "--url", "http://" + target.address(), "--out", out};
  if (admin) words.insert(words.end(), {"--admin", target.address()});
  Attached run;
  run.command = run_command(words);
  run.file = nlohmann::json::parse(read_file(out + "/run.json"), nullptr, false);
  return run;
}

TEST(AttachedRun, ATargetThatIsAskedAndCleanIsCalledClean) {
  Target target({});
  const Attached run = run_against(target, true);
  EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
  EXPECT_EQ(target.looks, 2) << "before and after the load";
  EXPECT_EQ(run.finding("untainted")["measured"], "clean");
  EXPECT_EQ(run.finding("target_clock")["result"], "held") << run.finding("target_clock").dump();
}

TEST(AttachedRun, ADefectThatIsSwitchedOnInMidRunTaintsIt) {
  Target target({.tainted_from = 1});
  const Attached run = run_against(target, true);
  EXPECT_EQ(run.command.exit_code, 3) << run.command.out << run.command.err;
  EXPECT_EQ(run.file["tainted"], true);
  EXPECT_EQ(run.finding("untainted")["measured"], "idem_off");
}

TEST(AttachedRun, WhereNobodyCanBeAskedNothingIsClaimedOrSent) {
  Target target({.tainted_from = 0});
  const Attached run = run_against(target, false);
  EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
  EXPECT_EQ(target.looks + target.times, 0);
  EXPECT_EQ(run.finding("untainted")["result"], "not_run") << run.finding("untainted").dump();
  EXPECT_EQ(run.finding("target_clock")["result"], "not_applicable");
}

TEST(AttachedRun, AClockThatIsWrongMakesTheRunInvalid) {
  Target target({.clock = std::chrono::seconds(-3)});
  const Attached run = run_against(target, true);
  EXPECT_EQ(run.command.exit_code, 3) << run.command.out << run.command.err;
  EXPECT_EQ(run.finding("target_clock")["result"], "invalid") << run.finding("target_clock").dump();
}

}  // namespace
}  // namespace stampede::test
