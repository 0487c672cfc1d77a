// Refresh tokens: v1.<session>.<user>.<generation>.<expiry, epoch seconds>.<HMAC-SHA-256>, under a
// key that is derived from the access tokens' secret, so that neither passes for the other.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "target/service/accounts.hpp"

namespace boxoffice {

class RefreshTokens {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  explicit RefreshTokens(std::string_view jwt_secret);
  [[nodiscard]] std::string sign(const Session& session, WallTime expires) const;
  // nullopt: not one of ours, or over. Whether it was used before, the session store knows.
  [[nodiscard]] std::optional<Session> verify(std::string_view token, WallTime now) const;

 private:
  std::string key_;
};

}  // namespace boxoffice
