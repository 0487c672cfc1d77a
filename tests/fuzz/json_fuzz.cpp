// What captures and checks look up in an answer, held against the library. Input: a line with the
// pointer, then the answer.
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/support/json_reference.hpp"

int fuzz_json(const std::uint8_t* data, std::size_t size);
int fuzz_json(const std::uint8_t* data, std::size_t size) {
  using namespace stampede;
  fuzz::Input input(data, size);
  std::string pointer(input.line());
  if (!pointer.empty() && pointer.front() != '/') pointer.insert(0, "/");
  const std::string text(input.rest());  // of its own, for the address sanitizer
  fuzz::require(test::looked_up(text, pointer) == test::looked_up_by_library(text, pointer));
  // What the quick way reads, the library reads too.
  JsonTape tape;
  if (tape.read(text)) {
    fuzz::require(!is_too_deep(text) && nlohmann::json::accept(text));
    fuzz::require(tape.find("").has_value());
  }
  return 0;
}
