// HS256 JSON Web Tokens: claims sub, role, iat, exp, jti.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "target/http/api.hpp"

namespace boxoffice {

std::string sign_jwt(std::string_view secret, std::uint64_t user, Role role,
                     std::chrono::system_clock::time_point issued, std::chrono::seconds ttl);
// nullopt: not a token of ours (wrong algorithm, signature, shape) or over. Never throws.
std::optional<Caller> verify_jwt(std::string_view secret, std::string_view token,
                                 std::chrono::system_clock::time_point now);

// Remembers tokens that verified, because the same token comes with every request of a user. One
// per thread. Bounded: two generations of half the size; the older is dropped when the newer fills.
class TokenVerifier {
 public:
  explicit TokenVerifier(std::string secret, std::size_t tokens_max = 20000);
  std::optional<Caller> verify(std::string_view token, std::chrono::system_clock::time_point now);
  [[nodiscard]] std::size_t size() const noexcept { return young_.size() + old_.size(); }

 private:
  struct Known {
    Caller caller;
    std::chrono::system_clock::time_point expires;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Generation = std::unordered_map<std::string, Known, Hash, std::equal_to<>>;

  std::string secret_;
  std::size_t generation_max_;
  Generation young_, old_;
};

std::string hmac_sha256(std::string_view secret, std::string_view text);  // 32 raw bytes
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view hex);
std::string base64(std::string_view bytes);
std::string base64url(std::string_view bytes);  // no padding
std::optional<std::string> from_base64url(std::string_view text);
std::string random_hex(std::size_t bytes);  // from the system's secure source

}  // namespace boxoffice
