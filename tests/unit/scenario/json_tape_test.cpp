// Members of an answer found in its bytes: the same as the library finds in a document.
#include "harness/scenario/json_tape.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/support/json_reference.hpp"

namespace stampede {
namespace {

using Json = nlohmann::json;
using Kind = JsonMember::Kind;

TEST(JsonTape, FindsMembersOfAllKinds) {
  JsonTape tape;
  ASSERT_TRUE(tape.read(R"( {"a": {"b": [1, -2.5e1, "x", true, false, null, {}, [ ]]}, "": 7} )"));
  EXPECT_EQ(tape.find("/a/b/0")->raw, "1");
  EXPECT_EQ(tape.find("/a/b/1")->kind, Kind::real);
  EXPECT_EQ(tape.find("/a/b/2")->raw, "x");
  EXPECT_EQ(tape.find("/a/b/3")->kind, Kind::truth);
  EXPECT_EQ(tape.find("/a/b/4")->kind, Kind::falsehood);
  EXPECT_EQ(tape.find("/a/b/5")->kind, Kind::null);
  EXPECT_EQ(tape.find("/a/b/6")->raw, "{}");
  EXPECT_EQ(tape.find("/a/b/7")->raw, "[ ]");
  EXPECT_EQ(tape.find("/")->raw, "7");
  EXPECT_EQ(tape.find("")->kind, Kind::object);
  for (const char* nowhere : {"/b", "/a/b/8", "/a/b/-", "/a/b/", "/a/b/0/0", "/a/b/2/0", "/a/c"}) {
    EXPECT_FALSE(tape.find(nowhere)) << nowhere;
  }
}

TEST(JsonTape, NamesAndPointersMayBeEscaped) {
  JsonTape tape;
  ASSERT_TRUE(tape.read(R"({"a\/b": 1, "m~n": 2, "\u00e9": 3, "q\"": 4})"));
  EXPECT_EQ(tape.find("/a~1b")->raw, "1");
  EXPECT_EQ(tape.find("/m~0n")->raw, "2");
  EXPECT_EQ(tape.find("/é")->raw, "3");
  EXPECT_EQ(tape.find("/q\"")->raw, "4");
  EXPECT_FALSE(tape.find("/a/b"));
}

TEST(JsonTape, TheLastOfDoubledMembersCounts) {
  JsonTape tape;
  ASSERT_TRUE(tape.read(R"({"a": {"b": 1}, "a": {"c": 2}})"));
  EXPECT_FALSE(tape.find("/a/b"));
  EXPECT_EQ(tape.find("/a/c")->raw, "2");
}

TEST(JsonTape, UnescapesTexts) {
  std::string text;
  append_unescaped(text, R"(a\n\t\r\b\f\/\\\" \u0041\u00e9\u20ac\ud83d\ude00)");
  EXPECT_EQ(text, "a\n\t\r\b\f/\\\" Aé€😀");
}

TEST(JsonTape, RefusesWhatIsNotJson) {
  JsonTape tape;
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "[1 2]",
                           "{\"a\" 1}",
                           "{a:1}",
                           "01",
                           "-",
                           "1.",
                           ".5",
                           "1e",
                           "+1",
                           "tru",
                           "nul",
                           "\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\udc00\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\n\"",
                           "\"\xC0\x80\"",
                           "\"\xED\xA0\x80\"",
                           "\"\xF5\x80\x80\x80\"",
                           "\"\xE2\x82\"",
                           "1 2",
                           "[1]]",
                           "[}",
                           "{]",
                           "NaN",
                           "'a'",
                           "[1e999]",
                           "\xEF\xBB\xBF{}"}) {
    EXPECT_FALSE(tape.read(text)) << text;
  }
  const std::string deep = std::string(64, '[') + std::string(64, ']');
  EXPECT_TRUE(tape.read(deep));
  EXPECT_FALSE(tape.read("[" + deep + "]"));
}

// A document of bounded size; its names are few, so that some come twice.
std::string any_document(std::mt19937& random, int depth) {
  static const std::vector<std::string> names{"a", "b", "id", "a\\/b", "\\u0061", "", "~", "é"};
  static const std::vector<std::string> leaves{"0",
                                               "-0",
                                               "17",
                                               "-3",
                                               "1.25",
                                               "1e3",
                                               "-2E-7",
                                               "9223372036854775807",
                                               "9223372036854775808",
                                               "18446744073709551615",
                                               "18446744073709551616",
                                               "-9223372036854775809",
                                               "0.1",
                                               "1e308",
                                               "123456789012345678901234567890",
                                               "true",
                                               "false",
                                               "null",
                                               "\"\"",
                                               "\"x\"",
                                               "\"1\"",
                                               "\"a longer text, and \\\"quoted\\\" \\u20ac\"",
                                               "\"\\ud83d\\ude00\"",
                                               "\"é€😀\"",
                                               "5e-324",
                                               "2.2250738585072014e-308",
                                               "1e-400"};
  const unsigned kind = depth == 0 ? 2 : random() % 4;
  if (kind > 1) return leaves[random() % leaves.size()];
  const std::string blank = random() % 4 == 0 ? " \n" : "";
  std::string text = kind == 0 ? "{" : "[";
  for (unsigned members = random() % 5; members > 0; --members) {
    if (kind == 0) text += blank + "\"" + names[random() % names.size()] + "\"" + blank + ":";
    text += blank + any_document(random, depth - 1) + blank + (members > 1 ? "," : "");
  }
  return text + (kind == 0 ? "}" : "]");
}

std::string any_pointer(std::mt19937& random) {
  static const std::vector<std::string> parts{"a", "b", "id", "a~1b", "",  "~0",
                                              "é", "0", "1",  "3",    "-", "01"};
  std::string pointer;
  for (unsigned left = random() % 4; left > 0; --left) {
    pointer += "/" + parts[random() % parts.size()];
  }
  return pointer;
}

void spoil(std::string& text, std::mt19937& random) {
  constexpr std::string_view seasoning("{}[]\",:\\u0e.-1 \n\x80\xC3\xEF\x01\0", 22);
  const std::size_t at = random() % text.size();
  if (random() % 2 == 0) {
    text[at] = seasoning[random() % seasoning.size()];
  } else {
    text.erase(at, 1 + random() % 3);
  }
}

TEST(JsonTape, FindsWhatTheLibraryFinds) {
  std::mt19937 random(2026);
  std::size_t found = 0, understood = 0;
  JsonTape tape;
  for (int run = 0; run < 20'000; ++run) {
    std::string text = any_document(random, 4);
    const bool whole = run % 3 != 0;
    if (!whole) spoil(text, random);
    understood += tape.read(text) ? 1U : 0U;
    for (int look = 0; look < 3; ++look) {
      const std::string pointer = any_pointer(random);
      const test::Looked here = test::looked_up(text, pointer);
      ASSERT_EQ(here, test::looked_up_by_library(text, pointer)) << pointer << "\n" << text;
      found += here.value ? 1U : 0U;
      ASSERT_TRUE(here.document || !whole) << text;
    }
  }
  EXPECT_GT(found, 5'000u);
  EXPECT_GT(understood, 10'000u);
}

// An odd document is asked of the library, and its members are found all the same.
TEST(JsonDocument, ReadsWhatTheTapeRefusesAndTheLibraryDoesNot) {
  for (const std::string_view text : {std::string_view("\xEF\xBB\xBF{\"a\": 1e-400}"),
                                      std::string_view("{\"a\": 0}\0 more", 14)}) {
    JsonTape tape;
    EXPECT_FALSE(tape.read(text));
    EXPECT_EQ(test::looked_up(text, "/a"), test::looked_up_by_library(text, "/a")) << text;
    EXPECT_TRUE(test::looked_up(text, "/a").value);
  }
}

TEST(JsonDocument, SaysWhatIsWrong) {
  JsonDocument broken("{\"a\": ");
  EXPECT_FALSE(broken.find("/a"));
  EXPECT_EQ(broken.problem(), "the answer is not JSON");
  const std::string text = std::string(65, '[') + std::string(65, ']');
  JsonDocument deep(text);
  EXPECT_FALSE(deep.find(""));
  EXPECT_EQ(deep.problem(), "the answer is nested too deeply");
  JsonDocument fine("{\"a\": 1}"), other("{\"a\": 2}");  // two at a time
  EXPECT_EQ(fine.find("/a")->raw, "1");
  EXPECT_EQ(other.find("/a")->raw, "2");
  EXPECT_EQ(fine.find("/a")->raw, "1");
  EXPECT_FALSE(fine.find("/b"));
  EXPECT_TRUE(fine.problem().empty());
}

}  // namespace
}  // namespace stampede
