// Secrets: where they come from, and that no form of them stays in a text.
#include "harness/profile/redactor.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness/profile/profile_reader.hpp"
#include "harness/profile/secrets.hpp"

namespace stampede {
namespace {

TEST(Redactor, FindsASecretInEveryFormThatAServerGivesIt) {
  const Redactor redactor({"p@ss w/rd\"<x>"});
  for (const std::string form :
       {"p@ss w/rd\"<x>", "p%40ss%20w%2Frd%22%3Cx%3E", "p%40ss%20w%2frd%22%3cx%3e",
        "p%40ss+w%2Frd%22%3Cx%3E", R"(p@ss w/rd\"<x>)", R"(p@ss w\/rd\"<x>)",
        "p@ss w/rd&quot;&lt;x&gt;"}) {
    EXPECT_EQ(redactor.redacted("a " + form + " b " + form), "a *** b ***") << form;
  }
  EXPECT_EQ(redactor.redacted("nothing of it: p@ss w"), "nothing of it: ***");
  EXPECT_EQ(redactor.redacted("p@s is not it"), "p@s is not it");
}

TEST(Redactor, FindsASecretWithinBase64AtEveryAlignment) {
  const Redactor redactor({"swordfish-77"});
  // Of "ada:swordfish-77", "bo:swordfish-77" and "eve.:swordfish-77".
  for (const std::string coded :
       {"YWRhOnN3b3JkZmlzaC03Nw==", "Ym86c3dvcmRmaXNoLTc3", "ZXZlLjpzd29yZGZpc2gtNzc="}) {
    const std::string told = redactor.redacted("Basic " + coded);
    EXPECT_NE(told.find("***"), std::string::npos) << told;
    EXPECT_LT(told.size(), std::string("Basic ").size() + 14) << told;
  }
}

TEST(Redactor, ASecretThatWasCutAtTheEndIsFound) {
  const Redactor redactor({"swordfish-77"});
  EXPECT_EQ(redactor.redacted("your key swordfi"), "your key ***");
  EXPECT_EQ(redactor.redacted("your key swo"), "your key swo");
}

TEST(Redactor, WithoutSecretsNothingChanges) {
  EXPECT_TRUE(Redactor().empty());
  EXPECT_EQ(Redactor().redacted("text"), "text");
}

Profile with_secrets(const std::string& secrets) {
  const std::string text =
      "name: t\npersonas: {p: [{stop: {}}]}\n"
      "scenarios: {s: {persona: p, model: open, stages: \"9s:1\"}}\nsecrets:\n" +
      secrets;
  auto profile = read_profile(text, "/nowhere/p.yaml", {});
  EXPECT_TRUE(profile.has_value()) << (profile ? "" : render(profile.error(), text));
  return profile ? *profile : Profile{};
}

std::string problems(const Diagnostics& found) {
  std::string all;
  for (const Diagnostic& one : found) {
    all += std::to_string(one.place.line) + ":" + std::to_string(one.place.column) + " " +
           one.message + "\n";
  }
  return all;
}

TEST(Secrets, ComeFromEnvironmentAndFile) {
  const auto file =
      std::filesystem::temp_directory_path() / ("stampede-secret-" + std::to_string(getpid()));
  std::ofstream(file) << "from-file\r\n";
  Profile profile = with_secrets("  a: {env: API_KEY}\n  b: {file: " + file.string() + "}\n");
  const auto found = resolve_secrets(profile, [](const std::string& name) {
    return name == "API_KEY" ? std::optional<std::string>("from-env") : std::nullopt;
  });
  std::filesystem::remove(file);
  EXPECT_EQ(problems(found), "");
  ASSERT_EQ(profile.secrets.size(), 2U);
  EXPECT_EQ(profile.secrets[0].value, "from-env");
  EXPECT_EQ(profile.secrets[1].value, "from-file");
}

TEST(Secrets, WhatIsMissingIsAProblemAtItsPlace) {
  Profile profile =
      with_secrets("  a: {env: NOT_SET}\n  b: {file: missing.txt}\n  c: {env: SHORT}\n");
  const auto found = resolve_secrets(profile, [](const std::string& name) {
    return name == "SHORT" ? std::optional<std::string>("abc") : std::nullopt;
  });
  EXPECT_EQ(problems(found),
            "5:3 secret \"a\": the environment has no variable NOT_SET\n"
            "6:3 secret \"b\": there is no file /nowhere/missing.txt\n"
            "7:3 secret \"c\": it is shorter than 4 characters\n");
}

}  // namespace
}  // namespace stampede
