// The quick way of reading an answer says what the long way says, or nothing.
#include "harness/protocol/plain_answer.hpp"

#include <gtest/gtest.h>

#include <random>

#include "harness/protocol/answer_parser.hpp"

namespace stampede {
namespace {

using Progress = AnswerParser::Progress;

constexpr std::string_view usual =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 17:00:00 GMT\r\n"
    "Content-Type: text/plain\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok";

TEST(PlainAnswer, ReadsTheUsualAnswerAndWhatFollowsIt) {
  Exchange exchange;
  exchange.wanted_headers = {"content-type", "X-None"};
  const auto answer = read_plain_answer(std::string(usual) + "HTTP/1.1", exchange);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200u);
  EXPECT_TRUE(answer->keep_alive);
  EXPECT_EQ(exchange.headers,
            (std::vector<std::pair<std::string, std::string>>{{"content-type", "text/plain"}}));
  EXPECT_EQ(answer->left_over.size(), 8u);
}

TEST(PlainAnswer, LeavesWhatNeedsADecision) {
  const std::string tail = "Content-Length: 2\r\n\r\nok";
  const std::vector<std::string> texts{
      "HTTP/1.0 200 OK\r\n" + tail,
      "HTTP/1.1 204 OK\r\n" + tail,
      "HTTP/1.1 103 OK\r\n" + tail,
      "HTTP/1.1 304 OK\r\n" + tail,
      "HTTP/1.1 200 OK\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + tail,
      "HTTP/1.1 200 OK\r\nUpgrade: h2c\r\n" + tail,
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + tail,
      "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nConnection: close, x\r\n" + tail,
      "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n" + tail,
      "HTTP/1.1 200 OK\r\nA : b\r\n" + tail,
      "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n" + tail,
      std::string("HTTP/1.1 200 "),
      std::string()};
  for (const std::string& text : texts) {
    Exchange exchange;
    exchange.wanted_headers = {"A"};
    EXPECT_FALSE(read_plain_answer(text, exchange)) << text;
    EXPECT_TRUE(exchange.headers.empty()) << text;
  }
}

struct Read {
  Exchange exchange;
  Progress progress;
  bool keep_alive = false;
  std::string left_over;
};

void read(Read& into, std::string_view text, std::size_t first_piece) {
  into.exchange.wanted_headers = {"Server", "Date"};
  into.exchange.body_max = 1000;
  AnswerParser parser(into.exchange);
  into.progress = parser.feed(text.substr(0, first_piece));
  if (into.progress == Progress::needs_more && first_piece < text.size()) {
    into.progress = parser.feed(text.substr(first_piece));
  }
  if (into.progress == Progress::needs_more) into.progress = parser.end();
  if (into.progress != Progress::complete) return;
  into.keep_alive = parser.keep_alive();
  into.left_over = parser.left_over();
}

// In two pieces an answer is never plain.
TEST(PlainAnswer, DiffersFromTheWholeParserInNothing) {
  std::mt19937 random(11);
  constexpr char seasoning[] =
      "\r\n\t :,;\x7F\x80"
      "Aa0129-";  // and a NUL
  std::size_t plain = 0;
  for (int run = 0; run < 5'000; ++run) {
    std::string text(usual);
    for (unsigned changes = random() % 4; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      const char c = seasoning[random() % sizeof seasoning];
      if (random() % 3 == 0)
        text.insert(at, 1, c);
      else if (random() % 3 == 0)
        text.erase(at, 1 + random() % 3);
      else
        text[at] = c;
    }
    Exchange probe;
    probe.body_max = 1000;
    plain += read_plain_answer(text, probe) ? 1U : 0U;
    Read whole, pieces;
    read(whole, text, text.size());
    read(pieces, text, 1);
    ASSERT_EQ(whole.progress, pieces.progress) << text;
    if (whole.progress != Progress::complete) continue;
    ASSERT_EQ(whole.exchange.status, pieces.exchange.status) << text;
    ASSERT_EQ(whole.exchange.body, pieces.exchange.body) << text;
    ASSERT_EQ(whole.exchange.body_bytes, pieces.exchange.body_bytes) << text;
    ASSERT_EQ(whole.exchange.headers, pieces.exchange.headers) << text;
    ASSERT_EQ(whole.keep_alive, pieces.keep_alive) << text;
    ASSERT_EQ(whole.left_over, pieces.left_over) << text;
  }
  EXPECT_GT(plain, 1'000u);
}

}  // namespace
}  // namespace stampede
