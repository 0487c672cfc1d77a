// Every profile that ships is read and compiled, and opens with the question that it answers.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/profile/profile_reader.hpp"
#include "harness/scenario/scenario.hpp"
#include "test_paths.hpp"

namespace stampede {
namespace {

namespace fs = std::filesystem;

TEST(ShippedProfiles, AreReadAndCompiledAndOpenWithTheirQuestion) {
  const fs::path folder = std::string(STAMPEDE_SOURCE_DIR) + "/profiles";
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    ++seen;
    const std::string name = entry.path().filename().string();
    std::ostringstream read;
    read << std::ifstream(entry.path()).rdbuf();
    const std::string text = read.str();
    const auto profile = read_profile(text, entry.path().string());
    if (!profile) {
      for (const Diagnostic& problem : profile.error()) ADD_FAILURE() << render(problem, text);
      continue;
    }
    EXPECT_EQ(profile->name + ".yaml", name);
    EXPECT_TRUE(profile->question.ends_with('?')) << name;
    EXPECT_FALSE(profile->pass_means.empty()) << name;
    EXPECT_TRUE(text.starts_with("# " + profile->name)) << name;
    EXPECT_NE(text.substr(0, 400).find('?'), std::string::npos) << name;
    const auto compiled = compile(*profile);
    if (compiled) continue;
    for (const Diagnostic& problem : compiled.error()) ADD_FAILURE() << render(problem, text);
  }
  EXPECT_GE(seen, 6);
}

}  // namespace
}  // namespace stampede
