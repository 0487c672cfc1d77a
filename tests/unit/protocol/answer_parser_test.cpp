#include "harness/protocol/answer_parser.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stampede {
namespace {

using Progress = AnswerParser::Progress;

const std::vector<std::string> trace_id{"Trace-Id"}, digest{"Digest"};

Progress feed_all(AnswerParser& parser, const std::string& text) { return parser.feed(text); }

TEST(AnswerParser, KeepsStatusBodyAndWantedHeaders) {
  Exchange exchange;
  exchange.wanted_headers = trace_id;
  AnswerParser parser(exchange);
  const std::string text =
      "HTTP/1.1 201 Created\r\ntrace-id: abc\r\nOther: x\r\nContent-Length: 4\r\n\r\nbody";
  EXPECT_EQ(feed_all(parser, text), Progress::complete);
  EXPECT_EQ(exchange.status, 201u);
  EXPECT_EQ(exchange.body, "body");
  ASSERT_EQ(exchange.headers.size(), 1u);
  EXPECT_EQ(exchange.headers[0].second, "abc");
  EXPECT_TRUE(parser.keep_alive());
  EXPECT_TRUE(parser.left_over().empty());
}

TEST(AnswerParser, AnySplitGivesTheSameAnswer) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n"
      "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n";
  std::mt19937 random(3);
  for (int run = 0; run < 300; ++run) {
    Exchange exchange;
    AnswerParser parser(exchange);
    Progress progress = Progress::needs_more;
    for (std::size_t at = 0; at < text.size();) {
      ASSERT_EQ(progress, Progress::needs_more);
      const std::size_t size = std::min<std::size_t>(1 + random() % 20, text.size() - at);
      const std::string piece = text.substr(at, size);
      progress = parser.feed(piece);
      at += size;
    }
    ASSERT_EQ(progress, Progress::complete);
    ASSERT_EQ(exchange.body, "hello, world");
  }
}

TEST(AnswerParser, InterimAnswersAreReadOver) {
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nTrace-Id: early\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTrace-Id: late\r\nContent-Length: 2\r\n\r\nok";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    Exchange exchange;
    exchange.wanted_headers = trace_id;
    AnswerParser parser(exchange);
    Progress progress = Progress::needs_more;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      ASSERT_EQ(progress, Progress::needs_more) << "pieces of " << piece;
      progress = parser.feed(text.substr(at, piece));
    }
    ASSERT_EQ(progress, Progress::complete) << "pieces of " << piece;
    EXPECT_EQ(exchange.status, 200u);
    EXPECT_EQ(exchange.body, "ok");
    ASSERT_EQ(exchange.headers.size(), 1u);
    EXPECT_EQ(exchange.headers[0].second, "late");
  }
}

TEST(AnswerParser, InterimAnswersWithoutEndAreMalformed) {
  Exchange exchange;
  AnswerParser parser(exchange);
  Progress progress = Progress::needs_more;
  for (int i = 0; i < 100 && progress == Progress::needs_more; ++i) {
    progress = parser.feed("HTTP/1.1 100 Continue\r\n\r\n");
  }
  EXPECT_EQ(progress, Progress::malformed);
}

TEST(AnswerParser, ConnectionCloseIsSeen) {
  Exchange exchange;
  AnswerParser parser(exchange);
  EXPECT_EQ(feed_all(parser, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
            Progress::complete);
  EXPECT_FALSE(parser.keep_alive());
}

TEST(AnswerParser, AnAnswerToHeadHasNoBody) {
  Exchange exchange;
  exchange.head = true;
  AnswerParser parser(exchange);
  EXPECT_EQ(feed_all(parser, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), Progress::complete);
}

TEST(AnswerParser, ABodyMayEndWithTheConnection) {
  Exchange exchange;
  AnswerParser parser(exchange);
  EXPECT_EQ(feed_all(parser, "HTTP/1.1 200 OK\r\n\r\nall of it"), Progress::needs_more);
  EXPECT_EQ(parser.end(), Progress::complete);
  EXPECT_EQ(exchange.body, "all of it");
}

TEST(AnswerParser, HalfABodyIsNotAnAnswer) {
  Exchange exchange;
  AnswerParser parser(exchange);
  EXPECT_EQ(feed_all(parser, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
            Progress::needs_more);
  EXPECT_NE(parser.end(), Progress::complete);
  EXPECT_NE(exchange.problem, "");
}

TEST(AnswerParser, HalfAHeaderIsNotAnAnswer) {
  Exchange exchange;
  AnswerParser parser(exchange);
  EXPECT_EQ(feed_all(parser, "HTTP/1.1 200 OK\r\nConte"), Progress::needs_more);
  EXPECT_NE(parser.end(), Progress::complete);
}

TEST(AnswerParser, NothingIsNotAnAnswer) {
  Exchange exchange;
  AnswerParser parser(exchange);
  EXPECT_NE(parser.end(), Progress::complete);
}

TEST(AnswerParser, BytesAfterTheAnswerAreLeftOver) {
  Exchange exchange;
  AnswerParser parser(exchange);
  const std::string text =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: key\r\n\r\n\x81\x02hi";
  EXPECT_EQ(parser.feed(text), Progress::complete);
  EXPECT_EQ(parser.left_over(), "\x81\x02hi");
  EXPECT_EQ(parser.websocket_accept(), "key");
}

TEST(AnswerParser, WhatIsNoHttpIsMalformed) {
  for (const std::string text :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    Exchange exchange;
    AnswerParser parser(exchange);
    EXPECT_EQ(parser.feed(text), Progress::malformed) << text;
    EXPECT_NE(exchange.problem, "");
  }
}

TEST(AnswerParser, LimitsHold) {
  {
    Exchange exchange;
    AnswerParser parser(exchange);
    EXPECT_EQ(feed_all(parser, "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"),
              Progress::malformed);
  }
  {
    Exchange exchange;
    AnswerParser parser(exchange);
    Progress progress = parser.feed("HTTP/1.1 200 OK\r\n\r\n");
    const std::string piece(60'000, 'x');
    for (int i = 0; i < 18 && progress == Progress::needs_more; ++i) progress = parser.feed(piece);
    EXPECT_EQ(progress, Progress::malformed) << "a body without a length is bounded too";
    EXPECT_LE(exchange.body.size(), body_size_max);
  }
  {
    Exchange exchange;
    AnswerParser parser(exchange);
    Progress progress = parser.feed("HTTP/1.1 200 OK\r\nLong: ");
    const std::string piece(4'000, 'x');
    for (int i = 0; i < 20 && progress == Progress::needs_more; ++i) progress = parser.feed(piece);
    EXPECT_EQ(progress, Progress::malformed) << "an endless header is bounded";
  }
}

TEST(AnswerParser, HeadersAreBoundedInNumberAndSize) {
  const auto answer = [](const std::string& headers) {
    Exchange exchange;
    AnswerParser parser(exchange);
    (void)parser.feed("HTTP/1.1 200 OK\r\n" + headers + "Content-Length: 0\r\n\r\n");
    return exchange.problem;
  };
  EXPECT_EQ(answer("Policy: " + std::string(30'000, 'x') + "\r\n"), "") << "real servers do that";
  EXPECT_EQ(answer("Long: " + std::string(70'000, 'x') + "\r\n"),
            "the answer's header is longer than 64 KiB");
  std::string many;
  for (int i = 0; i < 300; ++i) many += "A: b\r\n";
  EXPECT_EQ(answer(many), "the answer has more than 256 header lines");
}

TEST(AnswerParser, AnEndlessChunkHeaderOrTrailerIsBounded) {
  for (const std::string begin : {"5;", "0\r\nTrailer: "}) {
    Exchange exchange;
    AnswerParser parser(exchange);
    Progress progress =
        parser.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + begin);
    for (int i = 0; i < 100 && progress == Progress::needs_more; ++i) {
      progress = parser.feed(std::string(4000, 'x'));
    }
    EXPECT_EQ(progress, Progress::malformed);
    EXPECT_EQ(exchange.problem, "a chunk's header or the trailers are longer than 64 KiB");
  }
}

TEST(AnswerParser, TrailersAreReadOver) {
  Exchange exchange;
  exchange.wanted_headers = digest;
  AnswerParser parser(exchange);
  EXPECT_EQ(feed_all(parser,
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDigest: a\r\n\r\n2\r\nok\r\n"
                     "0\r\nDigest: b\r\nOther: c\r\n\r\n"),
            Progress::complete);
  EXPECT_EQ(exchange.body, "ok");
  ASSERT_EQ(exchange.headers.size(), 1u);
  EXPECT_EQ(exchange.headers[0].second, "a");
}

TEST(AnswerParser, ABodyThatNobodyWantsIsCounted) {
  Exchange exchange;
  exchange.keep_body = false;
  exchange.body_max = 100 << 20;
  AnswerParser parser(exchange);
  Progress progress = parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n");
  const std::string piece(50'000, 'x');
  for (int i = 0; i < 1000 && progress == Progress::needs_more; ++i) progress = parser.feed(piece);
  EXPECT_EQ(progress, Progress::complete);
  EXPECT_EQ(exchange.body_bytes, 50'000'000u);
  EXPECT_EQ(exchange.body.capacity(), std::string().capacity()) << "no memory for it";
  EXPECT_EQ(exchange.carry.capacity(), std::string().capacity());
}

TEST(AnswerParser, AnExcerptOfAnErrorIsKept) {
  Exchange exchange;
  exchange.keep_body = false;
  AnswerParser parser(exchange);
  const std::string body = R"({"code":"NO"})" + std::string(5'000, ' ');
  EXPECT_EQ(parser.feed("HTTP/1.1 500 No\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\n\r\n" + body),
            Progress::complete);
  EXPECT_EQ(exchange.body, body.substr(0, body_excerpt_max));
  EXPECT_EQ(exchange.body_bytes, body.size());
}

TEST(AnswerParser, OldServersCloseUnlessTheySayOtherwise) {
  for (const auto& [header, keeps] :
       {std::pair<std::string, bool>{"", false}, {"Connection: keep-alive\r\n", true}}) {
    Exchange exchange;
    AnswerParser parser(exchange);
    EXPECT_EQ(feed_all(parser, "HTTP/1.0 200 OK\r\n" + header + "Content-Length: 2\r\n\r\nok"),
              Progress::complete);
    EXPECT_EQ(parser.keep_alive(), keeps);
  }
}

TEST(AnswerParser, AnswersWithoutABodyEndWithTheirHeader) {
  for (const std::string text : {"HTTP/1.1 204 No Content\r\n\r\n",
                                 "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
                                 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    Exchange exchange;
    AnswerParser parser(exchange);
    EXPECT_EQ(feed_all(parser, text), Progress::complete) << text;
    EXPECT_TRUE(parser.keep_alive());
  }
}

TEST(AnswerParser, GarbageNeverCrashes) {
  std::mt19937 random(5);
  for (int run = 0; run < 2000; ++run) {
    Exchange exchange;
    AnswerParser parser(exchange);
    std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234567890123456789";
    for (int flips = 0; flips < 3; ++flips) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    if (parser.feed(text) == Progress::needs_more) (void)parser.end();
  }
}

}  // namespace
}  // namespace stampede
