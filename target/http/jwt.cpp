#include "target/http/jwt.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace boxoffice {
namespace {

using WallTime = std::chrono::system_clock::time_point;

constexpr std::size_t token_bytes_max = 2048;
constexpr std::chrono::seconds clock_leeway{60};  // of another machine's `iat`

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view alphabet_url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes, std::string_view letters) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    count += 8;
    while (count >= 6) {
      count -= 6;
      text += letters[(bits >> static_cast<unsigned>(count)) & 63U];
    }
  }
  if (count > 0) text += letters[(bits << static_cast<unsigned>(6 - count)) & 63U];
  return text;
}

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::optional<std::uint64_t> decimal(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<nlohmann::json> decode_object(std::string_view part) {
  const auto bytes = from_base64url(part);
  if (!bytes) return std::nullopt;
  auto json = nlohmann::json::parse(*bytes, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

struct Claims {
  Caller caller;
  std::int64_t issued = 0, expires = 0;
};

std::optional<Claims> read_claims(const nlohmann::json& json) {
  const auto sub = json.find("sub"), role = json.find("role");
  const auto iat = json.find("iat"), exp = json.find("exp");
  const auto end = json.end();
  if (sub == end || role == end || iat == end || exp == end) return std::nullopt;
  if (!sub->is_string() || !role->is_string()) return std::nullopt;
  if (!iat->is_number_integer() || !exp->is_number_integer()) return std::nullopt;
  const auto user = decimal(sub->get_ref<const std::string&>());
  const auto known_role = role_of(role->get_ref<const std::string&>());
  if (!user || !known_role) return std::nullopt;
  return Claims{{*user, *known_role}, iat->get<std::int64_t>(), exp->get<std::int64_t>()};
}

// Subtle: the signature is checked before a byte of header or claims is looked at.
std::optional<Claims> verify(std::string_view secret, std::string_view token, WallTime now) {
  if (token.size() > token_bytes_max) return std::nullopt;
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto signature = from_base64url(token.substr(second + 1));
  if (!signature || !equal_secret(*signature, hmac_sha256(secret, token.substr(0, second)))) {
    return std::nullopt;
  }
  const auto header = decode_object(token.substr(0, first));
  if (!header || !header->contains("alg") || (*header)["alg"] != "HS256") return std::nullopt;
  const auto body = decode_object(token.substr(first + 1, second - first - 1));
  const auto claims = body ? read_claims(*body) : std::nullopt;
  if (!claims || claims->expires <= seconds_of(now)) return std::nullopt;
  if (claims->issued > seconds_of(now + clock_leeway)) return std::nullopt;
  return claims;
}

}  // namespace

std::string sign_jwt(std::string_view secret, std::uint64_t user, Role role, WallTime issued,
                     std::chrono::seconds ttl) {
  static const std::string header = base64url(R"({"alg":"HS256","typ":"JWT"})");
  const std::int64_t iat = seconds_of(issued);
  std::string claims = R"({"sub":")" + std::to_string(user) + R"(","role":")";
  claims += name_of(role);
  claims += R"(","iat":)" + std::to_string(iat) + R"(,"exp":)" + std::to_string(iat + ttl.count());
  claims += R"(,"jti":")" + random_hex(8) + R"("})";
  std::string token = header + '.' + base64url(claims);
  token += '.' + base64url(hmac_sha256(secret, token));
  return token;
}

std::optional<Caller> verify_jwt(std::string_view secret, std::string_view token, WallTime now) {
  const auto claims = verify(secret, token, now);
  if (!claims) return std::nullopt;
  return claims->caller;
}

TokenVerifier::TokenVerifier(std::string secret, std::size_t tokens_max)
    : secret_(std::move(secret)), generation_max_(std::max<std::size_t>(1, tokens_max / 2)) {}

std::optional<Caller> TokenVerifier::verify(std::string_view token, WallTime now) {
  for (const Generation* generation : {&young_, &old_}) {
    const auto known = generation->find(token);
    if (known == generation->end()) continue;
    if (known->second.expires <= now) return std::nullopt;
    const Known found = known->second;
    if (generation == &old_ && young_.size() < generation_max_) young_.emplace(token, found);
    return found.caller;
  }
  const auto claims = boxoffice::verify(secret_, token, now);
  if (!claims) return std::nullopt;
  if (young_.size() >= generation_max_) {
    old_ = std::move(young_);
    young_ = Generation{};
  }
  young_.emplace(token, Known{claims->caller, WallTime(std::chrono::seconds(claims->expires))});
  return claims->caller;
}

std::string hmac_sha256(std::string_view secret, std::string_view text) {
  std::string digest(32, '\0');
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes, text.size(),
           reinterpret_cast<unsigned char*>(digest.data()), &size) == nullptr ||
      size != digest.size()) {
    throw std::runtime_error("HMAC-SHA-256 is not available");
  }
  return digest;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const char* pair = hex.data() + i;
    const auto [end, error] = std::from_chars(pair, pair + 2, value, 16);
    if (error != std::errc{} || end != pair + 2) return std::nullopt;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::string base64(std::string_view bytes) {
  std::string text = encode(bytes, alphabet);
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::string base64url(std::string_view bytes) { return encode(bytes, alphabet_url); }

// Strict: no padding, no stray bits, so that one value has one spelling.
std::optional<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const auto value = alphabet_url.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>((bits >> count) & 255U);
    }
  }
  if ((bits & ((1U << count) - 1U)) != 0) return std::nullopt;
  return bytes;
}

std::string random_hex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(bytes)) != 1) {
    throw std::runtime_error("the system's source of randomness failed");
  }
  return to_hex(raw);
}

bool equal_secret(std::string_view a, std::string_view b) noexcept {
  // The length of a secret is not a secret; its content is.
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace boxoffice
