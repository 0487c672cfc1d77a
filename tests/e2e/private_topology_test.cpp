// Goal: what the harness starts goes with it, however it ends, and a machine that has no room for
// it is told so. Method: real boxoffice, Redis and MariaDB below a temporary folder of the test's
// own; signals; then processes and files are looked for.
#include <gtest/gtest.h>
#include <unistd.h>
#include <csignal>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "harness/topology/http_exchange.hpp"
#include "test_paths.hpp"
#include "tests/e2e/command.hpp"

namespace stampede::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool within(seconds longest, const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + longest;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return true;
}

// Those that work in a folder or name it on their command line, but for this one.
std::vector<int> processes_below(const fs::path& folder) {
  std::vector<int> found = processes_with(folder.string() + "/");
  std::error_code gone;
  for (fs::directory_iterator at("/proc", gone), end; at != end; at.increment(gone)) {
    const std::string name = at->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code hidden;
    const fs::path works_in = fs::read_symlink(at->path() / "cwd", hidden);
    if (works_in.string().starts_with(folder.string())) found.push_back(std::stoi(name));
  }
  return found;
}

// Everything is started below one folder.
class PrivateTopology : public testing::Test {
 protected:
  PrivateTopology() { fs::create_directory(temporary_); }

  // In the folder, with its temporary files there and what is told in two files.
  [[nodiscard]] std::vector<std::string> in_folder(const std::string& command) const {
    return {"/bin/sh", "-c",
            "cd " + folder_.path().string() + " && TMPDIR=" + temporary_.string() + " exec " +
                command + " >told 2>complained"};
  }
  [[nodiscard]] std::string told() const { return read_file(folder_.path() / "told"); }
  [[nodiscard]] std::string complained() const { return read_file(folder_.path() / "complained"); }
  [[nodiscard]] bool says(const std::string& text) const {
    return told().find(text) != std::string::npos;
  }
  // After "boxoffice  http://127.0.0.1:"
  [[nodiscard]] std::uint16_t port() const {
    const std::string text = told(), before = "boxoffice  http://127.0.0.1:";
    const auto at = text.find(before);
    if (at == std::string::npos) return 0;
    return static_cast<std::uint16_t>(std::stoi(text.substr(at + before.size())));
  }
  void expect_nothing_left() const {
    EXPECT_TRUE(within(seconds(10), [this] { return fs::is_empty(temporary_); }));
    EXPECT_TRUE(within(seconds(10), [this] { return processes_below(temporary_).empty(); }));
  }
  // Runs it; `meanwhile` gets its process id, on another thread.
  static CommandResult run(const std::vector<std::string>& words,
                           const std::function<void(int)>& meanwhile) {
    std::thread other;
    const CommandResult result = run_command(
        words, [&](int child) { other = std::thread([&meanwhile, child] { meanwhile(child); }); },
        seconds(90));
    other.join();
    return result;
  }

  const TemporaryFolder folder_;
  const fs::path temporary_ = folder_.path() / "tmp";
  const fs::path token_ = folder_.path() / ".stampede-admin-token";
};

TEST_F(PrivateTopology, UpStaysUntilItIsInterruptedAndLeavesNothing) {
  bool up = false;
  unsigned ready = 0;
  auto permissions = fs::perms::unknown;
  const auto result = run(
      in_folder(stampede_binary() + " up single --seed-users 2 --seed-seats 4"), [&](int child) {
        up = within(seconds(60), [this] { return says("Ctrl-C stops everything."); });
        if (up) {
          ready = exchange({"127.0.0.1", port()}, {"GET", "/readyz", "", {}}, seconds(5)).status;
          permissions = fs::status(token_).permissions();
        }
        kill(child, SIGINT);
      });
  EXPECT_TRUE(up) << told() << complained();
  EXPECT_EQ(result.exit_code, 130) << told() << complained();
  EXPECT_EQ(ready, 200U);
  EXPECT_EQ(permissions, fs::perms::owner_read | fs::perms::owner_write);
  for (const char* line : {"admin      http://127.0.0.1:", "redis      127.0.0.1:",
                           "mysql      boxoffice@127.0.0.1:", "token      the admin token is in"}) {
    EXPECT_TRUE(says(line)) << line << "\n" << told();
  }
  EXPECT_FALSE(fs::exists(token_));
  expect_nothing_left();
}

TEST_F(PrivateTopology, UpEndsWhenAPartDiesAndTakesTheTokenWithIt) {
  bool up = false;
  const auto result = run(in_folder(stampede_binary() + " up single"), [&](int child) {
    up = within(seconds(60), [this] { return says("Ctrl-C stops everything."); });
    if (!up) kill(child, SIGKILL);
    for (const int redis : processes_below(temporary_)) {
      if (read_file("/proc/" + std::to_string(redis) + "/comm") == "redis-server\n") {
        kill(redis, SIGKILL);
      }
    }
  });
  EXPECT_TRUE(up) << told() << complained();
  EXPECT_EQ(result.exit_code, 69) << told() << complained();
  EXPECT_NE(complained().find("redis ended by signal 9"), std::string::npos) << complained();
  EXPECT_FALSE(fs::exists(token_));
  expect_nothing_left();
}

std::string smoke() { return std::string(STAMPEDE_SOURCE_DIR) + "/profiles/smoke.yaml"; }

TEST_F(PrivateTopology, ARunThatIsInterruptedLeavesNothingButItsFiles) {
  bool driving = false;
  const auto result = run(in_folder(stampede_binary() + " run " + smoke() +
                                    " --out run --no-calibration --set warm_up=1s --set drain=2s"),
                          [&](int child) {
                            driving = within(seconds(60), [this] { return says("measuring"); });
                            kill(child, SIGINT);
                          });
  EXPECT_TRUE(driving) << told() << complained();
  EXPECT_EQ(result.exit_code, 130) << told() << complained();
  const auto file =
      nlohmann::json::parse(read_file(folder_.path() / "run/run.json"), nullptr, false);
  EXPECT_EQ(file["state"], "interrupted");
  EXPECT_EQ(file["exit_code"], 130);
  EXPECT_GT(file["total"]["count"].get<int>(), 0);
  expect_nothing_left();
}

// A clean profile cannot tell: the target itself says that a defect is on.
TEST_F(PrivateTopology, ADefectIsSeenWithoutAnyDataInTheProfile) {
  const auto profile = folder_.write(
      "p.yaml",
      "name: tiny\ntopology: single\ndrain: 2s\ntarget: {defects: [idem_off]}\nscenarios:\n"
      "  s: {persona: p, model: open, start: 20, stages: '1s:20'}\n"
      "personas:\n  p:\n    - {get: /api/time, name: time, timeout: 1s}\n");
  const auto result = run_command(
      in_folder(stampede_binary() + " run " + profile.string() + " --out run --no-calibration"));
  EXPECT_EQ(result.exit_code, 3) << told() << complained();
  const auto file =
      nlohmann::json::parse(read_file(folder_.path() / "run/run.json"), nullptr, false);
  EXPECT_EQ(file["tainted"], true);
  EXPECT_EQ(file["defects"], nlohmann::json::array({"idem_off"}));
}

void expect_the_mend(int exit_code, const std::string& complained, const fs::path& run_file) {
  EXPECT_EQ(exit_code, 69) << complained;
  EXPECT_NE(complained.find("free space"), std::string::npos) << complained;
  EXPECT_NE(complained.find("set TMPDIR"), std::string::npos) << complained;
  EXPECT_EQ(complained.find("bug"), std::string::npos) << complained;
  const auto file = nlohmann::json::parse(read_file(run_file), nullptr, false);
  EXPECT_EQ(file["state"], "failed") << file.dump();
}

TEST_F(PrivateTopology, AFileInPlaceOfTheTemporaryFolderIsToldWithItsMend) {
  fs::remove(temporary_);
  folder_.write("tmp", "a file");
  const auto result = run_command(in_folder(stampede_binary() + " run " + smoke() + " --out run"));
  expect_the_mend(result.exit_code, complained(), folder_.path() / "run/run.json");
  EXPECT_NE(complained().find("TMPDIR names: Not a directory"), std::string::npos) << complained();
}

// Small file systems of the child's own: one has no room for a second folder, one none for the
// database's files.
TEST_F(PrivateTopology, AFullTemporaryFolderIsToldWithItsMend) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to mount a small file system";
  for (const std::string size : {"nr_inodes=2", "size=2m"}) {
    const std::string out = "run-" + size;
    const auto command = in_folder(stampede_binary() + " run " + smoke() + " --out " + out);
    const auto result = run_command(
        {"/usr/bin/unshare", "-m", "/bin/sh", "-c",
         "mount -t tmpfs -o " + size + " tmpfs " + temporary_.string() + " && " + command.back()});
    expect_the_mend(result.exit_code, complained(), folder_.path() / out / "run.json");
  }
  expect_nothing_left();
}

}  // namespace
}  // namespace stampede::test
