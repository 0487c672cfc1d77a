// Regular expressions, captures by them, and checks of an answer.
#include "harness/scenario/answer_check.hpp"

#include <gtest/gtest.h>

#include <set>

#include "harness/profile/profile_reader.hpp"

namespace stampede {
namespace {

const std::vector<std::string> slots{"a", "b"};

std::shared_ptr<const RegexPattern> pattern_of(std::string_view text) {
  auto pattern = RegexPattern::compile(text);
  EXPECT_TRUE(pattern.has_value()) << text;
  return pattern ? *pattern : nullptr;
}

std::string problem_of(std::string_view text) {
  const auto pattern = RegexPattern::compile(text);
  if (pattern) return "compiled";
  const Diagnostic one = pattern.error().front();
  return std::to_string(one.place.column) + ": " + one.message +
         (one.hint.empty() ? "" : " (" + one.hint + ")");
}

TEST(RegexPattern, FindsTheNthMatchAndCounts) {
  const auto pattern = pattern_of("id=([0-9]+)");
  const std::string text = "id=1 id=22 id=333";
  EXPECT_EQ(pattern->groups(), 1U);
  EXPECT_EQ(pattern->nth(text, 1, 1), "1");
  EXPECT_EQ(pattern->nth(text, 0, 2), "id=22");
  EXPECT_EQ(pattern->nth(text, 1, 4), std::nullopt);
  EXPECT_EQ(pattern->last(text, 1), "333");
  EXPECT_EQ(pattern->count(text), 3U);
  EXPECT_EQ(pattern->count(""), 0U);
  EXPECT_TRUE(pattern->found_in(text));
  EXPECT_FALSE(pattern->found_in("id="));
}

TEST(RegexPattern, AnEmptyMatchEndsAndAGroupWithoutPartIsEmpty) {
  EXPECT_EQ(pattern_of("x*")->count("axxb"), 4U);
  EXPECT_EQ(pattern_of("(a)|(b)")->nth("b", 1, 1), "");
}

TEST(RegexPattern, AnyIsOneOfAll) {
  const auto pattern = pattern_of("[a-e]");
  Random random(3, 3);
  std::set<std::string_view> seen;
  for (int i = 0; i < 200; ++i) seen.insert(*pattern->any("abcde", 0, random));
  EXPECT_EQ(seen.size(), 5U);
  EXPECT_EQ(pattern->any("xyz", 0, random), std::nullopt);
}

TEST(RegexPattern, AHostileTextIsSearchedInLinearTime) {
  // A backtracking engine would need 2^n steps for the first, and the second matches at every byte.
  const std::string text(1 << 18, 'a');
  EXPECT_FALSE(pattern_of("(a*)*b")->found_in(text));
  EXPECT_EQ(pattern_of("a")->count(text), regex_matches_max);
  const std::string garbage = "\xff\xfe" + std::string(3, '\0') + "id=7";
  EXPECT_EQ(pattern_of("id=(.)")->nth(garbage, 1, 1), "7");
}

TEST(RegexPattern, ProblemsHaveTheirColumn) {
  EXPECT_EQ(problem_of("a(b"), "1: not a regular expression: missing ): a(b");
  EXPECT_EQ(problem_of("ab(?=c)"),
            "3: not a regular expression: invalid perl operator: (?= (there is no looking ahead or "
            "behind: capture a group instead)");
  EXPECT_EQ(problem_of("(a)\\1"),
            "4: not a regular expression: invalid escape sequence: \\1 (there are no back "
            "references)");
  EXPECT_EQ(problem_of(std::string(regex_bytes_max + 1, 'a')),
            "1: a pattern longer than 4096 bytes");
}

struct Session {
  Variables variables{2};
  ExpressionEngine engine{slots};
  Random random{5, 5};
  HeaderLookup headers = [](std::string_view name) -> std::optional<std::string_view> {
    if (name == "Link") return "</a>; rel=next";
    return std::nullopt;
  };

  std::optional<std::string> capture(const CompiledCapture& capture, std::string_view body) {
    return apply_captures({capture}, body, headers, variables, engine, random);
  }
};

CompiledCapture regex_capture(std::string_view pattern) {
  CompiledCapture capture{};
  capture.from = CaptureSpec::From::regex;
  capture.pattern = pattern_of(pattern);
  capture.group = capture.pattern->groups() > 0 ? 1 : 0;
  return capture;
}

TEST(RegexCapture, OfBodyAndHeader) {
  Session session;
  EXPECT_EQ(session.capture(regex_capture("csrf=(\\w+)"), "x csrf=abc y"), std::nullopt);
  EXPECT_EQ(session.variables.get(0), Value{std::string("abc")});
  CompiledCapture of_header = regex_capture("<(.*?)>");
  of_header.pointer = "Link";
  EXPECT_EQ(session.capture(of_header, "<no>"), std::nullopt);
  EXPECT_EQ(session.variables.get(0), Value{std::string("/a")});
  of_header.pointer = "Location";
  EXPECT_EQ(session.capture(of_header, "<no>"), "the answer has no Location");
  EXPECT_EQ(session.variables.get(0), Value{});
}

TEST(RegexCapture, WhatIsAbsentIsAProblemUnlessItHasADefault) {
  Session session;
  CompiledCapture capture = regex_capture("b+");
  EXPECT_EQ(session.capture(capture, "aaa"), "the answer has no match of b+");
  capture.optional = true;
  EXPECT_EQ(session.capture(capture, "aaa"), std::nullopt);
  capture.optional = false;
  session.variables.set(1, std::string("B"));
  capture.otherwise = *Template::parse("no ${b}", slots);
  EXPECT_EQ(session.capture(capture, "aaa"), std::nullopt);
  EXPECT_EQ(session.variables.get(0), Value{std::string("no B")});
  capture.which = CaptureSpec::Which::count;
  EXPECT_EQ(session.capture(capture, "aaa"), std::nullopt);
  EXPECT_EQ(session.variables.get(0), Value{std::int64_t{0}});
}

TEST(RegexCapture, WhatIsTooLongIsNotKept) {
  Session session;
  const std::string body(capture_bytes_max + 1, 'b');
  EXPECT_EQ(session.capture(regex_capture("b+"), body),
            "what is captured is longer than 65536 bytes");
  EXPECT_EQ(session.variables.get(0), Value{});
}

// A check as a profile would have it.
CompiledCheck check_of(const std::string& text) {
  const Check check = *parse_check(text);
  CompiledCheck compiled{check.subject, check.relation, check.name, {}, nullptr, {}, text};
  if (check.subject == Check::Subject::expression) {
    compiled.expression = *Expression::parse(check.value, slots);
  } else if (check.relation == Check::Relation::matches) {
    compiled.pattern = pattern_of(check.value);
  } else {
    compiled.value = *Template::parse(check.value, slots);
  }
  return compiled;
}

std::string examined(const std::string& check, std::string_view body) {
  Session session;
  session.variables.set(0, std::int64_t{5});
  JsonDocument document(body);
  const auto failure = find_failed_check({check_of(check)}, document, session.headers,
                                         session.variables, session.engine, session.random);
  if (!failure) return "holds";
  return (failure->script_error ? "! " : "") + failure->problem;
}

TEST(AnswerCheck, Body) {
  EXPECT_EQ(examined("body contains n=${a}", "x n=5"), "holds");
  EXPECT_EQ(examined("body contains n=${a}", "x n=6"), "check failed: body contains n=${a}");
  EXPECT_EQ(examined("body lacks error", "fine"), "holds");
  EXPECT_EQ(examined("body matches ^[a-z]+$", "fine"), "holds");
  EXPECT_EQ(examined("body matches ^[a-z]+$", "FINE"), "check failed: body matches ^[a-z]+$");
}

TEST(AnswerCheck, Header) {
  EXPECT_EQ(examined("header Link contains rel=next", ""), "holds");
  EXPECT_EQ(examined("header Link == x", ""),
            "check failed: header Link == x (it is \"</a>; rel=next\")");
  EXPECT_EQ(examined("header Other exists", ""),
            "check failed: header Other exists (it is absent)");
}

TEST(AnswerCheck, Json) {
  const std::string body = R"({"n":5,"x":10.0,"s":"5","t":true,"z":null,"l":[1]})";
  for (const std::string holds :
       {"json /n == ${a}", "json /x == 10", "json /s == 5", "json /t == true", "json /z == null",
        "json /l == [1]", "json /n < 6", "json /x >= 10", "json /n != 6", "json /n exists",
        "json /q absent", "json /s matches ^5$"}) {
    EXPECT_EQ(examined(holds, body), "holds") << holds;
  }
  EXPECT_EQ(examined("json /n > 5", body), "check failed: json /n > 5 (it is \"5\")");
  EXPECT_EQ(examined("json /t > 0", body), "check failed: json /t > 0 (it is \"true\")");
  EXPECT_EQ(examined("json /q == 1", body), "check failed: json /q == 1 (it is absent)");
  EXPECT_EQ(examined("json /q == 1", "<html>"),
            "check failed: json /q == 1 (the answer is not JSON)");
  EXPECT_EQ(examined("json /n absent", body), "check failed: json /n absent (it is \"5\")");
}

TEST(AnswerCheck, Expression) {
  EXPECT_EQ(examined("a == 5", ""), "holds");
  EXPECT_EQ(examined("a == 6", ""), "check failed: a == 6");
  EXPECT_EQ(examined("b.x", "").substr(0, 35), "! script error in the check `b.x`: ");
}

TEST(AnswerCheck, PatternsAreCompiledWithTheProfileAndReportedInTheirPlace) {
  const std::string text =
      "name: t\nscenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\npersonas:\n  p:\n"
      "    - get: /\n      name: x\n"
      "      capture: {a: {regex: 'a(b'}, b: {regex: 'x', group: 2}}\n"
      "      check: ['body matches x**', 'json /a == ${nobody}']\n"
      "    - ws_await: {}\n      name: y\n      matches: 'seat (?!7)'\n";
  const auto profile = read_profile(text, "p.yaml", {});
  ASSERT_TRUE(profile.has_value());
  const auto compiled = compile(*profile);
  ASSERT_FALSE(compiled.has_value());
  std::string all;
  for (const Diagnostic& one : compiled.error()) {
    all += std::to_string(one.place.line) + ":" + std::to_string(one.place.column) + " " +
           one.message + "\n";
  }
  EXPECT_EQ(all,
            "8:29 not a regular expression: missing ): a(b\n"
            "8:48 the pattern has no group 2, only 0\n"
            "9:30 not a regular expression: bad repetition operator: **\n"
            "9:49 unknown variable \"nobody\"\n"
            "12:22 not a regular expression: invalid perl operator: (?!\n");
}

}  // namespace
}  // namespace stampede
