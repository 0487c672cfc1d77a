#include "harness/protocol/content_decoder.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <random>

#include "harness/protocol/answer_extras.hpp"
#include "harness/protocol/answer_parser.hpp"

namespace stampede {
namespace {

// window: 31 gzip, 15 zlib, -15 bare.
std::string coded(std::string plain, int window) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, plain.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<unsigned char*>(plain.data());
  stream.avail_in = static_cast<unsigned>(plain.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Decoded {
  std::string text, problem;
  bool whole = false;
};

Decoded decode(ContentDecoder& decoder, ContentCoding coding, std::string_view bytes,
               std::size_t piece_size) {
  Decoded result;
  std::array<char, 100> room{};
  decoder.begin(coding);
  for (std::size_t at = 0; at < bytes.size(); at += piece_size) {
    decoder.feed(bytes.substr(at, piece_size));
    while (true) {
      const ContentDecoder::Piece piece = decoder.next(room);
      result.problem = piece.problem;
      if (piece.size == 0 || !result.problem.empty()) break;
      result.text.append(room.data(), piece.size);
    }
    if (!result.problem.empty()) return result;
  }
  result.whole = decoder.whole();
  return result;
}

std::string sample() {
  std::string text;
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) text += "word" + std::to_string(random() % 50) + ' ';
  return text;
}

TEST(ContentDecoder, AnySplitOfAnyCodingGivesTheText) {
  const std::string plain = sample();
  const std::tuple<ContentCoding, int> codings[] = {
      {ContentCoding::gzip, 31}, {ContentCoding::deflate, 15}, {ContentCoding::deflate, -15}};
  ContentDecoder decoder;  // one for all: its memory is used again
  for (const auto& [coding, window] : codings) {
    const std::string bytes = coded(plain, window);
    for (const std::size_t piece : {std::size_t{2}, std::size_t{17}, std::size_t{4096}}) {
      const Decoded decoded = decode(decoder, coding, bytes, piece);
      EXPECT_EQ(decoded.problem, "");
      EXPECT_TRUE(decoded.text == plain) << window << " in pieces of " << piece;
      EXPECT_TRUE(decoded.whole);
    }
  }
}

TEST(ContentDecoder, GzipMembersFollowEachOther) {
  ContentDecoder decoder;
  const std::string empty = coded("", 31);
  std::string bytes = coded("one ", 31) + empty + coded("two", 31);
  for (int i = 0; i < 5000; ++i) bytes += empty;
  const Decoded decoded = decode(decoder, ContentCoding::gzip, bytes, bytes.size());
  EXPECT_EQ(decoded.text, "one two");
  EXPECT_TRUE(decoded.whole);
}

TEST(ContentDecoder, DamageAndTheMissingEndAreSeen) {
  ContentDecoder decoder;
  std::string bytes = coded(sample(), 31);
  EXPECT_FALSE(decode(decoder, ContentCoding::gzip, bytes.substr(0, 100), 100).whole);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] + 1);
  EXPECT_NE(decode(decoder, ContentCoding::gzip, bytes, 1000).problem, "");
  EXPECT_NE(decode(decoder, ContentCoding::gzip, "plain text", 100).problem, "");
  const std::string zlib = coded("x", 15) + "more";
  EXPECT_NE(decode(decoder, ContentCoding::deflate, zlib, 100).problem, "");
  EXPECT_TRUE(decode(decoder, ContentCoding::gzip, "", 1).whole) << "no body at all";
}

TEST(ContentDecoder, ABombIsRefusedEarly) {
  ContentDecoder decoder;
  const std::string bytes = coded(std::string(64 << 20, '\0'), 31);
  const Decoded decoded = decode(decoder, ContentCoding::gzip, bytes, 16 << 10);
  EXPECT_NE(decoded.problem.find("200 times"), std::string::npos);
  EXPECT_LE(decoded.text.size(), ContentDecoder::ratio_free_bytes + 100);
}

TEST(ContentDecoder, NamesOfCodings) {
  EXPECT_EQ(content_coding_of("GZIP"), ContentCoding::gzip);
  EXPECT_EQ(content_coding_of(" x-gzip "), ContentCoding::gzip);
  EXPECT_EQ(content_coding_of("identity"), ContentCoding::identity);
  EXPECT_EQ(content_coding_of("br"), std::nullopt);
  EXPECT_EQ(content_coding_of("gzip, gzip"), std::nullopt);
}

// The parser with a decoder.
struct Answer {
  Exchange exchange;
  AnswerParser::Progress progress = AnswerParser::Progress::needs_more;
};

void parse(Answer& answer, const std::string& head, const std::string& body,
           bool decode_it = true) {
  answer.exchange.wants = &answer.exchange.extras();
  answer.exchange.wants->decode = decode_it;
  AnswerParser parser(answer.exchange);
  const std::string text = "HTTP/1.1 200 OK\r\n" + head +
                           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  for (std::size_t at = 0;
       at < text.size() && answer.progress == AnswerParser::Progress::needs_more; at += 50'000) {
    answer.progress = parser.feed(text.substr(at, 50'000));
  }
}

TEST(DecodedAnswer, TheBodyIsTheDecodedOne) {
  Answer answer;
  parse(answer, "Content-Encoding: gzip\r\n", coded(sample(), 31));
  EXPECT_EQ(answer.progress, AnswerParser::Progress::complete);
  EXPECT_TRUE(answer.exchange.body == sample());
  EXPECT_EQ(answer.exchange.body_bytes, sample().size());
}

TEST(DecodedAnswer, TheLimitIsOfTheDecodedBody) {
  Answer answer;
  answer.exchange.body_max = 1000;
  parse(answer, "Content-Encoding: gzip\r\n", coded(std::string(100'000, 'x'), 31));
  EXPECT_EQ(answer.progress, AnswerParser::Progress::malformed);
  EXPECT_EQ(answer.exchange.problem, "the answer's body is longer than 1000 bytes (`body_max`)");
  EXPECT_LE(answer.exchange.body.size(), 1000u);
}

TEST(DecodedAnswer, ProblemsHaveWords) {
  Answer half;
  parse(half, "Content-Encoding: gzip\r\n", coded(sample(), 31).substr(0, 200));
  EXPECT_EQ(half.exchange.problem, "the coded body ends in the middle");
  Answer brotli;
  parse(brotli, "Content-Encoding: br\r\n", "body");
  EXPECT_EQ(brotli.exchange.problem, "the body has a Content-Encoding that was not asked for");
  Answer twice;
  parse(twice, "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", "body");
  EXPECT_EQ(twice.progress, AnswerParser::Progress::malformed);
  Answer unasked;
  parse(unasked, "Content-Encoding: gzip\r\n", "as it came", false);
  EXPECT_EQ(unasked.progress, AnswerParser::Progress::complete);
  EXPECT_EQ(unasked.exchange.body, "as it came");
}

}  // namespace
}  // namespace stampede
