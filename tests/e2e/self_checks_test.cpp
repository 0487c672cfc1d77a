// Goal: what really happens to a generator (it is stopped, it shares its core with others, it runs
// out of descriptors) makes the run INVALID by the row that is meant for it, whatever p95 says.
// Method: the real binary against a quick server, and the fault done to its process.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "harness/measure/hdr_log.hpp"
#include "test_paths.hpp"
#include "tests/e2e/answering_server.hpp"
#include "tests/e2e/command.hpp"

namespace stampede::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
namespace fs = std::filesystem;

std::string profile_text(const std::string& load, const std::string& validity) {
  return "name: watched\nquestion: q\ndrain: 1s\nscenarios:\n"
         "  s: {persona: p, model: open, " +
         load +
         "}\n"
         "personas:\n  p:\n    - get: /\n      name: get\n      timeout: 30s\n"
         "gates: [p95 < 150ms]\n"
         "validity: {samples_min: 20, calibration: false" +
         validity + "}\n";
}

struct WatchedRun {
  CommandResult command;
  nlohmann::json file;
  std::string hiccups, summary;

  [[nodiscard]] std::string result_of(const std::string& rule) const {
    for (const auto& finding : file["findings"]) {
      if (finding["rule"] == rule) return finding["result"];
    }
    return "no such row";
  }
};

WatchedRun run_with(const std::string& text, const AnsweringServer& server,
                    std::vector<std::string> prefix,
                    const std::function<void(int)>& while_running = {},
                    const std::function<void(const std::filesystem::path&)>& prepare = {}) {
  const TemporaryFolder folder;
  const auto profile = folder.write("p.yaml", text);
  std::vector<std::string> words = std::move(prefix);
  const auto out = folder.path() / "run";
  if (prepare) prepare(out);
  for (const std::string& word :
       {stampede_binary(), std::string("run"), profile.string(), std::string("--url"), server.url(),
        std::string("--out"), out.string()}) {
    words.push_back(word);
  }
  WatchedRun run;
  run.command = run_command(words, while_running);
  const std::string json = read_file(out / "run.json");
  if (!json.empty()) run.file = nlohmann::json::parse(json);
  run.hiccups = read_file(out / "hiccups.hlog");
  run.summary = read_file(out / "summary.md");
  return run;
}

// Processes that do nothing but take one core, until this object goes.
class Hogs {
 public:
  Hogs(int count, int core) {
    for (int i = 0; i < count; ++i) {
      const pid_t child = fork();
      if (child == 0) spin(core);
      if (child > 0) children_.push_back(child);
    }
  }
  ~Hogs() {
    for (const pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  }
  Hogs(Hogs&&) = delete;

 private:
  [[noreturn]] static void spin(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    sched_setaffinity(0, sizeof cores, &cores);
    // As important as the generator asks to be, where this is allowed.
    setpriority(PRIO_PROCESS, 0, -20);
    alarm(60);  // should the test die
    volatile std::uint64_t sum = 0;
    while (true) sum = sum + 1;
  }
  std::vector<pid_t> children_;
};

// A control group that may use `percent` of one core, until this object goes. Version 1 or 2;
// path() is empty where no group may be made, or none with such a limit.
class CpuLimit {
 public:
  explicit CpuLimit(int percent) {
    const std::string name = "stampede_test_" + std::to_string(getpid());
    const std::string period_us = "100000", quota_us = std::to_string(percent * 1000);
    const fs::path first = fs::path("/sys/fs/cgroup/cpu") / name;
    const fs::path second = fs::path("/sys/fs/cgroup") / name;
    if (make(first) && put(first / "cpu.cfs_period_us", period_us) &&
        put(first / "cpu.cfs_quota_us", quota_us)) {
      path_ = first;
    } else if (make(second) && put(second / "cpu.max", quota_us + " " + period_us)) {
      path_ = second;
    }
  }
  ~CpuLimit() {
    for (const fs::path& group : made_) rmdir(group.c_str());
  }
  CpuLimit(CpuLimit&&) = delete;
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  bool make(const fs::path& group) {
    if (mkdir(group.c_str(), 0755) != 0) return false;
    made_.push_back(group);
    return true;
  }
  static bool put(const fs::path& file, const std::string& text) {
    if (!fs::exists(file)) return false;
    std::ofstream out(file);
    out << text << std::flush;
    return out.good();
  }
  fs::path path_;
  std::vector<fs::path> made_;
};

// Seconds of the log, and the longest pause in it.
struct HiccupFacts {
  std::uint64_t looks = 0;
  Nanos longest{0};
  std::vector<double> starts;
};

HiccupFacts hiccups_of(const std::string& log) {
  std::istringstream in(log);
  HdrLogReader reader(in);
  HiccupFacts facts;
  while (true) {
    const auto interval = reader.next();
    if (interval.has_error() || !*interval) break;
    const Histogram values = (*interval)->histogram.own();
    facts.looks += values.count();
    facts.longest = std::max(facts.longest, values.max().value_or(Nanos{0}));
    facts.starts.push_back((*interval)->start_seconds);
  }
  return facts;
}

TEST(SelfCheckFault, AStoppedGeneratorTripsL1AndL6) {
  const AnsweringServer server;
  const auto run = run_with(
      profile_text("arrivals: regular, stages: '0s:200, 3s:200'", ", lift: [L5, L7, L8, L9]"),
      server, {}, [&server](int process) {
        while (!server.asked()) std::this_thread::yield();
        std::this_thread::sleep_for(milliseconds(500));  // well within the load
        kill(process, SIGSTOP);
        std::this_thread::sleep_for(milliseconds(400));  // the fault itself
        kill(process, SIGCONT);
      });
  EXPECT_EQ(run.command.exit_code, 3) << run.command.out << run.command.err;
  EXPECT_EQ(run.result_of("start_lag_max"), "invalid");
  EXPECT_EQ(run.result_of("loop_lag_max"), "invalid");
  EXPECT_EQ(run.result_of("tainted_answers"), "invalid");
  EXPECT_EQ(run.result_of("session_balance"), "held") << "nothing is lost by it";
  EXPECT_EQ(run.result_of("request_balance"), "held");
  EXPECT_EQ(run.result_of("little_identity"), "held");
  EXPECT_EQ(run.command.out.find("PASS"), std::string::npos);
  // The pauses are in a log of their own, by second, and in the reports.
  const HiccupFacts pauses = hiccups_of(run.hiccups);
  EXPECT_GE(pauses.longest, milliseconds(350)) << run.hiccups;
  EXPECT_EQ(pauses.looks, run.file["hiccups"]["count"].get<std::uint64_t>());
  EXPECT_LE(pauses.starts.size(), 3U);
  EXPECT_NE(run.summary.find("pauses of the generator's machine"), std::string::npos);
}

TEST(SelfCheckFault, HogsOnTheGeneratorsCoreTripL8) {
  const AnsweringServer server;
  const Hogs hogs(4, 0);
  const auto run = run_with(profile_text("arrivals: poisson, stages: '0s:300, 4s:300'", ""), server,
                            {"/usr/bin/taskset", "-c", "0"});
  EXPECT_EQ(run.command.exit_code, 3) << run.command.out << run.command.err;
  EXPECT_EQ(run.result_of("run_queue"), "invalid") << run.command.out;
  EXPECT_EQ(run.result_of("session_balance"), "held");
}

TEST(SelfCheckFault, AContainersCpuLimitTripsL7) {
  const CpuLimit limit(5);
  if (limit.path().empty()) GTEST_SKIP() << "no control group with a limit may be made here";
  const AnsweringServer server;
  const std::string text = profile_text("arrivals: regular, stages: '0s:1500, 3s:1500'",
                                        ", lift: [L1, L3, L5, L6, L8, L9, L13]");
  EXPECT_EQ(run_with(text, server, {}).result_of("throttled"), "held");
  const auto run = run_with(text, server,
                            {"/bin/sh", "-c", "echo $$ >\"$1\" && shift && exec \"$@\"", "sh",
                             (limit.path() / "cgroup.procs").string()});
  EXPECT_EQ(run.command.exit_code, 3) << run.command.out << run.command.err;
  EXPECT_EQ(run.result_of("throttled"), "invalid") << run.command.out;
  EXPECT_EQ(run.command.out.find("PASS"), std::string::npos);
}

// What the generator's machine says of its cores, in a mount namespace of the generator's own: a
// virtual machine's host cannot be made to steal from here.
class TakenCores {
 public:
  TakenCores() { tell(0, 0); }
  // Ticks of 10 ms since the start: what passed for everybody else, and what the host took. In
  // place and in one write: a mount is of the file, not of its name.
  void tell(int others, int stolen) {
    const std::string text = "cpu  " + std::to_string(100'000 + others) +
                             " 0 1000 100000 0 0 100 " + std::to_string(100'000 + stolen) +
                             " 0 0\n";
    std::fstream file(path(), std::ios::in | std::ios::out);
    if (!file.is_open()) file.open(path(), std::ios::out);
    file << text << std::flush;
  }
  // Words before a command that shall see them.
  [[nodiscard]] std::vector<std::string> prefix() const {
    return {"/usr/bin/unshare",
            "-m",
            "/bin/sh",
            "-c",
            "mount --bind \"$1\" /proc/stat && shift && exec \"$@\"",
            "sh",
            path()};
  }

 private:
  [[nodiscard]] std::string path() const { return (folder_.path() / "stat").string(); }
  TemporaryFolder folder_;
};

TEST(SelfCheckFault, StolenTimeTripsL7) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to mount a file";
  const std::string text = profile_text("arrivals: regular, stages: '0s:100, 3s:100'",
                                        ", lift: [L1, L3, L5, L6, L8, L9, L13]");
  for (const int stolen : {0, 60}) {  // of 600 ticks: 10 % where 5 are allowed
    const AnsweringServer server;
    TakenCores cores;
    const auto run = run_with(text, server, cores.prefix(), [&](int) {
      while (!server.asked()) std::this_thread::yield();
      std::this_thread::sleep_for(milliseconds(500));  // well within the load
      cores.tell(600 - stolen, stolen);
    });
    EXPECT_EQ(run.command.exit_code, stolen == 0 ? 0 : 3) << run.command.out << run.command.err;
    EXPECT_EQ(run.result_of("steal"), stolen == 0 ? "held" : "invalid") << run.command.out;
    EXPECT_EQ(run.command.out.find("PASS") == std::string::npos, stolen != 0);
  }
}

// The clocks of the real program are turned, by a library that stands before the C library.
TEST(SelfCheckFault, AClockThatIsTurnedTripsL15) {
  const AnsweringServer server;
  const std::string text = profile_text("arrivals: regular, stages: '0s:100, 3s:100'",
                                        ", lift: [L1, L3, L5, L6, L8, L9, L13]");
  const std::string library = "LD_PRELOAD=" + std::string(STAMPEDE_BINARY_DIR) + "/turned_clock.so";
  for (const std::string turn : {"none", "drift", "back"}) {
    const auto run = run_with(text, server, {"/usr/bin/env", library, "TURNED_CLOCK=" + turn});
    EXPECT_EQ(run.result_of("clock"), turn == "none" ? "held" : "invalid") << run.command.out;
    if (turn == "none") {
      EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
    } else {
      EXPECT_EQ(run.command.exit_code, 3) << turn << run.command.out << run.command.err;
      EXPECT_EQ(run.command.out.find("PASS"), std::string::npos);
    }
  }
}

TEST(SelfCheckFault, DescriptorsThatRunOutTripL9) {
  // Nothing is answered while the load lasts: each session keeps its connection.
  const AnsweringServer server({.delay = seconds(60)});
  const auto run = run_with(
      profile_text("arrivals: regular, stages: '0s:150, 4s:150'", ", lift: [L1, L5, L6, L7, L8]"),
      server, {"/bin/sh", "-c", "ulimit -n 500 && exec \"$@\"", "sh"});
  EXPECT_EQ(run.command.exit_code, 3) << run.command.out << run.command.err;
  EXPECT_EQ(run.result_of("connects"), "invalid") << run.command.out;
  EXPECT_EQ(run.result_of("session_balance"), "held");
  EXPECT_EQ(run.result_of("request_balance"), "held");
  EXPECT_NE(run.command.out.find("Too many open files"), std::string::npos)
      << "it says what ran out: " << run.command.out;
}

// L11: each answer takes 20 ms, and a thousand a second are wanted of one user. They queue here, in
// the generator; the probes, on a thread and a connection of their own, see the target as it is.
TEST(SelfCheckFault, RequestsThatQueueInTheGeneratorTripL11) {
  const AnsweringServer server({.delay = milliseconds(20)});
  const auto probe_with = [&server](const std::string& users_max) {
    const auto run =
        run_with(profile_text("arrivals: regular, when_full: wait, users_max: " + users_max +
                                  ", stages: '0s:1000, 11s:1000'",
                              ", lift: [L1, L3, L5, L6, L7, L8, L9]"),
                 server, {});
    return run.result_of("probe");
  };
  EXPECT_EQ(probe_with("1"), "invalid");
  const std::string enough = probe_with("1000");
  EXPECT_TRUE(enough == "held" || enough == "warned") << enough;
}

// L17: the histograms' log is on a disk that is full.
TEST(SelfCheckFault, ALogThatCannotBeWrittenTripsL17) {
  const AnsweringServer server;
  const std::string text = profile_text("arrivals: regular, stages: '0s:50, 1s:50'",
                                        ", lift: [L1, L3, L5, L6, L7, L8, L9, L13]");
  EXPECT_EQ(run_with(text, server, {}).result_of("log_lost"), "held");
  const auto run = run_with(text, server, {}, {}, [](const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    std::filesystem::create_symlink("/dev/full", folder / "histograms.hlog");
  });
  EXPECT_EQ(run.command.exit_code, 3) << run.command.out << run.command.err;
  EXPECT_EQ(run.result_of("log_lost"), "invalid");
  EXPECT_NE(run.command.err.find("No space left"), std::string::npos) << run.command.err;
  EXPECT_EQ(run.command.out.find("PASS"), std::string::npos);
}

TEST(SelfCheckFault, EveryRowIsInTheReports) {
  const AnsweringServer server;
  const auto run = run_with(profile_text("arrivals: regular, stages: '0s:100, 1s:100'",
                                         ", lift: [L1, L3, L5, L6, L7, L8, L9, L13]"),
                            server, {});
  EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
  std::vector<std::string> checks;
  for (const auto& finding : run.file["findings"]) checks.push_back(finding["check"]);
  for (int number = 1; number <= 18; ++number) {
    const std::string check = "L" + std::to_string(number);
    EXPECT_NE(std::ranges::find(checks, check), checks.end()) << check;
    EXPECT_NE(run.command.out.find(" " + check + " "), std::string::npos) << run.command.out;
  }
  EXPECT_EQ(run.result_of("null_rate"), "not_run");
  EXPECT_NE(run.command.out.find("switched off by the profile"), std::string::npos);
}

}  // namespace
}  // namespace stampede::test
