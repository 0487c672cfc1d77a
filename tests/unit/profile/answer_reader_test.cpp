// Captures and checks as the profile reader sees them.
#include <gtest/gtest.h>

#include "tests/unit/profile/reading.hpp"

namespace stampede {
namespace {

std::string with_step(const std::string& keys) {
  return "name: t\nscenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\npersonas:\n  p:\n"
         "    - get: /\n      name: x\n" +
         keys;
}

HttpSpec read(const std::string& keys) {
  const Profile profile = test::read_good(with_step(keys));
  const auto persona = profile.personas.find("p");
  if (persona == profile.personas.end()) return {};
  return std::get<HttpSpec>(persona->second.steps.front().action);
}

std::string problems(const std::string& keys) { return test::problems_of(with_step(keys)); }

TEST(AnswerReader, ARegularExpressionWithItsGroupAndMatch) {
  const HttpSpec http = read(
      "      capture:\n"
      "        token: {regex: 'name=\"csrf\" value=\"([^\"]+)\"', group: 1}\n"
      "        last: {regex: 'a(b?)', match: last, header: Link}\n"
      "        n: {regex: x, match: count}\n"
      "        third: {regex: x, match: 3, default: none}\n");
  ASSERT_EQ(http.captures.size(), 4U);
  EXPECT_EQ(http.captures[0].from, CaptureSpec::From::regex);
  EXPECT_EQ(http.captures[0].pattern.text, "name=\"csrf\" value=\"([^\"]+)\"");
  EXPECT_EQ(http.captures[0].pattern.place.line, 9);
  EXPECT_EQ(http.captures[0].pattern.place.column, 25);
  EXPECT_EQ(http.captures[0].group, 1U);
  EXPECT_EQ(http.captures[0].pointer, "");
  EXPECT_EQ(http.captures[1].which, CaptureSpec::Which::last);
  EXPECT_EQ(http.captures[1].pointer, "Link");
  EXPECT_EQ(http.captures[1].group, std::nullopt);
  EXPECT_EQ(http.captures[2].which, CaptureSpec::Which::count);
  EXPECT_EQ(http.captures[3].nth, 3U);
  EXPECT_EQ(http.captures[3].otherwise->text, "none");
}

TEST(AnswerReader, PointersAndHeadersMayHaveADefault) {
  const HttpSpec http = read(
      "      capture: {a: {json: /a, default: \"0\"}, b: {header: X, optional: true}, "
      "c: {json: /c?}}\n");
  ASSERT_EQ(http.captures.size(), 3U);
  EXPECT_EQ(http.captures[0].from, CaptureSpec::From::json);
  EXPECT_EQ(http.captures[0].otherwise->text, "0");
  EXPECT_EQ(http.captures[1].from, CaptureSpec::From::header);
  EXPECT_TRUE(http.captures[1].optional);
  EXPECT_TRUE(http.captures[2].optional);
  EXPECT_EQ(http.captures[2].pointer, "/c");
}

TEST(AnswerReader, EveryProblemOfCapturesAtOnce) {
  EXPECT_EQ(problems("      capture:\n"
                     "        a: {regex: x, match: first}\n"
                     "        b: {regex: x, group: 99, json: /b}\n"
                     "        c: {pattern: x}\n"
                     "        d: {regex: x, match: 0}\n"),
            "9:30 unknown match \"first\" | a number from 1, last, random or count\n"
            "10:30 99 is out of range | from 0 to 16\n"
            "10:34 unknown key \"json\" in a regular expression's capture | known are default, "
            "optional, regex, group, match, header\n"
            "11:12 a capture is a JSON pointer, a header, a regular expression or cells | "
            "/items/0/id, {header: Location}, {regex: 'id=([0-9]+)'}, {cells: /bits, count: 1}\n"
            "12:30 0 is out of range | from 1 to 1000\n");
}

TEST(AnswerReader, Checks) {
  const HttpSpec http = read(
      "      check:\n        - body contains Welcome\n        - json /total == 5\n"
      "        - 'status == 200'\n");
  ASSERT_EQ(http.checks.size(), 3U);
  EXPECT_EQ(http.checks[0].text.text, "body contains Welcome");
  EXPECT_EQ(http.checks[0].value.place.line, 9);
  EXPECT_EQ(http.checks[0].value.place.column, 25);
  EXPECT_EQ(http.checks[1].check.name, "/total");
  EXPECT_EQ(http.checks[2].check.subject, Check::Subject::expression);
  EXPECT_EQ(read("      check: body contains x\n").checks.size(), 1U);
  EXPECT_EQ(problems("      check:\n        - body says x\n        - {a: b}\n"),
            "9:16 check: unknown relation \"says\" | contains, lacks, matches, ==, !=, <, <=, >, "
            ">=, exists or absent\n10:11 a text is wanted, not a map\n");
}

}  // namespace
}  // namespace stampede
