// Hold ids: 32 hex digits. Those that the server makes carry the event, the epoch and a checksum,
// so that they need no look-up; those that a client chose (to retry safely) look like noise.
//
//   eeeeeeee pppp rrrrrrrrrrrr cccccccc      event, epoch mod 65536, random, checksum of the rest
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boxoffice {

std::string make_hold_id(std::uint64_t event, std::uint32_t epoch);
[[nodiscard]] bool is_hold_id(std::string_view text) noexcept;  // 32 lower-case hex digits
// The event of an id made here; nullopt: a client chose it.
[[nodiscard]] std::optional<std::uint64_t> event_of_hold_id(std::string_view id) noexcept;

}  // namespace boxoffice
