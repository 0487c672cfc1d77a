// Passwords as they are stored: scrypt (RFC 7914) of OpenSSL in the PHC string form
// $scrypt$ln=14,r=8,p=1$<salt>$<hash>, so that the cost can be raised without touching old rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace boxoffice {

// The cost is 2^log2 rounds; each needs 1 KiB of memory, so 14 is 16 MiB and some 50 ms of one
// core.
inline constexpr std::uint32_t password_cost_min = 10, password_cost_max = 18,
                               password_cost_default = 14;

// With a new random salt. `cost_log2` from password_cost_min to password_cost_max.
[[nodiscard]] std::string hash_password(std::string_view password, std::uint32_t cost_log2);

// Constant-time over the hash. What is no hash of ours ("!" of seeded users) matches no password
// and takes no time: verify against decoy_hash() instead, so that nobody can tell.
[[nodiscard]] bool verify_password(std::string_view password, std::string_view stored);
[[nodiscard]] bool is_password_hash(std::string_view stored) noexcept;

// A hash of that cost which no password has.
[[nodiscard]] std::string decoy_hash(std::uint32_t cost_log2);

}  // namespace boxoffice
