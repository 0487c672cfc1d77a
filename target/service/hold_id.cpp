#include "target/service/hold_id.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace boxoffice {

namespace {

constexpr std::size_t id_digits = 32, checked_digits = 24, event_digits = 8;

std::uint32_t checksum(std::string_view text) noexcept {  // FNV-1a
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

std::uint64_t from_hex_digits(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

}  // namespace

std::string make_hold_id(std::uint64_t event, std::uint32_t epoch) {
  std::array<unsigned char, 6> noise{};
  // Ids must not collide; they are no secret, for every use of one is checked against its owner.
  if (RAND_bytes(noise.data(), static_cast<int>(noise.size())) != 1) std::abort();
  std::string id = fmt::format("{:08x}{:04x}", event & 0xFFFFFFFFU, epoch & 0xFFFFU);
  for (const unsigned char byte : noise) id += fmt::format("{:02x}", byte);
  id += fmt::format("{:08x}", checksum(id));
  return id;
}

bool is_hold_id(std::string_view text) noexcept {
  return text.size() == id_digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::optional<std::uint64_t> event_of_hold_id(std::string_view id) noexcept {
  if (!is_hold_id(id)) return std::nullopt;
  if (from_hex_digits(id.substr(checked_digits)) != checksum(id.substr(0, checked_digits)))
    return std::nullopt;
  return from_hex_digits(id.substr(0, event_digits));
}

}  // namespace boxoffice
