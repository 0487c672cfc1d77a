#include <gtest/gtest.h>

#include "harness/load/virtual_user.hpp"

namespace stampede {
namespace {

TEST(CertaintyOf, ALostAnswerLeavesTheEffectUnknown) {
  for (const Outcome lost : {Outcome::timed_out, Outcome::disconnected, Outcome::malformed,
                             Outcome::unfinished, Outcome::assertion_failed}) {
    EXPECT_EQ(certainty_of(lost, 0), Certainty::unknown) << name_of(lost);
  }
  EXPECT_EQ(certainty_of(Outcome::http_error, 504), Certainty::unknown);
}

TEST(CertaintyOf, ANoIsANo) {
  for (const Outcome refusal : {Outcome::conflict, Outcome::gone, Outcome::rule, Outcome::window,
                                Outcome::shed, Outcome::connect_failed}) {
    EXPECT_EQ(certainty_of(refusal, 409), Certainty::not_applied) << name_of(refusal);
  }
  EXPECT_EQ(certainty_of(Outcome::http_error, 403), Certainty::not_applied);
}

TEST(CertaintyOf, AcceptedMeansApplied) {
  EXPECT_EQ(certainty_of(Outcome::ok, 201), Certainty::applied);
}

TEST(ProblemCode, IsTakenFromTheBodyOrEmpty) {
  EXPECT_EQ(problem_code(R"({"status":409,"code":"SEAT_HELD","x":1})"), "SEAT_HELD");
  EXPECT_EQ(problem_code(R"({"code" : "A"})"), "A");
  EXPECT_EQ(problem_code(R"({"code":7})"), "");
  EXPECT_EQ(problem_code(R"({"code":"open)"), "");
  EXPECT_EQ(problem_code(""), "");
}

TEST(WaitAskedFor, IsTheBodysMillisecondsOrElseTheHeader) {
  EXPECT_EQ(wait_asked_for_ms(429, R"({"code":"RATE_LIMITED","retryAfterMs":137})", "1"), 137);
  EXPECT_EQ(wait_asked_for_ms(429, R"({"retryAfterMs" : 137})", ""), 137);
  EXPECT_EQ(wait_asked_for_ms(409, R"({"retryAfterMs":null})", "2"), 2000);
  EXPECT_EQ(wait_asked_for_ms(503, "", "1"), 1000);
  EXPECT_EQ(wait_asked_for_ms(200, R"({"retryAfterMs":137})", ""), 0) << "an answer's own member";
  EXPECT_EQ(wait_asked_for_ms(429, R"({"retryAfterMs":-5})", ""), 0);
  EXPECT_EQ(wait_asked_for_ms(429, R"({"retryAfterMs":99999999999})", ""), 24LL * 3600 * 1000);
  EXPECT_EQ(wait_asked_for_ms(429, "", "soon"), 0);
  EXPECT_EQ(wait_asked_for_ms(429, R"({"retryAfterMs":)", ""), 0);
}

}  // namespace
}  // namespace stampede
