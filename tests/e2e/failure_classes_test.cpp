// Goal: whatever goes wrong between here and the target, or in the profile's own functions, is
// counted in a class of its own, with one example, and the summary says what to do; nothing is
// lost and nothing crashes. Method: the real binary against what is not there. TLS has its own
// tests (tls_run_test), descriptors theirs (hardship_test).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/failure.hpp"
#include "tests/e2e/answering_server.hpp"
#include "tests/e2e/command.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede::test {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t sessions = 20;

std::string profile_text(const std::string& top, const std::string& first_steps = "") {
  return "name: hard\nquestion: What goes wrong?\ndrain: 2s\n"
         "validity: {samples_min: 10, loop_lag_p99_max: 1s, start_lag_p99_max: 1s, cpu_max: 100%}\n"
         "scenarios:\n  s: {persona: p, model: open, arrivals: regular, start: 20, "
         "stages: \"1s:20\"}\ngates: [errors == 0]\n" +
         top + "personas:\n  p:\n" + first_steps + "    - get: /\n      name: home\n";
}

struct ProfileRun {
  CommandResult said;
  Json result;
};

ProfileRun run_profile(const std::string& text, const std::string& url) {
  const TemporaryFolder folder;
  ProfileRun run;
  run.said =
      run_command({stampede_binary(), "run", folder.write("p.yaml", text), "--url", url, "-q",
                   "--plain", "--no-calibration", "--out", (folder.path() / "run").string()});
  if (std::filesystem::exists(folder.path() / "run" / "run.json")) {
    run.result = Json::parse(read_file(folder.path() / "run" / "run.json"), nullptr, false);
  }
  return run;
}

// Lines joined: a summary breaks them where the terminal ends.
std::string flat(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank || (!out.empty() && out.back() != ' ')) out += blank ? ' ' : c;
  }
  return out;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void expect_counted(const ProfileRun& run, Failure failure, const std::string& in_example) {
  EXPECT_TRUE(run.said.exit_code == 1 || run.said.exit_code == 3)
      << run.said.exit_code << run.said.out << run.said.err;
  ASSERT_TRUE(run.result.is_object()) << run.said.err;
  EXPECT_EQ(run.result["requests_begun"], sessions);
  EXPECT_EQ(run.result["total"]["outcomes"]["connect_failed"], sessions);
  ASSERT_EQ(run.result["failures"].size(), 1u) << run.result["failures"];
  const Json& one = run.result["failures"].front();
  EXPECT_EQ(one["reason"], name_of(failure));
  EXPECT_EQ(one["count"], sessions);
  EXPECT_TRUE(holds(one["example"].get<std::string>(), in_example)) << one;
  const std::string summary = flat(run.said.out);
  EXPECT_TRUE(holds(summary, name_of(failure))) << run.said.out;
  EXPECT_TRUE(holds(summary, flat(std::string(advice_on(failure))))) << run.said.out;
}

TEST(FailureClasses, Refused) {
  const std::string url = "http://127.0.0.1:" + std::to_string(::test::unused_port());
  expect_counted(run_profile(profile_text(""), url), Failure::refused, "refused");
}

TEST(FailureClasses, AHostThatCannotBeResolvedByAConnection) {
  expect_counted(
      run_profile(profile_text("connection: {dns: connect}\n"), "http://no-such-host.invalid"),
      Failure::unresolved, "no-such-host.invalid");
}

TEST(FailureClasses, AHostThatCannotBeResolvedBeforeTheStart) {
  const ProfileRun run = run_profile(profile_text(""), "http://no-such-host.invalid");
  EXPECT_EQ(run.said.exit_code, 69) << run.said.out;
  EXPECT_TRUE(holds(run.said.err, "no-such-host.invalid")) << run.said.err;
  EXPECT_TRUE(holds(flat(run.said.err), flat(std::string(advice_on(Failure::unresolved)))))
      << run.said.err;
}

TEST(FailureClasses, ASourceAddressThatIsNotOurs) {
  const AnsweringServer server;
  expect_counted(
      run_profile(profile_text("connection: {source_addresses: 192.0.2.1}\n"), server.url()),
      Failure::bad_source, "");
}

TEST(FailureClasses, ALuaErrorAtOneSession) {
  const AnsweringServer server;
  const ProfileRun run = run_profile(
      profile_text("functions: |\n  function price(n)\n"
                   "    if n == 12 then return n.missing.member end\n    return n\n  end\n",
                   "    - set: {paid: price(session)}\n"),
      server.url());
  EXPECT_EQ(run.said.exit_code, 3) << "more than one in a thousand sessions\n" << run.said.out;
  EXPECT_EQ(run.result["sessions"]["scheduled"], sessions);
  EXPECT_EQ(run.result["sessions"]["failed"], 1);
  EXPECT_EQ(run.result["statuses"]["200"], sessions - 1);
  EXPECT_TRUE(holds(flat(run.said.out), "session 12")) << run.said.out;
}

}  // namespace
}  // namespace stampede::test
