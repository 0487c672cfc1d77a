// Goal: what sessions bring along and what they make of answers: rows of data files, functions,
// secrets, captures by pattern, checks. Method: profiles as a user writes them, driven against a
// server that notes what it is asked.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "harness/load/load.hpp"
#include "harness/profile/profile_reader.hpp"
#include "harness/profile/secrets.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using ::test::Reply;
using ::test::ScriptedServer;
using ::test::Seen;

// A folder for a profile and its files.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "stampede-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  Folder(const Folder&) = delete;
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string profile() const { return (path_ / "p.yaml").string(); }

 private:
  std::filesystem::path path_;
};

// 20 sessions in half a second; `steps` and `more` are YAML.
std::string profile_text(const std::string& steps, const std::string& more,
                         const std::string& scenario = "") {
  return "name: t\nworkers: 2\nscenarios:\n  s: {persona: p, model: open, arrivals: regular, "
         "start: 40, stages: \"500ms:40\"" +
         scenario + "}\npersonas:\n  p:\n" + steps + more;
}

struct ProfileRun {
  CompiledRun compiled;
  LoadOutcome outcome;

  [[nodiscard]] const FaultTally& fault(SessionFault kind) const {
    return outcome.measured.faults[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] const std::string& example(Outcome kind) const {
    return outcome.measured.example[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] std::uint64_t count(Outcome kind) const {
    std::uint64_t sum = 0;
    for (const SeriesSnapshot& series : outcome.measured.series) {
      sum += series.outcomes[static_cast<std::size_t>(kind)];
    }
    return sum;
  }
};

ProfileRun drive_profile(const Folder& folder, const std::string& text, std::uint16_t port) {
  auto profile = read_profile(text, folder.profile(), {});
  if (!profile) throw std::runtime_error(render(profile.error(), text));
  const auto missing = resolve_secrets(*profile, [](const std::string& name) {
    return name == "API_KEY" ? std::optional<std::string>("s3cret/\"key\"") : std::nullopt;
  });
  if (!missing.empty()) throw std::runtime_error(render(missing, text));
  auto compiled = compile(*profile);
  if (!compiled) throw std::runtime_error(render(compiled.error(), text));
  ProfileRun run;
  run.compiled = std::move(*compiled);
  LoadPlan plan;
  plan.run = &run.compiled;
  plan.target = {"127.0.0.1", port, "", "test"};
  plan.workers = profile->workers;
  plan.length = run_length(*profile);
  plan.drain = std::chrono::seconds{5};
  run.outcome = drive(plan, {}, [](const LoadSecond&) {});
  return run;
}

struct Asked {
  std::multiset<std::string> targets;
  ScriptedServer server{[this](const Seen& seen) {
    targets.insert(seen.target);
    return Reply{};
  }};
};

TEST(DriveData, EveryRowServesOneSessionOfAllWorkers) {
  const Folder folder;
  std::string users = "name,note\n";
  std::multiset<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    users += "user" + std::to_string(i) + ",\"a b, c\"\n";
    expected.insert("/login/user" + std::to_string(i) + "?note=a%20b%2C%20c");
  }
  folder.write("users.csv", users);
  for (const std::string mode : {"queue", "unique"}) {
    Asked asked;
    const ProfileRun run = drive_profile(
        folder,
        profile_text("    - get: \"/login/${accounts.name}?note=${accounts.note|url}\"\n"
                     "      name: login\n",
                     "feeders: {accounts: {file: users.csv, mode: " + mode + "}}\n",
                     ", feed: accounts"),
        asked.server.port());
    EXPECT_EQ(asked.targets, expected) << mode;
    EXPECT_EQ(run.outcome.measured.sessions.completed, 20U);
  }
}

TEST(DriveData, SessionsThatFindNoRowFailAndAreCounted) {
  const Folder folder;
  folder.write("users.jsonl", "{\"name\": \"a\"}\n{\"name\": \"b\"}\n{\"name\": \"c\"}\n");
  Asked asked;
  const ProfileRun run = drive_profile(
      folder,
      profile_text("    - feed: accounts\n    - get: \"/${accounts.name}\"\n      name: x\n",
                   "feeders: {accounts: {file: users.jsonl}}\n"),
      asked.server.port());
  EXPECT_EQ(asked.targets, (std::multiset<std::string>{"/a", "/b", "/c"}));
  EXPECT_EQ(run.outcome.measured.sessions.failed, 17U);
  EXPECT_EQ(run.fault(SessionFault::data_exhausted).sessions, 17U);
  const std::string& example = run.fault(SessionFault::data_exhausted).example;
  EXPECT_NE(example.find("feeder \"accounts\" has no row left: it has 3, of which this worker"),
            std::string::npos)
      << example;
}

TEST(DriveData, ARowMayBeTakenInEveryRoundAndCirclesBeginAgain) {
  const Folder folder;
  folder.write("items.csv", "id\n1\n2\n3\n");
  Asked asked;
  drive_profile(
      folder,
      "name: t\nscenarios:\n  s: {persona: p, model: open, arrivals: regular, start: 2, "
      "stages: \"500ms:2\"}\npersonas:\n  p:\n    - repeat: 4\n      do:\n        - feed: "
      "items\n        - get: \"/${items.id}\"\n          name: x\n"
      "feeders: {items: {file: items.csv, mode: circular}}\n",
      asked.server.port());
  EXPECT_EQ(asked.targets, (std::multiset<std::string>{"/1", "/1", "/2", "/3"}));
}

TEST(DriveData, ALuaErrorAtOneUserEndsItsSessionAndIsTold) {
  const Folder folder;
  Asked asked;
  const ProfileRun run = drive_profile(
      folder,
      profile_text("    - get: /first\n      name: first\n    - set: {x: \"discount(session)\"}\n"
                   "    - get: \"/${x}\"\n      name: second\n",
                   "functions: |\n  function discount(n)\n    if n == 7 then return nothing.here "
                   "end\n    return n * 2\n  end\nvariables: {nothing: \"${status}\"}\n"),
      asked.server.port());
  EXPECT_EQ(run.outcome.measured.sessions.completed, 19U);
  EXPECT_EQ(run.outcome.measured.sessions.failed, 1U);
  const FaultTally& fault = run.fault(SessionFault::script_error);
  EXPECT_EQ(fault.sessions, 1U);
  for (const std::string part : {"line 9: `discount(session)`: ", "p.yaml:14: ", "session 7 of s",
                                 "user 7", "after step first"}) {
    EXPECT_NE(fault.example.find(part), std::string::npos) << part << " in " << fault.example;
  }
  EXPECT_EQ(asked.targets.count("/first"), 20U);
  EXPECT_EQ(asked.targets.count("/38"), 1U);
}

TEST(DriveData, ASecretThatTheServerEchoesIsInNoExample) {
  const Folder folder;
  std::string got;
  ScriptedServer server([&got](const Seen& seen) {
    const auto at = seen.head.find("X-Key: ");
    got = seen.head.substr(at + 7, seen.head.find("\r\n", at) - at - 7);
    Reply reply;
    reply.status = 500;
    reply.body = std::string(100, 'x') + " bad key " + got + " for " + seen.target;
    return reply;
  });
  const ProfileRun run =
      drive_profile(folder,
                    profile_text("    - get: \"/a?key=${secret.api_key|url}\"\n      name: x\n"
                                 "      headers: {X-Key: \"${secret.api_key}\"}\n",
                                 "secrets: {api_key: {env: API_KEY}}\n"),
                    server.port());
  EXPECT_EQ(got, "s3cret/\"key\"");
  EXPECT_EQ(run.count(Outcome::http_error), 20U);
  const std::string& example = run.example(Outcome::http_error);
  EXPECT_NE(example.find("x bad key"), std::string::npos) << example;
  EXPECT_EQ(example.find("s3cr"), std::string::npos) << example;
}

TEST(DriveData, AnAnswerIsSearchedAndChecked) {
  const Folder folder;
  Asked asked;
  ScriptedServer server([&asked](const Seen& seen) {
    asked.targets.insert(seen.target);
    Reply reply;
    reply.headers = "Link: </page/2>; rel=next\r\n";
    reply.body = seen.target == "/form" ? "<input name=\"csrf\" value=\"t0k\"><li><li><li>"
                                        : R"({"total": 4, "state": "sold"})";
    return reply;
  });
  const ProfileRun run = drive_profile(
      folder,
      profile_text("    - get: /form\n      name: form\n      capture:\n"
                   "        csrf: {regex: 'name=\"csrf\" value=\"([^\"]+)\"'}\n"
                   "        items: {regex: '<li>', match: count}\n"
                   "        page: {regex: '<(.*)>; rel=next', header: Link}\n"
                   "      check: [body contains csrf, header Link exists, items == 3]\n"
                   "    - get: \"${page}?t=${csrf}\"\n      name: page\n"
                   "      check:\n        - json /total == ${items}\n",
                   ""),
      server.port());
  EXPECT_EQ(asked.targets.count("/page/2?t=t0k"), 20U);
  EXPECT_EQ(run.count(Outcome::ok), 20U);
  EXPECT_EQ(run.count(Outcome::assertion_failed), 20U);
  EXPECT_EQ(run.example(Outcome::assertion_failed),
            "page: status 200: check failed: json /total == ${items} (it is \"4\")");
  EXPECT_EQ(run.outcome.measured.sessions.completed, 20U);
}

}  // namespace
}  // namespace stampede::test
