#include "tests/unit/profile/reading.hpp"

#include <gtest/gtest.h>

namespace stampede::test {

Profile read_good(const std::string& text) {
  auto result = read_profile(text, "p.yaml", {});
  EXPECT_TRUE(result.has_value()) << (result ? "" : render(result.error(), text));
  return result ? std::move(*result) : Profile{};
}

std::string told(const Diagnostics& problems) {
  std::string all;
  for (const Diagnostic& one : problems) {
    all += std::to_string(one.place.line) + ":" + std::to_string(one.place.column) + " " +
           one.message + (one.hint.empty() ? "" : " | " + one.hint) + "\n";
  }
  return all;
}

std::string problems_of(const std::string& text) {
  const auto result = read_profile(text, "p.yaml", {});
  return result ? "no problem" : told(result.error());
}

}  // namespace stampede::test
