// The grammar of a check: what a step expects of an answer beside its status. Pure text → value;
// harness/scenario/answer_check evaluates it.
//
//   check     := subject relation value | subject "exists" | subject "absent" | EXPRESSION
//   subject   := "body" | "header" NAME | "json" POINTER
//   relation  := "contains" | "lacks" | "matches" | "==" | "!=" | "<" | "<=" | ">" | ">="
//   value     := the rest of the line; within "…" or '…' blanks at its ends count too
//
// What begins with no subject is an expression in Lua. "matches" takes a regular expression (RE2),
// the other relations a template. Order (< <= > >=) is of numbers, and only of JSON members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "harness/diagnostic.hpp"

namespace stampede {

struct Check {
  enum class Subject : std::uint8_t { body, header, json, expression };
  enum class Relation : std::uint8_t {
    contains,
    lacks,
    matches,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    exists,
    absent,
  };
  Subject subject = Subject::expression;
  std::string name;  // of the header, or the JSON pointer
  Relation relation = Relation::contains;
  std::string value;         // template, pattern, or the whole expression
  std::size_t value_at = 0;  // its offset in the text
};

// A failure holds one diagnostic whose column counts from 1 within `text`. Patterns, templates and
// expressions are not looked into.
[[nodiscard]] Checked<Check> parse_check(std::string_view text);

}  // namespace stampede
