// Lengths of loads and runs; JSON pointers; how a problem is shown.
#include "harness/profile/profile.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LoadLength, OfStagesIsTheirSum) {
  EXPECT_EQ(load_length(OpenLoad{0, {{seconds{2}, 4}, {Nanos{0}, 9}, {seconds{15}, 4}}, {}}),
            seconds{17});
  EXPECT_EQ(load_length(ClosedLoad{5, {{milliseconds{1500}, 5}}}), milliseconds{1500});
  EXPECT_EQ(load_length(OpenLoad{}), Nanos{0});
}

TEST(LoadLength, OfAnInstantLoadGivesEveryRoundItsTime) {
  EXPECT_EQ(load_length(InstantLoad{80, 20, seconds{2}, {}}), seconds{40});
}

TEST(RunLength, IsTheEndOfTheLastScenario) {
  Profile profile;
  profile.warm_up = seconds{1};
  profile.drain = seconds{60};
  profile.scenarios.resize(2);
  profile.scenarios[0].load = OpenLoad{1, {{seconds{10}, 1}}, {}};
  profile.scenarios[1].load = ClosedLoad{1, {{seconds{3}, 1}}};
  EXPECT_EQ(run_length(profile), seconds{10});
  profile.scenarios[1].start_at = seconds{9};
  EXPECT_EQ(run_length(profile), seconds{12});
}

TEST(JsonPointer, Syntax) {
  for (const auto* good : {"", "/", "/a", "/a/0/b", "/a~0b~1c", "//"}) {
    EXPECT_TRUE(is_json_pointer(good)) << good;
  }
  for (const auto* bad : {"a", "a/b", "$.a", "/a~", "/a~2"})
    EXPECT_FALSE(is_json_pointer(bad)) << bad;
}

TEST(Render, TheCaretStandsUnderItsCharacter) {
  // Columns count bytes: "é" has two of them, "좌석" six.
  const std::string text = "name: x\n\té 좌석: wrong\n";
  const Diagnostic diagnostic{"a.yaml", {2, 13}, "no", ""};
  EXPECT_EQ(render(diagnostic, text),
            "a.yaml:2:13: error: no\n"
            "\té 좌석: wrong\n"
            "\t      ^\n");
}

TEST(Render, ALongLineIsNotCutInsideACharacter) {
  const std::string text = std::string(159, 'x') + "é";
  EXPECT_EQ(render(Diagnostic{"a.yaml", {1, 2}, "no", ""}, text),
            "a.yaml:1:2: error: no\n" + std::string(159, 'x') + "\n ^\n");
}

}  // namespace
}  // namespace stampede
