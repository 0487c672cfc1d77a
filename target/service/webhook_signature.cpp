#include "target/service/webhook_signature.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>

namespace boxoffice {

namespace {

std::string hex(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    text += digits[bytes[i] >> 4U];
    text += digits[bytes[i] & 15U];
  }
  return text;
}

std::string signature_of(std::string_view secret, std::string_view id, std::string_view timestamp,
                         std::string_view body) {
  const std::string text = fmt::format("{}.{}.{}", id, timestamp, body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes, text.size(),
           digest.data(), &length) == nullptr) {
    throw std::runtime_error("HMAC-SHA-256 failed");
  }
  return "v1=" + hex(digest.data(), length);
}

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::optional<std::uint64_t> decimal(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

std::string sign_webhook(std::string_view secret, std::string_view id, std::int64_t timestamp_s,
                         std::string_view body) {
  return signature_of(secret, id, fmt::format("{}", timestamp_s), body);
}

bool webhook_is_genuine(const WebhookHeaders& headers, std::string_view body,
                        std::string_view secret, std::string_view old_secret, std::int64_t now_s) {
  const auto timestamp = decimal(headers.timestamp);
  if (!timestamp || *timestamp > std::numeric_limits<std::uint32_t>::max() * 16ULL) return false;
  const std::int64_t age = now_s - static_cast<std::int64_t>(*timestamp);
  if (age > webhook_age_max_s || age < -webhook_age_max_s) return false;
  // Both are always computed: the time taken does not tell which secret is in use.
  const bool current =
      same(signature_of(secret, headers.id, headers.timestamp, body), headers.signature);
  const bool former =
      same(signature_of(old_secret, headers.id, headers.timestamp, body), headers.signature);
  return (current && !secret.empty()) || (former && !old_secret.empty());
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 failed");
  }
  return hex(digest.data(), length);
}

}  // namespace boxoffice
