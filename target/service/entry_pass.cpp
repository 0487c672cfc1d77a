#include "target/service/entry_pass.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>

namespace boxoffice {

namespace {

constexpr std::size_t token_size_max = 256;
constexpr std::size_t hmac_bytes = 32;

std::string hmac_hex(std::string_view secret, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  std::string hex;
  hex.reserve(2 * hmac_bytes);
  for (std::size_t i = 0; i < hmac_bytes; ++i)
    fmt::format_to(std::back_inserter(hex), "{:02x}", digest[i]);
  return hex;
}

// Cuts the next dot-separated field off and reads it as a whole number of its type.
template <class Number>
bool next_number(std::string_view& text, Number& number) {
  const std::size_t dot = text.find('.');
  const std::string_view field = text.substr(0, dot);
  text = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
  const char* const end = field.data() + field.size();
  const auto [last, error] = std::from_chars(field.data(), end, number);
  return error == std::errc{} && last == end && !field.empty();
}

}  // namespace

std::string PassSigner::seal(std::string text) const {
  const std::string signature = hmac_hex(secret_, text);
  text += '.';
  text += signature;
  return text;
}

std::optional<std::string_view> PassSigner::unseal(std::string_view token) const {
  if (token.size() > token_size_max) return std::nullopt;
  const std::size_t dot = token.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view text = token.substr(0, dot), signature = token.substr(dot + 1);
  const std::string expected = hmac_hex(secret_, text);
  if (signature.size() != expected.size()) return std::nullopt;
  if (CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) != 0) return std::nullopt;
  return text;
}

std::string PassSigner::sign(const EntryPass& pass) const {
  return seal(fmt::format("v1.{}.{}.{}.{}", pass.event, pass.epoch, pass.user, pass.end_ms));
}

std::string PassSigner::sign(const PlaceToken& place) const {
  return seal(fmt::format("q1.{}.{}.{}.{}.{}", place.event, place.epoch, place.user, place.base,
                          place.sequence));
}

std::optional<EntryPass> PassSigner::read_pass(std::string_view token) const {
  auto text = unseal(token);
  if (!text || !text->starts_with("v1.")) return std::nullopt;
  text->remove_prefix(3);
  EntryPass pass;
  const bool read = next_number(*text, pass.event) && next_number(*text, pass.epoch) &&
                    next_number(*text, pass.user) && next_number(*text, pass.end_ms);
  if (!read || !text->empty()) return std::nullopt;
  return pass;
}

std::optional<PlaceToken> PassSigner::read_place(std::string_view token) const {
  auto text = unseal(token);
  if (!text || !text->starts_with("q1.")) return std::nullopt;
  text->remove_prefix(3);
  PlaceToken place;
  const bool read = next_number(*text, place.event) && next_number(*text, place.epoch) &&
                    next_number(*text, place.user) && next_number(*text, place.base) &&
                    next_number(*text, place.sequence);
  if (!read || !text->empty()) return std::nullopt;
  return place;
}

}  // namespace boxoffice
