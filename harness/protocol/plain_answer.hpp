// The answer that nearly every request gets, read in one pass: HTTP/1.1, whole in one piece, its
// length given, nothing about it that needs a decision. Whatever is not so is left to the parser
// that knows all of HTTP; so this one may give up, but must never differ from it.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "harness/protocol/wire.hpp"

namespace stampede {

struct PlainAnswer {
  unsigned status = 0;
  bool keep_alive = true;
  std::string_view body, left_over;
};

// What a header says that decides how its answer is read.
struct PlainHead {
  unsigned status = 0;
  bool keep_alive = true;
  std::uint64_t length = 0;  // of the body
  std::size_t size = 0;      // of the header, with its empty line
};

// The last header that a step's answers had on this worker. The next one is most often the same,
// byte for byte, and then means the same: comparing it costs a hundredth of reading it.
class PlainAnswerMemory {
 public:
  static constexpr std::size_t header_bytes_max = 512;  // longer ones are read every time
  // nullptr: `received` begins with something else.
  [[nodiscard]] const PlainHead* recall(std::string_view received) const noexcept;
  void keep(std::string_view received, const PlainHead& head) noexcept;

 private:
  PlainHead head_;  // size 0: none
  std::array<char, header_bytes_max> text_{};
};

// nullopt: not plain, or not whole; `exchange` is as it was then. Otherwise its wanted headers are
// in it, and nothing else is changed but its memory.
std::optional<PlainAnswer> read_plain_answer(std::string_view received, Exchange& exchange);

}  // namespace stampede
