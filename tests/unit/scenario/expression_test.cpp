// Expressions: what they see, what they may not do, and where a mistake stands.
#include "harness/scenario/expression.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace stampede {
namespace {

const std::vector<std::string> slots{"user", "tries", "held", "state", "unset"};

Variables some_variables() {
  Variables variables(slots.size());
  variables.set(0, std::int64_t{42});
  variables.set(1, std::int64_t{3});
  variables.set(2, false);
  variables.set(3, std::string("ADMITTED"));
  return variables;
}

boost::system::result<Value, std::string> evaluated(ExpressionEngine& engine,
                                                    std::string_view text) {
  const auto parsed = Expression::parse(text, slots);
  EXPECT_TRUE(parsed.has_value()) << text << "\n" << (parsed ? "" : render(parsed.error(), text));
  if (!parsed) return Value{};
  Random random(1, 1);
  const Variables variables = some_variables();
  return engine.evaluate(*parsed, variables, random);
}

Value value_of(std::string_view text) {
  ExpressionEngine engine(slots);
  const auto result = evaluated(engine, text);
  EXPECT_TRUE(result.has_value()) << text << ": " << (result ? "" : result.error());
  return result ? *result : Value{};
}

std::string error_of(std::string_view text) {
  ExpressionEngine engine(slots);
  const auto result = evaluated(engine, text);
  return result ? "no error" : result.error();
}

// "column: message (hint)" for each problem of a text that must not parse.
std::string problems_of(std::string_view text) {
  const auto parsed = Expression::parse(text, slots);
  if (parsed) return "parsed";
  std::string all;
  for (const Diagnostic& problem : parsed.error()) {
    if (!all.empty()) all += "\n";
    all += std::to_string(problem.place.column) + ": " + problem.message;
    if (!problem.hint.empty()) all += " (" + problem.hint + ")";
  }
  return all;
}

TEST(Expression, SeesVariablesWithTheirTypes) {
  EXPECT_EQ(value_of("tries + 1"), Value{std::int64_t{4}});
  EXPECT_EQ(value_of("state == 'ADMITTED'"), Value{true});
  EXPECT_EQ(value_of("not held and tries < 5"), Value{true});
  EXPECT_EQ(value_of("unset"), Value{});
  EXPECT_EQ(value_of("unset == nil"), Value{true});
  EXPECT_EQ(value_of("user / 4"), Value{10.5});
  EXPECT_EQ(value_of("'u' .. user"), Value{std::string("u42")});
  EXPECT_EQ(value_of("''"), Value{std::string()});
}

TEST(Expression, OffersMathStringAndTable) {
  EXPECT_EQ(value_of("math.floor(2.7)"), Value{std::int64_t{2}});
  EXPECT_EQ(value_of("state:lower():sub(1, 2)"), Value{std::string("ad")});
  EXPECT_EQ(value_of("string.format('%03d', tries)"), Value{std::string("003")});
  EXPECT_EQ(value_of("('ab'):rep(3)"), Value{std::string("ababab")});
  EXPECT_EQ(value_of("(state:find('MIT'))"), Value{std::int64_t{3}});
  EXPECT_EQ(value_of("table.concat({1, 2, 3}, '-')"), Value{std::string("1-2-3")});
  EXPECT_EQ(value_of("(function(x) local y = x * 2 return y end)(21)"), Value{std::int64_t{42}});
}

TEST(Expression, TablesBecomeJson) {
  EXPECT_EQ(value_of("{1, 2.5, 'x', true}"), Value{std::string("[1,2.5,\"x\",true]")});
  EXPECT_EQ(value_of("{b = {1}, a = 'q\"'}"), Value{std::string("{\"a\":\"q\\\"\",\"b\":[1]}")});
  EXPECT_EQ(value_of("{}"), Value{std::string("[]")});
  EXPECT_NE(error_of("{1, 2, x = 3}"), "no error");
  EXPECT_EQ(error_of("math.floor"), "the result is a function");
}

TEST(Expression, RandomComesFromTheSession) {
  ExpressionEngine engine(slots);
  const auto parsed = Expression::parse("random(1, 6)", slots);
  const Variables variables = some_variables();
  Random first(9, 9);
  Random second(9, 9);
  for (int at = 0; at < 100; ++at) {
    const auto a = engine.evaluate(*parsed, variables, first);
    ASSERT_EQ(*a, *engine.evaluate(*parsed, variables, second));
    EXPECT_GE(std::get<std::int64_t>(*a), 1);
    EXPECT_LE(std::get<std::int64_t>(*a), 6);
  }
  EXPECT_LT(std::get<double>(value_of("random()")), 1);
  EXPECT_EQ(std::get<std::string>(value_of("uuid()")).size(), 32U);
  EXPECT_NE(error_of("random(6, 1)"), "no error");
}

TEST(Expression, TruthIsLuas) {
  EXPECT_FALSE(ExpressionEngine::truthy(Value{}));
  EXPECT_FALSE(ExpressionEngine::truthy(Value{false}));
  EXPECT_TRUE(ExpressionEngine::truthy(Value{std::int64_t{0}}));
  EXPECT_TRUE(ExpressionEngine::truthy(Value{std::string()}));
}

TEST(Expression, RunTimeErrorsAreValues) {
  EXPECT_EQ(error_of("unset + 1"), "attempt to perform arithmetic on a nil value (global 'unset')");
  EXPECT_EQ(error_of("tries < state"), "attempt to compare number with string");
}

TEST(Expression, AnErrorLeavesTheEngineUsable) {
  ExpressionEngine engine(slots);
  EXPECT_FALSE(evaluated(engine, "unset + 1").has_value());
  EXPECT_FALSE(evaluated(engine, "(function() while true do end end)()").has_value());
  EXPECT_EQ(*evaluated(engine, "tries + 1"), Value{std::int64_t{4}});
}

TEST(ExpressionSandbox, AnEndlessLoopIsStopped) {
  EXPECT_EQ(error_of("(function() while true do end end)()"), "more than 100000 instructions");
  EXPECT_EQ(error_of("(function() local function f() return f() end return f() end)()"),
            "more than 100000 instructions");
}

TEST(ExpressionSandbox, AMemoryBombIsStopped) {
  EXPECT_EQ(error_of("(function() local t = {} for i = 1, 9000 do t[i] = ('x'):rep(60000 + i) end "
                     "return #t end)()"),
            "not enough memory");
  ExpressionEngine engine(slots);
  for (int at = 0; at < 5; ++at) {
    EXPECT_FALSE(
        evaluated(engine, "(function() local s = 'xxxxxxxx' while true do s = s .. s end end)()")
            .has_value());
    EXPECT_EQ(*evaluated(engine, "user"), Value{std::int64_t{42}});
  }
}

TEST(ExpressionSandbox, LongTextsInOneCallAreStopped) {
  EXPECT_NE(error_of("('x'):rep(1e9)"), "no error");
  EXPECT_EQ(value_of("(''):rep(2000000000)"), Value{std::string()});
}

TEST(ExpressionSandbox, DangerousNamesAreUnknown) {
  for (const auto* name : {"io", "os", "package", "debug", "load", "loadstring", "require",
                           "dofile", "loadfile", "collectgarbage", "setmetatable", "getmetatable",
                           "rawset", "pcall", "coroutine", "_G", "_ENV"}) {
    EXPECT_FALSE(Expression::parse(std::string(name) + " ~= nil", slots).has_value()) << name;
  }
  EXPECT_EQ(problems_of("string.gsub('a', 'b', 'c')"),
            "8: unknown function \"string.gsub\" (did you mean \"sub\"?)");
}

// The static check can be evaded by indexing with a text; what is not there cannot be reached that
// way.
TEST(ExpressionSandbox, NothingElseCanBeReachedAtRunTime) {
  EXPECT_EQ(value_of("string['dump']"), Value{});
  EXPECT_EQ(value_of("string['match'] or ('x')['gmatch'] or math['randomseed']"), Value{});
  EXPECT_EQ(value_of("table['move'] or table['sort']"), Value{});
}

TEST(ExpressionSandbox, NothingCanBeChanged) {
  EXPECT_EQ(error_of("(function() tries = 9 end)()"), "an expression cannot assign to \"tries\"");
  EXPECT_EQ(error_of("(function() math.floor = nil end)()"),
            "an expression cannot assign to \"floor\"");
  EXPECT_EQ(error_of("(function() string.upper = nil end)()"),
            "an expression cannot assign to \"upper\"");
}

TEST(ExpressionSyntax, MistakesHaveTheirColumn) {
  EXPECT_EQ(problems_of("tries != 3"),
            "7: not a Lua expression: <eof> expected near '!' (not equal is written ~=)");
  EXPECT_EQ(problems_of("held && tries"),
            "7: not a Lua expression: unexpected symbol near '&' (conjunction is written `and`)");
  EXPECT_EQ(problems_of("tries = 3"),
            "7: not a Lua expression: <eof> expected near '=' (equality is written ==)");
  EXPECT_EQ(problems_of("tries +"), "8: not a Lua expression: it ends too early");
  EXPECT_EQ(problems_of("(tries"), "7: not a Lua expression: it ends too early");
  EXPECT_EQ(problems_of("tries) + 1"), "6: not a Lua expression: <eof> expected near ')'");
  EXPECT_EQ(problems_of("tries, held"), "6: not a Lua expression: ')' expected near ','");
  EXPECT_EQ(problems_of("${tries}"),
            "1: not a Lua expression: unexpected symbol near '$' (an expression names variables "
            "without ${…})");
  EXPECT_EQ(problems_of(""), "1: an empty expression");
  EXPECT_EQ(problems_of("-- only a comment"), "1: an empty expression");
}

TEST(ExpressionSyntax, UnknownNamesAllAtOnce) {
  EXPECT_EQ(problems_of("trise + stat + math.flor(1)"),
            "1: unknown variable \"trise\" (did you mean \"tries\"?)\n"
            "9: unknown variable \"stat\" (did you mean \"state\"?)\n"
            "21: unknown function \"math.flor\" (did you mean \"floor\"?)");
  EXPECT_EQ(
      problems_of("state == ADMITTED"),
      "10: unknown variable \"ADMITTED\" (set it in `variables`, a capture or a `set` step; a "
      "text needs quotes)");
}

TEST(ExpressionSyntax, OwnNamesAndFieldsAreKnown) {
  EXPECT_EQ(problems_of("(function(a, ...) local b <const> = a for i = 1, 2 do b2 = i end end)(1)"),
            "55: unknown variable \"b2\" (did you mean \"b\"?)");
  EXPECT_EQ(problems_of("({key = 1}).key .. [[some words]] .. \"more \\\" words\""), "parsed");
}

TEST(ExpressionSyntax, AVeryLongTextIsRefused) {
  EXPECT_EQ(problems_of(std::string(5000, '1')), "1: an expression longer than 4096 bytes");
}

}  // namespace
}  // namespace stampede
