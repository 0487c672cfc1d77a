// Goal: whatever goes wrong between here and the target, or in the profile's own functions, is
// counted in a class of its own, with one example, and the summary says what to do; nothing is
// lost and nothing crashes. Method: the real binary against what is not there. TLS has its own
// tests (tls_run_test), descriptors theirs (hardship_test).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

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

// A network of the calling thread's own, and of the processes that it starts, with ten local ports.
bool enter_small_network() {
  if (unshare(CLONE_NEWNET) != 0) return false;
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  const bool up = ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  close(socket);
  const int range = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
  constexpr std::string_view ten = "40000 40009";
  const bool set = range >= 0 && write(range, ten.data(), ten.size()) == 11;
  if (range >= 0) close(range);
  return up && set;
}

TEST(FailureClasses, NoPortLeft) {
  std::optional<ProfileRun> run;
  std::thread([&run] {
    if (!enter_small_network()) return;
    const AnsweringServer server({.delay = std::chrono::milliseconds{1500}});
    run = run_profile(profile_text(""), server.url());
  }).join();
  if (!run) GTEST_SKIP() << "no network namespace of its own is allowed here";
  ASSERT_TRUE(run->result.is_object()) << run->said.err;
  const Json& outcomes = run->result["total"]["outcomes"];
  const auto fine = outcomes["ok"].get<std::uint64_t>();
  const auto failed = outcomes["connect_failed"].get<std::uint64_t>();
  EXPECT_GE(fine, 5U);
  EXPECT_GE(failed, 5U);
  EXPECT_EQ(fine + failed, sessions) << outcomes;
  ASSERT_EQ(run->result["failures"].size(), 1u) << run->result["failures"];
  const Json& one = run->result["failures"].front();
  EXPECT_EQ(one["reason"], name_of(Failure::out_of_ports));
  EXPECT_EQ(one["count"], failed);
  EXPECT_TRUE(holds(one["example"].get<std::string>(), "no free local port")) << one;
  const std::string summary = flat(run->said.out);
  EXPECT_TRUE(holds(summary, name_of(Failure::out_of_ports))) << run->said.out;
  EXPECT_TRUE(holds(summary, flat(std::string(advice_on(Failure::out_of_ports))))) << run->said.out;
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
