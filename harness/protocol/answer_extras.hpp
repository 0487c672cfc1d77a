// What some steps want of an answer beyond its status, its body and named headers: where it
// redirects to, its cookies, its body decoded. Answers of other steps pay a branch for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/protocol/content_decoder.hpp"

namespace stampede {

struct AnswerExtras {
  // Asked.
  bool decode = false;   // undo Content-Encoding
  bool cookies = false;  // keep the Set-Cookie headers
  // Answered.
  std::string location;  // the first Location; empty: none
  std::vector<std::string> set_cookies;
  ContentCoding coding = ContentCoding::identity;
  bool unknown_coding = false;
  ContentDecoder decoder;

  // Forgets the answer, not what was asked. Memory is kept.
  void forget_answer() {
    location.clear();
    set_cookies.clear();
    coding = ContentCoding::identity;
    unknown_coding = false;
  }
};

}  // namespace stampede
