#include "target/http/websocket_frames.hpp"

#include <gtest/gtest.h>

namespace boxoffice {
namespace {

using Kind = FrameReader::Event::Kind;

std::string client_frame(unsigned first_byte, std::string_view payload) {
  std::string frame{static_cast<char>(first_byte)};
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80U | payload.size());
  } else {
    frame += static_cast<char>(0x80U | 126U);
    frame += static_cast<char>(payload.size() >> 8U);
    frame += static_cast<char>(payload.size() & 0xFFU);
  }
  constexpr std::string_view mask = "\x11\x22\x33\x44";
  frame += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  }
  return frame;
}

TEST(WebSocketFrames, AcceptKeyOfTheExampleOfRfc6455) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketFrames, AServerFrameOfEverySize) {
  std::string out;
  append_frame(out, Opcode::text, "Hello");
  EXPECT_EQ(out, "\x81\x05Hello");
  out.clear();
  append_frame(out, Opcode::text, std::string(300, 'x'));
  EXPECT_EQ(out.substr(0, 4), std::string("\x81\x7e\x01\x2c", 4));
  EXPECT_EQ(out.size(), 304U);
  out.clear();
  append_frame(out, Opcode::text, std::string(70000, 'x'));
  EXPECT_EQ(out.substr(0, 10), std::string("\x81\x7f\0\0\0\0\0\x01\x11\x70", 10));
}

TEST(FrameReader, MessagesInAnyPieces) {
  const std::string bytes = client_frame(0x81, "one") + client_frame(0x89, "p") +
                            client_frame(0x01, "tw") + client_frame(0x8A, "") +
                            client_frame(0x80, "o") + client_frame(0x81, std::string(4096, 'z'));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    FrameReader reader;
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      std::string_view part = std::string_view(bytes).substr(at, piece);
      while (const auto event = reader.next(part)) {
        seen.push_back(std::to_string(static_cast<int>(event->kind)) + std::string(event->payload));
      }
    }
    EXPECT_EQ(seen,
              (std::vector<std::string>{"0one", "1p", "2", "0two", "0" + std::string(4096, 'z')}));
  }
}

std::uint16_t broken_by(const std::string& bytes) {
  FrameReader reader;
  std::string_view rest = bytes;
  while (const auto event = reader.next(rest)) {
    if (event->kind == Kind::broken) return event->code;
  }
  return 0;
}

TEST(FrameReader, WhatBreaksTheProtocol) {
  EXPECT_EQ(broken_by(std::string("\x81\x02hi", 4)), ws_close::protocol_error) << "no mask";
  EXPECT_EQ(broken_by(client_frame(0xC1, "hi")), ws_close::protocol_error) << "reserved bit";
  EXPECT_EQ(broken_by(client_frame(0x83, "hi")), ws_close::protocol_error) << "unknown opcode";
  EXPECT_EQ(broken_by(client_frame(0x80, "hi")), ws_close::protocol_error) << "nothing to go on";
  EXPECT_EQ(broken_by(client_frame(0x01, "a") + client_frame(0x81, "b")), ws_close::protocol_error);
  EXPECT_EQ(broken_by(client_frame(0x09, "")), ws_close::protocol_error) << "a ping in pieces";
  EXPECT_EQ(broken_by(client_frame(0x89, std::string(126, 'x'))), ws_close::protocol_error);
  EXPECT_EQ(broken_by(client_frame(0x82, "hi")), ws_close::unsupported) << "binary";
  EXPECT_EQ(broken_by(client_frame(0x81, std::string(4097, 'x'))), ws_close::too_big);
  EXPECT_EQ(broken_by(client_frame(0x01, std::string(4000, 'x')) +
                      client_frame(0x80, std::string(97, 'x'))),
            ws_close::too_big);
  EXPECT_EQ(broken_by(client_frame(0x81, "\xC0\x80")), ws_close::bad_data);
  EXPECT_EQ(broken_by(client_frame(0x88, "x")), ws_close::protocol_error) << "half a code";
  EXPECT_EQ(broken_by(client_frame(0x88, "\x03\xED")), ws_close::protocol_error) << "code 1005";
}

TEST(FrameReader, ClosesCarryTheirCode) {
  FrameReader reader;
  const std::string bytes = client_frame(0x88,
                                         "\x03\xE8"
                                         "bye");
  std::string_view rest = bytes;
  const auto event = reader.next(rest);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Kind::close);
  EXPECT_EQ(event->code, 1000);
  EXPECT_EQ(event->payload, "bye");
}

TEST(WebSocketFrames, CloseReasonsFitAControlFrameAndStayUtf8) {
  std::string reason;
  for (int i = 0; i < 100; ++i) reason += "\xC3\xA9";
  const std::string payload = close_payload(4401, reason);
  EXPECT_LE(payload.size(), 125U);
  EXPECT_TRUE(is_utf8(std::string_view(payload).substr(2)));
}

TEST(Utf8, KnowsGoodFromBad) {
  for (const char* good :
       {"", "abc", "\xC2\x80", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xF8\x88\x80\x80", "\xE2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace boxoffice
