#include "harness/protocol/frame_codec.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "harness/protocol/websocket_client.hpp"

namespace stampede {
namespace {

using Event = FrameDecoder::Event;
using std::string_literals::operator""s;

// A frame as a server sends it: not masked.
std::string frame(std::uint8_t first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(payload.size()));
  } else {
    out.push_back(126);
    out.push_back(static_cast<char>(payload.size() >> 8));
    out.push_back(static_cast<char>(payload.size() & 0xFF));
  }
  return out.append(payload);
}

std::vector<std::string> texts(FrameDecoder& decoder, std::string_view bytes) {
  std::vector<std::string> out;
  decoder.feed(bytes);
  for (auto item = decoder.next(); item.event != Event::none; item = decoder.next()) {
    if (item.event == Event::malformed) {
      out.emplace_back("MALFORMED");
      break;
    }
    out.emplace_back(item.payload);
  }
  return out;
}

TEST(FrameEncoder, MasksAsTheStandardsExampleDoes) {
  // RFC 6455 §5.7: a masked "Hello" with the key 37 fa 21 3d.
  std::string out;
  append_frame(out, Opcode::text, "Hello", 0x3d21fa37);
  EXPECT_EQ(out, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s);
}

TEST(FrameEncoder, LongPayloadsHaveLongLengths) {
  std::string out;
  append_frame(out, Opcode::text, std::string(300, 'a'), 0);
  EXPECT_EQ(out.substr(0, 4), "\x81\xfe\x01\x2c"s);
  out.clear();
  append_frame(out, Opcode::text, std::string(70'000, 'a'), 0);
  EXPECT_EQ(out.substr(0, 10), "\x81\xff\x00\x00\x00\x00\x00\x01\x11\x70"s);
}

TEST(WebSocketAccept, IsTheStandardsExample) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(FrameDecoder, ReadsTheStandardsExamples) {
  FrameDecoder decoder;
  EXPECT_EQ(texts(decoder, "\x81\x05Hello"s), std::vector<std::string>{"Hello"});
  EXPECT_EQ(texts(decoder, "\x01\x03Hel\x80\x02lo"s), std::vector<std::string>{"Hello"});
}

TEST(FrameDecoder, ControlFramesMayStandBetweenFragments) {
  FrameDecoder decoder;
  const std::string bytes = frame(0x01, "a") + frame(0x89, "p") + frame(0x80, "b");
  decoder.feed(bytes);
  auto item = decoder.next();
  EXPECT_EQ(item.event, Event::ping);
  EXPECT_EQ(item.payload, "p");
  item = decoder.next();
  EXPECT_EQ(item.event, Event::text);
  EXPECT_EQ(item.payload, "ab");
}

TEST(FrameDecoder, AnySplitGivesTheSameMessages) {
  const std::string bytes = frame(0x81, "one") + frame(0x01, "tw") + frame(0x80, "o") +
                            frame(0x81, std::string(500, 'x')) + frame(0x82, "") +
                            frame(0x81, "last");
  const std::vector<std::string> expected{"one", "two", std::string(500, 'x'), "", "last"};
  std::mt19937 random(7);
  for (int run = 0; run < 500; ++run) {
    FrameDecoder decoder;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 40, bytes.size() - at);
      const std::string piece = bytes.substr(at, size);  // its own memory, gone after the round
      for (std::string& text : texts(decoder, piece)) got.push_back(std::move(text));
      at += size;
    }
    ASSERT_EQ(got, expected);
  }
}

TEST(FrameDecoder, CloseCarriesItsCode) {
  FrameDecoder decoder;
  const std::string with_code = frame(0x88, "\x11\x3agone");
  decoder.feed(with_code);
  const auto item = decoder.next();
  EXPECT_EQ(item.event, Event::close);
  EXPECT_EQ(item.close_code, 4410);
  EXPECT_EQ(item.payload, "gone");
  const std::string without = frame(0x88, "");
  decoder.feed(without);
  EXPECT_EQ(decoder.next().close_code, 0);
}

TEST(FrameDecoder, WhatTheProtocolForbidsIsMalformed) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"reserved bit", frame(0xC1, "x")},
      {"unknown opcode", frame(0x83, "x")},
      {"masked by the server", "\x81\x81\x01\x02\x03\x04x"s},
      {"fragmented control frame", frame(0x09, "x")},
      {"long control frame", frame(0x89, std::string(126, 'x'))},
      {"continuation of nothing", frame(0x80, "x")},
      {"new message inside a fragmented one", frame(0x01, "a") + frame(0x81, "b")},
      {"close frame of one byte", frame(0x88, "x")},
      {"length over the limit", "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x01"s},
      {"length that overflows", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"s},
      {"fragments over the limit",
       frame(0x01, std::string(40'000, 'x')) + frame(0x80, std::string(40'000, 'x'))},
  };
  for (const auto& [what, bytes] : table) {
    FrameDecoder decoder;
    EXPECT_EQ(texts(decoder, bytes), std::vector<std::string>{"MALFORMED"}) << what;
  }
}

// Frame by frame, until the last one is what the decoder made of it.
FrameDecoder::Item last_item(FrameDecoder& decoder, std::string_view bytes) {
  decoder.feed(bytes);
  FrameDecoder::Item last;
  for (auto item = decoder.next(); item.event != Event::none; item = decoder.next()) {
    last = item;
    if (item.event == Event::malformed) break;
  }
  return last;
}

TEST(FrameDecoder, SaysWithWhichCodeToClose) {
  const std::vector<std::pair<std::string, unsigned>> table{
      {frame(0xC1, "x"), 1002},
      {frame(0x80, "x"), 1002},
      {frame(0x88, "x"), 1002},
      {frame(0x88, "\x03\xed"), 1002},  // 1005 may not stand in a frame
      {frame(0x88, "\x03\xe7"), 1002},  // 999
      {frame(0x88, "\x03\xe8\xff"), 1007},
      {frame(0x81, "\xc0\x80"), 1007},
      {frame(0x01, "a\xe2\x82") + frame(0x80, "b"), 1007},
      {"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x01"s, 1009},
      {frame(0x02, std::string(40'000, 'x')) + frame(0x80, std::string(40'000, 'x')), 1009},
  };
  for (const auto& [bytes, code] : table) {
    FrameDecoder decoder;
    const auto item = last_item(decoder, bytes);
    EXPECT_EQ(item.event, Event::malformed);
    EXPECT_EQ(item.close_code, code) << item.payload;
    EXPECT_FALSE(item.payload.empty());
  }
}

TEST(FrameDecoder, ALetterMayBeSplitByFragments) {
  FrameDecoder decoder;
  const std::string bytes = frame(0x01, "a\xe2\x82") + frame(0x80, "\xac");
  const auto item = last_item(decoder, bytes);
  EXPECT_EQ(item.event, Event::text);
  EXPECT_EQ(item.payload, "a\u20ac");
}

TEST(FrameDecoder, BinaryNeedNotBeText) {
  FrameDecoder decoder;
  const std::string bytes = frame(0x82, "\xff\xfe");
  EXPECT_EQ(last_item(decoder, bytes).event, Event::binary);
}

TEST(FrameDecoder, TheLimitIsTheStepsOwn) {
  FrameDecoder small(100);
  const std::string bytes = frame(0x81, std::string(101, 'x'));
  EXPECT_EQ(last_item(small, bytes).close_code, 1009);
  FrameDecoder large(1 << 20);
  std::string long_frame = "\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x00"s;
  long_frame.append(1 << 20, 'x');
  std::size_t messages = 0;
  for (std::size_t at = 0; at < long_frame.size(); at += 60'000) {
    const std::string piece = long_frame.substr(at, 60'000);
    const auto item = last_item(large, piece);
    messages += item.event == Event::text && item.payload.size() == 1 << 20 ? 1 : 0;
  }
  EXPECT_EQ(messages, 1u);
}

TEST(FrameDecoder, APingFitsIntoAMessageThatIsNearlyFull) {
  FrameDecoder decoder(1000);
  const std::string bytes =
      frame(0x01, std::string(990, 'a')) + frame(0x89, std::string(125, 'p')) + frame(0x80, "b");
  EXPECT_EQ(last_item(decoder, bytes).payload.size(), 991u);
}

TEST(ClosePayload, CutsALongReasonBetweenLetters) {
  EXPECT_EQ(close_payload(1000), "\x03\xe8"s);
  EXPECT_EQ(close_payload(4410, "gone"), "\x11\x3agone"s);
  std::string reason(122, 'x');
  const std::string whole = close_payload(1000, reason + "y tail");
  EXPECT_EQ(whole.size(), control_size_max);
  const std::string cut = close_payload(1000, reason + "\u20ac");
  EXPECT_EQ(cut.size(), 2u + 122u);
}

TEST(Utf8, IsWhatUnicodeAllows) {
  for (const std::string_view good :
       {"", "plain ascii of some length", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "12345678\xc3\xa9"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const std::string_view bad :
       {"\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "12345678\xff", "\xe2\x28\xa1"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(FrameDecoder, AMessageOfExactlyTheLimitPasses) {
  FrameDecoder decoder;
  std::string bytes = "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s + std::string(65'536, 'x');
  EXPECT_EQ(texts(decoder, bytes).front().size(), 65'536u);
}

TEST(FrameDecoder, GarbageNeverCrashes) {
  std::mt19937 random(11);
  for (int run = 0; run < 2000; ++run) {
    FrameDecoder decoder;
    for (int part = 0; part < 4; ++part) {
      std::string bytes(random() % 64, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      const auto got = texts(decoder, bytes);
      if (!got.empty() && got.back() == "MALFORMED") break;
    }
  }
}

}  // namespace
}  // namespace stampede
