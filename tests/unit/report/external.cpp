#include "tests/unit/report/external.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "test_paths.hpp"

namespace stampede {

namespace {

int run_command(const std::string& command, std::string& output) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return -1;
  std::array<char, 512> buffer{};
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
  return pclose(pipe);
}

}  // namespace

testing::AssertionResult accepted_by(const std::string& command, const std::string& text) {
  std::string path = "/tmp/stampede-test-XXXXXX";
  const int file = mkstemp(path.data());
  if (file < 0) return testing::AssertionFailure() << "no temporary file";
  close(file);
  std::ofstream(path, std::ios::binary) << text;
  std::string whole = command;
  for (auto at = whole.find("{}"); at != std::string::npos; at = whole.find("{}")) {
    whole.replace(at, 2, path);
  }
  std::string output;
  const int status = run_command(whole, output);
  std::filesystem::remove(path);
  if (status == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure() << whole << "\n" << output;
}

bool command_works(const std::string& command) {
  std::string output;
  return run_command(command, output) == 0;
}

std::filesystem::path public_vectors() {
  return std::filesystem::path(STAMPEDE_SOURCE_DIR).parent_path() / "shared" / "vectors";
}

}  // namespace stampede
