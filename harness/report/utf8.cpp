#include "harness/report/utf8.hpp"

namespace stampede {

Letter first_letter(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char head = byte(0);
  const Letter broken{0xFFFD, text.substr(0, 1), false};
  if (head < 0x80) return {head, text.substr(0, 1), true};
  const std::size_t size = head >= 0xF0 && head <= 0xF4   ? 4
                           : head >= 0xE0 && head <= 0xEF ? 3
                           : head >= 0xC2 && head <= 0xDF ? 2
                                                          : 0;
  if (size == 0 || text.size() < size) return broken;
  char32_t code = head & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return broken;
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  // Overlong forms, halves of surrogate pairs, and what lies beyond Unicode.
  const bool fine = (size == 2 || (size == 3 && code >= 0x800) || (size == 4 && code >= 0x10000)) &&
                    (code < 0xD800 || code > 0xDFFF) && code <= 0x10FFFF;
  return fine ? Letter{code, text.substr(0, size), true} : broken;
}

}  // namespace stampede
