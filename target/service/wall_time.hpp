// Reading the wall clock and times that people wrote; instant.hpp writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace boxoffice {

// Takes 2026-01-31T12:00:00Z with up to 9 digits of fraction, and offsets such as +09:00.
std::optional<std::int64_t> read_rfc3339(std::string_view text) noexcept;
std::int64_t wall_clock_ms() noexcept;

}  // namespace boxoffice
