// The signature of payment webhooks: v1=<hex HMAC-SHA-256(secret, id "." timestamp "." raw body)>.
// And the digest by which a repeated request is recognised. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boxoffice {

inline constexpr std::int64_t webhook_age_max_s = 300;

std::string sign_webhook(std::string_view secret, std::string_view id, std::int64_t timestamp_s,
                         std::string_view body);

struct WebhookHeaders {
  std::string_view id, timestamp, signature;
};
// Two secrets are good during a rotation; an empty one never is. Compares in constant time.
bool webhook_is_genuine(const WebhookHeaders& headers, std::string_view body,
                        std::string_view secret, std::string_view old_secret, std::int64_t now_s);

std::string sha256_hex(std::string_view text);

// Whole text a decimal without sign; nullopt on anything else or overflow.
std::optional<std::uint64_t> decimal(std::string_view text) noexcept;

}  // namespace boxoffice
