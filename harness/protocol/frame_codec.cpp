#include "harness/protocol/frame_codec.hpp"

#include <algorithm>
#include <cstring>

namespace stampede {

namespace {

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

bool is_continuation(char byte) noexcept {
  return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80;
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

std::string close_payload(std::uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  std::size_t size = std::min(reason.size(), control_size_max - payload.size());
  // Continuation bytes at the cut belong to a letter that would be halved.
  while (size < reason.size() && size > 0 && is_continuation(reason[size])) --size;
  return payload.append(reason.substr(0, size));
}

bool is_close_code(std::uint16_t code) noexcept {
  if (code >= 3000) return code < 5000;
  return code >= close_normal && code <= 1014 && code != 1004 && code != close_without_code &&
         code != close_abnormal;
}

bool is_utf8(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    // Nearly all text is ASCII: eight bytes at a time.
    std::uint64_t word = 0;
    if (end - at >= 8) {
      std::memcpy(&word, at, sizeof word);
      if ((word & 0x8080808080808080U) == 0) {
        at += 8;
        continue;
      }
    }
    const auto first = static_cast<std::uint8_t>(*at++);
    if (first < 0x80) continue;
    const int rest = first >= 0xC2 && first <= 0xDF   ? 1
                     : first >= 0xE0 && first <= 0xEF ? 2
                     : first >= 0xF0 && first <= 0xF4 ? 3
                                                      : 0;
    if (rest == 0 || end - at < rest) return false;
    const auto second = static_cast<std::uint8_t>(*at);
    // Overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte.
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return false;
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return false;
    for (int i = 0; i < rest; ++i) {
      if (!is_continuation(*at++)) return false;
    }
  }
  return true;
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
  // Subtle: unless partial_ is empty, input_ is the end of it.
  if (partial_.empty()) {
    partial_.assign(input_);
  } else {
    partial_.erase(0, partial_.size() - input_.size());
  }
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
  // Reserved bits belong to extensions, and none was agreed.
  if ((first & 0x70) != 0) header.forbidden = "a reserved bit is set";
  if ((second & 0x80) != 0) header.forbidden = "a server must not mask";
  if (!is_known(header.opcode)) header.forbidden = "a reserved opcode";
  const std::uint8_t length = second & 0x7F;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  // A control frame is too long as soon as it says that its length stands elsewhere.
  if (is_control(header.opcode) && !header.final_fragment) {
    header.forbidden = "a control frame in fragments";
  } else if (is_control(header.opcode) && extended > 0) {
    header.forbidden = "a control frame of more than 125 bytes";
  }
  if (bytes.size() < 2 + extended) return header;
  header.length = extended == 0 ? length : big_endian(bytes.substr(2, extended));
  header.size = 2 + extended;
  return header;
}

bool FrameDecoder::too_long(const Header& header) const noexcept {
  if (is_control(header.opcode)) return false;
  return header.length > message_max_ || header.length + message_.size() > message_max_;
}

FrameDecoder::Item FrameDecoder::next() {
  while (true) {
    const Header header = read_header(input_);
    if (!header.forbidden.empty()) {
      return {Event::malformed, header.forbidden, close_protocol_error};
    }
    if (too_long(header)) return {Event::malformed, "a message over the limit", close_too_big};
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

FrameDecoder::Item FrameDecoder::accept_close(std::string_view payload) noexcept {
  if (payload.empty()) return {Event::close, {}, 0};
  if (payload.size() == 1) {
    return {Event::malformed, "a close frame of one byte", close_protocol_error};
  }
  const auto code = static_cast<std::uint16_t>(big_endian(payload.substr(0, 2)));
  if (!is_close_code(code)) {
    return {Event::malformed, "a close code that may not be sent", close_protocol_error};
  }
  const std::string_view reason = payload.substr(2);
  if (!is_utf8(reason)) return {Event::malformed, "a close reason not in UTF-8", close_not_text};
  return {Event::close, reason, code};
}

FrameDecoder::Item FrameDecoder::whole(Opcode opcode, std::string_view payload) noexcept {
  if (opcode == Opcode::binary) return {Event::binary, payload, 0};
  if (!is_utf8(payload)) return {Event::malformed, "a text not in UTF-8", close_not_text};
  return {Event::text, payload, 0};
}

FrameDecoder::Item FrameDecoder::accept(const Header& header, std::string_view payload) {
  if (header.opcode == Opcode::ping) return {Event::ping, payload, 0};
  if (header.opcode == Opcode::pong) return {Event::pong, payload, 0};
  if (header.opcode == Opcode::close) return accept_close(payload);
  const bool continues = header.opcode == Opcode::continuation;
  const bool open = message_opcode_ != Opcode::continuation;
  if (continues != open) {
    return {Event::malformed, continues ? "a fragment of nothing" : "a message inside a message",
            close_protocol_error};
  }
  if (!continues && header.final_fragment) return whole(header.opcode, payload);
  if (!continues) {
    message_.assign(payload);
    message_opcode_ = header.opcode;
    return {};
  }
  message_.append(payload);
  if (!header.final_fragment) return {};
  const Opcode opcode = message_opcode_;
  message_opcode_ = Opcode::continuation;
  complete_.swap(message_);
  message_.clear();
  return whole(opcode, complete_);
}

}  // namespace stampede
