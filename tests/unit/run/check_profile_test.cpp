// Every problem of a profile in one round, whoever finds it, and none that only follows from
// another.
#include <gtest/gtest.h>

#include "harness/profile/profile_reader.hpp"
#include "harness/run/run.hpp"

namespace stampede {
namespace {

// As `validate` puts them together.
std::string problems(const std::string& text) {
  const ProfileReading reading = read_profile_in_part(text, "p.yaml");
  Diagnostics all = reading.problems;
  for (Diagnostic& one :
       check_profile(reading.profile, reading.doubts ? &*reading.doubts : nullptr)) {
    all.push_back(std::move(one));
  }
  sort_by_place(all, "p.yaml");
  std::string told;
  for (const Diagnostic& one : all) {
    told += std::to_string(one.place.line) + ": " + one.message + "\n";
  }
  return told;
}

const std::string scenario = "scenarios:\n  s: {persona: p, model: open, stages: 1s:10}\n";

TEST(CheckProfile, ProblemsOfEveryKindComeTogether) {
  EXPECT_EQ(problems("name: t\nnmae: again\n" + scenario +
                     "personas:\n  p:\n    - get: /${usre}\n      name: look\n"
                     "    - set: {total: 1 +}\n"
                     "gates: [p95 < 3, \"tier=gold p95 < 1s\"]\n"),
            "2: unknown key \"nmae\" in a profile\n"
            "7: unknown variable \"usre\"\n"
            "9: not a Lua expression: it ends too early\n"
            "10: gate: a latency needs a unit\n"
            "10: no step has the tag `tier=gold`\n");
}

// The capture has a problem; that its variable is unknown would only follow from it.
TEST(CheckProfile, AVariableWhoseCaptureIsWrongIsNotUnknown) {
  EXPECT_EQ(problems("name: t\n" + scenario +
                     "personas:\n  p:\n    - gte: /\n      name: look\n"
                     "      capture: {order: /id}\n"
                     "    - get: /${order}/${ordr}\n      name: again\n"
                     "    - if: order > 1 and stats.x\n      then: [stop: {}]\n"
                     "gates: [look p95 < 1s, lock p95 < 1s]\n"),
            "6: unknown step \"gte\"\n"
            "9: unknown variable \"ordr\"\n"
            "11: unknown variable \"stats\"\n"
            "13: gate: unknown step \"lock\"\n");
}

TEST(CheckProfile, NamesOfFunctionsDataAndSecretsThatCouldNotBeReadAreNotUnknown) {
  EXPECT_EQ(problems("name: t\nfunctions: |\n  function price(n) return n * end\n"
                     "data: {events: [{rwos: 2}, {rows: 0}]}\n"
                     "secrets: {key: plain}\nfeeders: {items: {flie: x}}\n" +
                     scenario +
                     "personas:\n  p:\n    - set: {total: price(2), more: prize(2)}\n"
                     "    - get: /${event_2}/${event_3}/${secret.key}/${items.id}\n"
                     "      name: look\n"),
            "3: unexpected symbol near 'end'\n"
            "4: unknown key \"rwos\" in an event\n"
            "4: 0 is out of range\n"
            "5: a secret does not stand in the profile\n"
            "6: a feeder needs the key \"file\"\n"
            "6: unknown key \"flie\" in a feeder\n"
            "11: unknown variable \"prize\"\n");
}

TEST(CheckProfile, WhatTheReaderToldIsNotToldAgain) {
  EXPECT_EQ(problems("name: t\nscenarios:\n"
                     "  s: {persona: nobody, model: open, stages: 1s:10, feed: nothing}\n"
                     "personas:\n  p:\n    - choose:\n        - {weight: 0, do: [stop: {}]}\n"),
            "3: unknown persona \"nobody\"\n"
            "3: unknown feeder \"nothing\"\n"
            "7: choose needs a branch with a weight above 0\n");
}

}  // namespace
}  // namespace stampede
