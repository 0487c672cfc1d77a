// The answer that nearly every request gets, read in one pass: HTTP/1.1, whole in one piece, its
// length given, nothing about it that needs a decision. Whatever is not so is left to the parser
// that knows all of HTTP; so this one may give up, but must never differ from it.
#pragma once

#include <optional>
#include <string_view>

#include "harness/protocol/wire.hpp"

namespace stampede {

struct PlainAnswer {
  unsigned status = 0;
  bool keep_alive = true;
  std::string_view body, left_over;
};

// nullopt: not plain, or not whole; `exchange` is as it was then. Otherwise its wanted headers are
// in it, and nothing else is changed.
std::optional<PlainAnswer> read_plain_answer(std::string_view received, Exchange& exchange);

}  // namespace stampede
