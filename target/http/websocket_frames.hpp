// RFC 6455 as pure functions over bytes: the handshake's answer, frames out, frames in. No sockets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boxoffice {

inline constexpr std::size_t ws_message_bytes_max = 4 * 1024;

enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};
namespace ws_close {
inline constexpr std::uint16_t normal = 1000, going_away = 1001, protocol_error = 1002,
                               unsupported = 1003, no_status = 1005, bad_data = 1007,
                               too_big = 1009, internal = 1011, restart = 1012, overloaded = 1013;
}

std::string websocket_accept(std::string_view key);  // Sec-WebSocket-Key → Sec-WebSocket-Accept
bool is_utf8(std::string_view text) noexcept;
// Of a server: never masked, never fragmented.
void append_frame(std::string& out, Opcode opcode, std::string_view payload);
// Code and reason; the reason is cut to what a control frame holds.
std::string close_payload(std::uint16_t code, std::string_view reason);

// Puts the frames of a client together. Small when idle: a message's memory is given back.
class FrameReader {
 public:
  struct Event {
    enum class Kind : std::uint8_t { message, ping, pong, close, broken };
    Kind kind = Kind::broken;
    std::string_view payload;  // until the next call
    std::uint16_t code = 0;    // close: what the peer gave, or 1005; broken: what to close with
  };
  // Takes from the front of `bytes`; nullopt: all taken, nothing complete yet. After `broken` the
  // reader must not be asked again.
  std::optional<Event> next(std::string_view& bytes);

 private:
  [[nodiscard]] std::size_t head_bytes() const noexcept;
  [[nodiscard]] std::uint16_t head_problem() const noexcept;  // 0: fine
  void begin_payload();
  void take_payload(std::string_view& bytes);
  std::optional<Event> finish_frame();
  [[nodiscard]] Event closed_by_peer() const;

  std::array<unsigned char, 8> head_{};  // 2 bytes, 2 of length at most, 4 of mask
  std::uint8_t head_size_ = 0;
  std::uint8_t mask_at_ = 0;
  std::uint16_t left_ = 0;  // of the payload
  bool in_payload_ = false, in_message_ = false, given_ = false;
  std::string message_, control_;
};

}  // namespace boxoffice
