// WebSocket frames (RFC 6455 §5): a decoder that owns memory only while a frame or a fragmented
// message is incomplete, and the encoder of a client's masked frames.
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
// Bytes of a message, put together from its fragments, unless a step sets its own `message_max`.
inline constexpr std::size_t message_size_max = 64 << 10;
// The payload of a control frame (RFC 6455 §5.5); a close frame's reason has two bytes fewer.
inline constexpr std::size_t control_size_max = 125;

// Status codes of a close frame (RFC 6455 §7.4.1). The last two never stand in a frame.
enum CloseCode : std::uint16_t {
  close_normal = 1000,
  close_protocol_error = 1002,
  close_not_text = 1007,
  close_too_big = 1009,
  close_without_code = 1005,
  close_abnormal = 1006
};

// Appends one whole masked frame.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask);
// The payload of a close frame; a reason longer than a control frame holds is cut between letters.
std::string close_payload(std::uint16_t code, std::string_view reason = {});
// May this code stand in a close frame that comes from a server (RFC 6455 §7.4)?
bool is_close_code(std::uint16_t code) noexcept;
// Unicode's UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

class FrameDecoder {
 public:
  enum class Event : std::uint8_t { none, text, binary, ping, pong, close, malformed };
  struct Item {
    Event event = Event::none;
    std::string_view payload;  // valid until the next call; of a malformed one: what is wrong
    // close: the code that came, 0 if the frame held none. malformed: the code to close with.
    std::uint16_t close_code = 0;
  };
  // A message over `message_max` bytes is malformed, with 1009.
  explicit FrameDecoder(std::size_t message_max = message_size_max) : message_max_(message_max) {}

  // Hands over received bytes; then call next() until it yields none (all used; `bytes` may go) or
  // malformed.
  void feed(std::string_view bytes);
  Item next();

 private:
  struct Header {
    bool final_fragment = false;
    Opcode opcode{};
    std::uint64_t length = 0;
    std::size_t size = 0;        // of the header itself; 0: incomplete
    std::string_view forbidden;  // why; empty: legal
  };
  static Header read_header(std::string_view bytes) noexcept;
  [[nodiscard]] bool too_long(const Header& header) const noexcept;
  Item accept(const Header& header, std::string_view payload);
  static Item accept_close(std::string_view payload) noexcept;
  static Item whole(Opcode opcode, std::string_view payload) noexcept;
  void keep_rest();

  std::size_t message_max_;
  std::string_view input_;
  std::string partial_;   // an incomplete frame
  std::string message_;   // the fragments so far
  std::string complete_;  // the message put together last, kept for the view that was handed out
  Opcode message_opcode_ = Opcode::continuation;  // continuation: none is open
};

}  // namespace stampede
