// The JSON of an answer: read at most once, by the first capture or check that needs it, and
// without taking memory for it in steady state.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "harness/scenario/json_tape.hpp"
#include "harness/scenario/template.hpp"

namespace stampede {

// Nested deeper than json_depth_max? A cheap look before a parser builds anything.
bool is_too_deep(std::string_view json) noexcept;

// Booleans, numbers and texts keep their type; lists and objects become JSON text (without blanks,
// members in the order of their names), null is unset. A whole number that no int64 holds becomes
// its digits if a uint64 does, else a double.
Value value_of_json(const JsonMember& member);

class JsonDocument {
 public:
  // `text` must stay.
  explicit JsonDocument(std::string_view text);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;

  // nullopt: no such member, or no document at all (then problem() says why). The pointer's syntax
  // was checked when the profile was read.
  std::optional<JsonMember> find(std::string_view pointer);
  // What a member that is a text says; valid until the next call.
  std::string_view text_of(const JsonMember& member);
  [[nodiscard]] std::string_view problem() const noexcept { return problem_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  struct Room;
  struct RoomPool;
  void read();

  std::string_view text_;
  std::string_view problem_;
  std::unique_ptr<Room> room_;  // once read
};

}  // namespace stampede
