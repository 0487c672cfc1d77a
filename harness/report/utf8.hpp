// Walks over UTF-8 text; bytes that are none come one by one, marked as not valid.
#pragma once

#include <cstdint>
#include <string_view>

namespace stampede {

struct Letter {
  char32_t code = 0;
  std::string_view bytes;
  bool valid = true;
};

// The letter at the front of a text that is not empty.
Letter first_letter(std::string_view text);

template <class Visit>
void each_letter(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    visit(letter);
    text.remove_prefix(letter.bytes.size());
  }
}

}  // namespace stampede
