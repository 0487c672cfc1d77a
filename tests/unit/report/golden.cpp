#include "tests/unit/report/golden.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "test_paths.hpp"

namespace stampede {

testing::AssertionResult matches_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path file =
      std::filesystem::path(STAMPEDE_SOURCE_DIR) / "tests" / "golden" / name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(file, std::ios::binary) << text;
    return testing::AssertionSuccess();
  }
  std::ostringstream known;
  known << std::ifstream(file, std::ios::binary).rdbuf();
  if (known.str() == text) return testing::AssertionSuccess();
  std::istringstream theirs(known.str()), ours(text);
  std::string was, is;
  int line = 0;
  do {
    ++line;
    was = is = "(end)";
    std::getline(theirs, was);
    std::getline(ours, is);
  } while (was == is && theirs && ours);
  return testing::AssertionFailure() << name << ":" << line << " differs (UPDATE_GOLDEN=1 rewrites)"
                                     << "\n  file: " << was << "\n  now:  " << is;
}

}  // namespace stampede
