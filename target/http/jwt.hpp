// HS256 JSON Web Tokens: claims sub, role, iat, exp, jti.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "target/http/api.hpp"

namespace boxoffice {

std::string sign_jwt(std::string_view secret, std::uint64_t user, Role role, std::chrono::system_clock::time_point issued,
                     std::chrono::seconds ttl);
// nullopt: not a token of ours (wrong algorithm, signature, shape) or over. Never throws.
std::optional<Caller> verify_jwt(std::string_view secret, std::string_view token, std::chrono::system_clock::time_point now);

std::string hmac_sha256(std::string_view secret, std::string_view text);  // 32 raw bytes
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view hex);
std::string base64(std::string_view bytes);
std::string base64url(std::string_view bytes);  // no padding

}  // namespace boxoffice
