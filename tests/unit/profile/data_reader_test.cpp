// Feeders, secrets, functions and tags as the profile reader sees them.
#include <gtest/gtest.h>

#include "harness/profile/profile_reader.hpp"

namespace stampede {
namespace {

std::string whole(const std::string& top, const std::string& scenario = "",
                  const std::string& steps = "[{stop: {}}]") {
  return "name: t\npersonas: {p: " + steps +
         "}\nscenarios: {s: {persona: p, model: open, stages: \"9s:1\"" + scenario + "}}\n" + top;
}

Profile read(const std::string& text) {
  auto result = read_profile(text, "p.yaml", {});
  EXPECT_TRUE(result.has_value()) << (result ? "" : render(result.error(), text));
  return result ? *result : Profile{};
}

std::string problems(const std::string& text) {
  const auto result = read_profile(text, "p.yaml", {});
  if (result) return "no problem";
  std::string all;
  for (const Diagnostic& one : result.error()) {
    all += std::to_string(one.place.line) + ":" + std::to_string(one.place.column) + " " +
           one.message + (one.hint.empty() ? "" : " | " + one.hint) + "\n";
  }
  return all;
}

TEST(DataReader, Feeders) {
  const Profile profile =
      read(whole("feeders:\n  accounts: {file: users.csv, mode: unique}\n"
                 "  items: {file: items.jsonl, mode: random}\n"
                 "  tabs: {file: a.tsv, mode: circular, partition: none}\n",
                 ", feed: [accounts, items]", "[{feed: tabs}]"));
  ASSERT_EQ(profile.feeders.size(), 3U);
  EXPECT_EQ(profile.feeders[0].mode, FeederSpec::Mode::unique);
  EXPECT_TRUE(profile.feeders[0].by_worker);
  EXPECT_EQ(profile.feeders[0].place.line, 5);
  EXPECT_EQ(profile.feeders[1].format, FeederSpec::Format::json_lines);
  EXPECT_FALSE(profile.feeders[1].by_worker);
  EXPECT_EQ(profile.feeders[2].delimiter, '\t');
  EXPECT_FALSE(profile.feeders[2].by_worker);
  ASSERT_EQ(profile.scenarios[0].feed.size(), 2U);
  EXPECT_EQ(profile.scenarios[0].feed[1].first, "items");
  EXPECT_EQ(std::get<FeedSpec>(profile.personas.at("p").steps[0].action).feeder, "tabs");
}

TEST(DataReader, EveryProblemOfFeedersAtOnce) {
  EXPECT_EQ(problems(whole("feeders:\n  a-b: {mode: queue}\n  secret: {file: x, mode: quue}\n"
                           "  c: {file: x, format: xml, delimiter: ab, partition: some}\n"
                           "  d: {file: x, mode: unique, partition: none}\n",
                           ", feed: e")),
            "3:64 unknown feeder \"e\" | did you mean \"c\"?\n"
            "5:3 \"a-b\" cannot name a feeder | a letter, then letters, digits and _\n"
            "5:8 a feeder needs the key \"file\" | file: users.csv, relative to the profile\n"
            "6:3 \"secret\" cannot name a feeder | ${secret.…} are the secrets\n"
            "6:27 unknown mode \"quue\" | queue, circular, random or unique\n"
            "7:24 unknown format \"xml\" | csv or jsonl\n"
            "7:40 \"ab\" is no delimiter | \",\", \";\", \"|\" or tab\n"
            "7:55 unknown partition \"some\" | worker or none\n"
            "8:41 rows that every worker goes through are not unique | leave out `partition`, or "
            "choose another mode\n");
}

TEST(DataReader, PopularityOfRandomRows) {
  const Profile profile =
      read(whole("feeders:\n  items: {file: items.csv, mode: random, zipf: 0.99}\n"));
  EXPECT_EQ(profile.feeders[0].zipf, 0.99);
  EXPECT_EQ(problems(whole("feeders:\n  a: {file: x, zipf: 1}\n"
                           "  b: {file: x, mode: random, zipf: 7}\n"
                           "  c: {file: x, mode: random, zipf: 1, partition: worker}\n")),
            "5:22 only rows that are drawn at random have a popularity | mode: random\n"
            "6:36 7 is out of range | from 0.01 to 5\n"
            "7:36 a popularity is that of all rows | leave out `partition`\n");
}

TEST(DataReader, SecretsAreNamedNotWritten) {
  const Profile profile = read(whole("secrets: {a: {env: KEY}, b: {file: /run/pw}}\n"));
  ASSERT_EQ(profile.secrets.size(), 2U);
  EXPECT_EQ(profile.secrets[0].environment, "KEY");
  EXPECT_EQ(profile.secrets[1].file, "/run/pw");
  const std::string told = problems(
      whole("secrets:\n  a: hunter2hunter2\n  b: {env: A, file: b}\n  c-d: {env: 'x y'}\n"));
  EXPECT_EQ(told,
            "5:6 a secret does not stand in the profile | {env: NAME} or {file: PATH}\n"
            "6:6 a secret comes from one place | {env: NAME} or {file: PATH}\n"
            "7:3 \"c-d\" cannot name a secret | a letter, then letters, digits and _\n"
            "7:15 that cannot name a variable of the environment | API_KEY\n");
  EXPECT_EQ(told.find("hunter2"), std::string::npos);
}

TEST(DataReader, FunctionsStandInOnePlace) {
  const Profile profile = read(whole("functions: |\n  function f() end\n"));
  EXPECT_EQ(profile.functions.text, "function f() end\n");
  EXPECT_EQ(profile.functions.place.line, 5);
  EXPECT_EQ(read(whole("functions_file: f.lua\n")).functions_file, "f.lua");
  EXPECT_EQ(problems(whole("functions: x\nfunctions_file: f.lua\n")),
            "5:17 functions stand in the profile or in a file, not in both\n");
}

TEST(DataReader, Tags) {
  const Profile profile =
      read(whole("tags: {team: checkout, tier: \"1\"}\n", ", tags: {tier: \"2\"}",
                 "[{get: /, name: x, tags: {page: home.v2}}]"));
  EXPECT_EQ(profile.tags, (Tags{{"team", "checkout"}, {"tier", "1"}}));
  EXPECT_EQ(profile.scenarios[0].tags, (Tags{{"tier", "2"}}));
  EXPECT_EQ(profile.personas.at("p").steps[0].tags, (Tags{{"page", "home.v2"}}));
  EXPECT_EQ(problems(whole("tags: {\"a b\": x, c: \"x y\", d: [1]}\n")),
            "4:9 \"a b\" is not a name | a letter, then letters, digits, _ and -, at most 64 in "
            "all\n4:22 \"x y\" cannot be the value of a tag | letters, digits, _, - and ., at most "
            "64\n4:31 a text is wanted, not a list\n");
}

}  // namespace
}  // namespace stampede
