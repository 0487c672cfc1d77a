// Goal: the exit codes are an API; each is reached by the real binary in the way a user would reach
// it. Method: run `stampede` against servers and profiles made for the purpose; look at the code,
// the messages and the files.
#include <gtest/gtest.h>
#include <unistd.h>
#include <csignal>

#include <nlohmann/json.hpp>
#include <thread>

#include "test_paths.hpp"
#include "tests/e2e/answering_server.hpp"
#include "tests/e2e/command.hpp"

namespace stampede::test {
namespace {

std::string profile_text(const std::string& gates, const std::string& load,
                         const std::string& more = "") {
  return "name: tiny\nquestion: Does it answer?\ndrain: 2s\n"
         "scenarios:\n  s: {persona: p, model: open, " +
         load +
         "}\n"
         "personas:\n  p:\n    - get: /\n      name: get\n      timeout: 1s\n"
         "gates: [" +
         gates + "]\n" + more;
}

const std::string quick = "arrivals: regular, stages: '0s:100, 1s:100'";
const std::string lenient =
    "validity: {samples_min: 20, calibration: false, lift: [L1, L3, L5, L6, L7, L8, L9, L13]}\n";

CommandResult run_tiny(const TemporaryFolder& folder, const AnsweringServer& server,
                       const std::string& text) {
  const auto profile = folder.write("p.yaml", text);
  return run_command({stampede_binary(), "run", profile, "--url", server.url(), "--out",
                      (folder.path() / "run").string()});
}

nlohmann::json run_file(const TemporaryFolder& folder) {
  return nlohmann::json::parse(read_file(folder.path() / "run" / "run.json"));
}

TEST(ExitCode, PassIsZero) {
  const TemporaryFolder folder;
  const AnsweringServer server;
  const auto result =
      run_tiny(folder, server, profile_text("p95 < 900ms, errors == 0", quick, lenient));
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_EQ(run_file(folder)["verdict"], "PASS");
}

// The hook of an alarm: it learns the verdict and where the files are, and cannot change either.
TEST(Notify, ACommandIsToldOfTheEndAndChangesNoVerdict) {
  const TemporaryFolder folder;
  const AnsweringServer server;
  const auto profile = folder.write("p.yaml", profile_text("p95 < 1ns", quick, lenient));
  const std::string told = (folder.path() / "told").string();
  const std::string command = "echo $STAMPEDE_VERDICT $STAMPEDE_EXIT_CODE $STAMPEDE_PROFILE >'" +
                              told + "'; test -s $STAMPEDE_RUN/junit.xml && echo files >>'" + told +
                              "'; exit 9";
  const auto result = run_command({stampede_binary(), "run", profile, "--url", server.url(),
                                   "--notify", command, "--out", (folder.path() / "run").string()});
  EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
  EXPECT_EQ(read_file(told), "FAIL 1 tiny\nfiles\n");
  EXPECT_NE(result.err.find("--notify: the command ended with status 9"), std::string::npos)
      << result.err;
}

TEST(ExitCode, AMissedGateIsOne) {
  const TemporaryFolder folder;
  const AnsweringServer server({.status = 500});
  const auto result = run_tiny(folder, server, profile_text("errors < 1%", quick, lenient));
  EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
  EXPECT_EQ(run_file(folder)["verdict"], "FAIL");
}

TEST(ExitCode, ARunThatCouldNotStartItsSessionsIsThreeWhateverTheGatesSay) {
  const TemporaryFolder folder;
  const AnsweringServer server({.delay = std::chrono::milliseconds(200)});
  const auto result =
      run_tiny(folder, server, profile_text("p50 < 900ms", quick + ", users_max: 2", lenient));
  EXPECT_EQ(result.exit_code, 3) << result.out << result.err;
  EXPECT_EQ(result.out.find("PASS"), std::string::npos) << result.out;
}

TEST(ExitCode, TooFewSamplesAreFour) {
  const TemporaryFolder folder;
  const AnsweringServer server;
  const auto result = run_tiny(
      folder, server,
      profile_text("p95 < 900ms", quick,
                   "validity: {calibration: false, lift: [L1, L3, L5, L6, L7, L8, L9, L13]}\n"));
  EXPECT_EQ(result.exit_code, 4) << result.out << result.err;
}

TEST(ExitCode, ABrokenProfileIsSixtyFourAndShowsEveryProblemWithItsPlace) {
  const TemporaryFolder folder;
  const auto profile = folder.write("p.yaml",
                                    "name: broken\nnmae: again\nscenarios:\n  s: {persona: nobody, "
                                    "model: open, stages: 10:5}\npersonas: {}\ngates: [p95 < 3]\n");
  const auto result = run_command({stampede_binary(), "validate", profile});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_NE(result.err.find("p.yaml:2:1: error:"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("nobody"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("p.yaml:6:"), std::string::npos) << result.err;
}

// The reader's, a gate's, a variable's and Lua's: in one round, in the order of their places, and
// none that only follows from another.
TEST(ExitCode, ProblemsOfEveryKindAreToldInOneRound) {
  const TemporaryFolder folder;
  const auto profile = folder.write(
      "p.yaml",
      "name: broken\nnmae: again\nfunctions: |\n  function price(n)\n    return n *\n  end\n"
      "scenarios:\n  s: {persona: p, model: open, stages: '1s:10'}\n"
      "personas:\n  p:\n    - get: /${usre}\n      name: look\n      capture: {order: order}\n"
      "    - set: {total: price(2)}\n    - get: /order/${order}\n      name: again\n"
      "gates: [p95 < 3]\n");
  const auto result = run_command({stampede_binary(), "validate", profile});
  EXPECT_EQ(result.exit_code, 64);
  std::size_t at = 0;
  for (const char* part : {"p.yaml:2:1: error: unknown key \"nmae\"",
                           "p.yaml:6:", "p.yaml:11:", "error: unknown variable \"usre\"",
                           "p.yaml:13:", "error: \"order\" is not a JSON pointer",
                           "p.yaml:17:", "error: gate: ", "5 problems in "}) {
    const auto found = result.err.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << "\n" << result.err;
    at = found;
  }
}

// Another plan of load is another one as a whole: neither a shape nor a beginning is left of the
// profile's.
TEST(ExitCode, StagesOfTheCommandLineReplaceAShapeAndAStart) {
  const TemporaryFolder folder;
  const AnsweringServer server;
  for (const char* load : {"arrivals: regular, shape: {ramp: {from: 1, to: 900, for: 60s}}",
                           "arrivals: regular, start: 900, stages: '60s:900'"}) {
    const auto profile = folder.write("p.yaml", profile_text("p95 < 900ms", load, lenient));
    for (const std::string name : {"", "s="}) {
      const auto out = folder.path() / ("run" + std::to_string(std::string(load).size()) + name);
      const auto result = run_command({stampede_binary(), "run", profile, "--url", server.url(),
                                       "-q", "--stages", name + "1s:100", "--out", out.string()});
      EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 3) << result.out << result.err;
      const auto run = nlohmann::json::parse(read_file(out / "run.json"), nullptr, false);
      EXPECT_EQ(run["sessions"]["scheduled"], 50) << load << "\n" << result.err;
    }
  }
}

TEST(ExitCode, AnUnknownOptionOrProfileIsSixtyFour) {
  EXPECT_EQ(run_command({stampede_binary(), "run", "smoke", "--no-such-thing"}).exit_code, 64);
  EXPECT_EQ(run_command({stampede_binary(), "run", "no-such-profile"}).exit_code, 64);
  EXPECT_EQ(run_command({stampede_binary()}).exit_code, 64);
}

TEST(ExitCode, HelpIsZeroAndNamesEveryCode) {
  const auto result = run_command({stampede_binary(), "--help"});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* code :
       {"PASS", "FAIL", "BROKEN_INVARIANT", "INVALID", "INCONCLUSIVE", "64", "69", "70", "130"}) {
    EXPECT_NE(result.out.find(code), std::string::npos) << code;
  }
}

TEST(ExitCode, AMissingTargetBinaryIsSixtyNineAndSaysWhatToDo) {
  const TemporaryFolder folder;
  const auto result = run_command({stampede_binary(), "run",
                                   std::string(STAMPEDE_SOURCE_DIR) + "/profiles/smoke.yaml",
                                   "--boxoffice", (folder.path() / "nothing").string(), "--out",
                                   (folder.path() / "run").string()});
  EXPECT_EQ(result.exit_code, 69) << result.out << result.err;
  EXPECT_NE(result.err.find("boxoffice"), std::string::npos) << result.err;
  EXPECT_EQ(run_file(folder)["state"], "failed");
}

TEST(ExitCode, CtrlCIsOneHundredThirtyAndKeepsWhatWasSeen) {
  const TemporaryFolder folder;
  const AnsweringServer server;
  const auto profile =
      folder.write("p.yaml", profile_text("p95 < 1s", "stages: '0s:50, 60s:50'", lenient));
  std::thread interrupter;
  const auto result = run_command(
      {stampede_binary(), "run", profile, "--url", server.url(), "--out",
       (folder.path() / "run").string()},
      [&interrupter](int child) {
        interrupter = std::thread([child] {
          std::this_thread::sleep_for(std::chrono::seconds(3));
          kill(child, SIGINT);
        });
      },
      std::chrono::seconds(30));
  interrupter.join();
  EXPECT_EQ(result.exit_code, 130) << result.out << result.err;
  const auto run = run_file(folder);
  EXPECT_EQ(run["state"], "interrupted");
  EXPECT_GT(run["total"]["count"].get<int>(), 20);
  EXPECT_EQ(result.out.find("PASS"), std::string::npos) << result.out;
}

// A small file system of our own, in a mount namespace that only the child sees.
CommandResult run_on_small_disk(const TemporaryFolder& folder, const std::string& size,
                                const std::string& profile, const AnsweringServer& server,
                                const std::string& meanwhile) {
  const std::string disk = (folder.path() / "disk").string();
  const std::string script = "mkdir " + disk + " && mount -t tmpfs -o size=" + size + " tmpfs " +
                             disk + " && { " + meanwhile + " } ; " + stampede_binary() + " run " +
                             profile + " --url " + server.url() + " --out " + disk +
                             "/run; code=$?; cp -r " + disk + "/run " + folder.path().string() +
                             "/kept; exit $code";
  return run_command({"/usr/bin/unshare", "-m", "/bin/sh", "-c", script});
}

TEST(ExitCode, AFullDiskIsSaidBeforeTheRunAndNamesTheMend) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to mount a small file system";
  const TemporaryFolder folder;
  const AnsweringServer server;
  const auto profile = folder.write("p.yaml", profile_text("p95 < 1s", quick, lenient));
  const auto result = run_on_small_disk(folder, "1m", profile, server, "true;");
  EXPECT_EQ(result.exit_code, 69) << result.out << result.err;
  EXPECT_NE(result.err.find("/disk/run/.reserve: No space left"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("free some space there"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("--out"), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("bug"), std::string::npos) << result.err;
}

TEST(ExitCode, AFolderThatHoldsARunIsSixtyFourAndIsLeftAsItWas) {
  const TemporaryFolder folder;
  const AnsweringServer server;
  std::filesystem::create_directory(folder.path() / "run");
  folder.write("run/run.json", "another run");
  const auto result = run_tiny(folder, server, profile_text("p95 < 900ms", quick, lenient));
  EXPECT_EQ(result.exit_code, 64) << result.out << result.err;
  for (const std::string& part : {(folder.path() / "run").string(), std::string("holds a run"),
                                  std::string("hint: choose another folder")}) {
    EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
  }
  EXPECT_EQ(read_file(folder.path() / "run" / "run.json"), "another run");
}

TEST(ExitCode, ADiskThatFillsInMidRunStillGetsItsRunFile) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to mount a small file system";
  const TemporaryFolder folder;
  const AnsweringServer server;
  const auto profile = folder.write("p.yaml", profile_text("p95 < 900ms", quick, lenient));
  const std::string fill = "( sleep 0.7; cat /dev/zero > " +
                           (folder.path() / "disk/filler").string() + " 2>/dev/null ) &";
  const auto result = run_on_small_disk(folder, "20m", profile, server, fill);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  const auto run = nlohmann::json::parse(read_file(folder.path() / "kept" / "run.json"));
  EXPECT_EQ(run["state"], "complete");
}

}  // namespace
}  // namespace stampede::test
