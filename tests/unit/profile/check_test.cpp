// The grammar of checks.
#include "harness/profile/check.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

using Relation = Check::Relation;
using Subject = Check::Subject;

Check parsed(std::string_view text) {
  const auto check = parse_check(text);
  EXPECT_TRUE(check.has_value()) << text;
  return check ? *check : Check{};
}

// "column: message (hint)".
std::string problem(std::string_view text) {
  const auto check = parse_check(text);
  if (check) return "parsed";
  const Diagnostic one = check.error().front();
  return std::to_string(one.place.column) + ": " + one.message +
         (one.hint.empty() ? "" : " (" + one.hint + ")");
}

TEST(Check, Body) {
  const Check contains = parsed("body contains Welcome, ${user} ");
  EXPECT_EQ(contains.subject, Subject::body);
  EXPECT_EQ(contains.relation, Relation::contains);
  EXPECT_EQ(contains.value, "Welcome, ${user}");
  EXPECT_EQ(contains.value_at, 14U);
  EXPECT_EQ(parsed("body lacks error").relation, Relation::lacks);
  const Check matches = parsed("body matches 'id=[0-9]+ '");
  EXPECT_EQ(matches.relation, Relation::matches);
  EXPECT_EQ(matches.value, "id=[0-9]+ ");
  EXPECT_EQ(matches.value_at, 14U);
}

TEST(Check, HeaderAndJson) {
  const Check header = parsed("header Content-Type contains json");
  EXPECT_EQ(header.subject, Subject::header);
  EXPECT_EQ(header.name, "Content-Type");
  EXPECT_EQ(header.value, "json");
  const Check json = parsed("json /items/0/price <= 10.5");
  EXPECT_EQ(json.subject, Subject::json);
  EXPECT_EQ(json.name, "/items/0/price");
  EXPECT_EQ(json.relation, Relation::less_equal);
  EXPECT_EQ(json.value, "10.5");
  EXPECT_EQ(parsed("json /error absent").relation, Relation::absent);
  EXPECT_EQ(parsed("json /name == \"\"").value, "");
}

TEST(Check, EverythingElseIsAnExpression) {
  const Check check = parsed("price > 0 and status == 200");
  EXPECT_EQ(check.subject, Subject::expression);
  EXPECT_EQ(check.value, "price > 0 and status == 200");
  EXPECT_EQ(parsed("(json == nil)").subject, Subject::expression);
}

TEST(Check, ProblemsHaveTheirColumn) {
  EXPECT_EQ(problem("body is fine"), "6: unknown relation \"is\" (write ==)");
  EXPECT_EQ(problem("body not contains x"), "6: unknown relation \"not\" (write lacks)");
  EXPECT_EQ(problem("body == x"),
            "6: a body is not compared as a whole (body contains TEXT, body matches PATTERN, json "
            "/member == VALUE)");
  EXPECT_EQ(problem("body contains"), "14: a value is missing (in quotes, if it is empty: \"\")");
  EXPECT_EQ(problem("body contains ''"),
            "15: an empty text is in every text (name what the answer must say)");
  EXPECT_EQ(problem("json $.a == 1"),
            "6: \"$.a\" is not a JSON pointer (json /items/0/id == 7; an expression that begins "
            "with `json` stands in brackets)");
  EXPECT_EQ(problem("json /a exists 5"),
            "16: nothing follows `exists` and `absent` (leave out \"5\")");
  EXPECT_EQ(problem("header X < 5"), "10: only JSON members have an order (json /total < 10)");
  EXPECT_EQ(problem("header"), "7: which header? (header Content-Type contains json)");
}

}  // namespace
}  // namespace stampede
