// A run file of any bytes is read, or said to be wrong; what was read is written and read again to
// the same text.
#include "harness/report/run_result.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int fuzz_run_result(const std::uint8_t* data, std::size_t size);
int fuzz_run_result(const std::uint8_t* data, std::size_t size) {
  using namespace stampede;
  const auto result = run_result_from_json({reinterpret_cast<const char*>(data), size});
  if (!result) {
    fuzz::require(!result.error().empty());
    return 0;
  }
  const std::string text = to_json(*result);
  const auto again = run_result_from_json(text);
  fuzz::require(again.has_value());
  fuzz::require(to_json(*again) == text);
  return 0;
}
