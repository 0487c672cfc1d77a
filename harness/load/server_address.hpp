// From what the operator and the profile say of the target to where and how connections are made.
#pragma once

#include <cstdint>

#include "harness/load/load.hpp"
#include "harness/protocol/wire.hpp"

namespace stampede {

// Asks for the addresses of the host, unless each connection does. `connections` is how many there
// may be at once: more than one loopback address is used when ports would run out. Throws
// std::runtime_error that says what to do.
[[nodiscard]] ServerAddress server_address(const HttpTarget& target, std::uint64_t connections);

}  // namespace stampede
