// The text of an event stream (WHATWG HTML §9.2.6), read as it comes, in any pieces. Pure.
//
//   stream  := [BOM] *event            event   := *(comment | field) end-of-line
//   comment := ":" *any-char end-of-line
//   field   := name [":" [SPACE] *any-char] end-of-line        name: event data id retry
//   end-of-line := CR LF | LF | CR
//
// It owns memory only while a line or an event is incomplete. Bytes that are no UTF-8 are handed
// on as they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/time.hpp"

namespace stampede {

// Valid until the parser is called again.
struct ServerEvent {
  std::string_view name;  // "message" unless the server named it
  std::string_view data;  // lines joined with LF
  std::string_view id;    // the last one that the server gave, maybe with an earlier event
};

class EventStreamParser {
 public:
  // Bytes of one event (its name and data), and of one line, unless a step sets `message_max`.
  static constexpr std::size_t event_size_default = 64 << 10;
  // A server may ask for any delay; waiting longer than this is not connecting again.
  static constexpr Nanos retry_max = std::chrono::hours{1};

  enum class Step : std::uint8_t { needs_more, event, too_big };

  explicit EventStreamParser(std::size_t event_size_max = event_size_default)
      : event_size_max_(event_size_max) {}

  // Hands over received text; then call next() until it needs more (all used; `text` and the last
  // event may go) or finds the event too big, which ends the stream.
  void feed(std::string_view text) { input_ = text; }
  Step next();
  [[nodiscard]] const ServerEvent& event() const noexcept { return event_; }

  // What a new connection says in Last-Event-ID; set by whole events only. Never holds a NUL or a
  // line break.
  [[nodiscard]] const std::string& last_event_id() const noexcept { return last_id_; }
  // What the server asked for last, capped at retry_max.
  [[nodiscard]] std::optional<Nanos> retry() const noexcept { return retry_; }
  // The connection has ended, another one will follow: an incomplete event is dropped; the id and
  // the delay stay, as in browsers.
  void restart();

 private:
  bool take_line(std::string_view& line);
  // Is an event complete?
  bool use_line(std::string_view line);
  void use_field(std::string_view name, std::string_view value);
  bool dispatch();
  void rest();

  std::size_t event_size_max_;
  std::string_view input_;
  std::string partial_;                // of a line
  std::string line_;                   // a line put together of pieces
  std::string name_, data_, id_;       // of the event in the making; id_ outlives it
  std::string done_name_, done_data_;  // of the event handed out
  std::string last_id_;
  std::optional<Nanos> retry_;
  ServerEvent event_;
  bool first_line_ = true;  // may begin with a byte order mark
  bool after_cr_ = false;   // a LF that comes next belongs to it
};

}  // namespace stampede
