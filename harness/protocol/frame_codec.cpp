#include "harness/protocol/frame_codec.hpp"

#include <cstring>

namespace stampede {

namespace {

constexpr std::size_t control_size_max = 125;

std::uint64_t big_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

bool is_control(Opcode opcode) noexcept { return static_cast<std::uint8_t>(opcode) >= 8; }

bool is_known(Opcode opcode) noexcept {
  const auto number = static_cast<std::uint8_t>(opcode);
  return number <= 2 || (number >= 8 && number <= 10);
}

}  // namespace

void append_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask) {
  out.push_back(static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode)));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    const bool wide = payload.size() > 0xFFFF;
    out.push_back(static_cast<char>(wide ? 0xFF : 0xFE));
    for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8) {
      out.push_back(static_cast<char>(payload.size() >> shift & 0xFF));
    }
  }
  char key[4];
  std::memcpy(key, &mask, sizeof key);
  out.append(key, sizeof key);
  const std::size_t at = out.size();
  out.append(payload);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out[at + i] = static_cast<char>(out[at + i] ^ key[i % 4]);
  }
}

std::string close_payload(std::uint16_t code) {
  return {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
}

void FrameDecoder::feed(std::string_view bytes) {
  if (partial_.empty()) {
    input_ = bytes;
    return;
  }
  partial_.append(bytes);
  input_ = partial_;
}

void FrameDecoder::keep_rest() {
  // Subtle: input_ may be a view into partial_ itself.
  std::string rest(input_);
  partial_.swap(rest);
  if (partial_.empty()) std::string().swap(partial_);
  input_ = {};
}

FrameDecoder::Header FrameDecoder::read_header(std::string_view bytes) noexcept {
  Header header;
  if (bytes.size() < 2) return header;
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  const auto second = static_cast<std::uint8_t>(bytes[1]);
  header.final_fragment = (first & 0x80) != 0;
  header.opcode = static_cast<Opcode>(first & 0x0F);
  // Reserved bits belong to extensions, and none was agreed; a server must not mask.
  header.legal = (first & 0x70) == 0 && (second & 0x80) == 0 && is_known(header.opcode);
  const std::uint8_t length = second & 0x7F;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (bytes.size() < 2 + extended) return header;
  header.length = extended == 0 ? length : big_endian(bytes.substr(2, extended));
  if (is_control(header.opcode) && (header.length > control_size_max || !header.final_fragment)) {
    header.legal = false;
  }
  header.size = 2 + extended;
  return header;
}

FrameDecoder::Item FrameDecoder::next() {
  while (true) {
    const Header header = read_header(input_);
    const bool too_long =
        header.length > message_size_max || header.length + message_.size() > message_size_max;
    if (!header.legal || too_long) return {Event::malformed, {}, 0};
    if (header.size == 0 || input_.size() - header.size < header.length) {
      keep_rest();
      return {};
    }
    const std::string_view payload =
        input_.substr(header.size, static_cast<std::size_t>(header.length));
    input_.remove_prefix(header.size + payload.size());
    const Item item = accept(header, payload);
    if (item.event != Event::none) return item;
  }
}

FrameDecoder::Item FrameDecoder::accept(const Header& header, std::string_view payload) {
  switch (header.opcode) {
    case Opcode::ping:
      return {Event::ping, payload, 0};
    case Opcode::pong:
      return {Event::pong, payload, 0};
    case Opcode::close: {
      if (payload.size() == 1) return {Event::malformed, {}, 0};
      if (payload.empty()) return {Event::close, {}, 0};
      return {Event::close, payload.substr(2),
              static_cast<std::uint16_t>(big_endian(payload.substr(0, 2)))};
    }
    default:
      break;
  }
  const bool continues = header.opcode == Opcode::continuation;
  const bool open = message_opcode_ != Opcode::continuation;
  if (continues != open) return {Event::malformed, {}, 0};
  const auto event_of = [](Opcode opcode) {
    return opcode == Opcode::text ? Event::text : Event::binary;
  };
  if (!continues && header.final_fragment) return {event_of(header.opcode), payload, 0};
  if (!continues) {
    message_.assign(payload);
    message_opcode_ = header.opcode;
    return {};
  }
  message_.append(payload);
  if (!header.final_fragment) return {};
  const Event event = event_of(message_opcode_);
  message_opcode_ = Opcode::continuation;
  complete_.swap(message_);
  message_.clear();
  return {event, complete_, 0};
}

}  // namespace stampede
