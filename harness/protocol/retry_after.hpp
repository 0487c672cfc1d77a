// The Retry-After header of an answer (RFC 9110 §10.2.3).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "harness/time.hpp"

namespace stampede {

// How long to wait: "120" (seconds) or an HTTP date ("Fri, 31 Dec 1999 23:59:59 GMT"), from
// `wall_clock` on. What lies in the past is no wait, what is longer than a day is a day. nullopt:
// neither of the two.
std::optional<Nanos> parse_retry_after(std::string_view value,
                                       std::chrono::system_clock::time_point wall_clock);

}  // namespace stampede
