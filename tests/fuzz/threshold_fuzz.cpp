// A gate of any bytes is parsed, or said to be wrong at a place in it.
#include "harness/profile/threshold.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int fuzz_threshold(const std::uint8_t* data, std::size_t size);
int fuzz_threshold(const std::uint8_t* data, std::size_t size) {
  using namespace stampede;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto threshold = parse_threshold(text);
  if (threshold) return 0;
  fuzz::require(!threshold.error().empty());
  for (const Diagnostic& problem : threshold.error()) {
    fuzz::require(problem.place.column >= 1);
    fuzz::require(static_cast<std::size_t>(problem.place.column) <= text.size() + 1);
  }
  return 0;
}
