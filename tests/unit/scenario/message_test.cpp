#include "harness/scenario/message.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::vector<std::string> slots{"a", "b", "c"};

WsAwaitStep awaiting_admission() {
  WsAwaitStep step;
  step.where.emplace_back("/t", *Template::parse("admitted", slots));
  step.where.emplace_back("/event", *Template::parse("${a}", slots));
  MessageMatch over;
  over.emplace_back("/t", *Template::parse("ghosted", slots));
  step.unless.push_back(std::move(over));
  return step;
}

TEST(Message, AwaitedOverOrOther) {
  const WsAwaitStep step = awaiting_admission();
  Variables variables(3);
  variables.set(0, std::int64_t{7});
  Random random(1, 1);
  const auto kind = [&](std::string_view text) {
    return classify_message(step, text, variables, random);
  };
  EXPECT_EQ(kind(R"({"t":"admitted","event":7,"x":1})"), MessageKind::awaited);
  EXPECT_EQ(kind(R"({"t":"admitted","event":"7"})"), MessageKind::awaited);
  EXPECT_EQ(kind(R"({"t":"admitted","event":8})"), MessageKind::other);
  EXPECT_EQ(kind(R"({"t":"position"})"), MessageKind::other);
  EXPECT_EQ(kind(R"({"t":"ghosted"})"), MessageKind::over);
  EXPECT_EQ(kind("hb"), MessageKind::other);
  EXPECT_EQ(kind("[1]"), MessageKind::other);
  EXPECT_EQ(kind(std::string(100'000, '[')), MessageKind::other);
}

TEST(Message, NothingSaidMeansAnyMessage) {
  const Variables variables(3);
  Random random(1, 1);
  for (const std::string_view text : {"", "hb", "{}", "[1]"}) {
    EXPECT_EQ(classify_message({}, text, variables, random), MessageKind::awaited) << text;
  }
}

TEST(Message, ContainsAndMembersMustBothHold) {
  Variables variables(3);
  variables.set(1, std::string("seat"));
  Random random(1, 1);
  WsAwaitStep step;
  step.contains = *Template::parse("${b} 7", slots);
  const auto kind = [&](std::string_view text) {
    return classify_message(step, text, variables, random);
  };
  EXPECT_EQ(kind("your seat 7 is free"), MessageKind::awaited) << "no JSON is needed";
  EXPECT_EQ(kind("your seat 8 is free"), MessageKind::other);
  step.where.emplace_back("/t", *Template::parse("x", slots));
  EXPECT_EQ(kind("your seat 7 is free"), MessageKind::other);
  EXPECT_EQ(kind(R"({"t":"x","say":"seat 7"})"), MessageKind::awaited);
  EXPECT_EQ(kind(R"({"t":"y","say":"seat 7"})"), MessageKind::other);
  EXPECT_EQ(kind(R"({"t":"x","say":"seat 8"})"), MessageKind::other);
  MessageMatch over;
  over.emplace_back("/t", *Template::parse("over", slots));
  step.unless.push_back(std::move(over));
  EXPECT_EQ(kind(R"({"t":"over"})"), MessageKind::over);
  step.where.clear();
  EXPECT_EQ(kind(R"({"t":"over"})"), MessageKind::over);
  EXPECT_EQ(kind(R"({"t":"else"})"), MessageKind::other);
}

TEST(Message, AFoundPatternContainsAndMembersMustAllHold) {
  const Variables variables(3);
  Random random(1, 1);
  WsAwaitStep step;
  step.matches = *RegexPattern::compile("seat [0-9]+ is free");
  const auto kind = [&](std::string_view text) {
    return classify_message(step, text, variables, random);
  };
  EXPECT_EQ(kind("your seat 7 is free"), MessageKind::awaited) << "no JSON is needed";
  EXPECT_EQ(kind("your seat x is free"), MessageKind::other);
  EXPECT_EQ(kind(""), MessageKind::other);
  step.contains = *Template::parse("row 3", slots);
  EXPECT_EQ(kind("seat 7 is free"), MessageKind::other);
  EXPECT_EQ(kind("row 3, seat 7 is taken"), MessageKind::other);
  EXPECT_EQ(kind("row 3, seat 7 is free"), MessageKind::awaited);
  step.where.emplace_back("/t", *Template::parse("x", slots));
  EXPECT_EQ(kind("row 3, seat 7 is free"), MessageKind::other);
  EXPECT_EQ(kind(R"({"t":"x","say":"row 3, seat 7 is free"})"), MessageKind::awaited);
  EXPECT_EQ(kind(R"({"t":"x","say":"row 3, seat 7 is taken"})"), MessageKind::other);
  MessageMatch over;
  over.emplace_back("/t", *Template::parse("over", slots));
  step.unless.push_back(std::move(over));
  EXPECT_EQ(kind(R"({"t":"over"})"), MessageKind::over);
}

TEST(StampedTime, IsANumberOrDigitsInTheUnit) {
  EXPECT_EQ(stamped_time(R"({"ts":1500})", "/ts", milliseconds{1}), seconds{1} + milliseconds{500});
  EXPECT_EQ(stamped_time(R"({"ts":1.5})", "/ts", seconds{1}), milliseconds{1500});
  EXPECT_EQ(stamped_time(R"({"ts":"1763731200000000"})", "/ts", microseconds{1}),
            seconds{1'763'731'200});
  EXPECT_EQ(stamped_time(R"([{"at":{"ns":7}}])", "/0/at/ns", Nanos{1}), Nanos{7});
  EXPECT_EQ(stamped_time("1500", "", milliseconds{1}), milliseconds{1500}) << "the whole message";
}

TEST(StampedTime, WhatIsNoTimeIsNothing) {
  for (const std::string_view text :
       {"", "hb", "{}", R"({"ts":null})", R"({"ts":"12x"})", R"({"ts":""})", R"({"ts":-1})",
        R"({"ts":99999999999999})", R"({"ts":1e300})", R"({"ts":18446744073709551615})",
        R"({"ts":true})", R"({"ts":[1]})"}) {
    EXPECT_EQ(stamped_time(text, "/ts", seconds{1}), std::nullopt) << text;
  }
}

TEST(Base64, OfTheStandardsExamples) {
  // RFC 4648 §10.
  EXPECT_EQ(bytes_of_base64(""), "");
  EXPECT_EQ(bytes_of_base64("Zg=="), "f");
  EXPECT_EQ(bytes_of_base64("Zm8="), "fo");
  EXPECT_EQ(bytes_of_base64("Zm9v"), "foo");
  EXPECT_EQ(bytes_of_base64("Zm9vYmE="), "fooba");
  EXPECT_EQ(bytes_of_base64("+/+/"), "\xfb\xff\xbf");
  for (const std::string_view bad :
       {"Z", "Zg", "Zg=", "Zm9v=", "Zm 9", "Zg==Zg==", "====", "Z==="}) {
    EXPECT_EQ(bytes_of_base64(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace stampede
