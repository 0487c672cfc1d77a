#include "tests/e2e/profile_run.hpp"

#include <algorithm>
#include <filesystem>

#include "test_paths.hpp"

namespace stampede::test {

ProfileRun run_profile(const std::string& profile, const std::vector<std::string>& more,
                       const std::function<void(int)>& while_running) {
  const TemporaryFolder folder;
  std::vector<std::string> words{stampede_binary(), "run",
                                 std::string(STAMPEDE_SOURCE_DIR) + "/" + profile, "--out",
                                 (folder.path() / "run").string()};
  words.insert(words.end(), more.begin(), more.end());
  ProfileRun run;
  run.command = run_command(words, while_running, std::chrono::seconds(150));
  run.file = nlohmann::json::parse(read_file(folder.path() / "run" / "run.json"), nullptr, false);
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "run/logs", none)) {
    run.logs.push_back(entry.path().filename().string());
  }
  return run;
}

std::vector<std::string> broken(const nlohmann::json& run) {
  std::vector<std::string> rules;
  for (const auto& finding : run["findings"]) {
    if (finding["kind"] == "invariant" && finding["result"] == "broken") {
      rules.push_back(finding["rule"]);
    }
  }
  return rules;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

nlohmann::json finding_of(const nlohmann::json& run, const std::string& rule) {
  for (const auto& finding : run["findings"]) {
    if (finding["rule"] == rule) return finding;
  }
  return nullptr;
}

}  // namespace stampede::test
