// Goal: whatever ends the harness, nothing of it stays behind. Method: a program that holds private
// stores is killed in ways that leave it no time to clean up; then processes and files are looked
// for.
#include <csignal>
#include <cstdio>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/time.hpp"
#include "harness/topology/process.hpp"
#include "test_paths.hpp"

namespace stampede {
namespace {

struct Holder {
  pid_t pid = -1;
  std::string directory;
  std::vector<pid_t> children;
};

Holder start_holder(const std::string& work_root) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  SpawnPlan plan;
  plan.role = "stores_holder";
  plan.arguments = {STAMPEDE_BINARY_DIR "/stores_holder", work_root};
  plan.output = ends[1];
  Holder holder;
  holder.pid = spawn(plan);
  close(ends[1]);
  std::string line;
  for (char c = 0; read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
  close(ends[0]);
  std::istringstream in(line);
  in >> holder.directory;
  for (pid_t child = 0; in >> child;) holder.children.push_back(child);
  return holder;
}

bool gone_within(const std::function<bool()>& there, std::chrono::seconds longest) {
  const TimePoint end = now() + longest;
  while (there()) {
    if (now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return true;
}

class Guardian_ : public testing::TestWithParam<int> {};

TEST_P(Guardian_, NothingStaysBehindAfterTheSignal) {
  std::string root = (std::filesystem::temp_directory_path() / "guardian-XXXXXX").string();
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  const Holder holder = start_holder(root);
  ASSERT_EQ(holder.children.size(), 2U) << holder.directory;
  ASSERT_TRUE(std::filesystem::exists(holder.directory));
  for (const pid_t child : holder.children) ASSERT_TRUE(start_time_of(child)) << child;
  // The whole group, as a terminal or a job control would do it: the guardian is in another one.
  kill(-holder.pid, GetParam());
  waitpid(holder.pid, nullptr, 0);
  for (const pid_t child : holder.children) {
    EXPECT_TRUE(
        gone_within([child] { return start_time_of(child).has_value(); }, std::chrono::seconds{10}))
        << "process " << child << " is still there";
  }
  EXPECT_TRUE(gone_within([&holder] { return std::filesystem::exists(holder.directory); },
                          std::chrono::seconds{10}))
      << holder.directory << " is still there";
  std::filesystem::remove(root);
}
INSTANTIATE_TEST_SUITE_P(Signals, Guardian_, testing::Values(SIGKILL, SIGTERM, SIGINT, SIGABRT));

}  // namespace
}  // namespace stampede
