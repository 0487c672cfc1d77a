// Templates: what is replaced, what is not, and where a mistake stands.
#include "harness/scenario/template.hpp"

#include <gtest/gtest.h>

#include <string>

namespace stampede {
namespace {

const std::vector<std::string> slots{"user", "event", "price", "held"};

std::string rendered(std::string_view text, const Variables& variables) {
  const auto parsed = Template::parse(text, slots);
  EXPECT_TRUE(parsed.has_value()) << text;
  std::string out = "<";
  Random random(1, 1);
  if (parsed) parsed->render(variables, random, out);
  return out + ">";
}

Variables some_variables() {
  Variables variables(slots.size());
  variables.set(0, std::int64_t{42});
  variables.set(1, std::string("e/7"));
  variables.set(2, 12.5);
  variables.set(3, true);
  return variables;
}

TEST(Template, ReplacesVariables) {
  EXPECT_EQ(rendered("/a/${user}/${event}?p=${price}&h=${held}", some_variables()),
            "</a/42/e/7?p=12.5&h=true>");
}

TEST(Template, UnsetIsNothing) { EXPECT_EQ(rendered("[${user}]", Variables(4)), "<[]>"); }

TEST(Template, DollarsStayUnlessTheyOpenAName) {
  EXPECT_EQ(rendered("$5 $$ {a} $${user} ${user}$", some_variables()), "<$5 $$ {a} ${user} 42$>");
}

TEST(Template, FiltersWriteAValueForItsPlace) {
  Variables variables = some_variables();
  variables.set(1, std::string("a b/\xc3\xa9\"\n\x01"));
  EXPECT_EQ(rendered("${event|url}", variables), "<a%20b%2F%C3%A9%22%0A%01>");
  EXPECT_EQ(rendered("${event|json}", variables), "<a b/\xc3\xa9\\\"\\n\\u0001>");
  EXPECT_EQ(rendered("${user|url}${held|json}", variables), "<42true>");
  for (const auto& [plain, coded] :
       {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}}) {
    variables.set(1, std::string(plain));
    EXPECT_EQ(rendered("${event|base64}", variables), "<" + std::string(coded) + ">");
  }
}

TEST(Template, AnUnknownFilterHasItsColumn) {
  const auto parsed = Template::parse("/x?q=${user|uri}", slots);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().front().place.column, 13);
  EXPECT_EQ(parsed.error().front().message, "unknown filter \"uri\"");
  EXPECT_EQ(parsed.error().front().hint, "url, json or base64");
}

TEST(Template, UuidIs32HexDigitsFromTheSession) {
  const std::string first = rendered("${uuid}", Variables(4));
  EXPECT_EQ(first.size(), 34U);
  EXPECT_EQ(first.find_first_not_of("<0123456789abcdef>"), std::string::npos);
  EXPECT_EQ(first, rendered("${uuid}", Variables(4)));
  EXPECT_NE(rendered("${uuid}${uuid}", Variables(4)).substr(1, 32),
            rendered("${uuid}${uuid}", Variables(4)).substr(33, 32));
}

TEST(Template, NowMsIsTheWallClock) {
  const std::string text = rendered("${now_ms}", Variables(4));
  EXPECT_EQ(text.size(), 15U);  // 13 digits until the year 2286
}

TEST(Template, AppendsTextOfNumbersWithoutExponent) {
  const auto text = [](const Value& value) {
    std::string out;
    append_text(out, value);
    return out;
  };
  EXPECT_EQ(text(std::int64_t{9'000'000'000'000'000'000}), "9000000000000000000");
  EXPECT_EQ(text(1e9), "1000000000");
  EXPECT_EQ(text(-3.0), "-3");
  EXPECT_EQ(text(0.1), "0.1");
  EXPECT_EQ(text(Value{}), "");
}

TEST(Template, ProblemsAllAtOnceWithTheirColumns) {
  const auto parsed = Template::parse("/a/${usr}/${a b}/${}", slots);
  ASSERT_FALSE(parsed.has_value());
  ASSERT_EQ(parsed.error().size(), 3U);
  EXPECT_EQ(parsed.error()[0].place.column, 6);
  EXPECT_EQ(parsed.error()[0].message, "unknown variable \"usr\"");
  EXPECT_EQ(parsed.error()[0].hint, "did you mean \"user\"?");
  EXPECT_EQ(parsed.error()[1].place.column, 13);
  EXPECT_EQ(parsed.error()[1].message, "\"${a b}\" is not a variable");
  EXPECT_EQ(parsed.error()[2].message, "\"${}\" is not a variable");
}

TEST(Template, AnOpenBraceNeedsItsEnd) {
  const auto parsed = Template::parse("ab${user", slots);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().front().place.column, 3);
  EXPECT_EQ(parsed.error().front().message, "\"${\" without its \"}\"");
}

TEST(Template, EvaluateKeepsTypes) {
  Random random(1, 1);
  const auto value = [&](std::string_view text) {
    return Template::parse(text, slots)->evaluate(some_variables(), random);
  };
  EXPECT_EQ(value("${user}"), Value{std::int64_t{42}});
  EXPECT_EQ(value("u${user}"), Value{std::string("u42")});
  EXPECT_EQ(value("5"), Value{std::int64_t{5}});
  EXPECT_EQ(value("2.5"), Value{2.5});
  EXPECT_EQ(value("true"), Value{true});
  EXPECT_EQ(value("007"), Value{std::string("007")});
  EXPECT_EQ(value("1e3"), Value{std::string("1e3")});
}

}  // namespace
}  // namespace stampede
