// A profile of any bytes is read and compiled, or its problems are rendered.
#include "harness/profile/profile_reader.hpp"
#include "harness/scenario/scenario.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int fuzz_profile(const std::uint8_t* data, std::size_t size);
int fuzz_profile(const std::uint8_t* data, std::size_t size) {
  using namespace stampede;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto profile = read_profile(text, "fuzz.yaml");
  if (!profile) {
    fuzz::require(!profile.error().empty());
    (void)render(profile.error(), text);
    return 0;
  }
  const auto compiled = compile(*profile);
  if (!compiled) (void)render(compiled.error(), text);
  return 0;
}
