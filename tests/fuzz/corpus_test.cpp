// Every example of every fuzz target, and a few hundred seeded mutations of each: what a fuzzer
// found once stays found, in ordinary builds too.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "test_paths.hpp"

#define FUZZ_TARGET(name) int fuzz_##name(const std::uint8_t* data, std::size_t size);
#include "fuzz_targets.inc"
#undef FUZZ_TARGET

namespace {

using Target = int (*)(const std::uint8_t*, std::size_t);

constexpr int mutations_per_example = 200;

std::vector<std::string> examples_of(const std::string& name) {
  std::vector<std::filesystem::path> paths;
  const std::string folder = std::string(STAMPEDE_SOURCE_DIR) + "/tests/fuzz/corpus/" + name;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<std::string> examples;
  for (const auto& path : paths) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    examples.push_back(std::move(text).str());
  }
  return examples;
}

void run(Target target, const std::string& text) {
  target(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

// A flipped byte, a lost or doubled piece.
std::string mutated(std::string text, std::mt19937& random) {
  for (unsigned times = 1 + random() % 4; times > 0 && !text.empty(); --times) {
    const std::size_t at = random() % text.size();
    const std::size_t length = 1 + random() % std::min<std::size_t>(16, text.size() - at);
    switch (random() % 3) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, length);
        break;
      default:
        text.insert(random() % (text.size() + 1), text.substr(at, length));
    }
  }
  return text;
}

void run_corpus(const std::string& name, Target target) {
  const std::vector<std::string> examples = examples_of(name);
  EXPECT_FALSE(examples.empty()) << "no examples in tests/fuzz/corpus/" << name;
  run(target, "");
  std::mt19937 random(1);
  for (const std::string& example : examples) {
    run(target, example);
    for (int i = 0; i < mutations_per_example; ++i) run(target, mutated(example, random));
  }
}

#define FUZZ_TARGET(name) \
  TEST(FuzzCorpus, name) { run_corpus(#name, fuzz_##name); }
#include "fuzz_targets.inc"
#undef FUZZ_TARGET

}  // namespace
