// Functions of a profile: what they may define and see, and where their mistakes stand.
#include "harness/scenario/user_functions.hpp"

#include <gtest/gtest.h>

#include "harness/profile/profile_reader.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {
namespace {

const std::vector<std::string> slots{"price", "accounts.name", "accounts.age", "secret.key"};

UserFunctions functions_of(const std::string& text) {
  UserFunctions functions{text, "f.lua", 1, {}};
  for (const FunctionsProblem& problem : compile_functions(functions, slots)) {
    ADD_FAILURE() << problem.line << ": " << problem.message;
  }
  return functions;
}

std::string problems_of(const std::string& text, int first_line = 1) {
  UserFunctions functions{text, "f.lua", first_line, {}};
  std::string all;
  for (const FunctionsProblem& problem : compile_functions(functions, slots)) {
    all +=
        (problem.line > 0 ? std::to_string(problem.line) : "@" + std::to_string(problem.offset)) +
        " " + problem.message + "\n";
  }
  return all;
}

// The text of a value, or "! error".
std::string value_of(const UserFunctions& functions, const std::string& expression) {
  ExpressionEngine engine(slots, functions);
  const auto parsed = Expression::parse(expression, slots, functions.names);
  if (!parsed) return "? " + parsed.error().front().message;
  Variables variables(slots.size());
  variables.set(0, std::int64_t{20});
  variables.set(1, std::string("ada"));
  variables.set(2, std::int64_t{36});
  Random random(1, 1);
  const auto value = engine.evaluate(*parsed, variables, random);
  if (!value) return "! " + value.error();
  std::string out;
  append_text(out, *value);
  return out;
}

TEST(UserFunctions, AreCalledByExpressionsAndSeeVariables) {
  const UserFunctions functions = functions_of(
      "local rate = 3\n"
      "local function twice(x) return 2 * x end\n"
      "function total(n) return twice(n) * rate + price end\n"
      "function who() return accounts.name .. '/' .. accounts.age end\n");
  EXPECT_EQ(functions.names, (std::vector<std::string>{"total", "who"}));
  EXPECT_EQ(value_of(functions, "total(2)"), "32");
  EXPECT_EQ(value_of(functions, "who()"), "ada/36");
  EXPECT_EQ(value_of(functions, "accounts.age + 1"), "37");
  EXPECT_EQ(value_of(functions, "twice(1)"), "? unknown variable \"twice\"");
  EXPECT_EQ(value_of(functions, "accounts.nme"), "? unknown variable \"accounts.nme\"");
}

TEST(UserFunctions, MayNotReachOutOfTheSandbox) {
  for (const std::string text :
       {"function f() return os.time() end", "function f() return io.open('x') end",
        "function f() return load('x') end", "function f() return pcall(error) end",
        "function f() return string.gsub('a', 'a', 'b') end"}) {
    EXPECT_NE(problems_of(text).find("unknown"), std::string::npos) << text;
  }
}

TEST(UserFunctions, MistakesHaveTheirLine) {
  EXPECT_EQ(problems_of("function f()\n  return 1 +\nend\n"), "3 unexpected symbol near 'end'\n");
  EXPECT_EQ(problems_of("function f()\n  return 1 +\nend\n", 40),
            "42 unexpected symbol near 'end'\n");
  EXPECT_EQ(problems_of("x = 5\n"),
            "1 only functions can be defined; write `local` before \"x\"\n");
  EXPECT_EQ(problems_of("local x = price\n"), "1 a variable is known within functions only\n");
  EXPECT_EQ(problems_of("\nlocal x = random()\n"),
            "2 random numbers belong to sessions: draw within functions\n");
  EXPECT_EQ(problems_of("while true do end\n"), "1 more than 100000 instructions\n");
  EXPECT_EQ(problems_of("function f() return prize end\n"), "@20 unknown variable \"prize\"\n");
  EXPECT_EQ(problems_of("function random() end\n"), "1 \"random\" is defined already\n");
  EXPECT_EQ(problems_of("function price() end\n"),
            "@9 a variable has the name of the function \"price\"\n");
  EXPECT_EQ(problems_of("function f() end\nfunction f() end\n"), "2 \"f\" is defined already\n");
}

TEST(UserFunctions, ErrorsAtRunTimeAreValuesWithTheirLine) {
  const UserFunctions functions = functions_of(
      "function bad()\n  local x\n  return x.y\nend\nfunction endless()\n  while true do end\nend\n"
      "function hungry()\n  local t = {}\n  for i = 1, 90000 do t[i] = ('x'):rep(60000) .. i end\n"
      "end\nfunction global() price = 1 end\nfunction deep(n) return 1 + deep(n) end\n");
  EXPECT_EQ(value_of(functions, "bad()"), "! f.lua:3: attempt to index a nil value (local 'x')");
  EXPECT_EQ(value_of(functions, "endless()"), "! f.lua:6: more than 100000 instructions");
  EXPECT_EQ(value_of(functions, "hungry()"), "! not enough memory");
  EXPECT_EQ(value_of(functions, "global()"),
            "! f.lua:12: a function cannot assign to \"price\": write `local`");
  EXPECT_EQ(value_of(functions, "deep(1)").substr(0, 1), "!");
}

TEST(UserFunctions, AMistakeInTheProfileStandsInItsLine) {
  const std::string text =
      "name: t\nscenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\npersonas:\n  p:\n"
      "    - set: {x: \"total(1)\"}\nfunctions: |\n  function total(n)\n    return n * prize\n  "
      "end\n";
  const auto profile = read_profile(text, "p.yaml", {});
  ASSERT_TRUE(profile.has_value());
  const auto compiled = compile(*profile);
  ASSERT_FALSE(compiled.has_value());
  EXPECT_EQ(render(compiled.error(), text),
            "p.yaml:9:16: error: unknown variable \"prize\"\n    return n * prize\n"
            "               ^\nhint: set it in `variables`, a capture or a `set` step; a text "
            "needs quotes\n");
}

}  // namespace
}  // namespace stampede
