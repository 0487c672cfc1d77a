// The way of an answer into the harness: parsed in pieces, decoded, its cookies kept, its redirect
// followed. Input: a byte of wishes, a byte that seeds the splits, then the answer as it came.
#include <algorithm>

#include "harness/protocol/answer_extras.hpp"
#include "harness/protocol/answer_parser.hpp"
#include "harness/protocol/cookie_jar.hpp"
#include "harness/protocol/redirect.hpp"
#include "harness/protocol/request_text.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace stampede::fuzz {
namespace {

using Progress = AnswerParser::Progress;
constexpr std::size_t body_max = 100'000;

struct Parsed {
  Exchange exchange;
  Progress progress = Progress::needs_more;
  bool keep_alive = false;
};

void ask(Exchange& exchange, std::uint8_t wishes) {
  exchange.head = (wishes & 1U) != 0;
  exchange.keep_body = (wishes & 2U) == 0;
  exchange.body_max = body_max;
  static const std::vector<std::string> wanted{"Location", "X"};
  exchange.wanted_headers = wanted;
  if ((wishes & 4U) != 0) return;
  exchange.wants = &exchange.extras();
  exchange.wants->cookies = true;
  exchange.wants->decode = (wishes & 8U) == 0;
}

// `seed` 0: in one piece.
void parse(Parsed& parsed, std::uint8_t wishes, unsigned seed, std::string_view text) {
  ask(parsed.exchange, wishes);
  AnswerParser parser(parsed.exchange);
  while (!text.empty() && parsed.progress == Progress::needs_more) {
    const std::size_t size = seed == 0 ? text.size() : 1 + (seed >> 16U) % 23;
    seed = seed == 0 ? 0 : seed * 1'103'515'245U + 12'345U;
    const std::string piece(text.substr(0, size));  // of its own, for the address sanitizer
    text.remove_prefix(piece.size());
    parsed.progress = parser.feed(piece);
  }
  if (parsed.progress == Progress::needs_more) parsed.progress = parser.end();
  if (parsed.progress != Progress::malformed) parsed.keep_alive = parser.keep_alive();
}

void follow(const Exchange& exchange) {
  if (exchange.wants == nullptr || exchange.wants->location.empty()) return;
  const std::string request =
      "POST /a/b?c HTTP/1.1\r\nHost: test:80\r\nCookie: a=b\r\nContent-Length: 2\r\n\r\nhi";
  const RequestParts last = parts_of(request);
  for (const bool any_host : {false, true}) {
    const Resolved next =
        resolve_location(exchange.wants->location, last.target, {false, "test:80", {}}, any_host);
    if (!next.problem.empty()) continue;
    require(next.target.starts_with('/'));
    require(forbidden_in_path(next.target).empty());
    const NextRequest hop = next_request(last, exchange.status, next.target, true);
    require(parts_of(hop.head).target == next.target);
  }
}

void keep_cookies(const Exchange& exchange) {
  if (exchange.wants == nullptr) return;
  CookieJar jar;
  for (const std::string& one : exchange.wants->set_cookies) {
    (void)jar.store(one, {"test", "/a/b", true}, 1'800'000'000);
  }
  require(jar.size() <= CookieJar::cookies_max);
  std::string header;
  jar.append_header(header, {"test", "/a/b", true}, 1'800'000'000);
  if (header.empty()) return;
  require(header.ends_with("\r\n"));
  header.resize(header.size() - 2);
  require(forbidden_in_value(header).empty());
}

}  // namespace
}  // namespace stampede::fuzz

int fuzz_answer(const std::uint8_t* data, std::size_t size);
int fuzz_answer(const std::uint8_t* data, std::size_t size) {
  using namespace stampede;
  using namespace stampede::fuzz;
  Input input(data, size);
  const std::uint8_t wishes = input.byte();
  const unsigned seed = input.byte() + 1U;
  Parsed pieces, whole;
  parse(pieces, wishes, seed, input.rest());
  parse(whole, wishes, 0, input.rest());
  require(pieces.exchange.body.size() <= body_max);
  require(pieces.progress == whole.progress);
  if (whole.progress == AnswerParser::Progress::malformed) {
    require(!whole.exchange.problem.empty());
    return 0;
  }
  require(pieces.exchange.status == whole.exchange.status);
  require(pieces.exchange.body == whole.exchange.body);
  require(pieces.exchange.body_bytes == whole.exchange.body_bytes);
  require(pieces.exchange.headers == whole.exchange.headers);
  require(pieces.keep_alive == whole.keep_alive);
  follow(whole.exchange);
  keep_cookies(whole.exchange);
  return 0;
}
