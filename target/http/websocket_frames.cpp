#include "target/http/websocket_frames.hpp"

#include <openssl/sha.h>

#include <algorithm>

#include "target/http/jwt.hpp"

namespace boxoffice {
namespace {

constexpr std::size_t control_bytes_max = 125;
constexpr std::size_t kept_bytes_max = 256;  // of a message buffer between messages

// Of the codes a peer may send in a close frame.
bool is_close_code(unsigned code) noexcept {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

// Length of the UTF-8 sequence that begins `text`; 0: none does.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto at = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies above U+10FFFF.
  const unsigned second = at(1);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  constexpr std::string_view fixed = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const std::string text = std::string(key) + std::string(fixed);
  std::string digest(SHA_DIGEST_LENGTH, '\0');
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(digest.data()));
  return base64(digest);
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload) {
  out += static_cast<char>(0x80U | static_cast<unsigned>(opcode));
  const std::uint64_t size = payload.size();
  if (size < 126) {
    out += static_cast<char>(size);
  } else {
    const bool small = size <= 0xFFFF;
    out += static_cast<char>(small ? 126 : 127);
    for (int shift = small ? 8 : 56; shift >= 0; shift -= 8) {
      out += static_cast<char>((size >> static_cast<unsigned>(shift)) & 0xFFU);
    }
  }
  out += payload;
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)};
  reason = reason.substr(0, control_bytes_max - 2);
  while (!is_utf8(reason)) reason.remove_suffix(1);
  payload += reason;
  return payload;
}

std::size_t FrameReader::head_bytes() const noexcept {
  if (head_size_ < 2) return 2;
  return (head_[1] & 0x7FU) == 126 ? 8 : 6;
}

std::uint16_t FrameReader::head_problem() const noexcept {
  const bool last = (head_[0] & 0x80U) != 0;
  const unsigned opcode = head_[0] & 0x0FU, length = head_[1] & 0x7FU;
  if ((head_[0] & 0x70U) != 0 || (head_[1] & 0x80U) == 0) return ws_close::protocol_error;
  if (opcode >= 8) {
    const bool fine = opcode <= 10 && last && length <= control_bytes_max;
    return fine ? 0 : ws_close::protocol_error;
  }
  if (opcode == 2) return ws_close::unsupported;
  if (opcode > 2 || (opcode == 0) != in_message_) return ws_close::protocol_error;
  return length == 127 ? ws_close::too_big : 0;
}

void FrameReader::begin_payload() {
  left_ = head_[1] & 0x7FU;
  if (left_ == 126) left_ = static_cast<std::uint16_t>(head_[2] << 8U | head_[3]);
  mask_at_ = 0;
  in_payload_ = true;
}

void FrameReader::take_payload(std::string_view& bytes) {
  std::string& target = (head_[0] & 0x08U) != 0 ? control_ : message_;
  const std::size_t count = std::min<std::size_t>(left_, bytes.size());
  const std::size_t mask = head_size_ - 4U;
  for (const char c : bytes.substr(0, count)) {
    target += static_cast<char>(static_cast<unsigned char>(c) ^ head_[mask + mask_at_]);
    mask_at_ = static_cast<std::uint8_t>((mask_at_ + 1U) & 3U);
  }
  bytes.remove_prefix(count);
  left_ = static_cast<std::uint16_t>(left_ - count);
}

FrameReader::Event FrameReader::closed_by_peer() const {
  Event event{Event::Kind::close, {}, ws_close::no_status};
  if (control_.empty()) return event;
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(control_[i]); };
  const unsigned code = control_.size() == 1 ? 0U : byte(0) * 256U + byte(1);
  if (!is_close_code(code)) return {Event::Kind::broken, {}, ws_close::protocol_error};
  event.payload = std::string_view(control_).substr(2);
  if (!is_utf8(event.payload)) return {Event::Kind::broken, {}, ws_close::bad_data};
  event.code = static_cast<std::uint16_t>(code);
  return event;
}

std::optional<FrameReader::Event> FrameReader::finish_frame() {
  in_payload_ = false;
  head_size_ = 0;
  const auto opcode = static_cast<Opcode>(head_[0] & 0x0FU);
  if (opcode == Opcode::close) return closed_by_peer();
  if (opcode == Opcode::ping) return Event{Event::Kind::ping, control_, 0};
  if (opcode == Opcode::pong) return Event{Event::Kind::pong, control_, 0};
  in_message_ = (head_[0] & 0x80U) == 0;
  if (in_message_) return std::nullopt;
  if (!is_utf8(message_)) return Event{Event::Kind::broken, {}, ws_close::bad_data};
  given_ = true;
  return Event{Event::Kind::message, message_, 0};
}

std::optional<FrameReader::Event> FrameReader::next(std::string_view& bytes) {
  if (given_) {
    given_ = false;
    message_.clear();
    if (message_.capacity() > kept_bytes_max) message_.shrink_to_fit();
  }
  while (true) {
    while (!in_payload_) {
      if (head_size_ == head_bytes()) {
        begin_payload();
        if ((head_[0] & 0x08U) != 0) control_.clear();
        if (message_.size() + left_ > ws_message_bytes_max && (head_[0] & 0x08U) == 0) {
          return Event{Event::Kind::broken, {}, ws_close::too_big};
        }
        break;
      }
      if (bytes.empty()) return std::nullopt;
      head_[head_size_++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      const std::uint16_t problem = head_size_ == 2 ? head_problem() : std::uint16_t{0};
      if (problem != 0) return Event{Event::Kind::broken, {}, problem};
    }
    take_payload(bytes);
    if (left_ > 0) return std::nullopt;
    if (auto event = finish_frame()) return event;
  }
}

}  // namespace boxoffice
