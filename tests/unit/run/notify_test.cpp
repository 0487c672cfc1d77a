// The command that is told of a run's end.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/run/notify.hpp"
#include "harness/time.hpp"

namespace stampede {
namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class NotifyTest : public testing::Test {
 protected:
  ~NotifyTest() override {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }
  std::filesystem::path file_ =
      std::filesystem::temp_directory_path() / ("notify_" + std::to_string(getpid()));
};

TEST_F(NotifyTest, FindsTheFactsAndNothingElseOfOurs) {
  setenv("STAMPEDE_ADMIN_TOKEN", "a secret", 1);
  setenv("SOMETHING_ELSE", "stays", 1);
  const std::string problem =
      notify("echo \"$STAMPEDE_VERDICT|$STAMPEDE_ADMIN_TOKEN|$SOMETHING_ELSE\" >" + file_.string(),
             {{"STAMPEDE_VERDICT", "PASS"}});
  unsetenv("STAMPEDE_ADMIN_TOKEN");
  EXPECT_EQ(problem, "");
  EXPECT_EQ(text_of(file_), "PASS||stays\n");
}

TEST_F(NotifyTest, SaysHowItEnded) {
  EXPECT_EQ(notify("exit 3", {}), "ended with status 3");
  EXPECT_EQ(notify("kill -9 $$", {}), "was ended by signal 9");
  EXPECT_EQ(notify("/no/such/program 2>/dev/null", {}), "ended with status 127");
}

TEST_F(NotifyTest, HasNothingToRead) { EXPECT_EQ(notify("! read line", {}), ""); }

TEST_F(NotifyTest, WhatDoesNotEndIsKilledWithWhatItStarted) {
  const TimePoint begun = now();
  const std::string problem = notify("sleep 300 & echo $! >" + file_.string() + "; wait", {},
                                     std::chrono::milliseconds{300});
  EXPECT_NE(problem.find("was killed"), std::string::npos) << problem;
  EXPECT_LT(now() - begun, std::chrono::seconds{60});
  // Its child is gone as soon as the kernel has delivered the signal: reaped by init, or a zombie.
  const int child = std::stoi(text_of(file_));
  std::string state = "S";
  for (const TimePoint end = now() + std::chrono::seconds{10}; now() < end;) {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string word;
    if (!(stat >> word >> word >> state) || state == "Z") break;
    state = "S";
  }
  EXPECT_TRUE(state == "Z" || !std::filesystem::exists("/proc/" + std::to_string(child)));
}

}  // namespace
}  // namespace stampede
