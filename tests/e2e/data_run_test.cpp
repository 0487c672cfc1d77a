// Goal: a profile that brings rows of a file, functions and secrets runs from the command line;
// what it writes tells what went wrong and never a secret. Method: the real binary against a server
// that puts the secret, as it came and in other forms, into the bodies of its errors.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/e2e/command.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

namespace fs = std::filesystem;
using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;

const std::string lenient =
    "validity: {samples_min: 20, loop_lag_p99_max: 1s, start_lag_p99_max: 1s, cpu_max: 100%}\n";

std::string header_of(const Seen& seen, const std::string& name) {
  const auto at = seen.head.find(name + ": ");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 2;
  return seen.head.substr(begin, seen.head.find("\r\n", begin) - begin);
}

std::string profile_text() {
  return "name: shop\nquestion: Does the shop answer?\nworkers: 2\ndrain: 2s\n"
         "tags: {team: checkout}\n"
         "secrets:\n  api_key: {env: STAMPEDE_TEST_KEY}\n  password: {file: pw.txt}\n"
         "feeders:\n  accounts: {file: users.csv, mode: unique}\n"
         "functions: |\n  function order(n)\n    if n == 17 then return missing.member end\n"
         "    return n * 10\n  end\n"
         "variables: {missing: \"${status}\"}\n"
         "scenarios:\n  s: {persona: p, model: open, arrivals: regular, start: 50, stages: "
         "\"1s:50\", feed: accounts}\n"
         "personas:\n  p:\n"
         "    - get: /login/${accounts.name}?key=${secret.api_key|url}\n      name: login\n"
         "      headers: {X-Key: \"${secret.api_key}\", Authorization: \"Basic "
         "${secret.password|base64}\"}\n"
         "    - set: {total: order(session)}\n"
         "    - post: /order\n      name: order\n      body: {total: \"${total}\"}\n"
         "gates: [\"count ok >= 49\", \"team=checkout count ok >= 49\"]\n";
}

struct Shop {
  std::set<std::string> users;
  ScriptedServer server{[this](const Seen& seen) {
    Reply reply;
    if (!seen.target.starts_with("/login/")) return reply;
    users.insert(seen.target.substr(7, seen.target.find('?') - 7));
    reply.status = users.size() % 2 == 0 ? 403 : 500;
    const std::string key = header_of(seen, "X-Key");
    reply.body = "<p>no entry: " + key + " " + seen.target + " " +
                 header_of(seen, "Authorization") + " " + key.substr(0, 9);
    return reply;
  }};
};

// Every key that came with an order, and every choice that was made.
struct Orders {
  std::set<std::string> keys, choices;
};

Orders order_with(const std::vector<std::string>& more, std::string& ids) {
  const TemporaryFolder folder;
  const auto profile =
      folder.write("p.yaml",
                   "name: keys\nquestion: Whose keys?\ndrain: 2s\nscenarios:\n"
                   "  s: {persona: p, model: open, start: 40, stages: \"1s:40\"}\n"
                   "personas:\n  p:\n    - set: {key: uuid(), choice: \"random(1, 1000000)\"}\n"
                   "    - post: /order/${choice}\n      name: order\n"
                   "      headers: {Idempotency-Key: \"${key}\", X-Other: \"${uuid}\"}\n" +
                       lenient);
  Orders orders;
  {
    ScriptedServer server([&orders](const Seen& seen) {
      orders.keys.insert(header_of(seen, "Idempotency-Key"));
      orders.keys.insert(header_of(seen, "X-Other"));
      orders.choices.insert(seen.target);
      return Reply{};
    });
    const fs::path out = folder.path() / "run";
    std::vector<std::string> words{stampede_binary(),
                                   "run",
                                   profile,
                                   "-q",
                                   "--no-calibration",
                                   "--url",
                                   "http://127.0.0.1:" + std::to_string(server.port()),
                                   "--out",
                                   out.string()};
    words.insert(words.end(), more.begin(), more.end());
    const auto result = run_command(words);
    ids = nlohmann::json::parse(read_file(out / "run.json"))["ids"].get<std::string>();
  }
  EXPECT_EQ(orders.keys.size(), 2 * orders.choices.size());
  return orders;
}

// Two runs of one seed against the same target: the second must not replay the orders of the first.
TEST(DataRun, IdsAreTheRunsOwnUnlessTheyAreGiven) {
  std::string ids, other_ids, same_ids;
  const Orders first = order_with({}, ids);
  const Orders second = order_with({}, other_ids);
  EXPECT_GT(first.choices.size(), 10U);
  EXPECT_EQ(first.choices, second.choices) << "the seed chooses the same";
  EXPECT_NE(ids, other_ids);
  for (const std::string& key : second.keys) EXPECT_FALSE(first.keys.contains(key)) << key;
  const Orders again = order_with({"--set", "ids=" + ids}, same_ids);
  EXPECT_EQ(same_ids, ids);
  EXPECT_EQ(again.keys, first.keys);
}

TEST(DataRun, RowsFunctionsAndSecretsTogetherAndNoSecretInAnyFile) {
  const std::string key = "k3y/with\"quote";
  const std::string password = "correct horse battery";
  setenv("STAMPEDE_TEST_KEY", key.c_str(), 1);
  const TemporaryFolder folder;
  std::string users = "name,note\r\n";
  for (int i = 0; i < 50; ++i) users += "user" + std::to_string(i) + ",\"a, b\"\r\n";
  folder.write("users.csv", users);
  folder.write("pw.txt", password + "\n");
  const auto profile = folder.write("p.yaml", profile_text() + lenient);
  Shop shop;
  const fs::path out = folder.path() / "run";
  const auto result = run_command({stampede_binary(), "run", profile, "--url",
                                   "http://127.0.0.1:" + std::to_string(shop.server.port()),
                                   "--out", out.string()});
  EXPECT_EQ(shop.users.size(), 50U) << "each row once";
  const auto run = nlohmann::json::parse(read_file(out / "run.json"));
  EXPECT_EQ(run["sessions"]["failed"], 1) << result.out << result.err;
  EXPECT_NE(result.out.find("an error in Lua ended"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("p.yaml:13:"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("session 17 of s"), std::string::npos) << result.out;
  // One of 50 is more than one in a thousand.
  EXPECT_EQ(result.exit_code, 3) << result.out << result.err;
  EXPECT_EQ(run["series"][0]["tags"]["team"], "checkout");
  ASSERT_NE(run["error_examples"].find("http_error"), run["error_examples"].end());
  std::vector<std::pair<std::string, std::string>> texts{{"stdout", result.out},
                                                         {"stderr", result.err}};
  for (const auto& entry : fs::recursive_directory_iterator(out)) {
    if (entry.is_regular_file()) texts.emplace_back(entry.path().string(), read_file(entry.path()));
  }
  EXPECT_GE(texts.size(), 6U);
  for (const auto& [name, text] : texts) {
    for (const std::string secret :
         {"k3y/with", "k3y%2Fwith", "k3y\\/with", "k3y/", "horse battery", "Y29ycmVjdCBob3JzZS"}) {
      EXPECT_EQ(text.find(secret), std::string::npos) << secret << " is in " << name;
    }
  }
  EXPECT_NE(read_file(out / "run.json").find("no entry: ***"), std::string::npos);
}

TEST(DataRun, WhatIsMissingIsToldBeforeTheStartWithItsPlace) {
  unsetenv("STAMPEDE_TEST_KEY");
  const TemporaryFolder folder;
  folder.write("users.csv", "name,note\nada\n\"x\n");
  const auto profile = folder.write("p.yaml", profile_text());
  const auto result = run_command({stampede_binary(), "validate", profile});
  EXPECT_EQ(result.exit_code, 64);
  for (const std::string part :
       {"p.yaml:7:3: error: secret \"api_key\": the environment has no variable STAMPEDE_TEST_KEY",
        "p.yaml:8:3: error: secret \"password\": there is no file",
        "users.csv:2:1: error: 1 field, and the header names 2\nada\n^\n",
        "users.csv:3:1: error: a quote that is not closed\n\"x\n^\n"}) {
    EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
  }
}

TEST(DataRun, RowsThatCannotLastAreAProblemBeforeTheStart) {
  setenv("STAMPEDE_TEST_KEY", "some-key", 1);
  const TemporaryFolder folder;
  folder.write("pw.txt", "password");
  folder.write("users.csv", "name,note\nada,x\nbob,y\n");
  const auto profile = folder.write("p.yaml", profile_text());
  const auto result = run_command({stampede_binary(), "validate", profile});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_NE(result.err.find("p.yaml:10:3: error: feeder \"accounts\" has 2 rows, and the sessions "
                            "of this load need 50\n  accounts: {file: users.csv, mode: unique}\n"
                            "  ^\nhint: more rows in its file, `mode: circular`, or less load\n"),
            std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace stampede::test
