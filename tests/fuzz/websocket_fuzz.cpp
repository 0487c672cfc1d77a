// The way of WebSocket frames into the harness. Input: a byte that sets the limit of a message, a
// byte that seeds the splits, then what the server sent after the handshake.
#include <vector>

#include "harness/protocol/frame_codec.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace stampede::fuzz {
namespace {

using Event = FrameDecoder::Event;

struct Got {
  Event event;
  std::string payload;
  unsigned code;
  bool operator==(const Got&) const = default;
};

// False: malformed, and nothing follows.
bool take(FrameDecoder& decoder, std::string_view bytes, std::vector<Got>& got) {
  decoder.feed(bytes);
  while (true) {
    const FrameDecoder::Item item = decoder.next();
    if (item.event == Event::none) return true;
    got.push_back({item.event, std::string(item.payload), item.close_code});
    if (item.event == Event::malformed) return false;
  }
}

void check(const Got& item, std::size_t message_max) {
  const bool message = item.event == Event::text || item.event == Event::binary;
  require(!message || item.payload.size() <= message_max);
  if (item.event == Event::text || item.event == Event::close) require(is_utf8(item.payload));
  const bool control =
      item.event == Event::ping || item.event == Event::pong || item.event == Event::close;
  require(!control || item.payload.size() <= control_size_max);
  if (item.event == Event::close)
    require(item.code == 0 || is_close_code(static_cast<std::uint16_t>(item.code)));
  if (item.event != Event::malformed) return;
  require(item.code == close_protocol_error || item.code == close_not_text ||
          item.code == close_too_big);
  require(!item.payload.empty());
}

}  // namespace
}  // namespace stampede::fuzz

int fuzz_websocket(const std::uint8_t* data, std::size_t size);
int fuzz_websocket(const std::uint8_t* data, std::size_t size) {
  using namespace stampede;
  using namespace stampede::fuzz;
  Input input(data, size);
  const std::size_t message_max = std::size_t{input.byte()} * 8 + 1;
  unsigned seed = input.byte() + 1U;
  std::vector<Got> whole, pieces;
  FrameDecoder at_once(message_max);
  const bool fine = take(at_once, input.rest(), whole);
  FrameDecoder by_and_by(message_max);
  bool still_fine = true;
  for (std::string_view rest = input.rest(); still_fine && !rest.empty();) {
    const std::string piece(rest.substr(0, 1 + (seed >> 16U) % 23));
    seed = seed * 1'103'515'245U + 12'345U;
    rest.remove_prefix(piece.size());
    still_fine = take(by_and_by, piece, pieces);
  }
  require(fine == still_fine);
  require(whole == pieces);
  for (const Got& item : whole) check(item, message_max);
  require(close_payload(close_normal, input.rest()).size() <= control_size_max);
  return 0;
}
