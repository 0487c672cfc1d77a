// From what the operator and the profile say of the target to where and how connections are made.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/load/load.hpp"
#include "harness/protocol/wire.hpp"

namespace stampede {

// Asks for the addresses of the host, unless each connection does. `connections` is how many there
// may be at once: more than one loopback address is used when ports would run out. Throws
// std::runtime_error that says what to do.
[[nodiscard]] ServerAddress server_address(const HttpTarget& target, std::uint64_t connections);

struct Servers {
  ServerAddress common;
  std::vector<std::optional<ServerAddress>> of_scenario;  // absent: the common one
};
// The same for a whole run: as its target says, and as those scenarios want it that say otherwise.
[[nodiscard]] Servers servers_of(const LoadPlan& plan, std::uint64_t connections);

}  // namespace stampede
