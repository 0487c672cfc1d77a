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
  const std::vector<std::string> wanted{"content-type", "X-None"};
  Exchange exchange;
  exchange.wanted_headers = wanted;
  const auto answer = read_plain_answer(std::string(usual) + "HTTP/1.1", exchange);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200u);
  EXPECT_TRUE(answer->keep_alive);
  ASSERT_EQ(exchange.headers.size(), 1u);
  EXPECT_EQ(exchange.headers[0], KeptHeaders::Entry("content-type", "text/plain"));
  EXPECT_EQ(answer->left_over.size(), 8u);
}

TEST(PlainAnswer, LeavesWhatNeedsADecision) {
  const std::vector<std::string> wanted{"A"};
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
    exchange.wanted_headers = wanted;
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
  static const std::vector<std::string> wanted{"Server", "Date"};
  into.exchange.wanted_headers = wanted;
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

// One that is usual, spoilt in up to three places.
std::string spoilt(std::mt19937& random) {
  constexpr char seasoning[] =
      "\r\n\t :,;\x7F\x80"
      "Aa0129-";  // and a NUL
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
  return text;
}

// In two pieces an answer is never plain.
TEST(PlainAnswer, DiffersFromTheWholeParserInNothing) {
  std::mt19937 random(11);
  std::size_t plain = 0;
  for (int run = 0; run < 5'000; ++run) {
    const std::string text = spoilt(random);
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

TEST(PlainAnswer, TheSameHeaderIsRecalledAndAnotherIsNot) {
  PlainAnswerMemory memory;
  Exchange exchange;
  exchange.memory = &memory;
  EXPECT_EQ(memory.recall(usual), nullptr);
  ASSERT_TRUE(read_plain_answer(usual, exchange));
  ASSERT_NE(memory.recall(usual), nullptr);
  EXPECT_EQ(memory.recall(usual.substr(0, usual.size() - 3)), nullptr);
  std::string other_body(usual);
  other_body.back() = '!';
  const std::string received = other_body + "next";  // what is read looks into it
  const auto again = read_plain_answer(received, exchange);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->body, "o!");
  EXPECT_EQ(again->left_over, "next");
  // Its header is whole, its body is not.
  EXPECT_FALSE(read_plain_answer(usual.substr(0, usual.size() - 1), exchange));
  exchange.body_max = 1;
  EXPECT_FALSE(read_plain_answer(usual, exchange));
  exchange.body_max = 2;
  std::string closing(usual);
  closing.replace(closing.find("keep-alive"), 10, "close");
  ASSERT_TRUE(read_plain_answer(closing, exchange));
  EXPECT_EQ(memory.recall(usual), nullptr);
  EXPECT_FALSE(read_plain_answer(closing, exchange)->keep_alive);
}

TEST(PlainAnswer, AHeaderThatIsTooLongIsNotRemembered) {
  PlainAnswerMemory memory;
  Exchange exchange;
  exchange.memory = &memory;
  std::string text(usual);
  text.insert(text.find("Date"),
              "X: " + std::string(PlainAnswerMemory::header_bytes_max, 'x') + "\r\n");
  ASSERT_TRUE(read_plain_answer(usual, exchange));
  ASSERT_TRUE(read_plain_answer(text, exchange));
  EXPECT_EQ(memory.recall(text), nullptr);
}

TEST(PlainAnswer, MemoryChangesNothing) {
  std::mt19937 random(12);
  PlainAnswerMemory memory;
  for (int run = 0; run < 5'000; ++run) {
    const std::string text = spoilt(random);
    Exchange with, without;
    with.memory = &memory;
    with.body_max = without.body_max = 1'000;
    for (int again = 0; again < 2; ++again) {
      const auto recalled = read_plain_answer(text, with);
      const auto read = read_plain_answer(text, without);
      ASSERT_EQ(recalled.has_value(), read.has_value()) << text;
      if (!read) continue;
      ASSERT_EQ(recalled->status, read->status) << text;
      ASSERT_EQ(recalled->keep_alive, read->keep_alive) << text;
      ASSERT_EQ(recalled->body, read->body) << text;
      ASSERT_EQ(recalled->left_over, read->left_over) << text;
    }
  }
}

}  // namespace
}  // namespace stampede
