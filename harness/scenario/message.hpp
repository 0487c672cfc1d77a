// How a session recognises the message that it waits for, and reads the time that a server stamped
// on it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/scenario/random.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {

enum class MessageKind : std::uint8_t { other, awaited, over };
// Does a text message end the wait: by what was awaited, or by one of the `unless`? `where` and
// `unless` are met by JSON objects of at most 64 levels; `contains` and `matches` by any text.
[[nodiscard]] MessageKind classify_message(const WsAwaitStep& step, std::string_view message,
                                           const Variables& variables, Random& random);

// The wall clock's time since 1970 that stands in a JSON message: a number, or a text of digits, in
// `unit`. nullopt: there is none, or it is out of range.
[[nodiscard]] std::optional<Nanos> stamped_time(std::string_view message, std::string_view pointer,
                                                Nanos unit);

// nullopt: not base64 (RFC 4648 §4, with its padding).
[[nodiscard]] std::optional<std::string> bytes_of_base64(std::string_view text);

}  // namespace stampede
