// WebSocket frames (RFC 6455 §5): a decoder that owns memory only while a frame or a fragmented
// message is incomplete, and the encoder of a client's masked frames. Text is not checked to be
// UTF-8.
//
//   0               1               2               3
//   FIN RSV opcode  MASK length     length, 16 or 64 bits when 126 or 127; mask; payload
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stampede {

enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};
inline constexpr std::size_t message_size_max = 64 << 10;

// Appends one whole masked frame.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask);
// The payload of a close frame.
std::string close_payload(std::uint16_t code);

class FrameDecoder {
 public:
  enum class Event : std::uint8_t { none, text, binary, ping, pong, close, malformed };
  struct Item {
    Event event = Event::none;
    std::string_view payload;      // valid until the next call
    std::uint16_t close_code = 0;  // 0: the frame held none
  };
  // Hands over received bytes; then call next() until it yields none (all used; `bytes` may go) or
  // malformed.
  void feed(std::string_view bytes);
  Item next();

 private:
  struct Header {
    bool final_fragment = false;
    Opcode opcode{};
    std::uint64_t length = 0;
    std::size_t size = 0;  // of the header itself; 0: incomplete
    bool legal = true;
  };
  static Header read_header(std::string_view bytes) noexcept;
  Item accept(const Header& header, std::string_view payload);
  void keep_rest();

  std::string_view input_;
  std::string partial_;   // an incomplete frame
  std::string message_;   // the fragments so far
  std::string complete_;  // the message put together last, kept for the view that was handed out
  Opcode message_opcode_ = Opcode::continuation;  // continuation: none is open
};

}  // namespace stampede
