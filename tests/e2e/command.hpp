// Runs a real binary as a user would: arguments in; exit code, standard output and error back.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace stampede::test {

struct CommandResult {
  int exit_code = -1;  // 128 + signal when it was ended by one
  std::string out, err;
};

// Ends the process (SIGKILL) after `limit`. `while_running` is called once, with the process id,
// right after the start.
CommandResult run_command(const std::vector<std::string>& words,
                          const std::function<void(int)>& while_running = {},
                          std::chrono::seconds limit = std::chrono::seconds(120));

std::string stampede_binary();

// A new empty folder, removed with all it holds when the object goes.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);

// Process ids whose command line holds `word` (a path of this test's own making, so that others are
// not counted).
std::vector<int> processes_with(const std::string& word);

}  // namespace stampede::test
