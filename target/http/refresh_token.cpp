#include "target/http/refresh_token.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "target/http/api.hpp"
#include "target/http/jwt.hpp"

namespace boxoffice {

namespace {

constexpr std::size_t token_bytes_max = 256, session_digits = 32;

std::int64_t seconds_of(RefreshTokens::WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

template <class Number>
std::optional<Number> number_of(std::string_view text) noexcept {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

RefreshTokens::RefreshTokens(std::string_view jwt_secret)
    : key_(hmac_sha256(jwt_secret, "the key of refresh tokens")) {}

std::string RefreshTokens::sign(const Session& session, WallTime expires) const {
  std::string token = fmt::format("v1.{}.{}.{}.{}", session.id, session.user, session.generation,
                                  seconds_of(expires));
  token += '.' + to_hex(hmac_sha256(key_, token));
  return token;
}

// Subtle: the signature is checked before a byte of the rest is believed.
std::optional<Session> RefreshTokens::verify(std::string_view token, WallTime now) const {
  const auto last = token.rfind('.');
  if (token.size() > token_bytes_max || last == std::string_view::npos) return std::nullopt;
  const std::string_view signed_part = token.substr(0, last);
  const std::string expected = to_hex(hmac_sha256(key_, signed_part));
  if (!equal_secret(token.substr(last + 1), expected)) return std::nullopt;
  std::array<std::string_view, 5> parts;
  std::string_view rest = signed_part;
  for (std::string_view& part : parts) {
    part = rest.substr(0, rest.find('.'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  const auto user = number_of<std::uint64_t>(parts[2]);
  const auto generation = number_of<std::uint64_t>(parts[3]);
  const auto expires = number_of<std::int64_t>(parts[4]);
  if (parts[0] != "v1" || parts[1].size() != session_digits || !user || !generation || !expires)
    return std::nullopt;
  if (*expires <= seconds_of(now)) return std::nullopt;
  return Session{std::string(parts[1]), *user, *generation};
}

}  // namespace boxoffice
