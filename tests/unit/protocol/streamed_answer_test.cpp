#include "harness/protocol/streamed_answer.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

using Progress = StreamedAnswer::Progress;

const std::string chunked =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n\r\n7;ext=1\r\ndata: a\r\n2\r\n\n\n\r\n9\r\ndata: b\n\n\r\n";

TEST(StreamedAnswer, FreesTheBodyOfItsChunks) {
  StreamedAnswer answer;
  std::string body;
  EXPECT_EQ(answer.feed(chunked, body), Progress::body);
  EXPECT_EQ(body, "data: a\n\ndata: b\n\n");
  EXPECT_EQ(answer.status(), 200u);
  EXPECT_TRUE(is_event_stream(answer.content_type()));
  body.clear();
  EXPECT_EQ(answer.feed("0\r\n\r\n", body), Progress::complete);
  EXPECT_EQ(body, "");
}

TEST(StreamedAnswer, AnySplitGivesTheSameBody) {
  const std::string text = chunked + "0\r\n\r\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    StreamedAnswer answer;
    std::string body;
    (void)answer.feed(std::string(text.substr(0, cut)), body);
    const Progress last =
        cut == text.size() ? Progress::complete : answer.feed(std::string(text.substr(cut)), body);
    ASSERT_EQ(last, Progress::complete) << cut;
    ASSERT_EQ(body, "data: a\n\ndata: b\n\n") << cut;
  }
  StreamedAnswer answer;
  std::string body;
  for (const char c : text) ASSERT_NE(answer.feed({&c, 1}, body), Progress::malformed);
  EXPECT_EQ(body, "data: a\n\ndata: b\n\n");
}

TEST(StreamedAnswer, WithoutALengthTheBodyLastsAsLongAsTheConnection) {
  StreamedAnswer answer;
  std::string body;
  EXPECT_EQ(answer.feed("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", body),
            Progress::body);
  for (int i = 0; i < 200; ++i) {
    const std::string part(16 << 10, 'x');
    body.clear();
    ASSERT_EQ(answer.feed(part, body), Progress::body) << "no limit of the whole";
    ASSERT_EQ(body, part);
  }
}

TEST(StreamedAnswer, InterimAnswersAreReadOver) {
  StreamedAnswer answer;
  std::string body;
  EXPECT_EQ(
      answer.feed("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No\r\n\r\n", body),
      Progress::complete);
  EXPECT_EQ(answer.status(), 204u);
}

TEST(StreamedAnswer, GarbageIsMalformed) {
  for (const std::string& text :
       {std::string("SSH-2.0-x\r\n\r\n"), chunked.substr(0, chunked.find("7;")) + "zz\r\nxx\r\n",
        std::string("HTTP/1.1 101 Switch\r\n\r\n")}) {
    StreamedAnswer answer;
    std::string body;
    EXPECT_EQ(answer.feed(text, body), Progress::malformed) << text;
    EXPECT_FALSE(answer.problem().empty());
  }
}

TEST(ContentType, OfAnEventStream) {
  EXPECT_TRUE(is_event_stream("text/event-stream"));
  EXPECT_TRUE(is_event_stream("Text/Event-Stream;charset=UTF-8"));
  EXPECT_FALSE(is_event_stream("text/event-streams"));
  EXPECT_FALSE(is_event_stream("text/html"));
  EXPECT_FALSE(is_event_stream(""));
}

}  // namespace
}  // namespace stampede
