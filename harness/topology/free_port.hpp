// Loopback ports for private servers.
#pragma once

#include <cstdint>
#include <string>

namespace stampede {

// A port of 127.0.0.1 that was free a moment ago. Another process may take it before it is used:
// the caller starts again when the server says so.
[[nodiscard]] std::uint16_t free_port();
// Empty when `port` of 127.0.0.1 can be had; else who has it, as far as can be found out:
// "in use by redis-server (pid 4711)".
[[nodiscard]] std::string port_holder(std::uint16_t port);

}  // namespace stampede
