#include "target/service/password.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace boxoffice {

namespace {

constexpr std::size_t salt_bytes = 16, hash_bytes = 32;
constexpr std::uint64_t block_size = 8, parallel = 1;
using Salt = std::array<unsigned char, salt_bytes>;
using Hash = std::array<unsigned char, hash_bytes>;

struct Stored {
  std::uint32_t cost_log2 = 0;
  Salt salt{};
  Hash hash{};
};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Base64 without padding, as PHC strings write it.
template <std::size_t size>
std::string encoded(const std::array<unsigned char, size>& bytes) {
  std::array<unsigned char, size * 4 / 3 + 5> text{};
  const int length = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(size));
  std::string out(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length));
  out.erase(out.find_last_not_of('=') + 1);
  return out;
}

template <std::size_t size>
bool decode(std::string_view text, std::array<unsigned char, size>& bytes) {
  std::string padded(text);
  while (padded.size() % 4 != 0) padded += '=';
  std::array<unsigned char, size + 3> raw{};
  if (padded.size() / 4 * 3 > raw.size()) return false;
  const int length = EVP_DecodeBlock(raw.data(), bytes_of(padded), static_cast<int>(padded.size()));
  const std::size_t padding = padded.size() - text.size();
  if (length < 0 || static_cast<std::size_t>(length) != size + padding) return false;
  std::copy_n(raw.begin(), size, bytes.begin());
  return true;
}

Hash scrypt(std::string_view password, const Salt& salt, std::uint32_t cost_log2) {
  Hash hash{};
  const std::uint64_t rounds = std::uint64_t{1} << cost_log2;
  const std::uint64_t memory_max = 2 * 128 * block_size * rounds + (1U << 20U);
  if (EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), rounds, block_size,
                     parallel, memory_max, hash.data(), hash.size()) != 1) {
    throw std::runtime_error("scrypt is not available, or its memory is not to be had");
  }
  return hash;
}

std::string written(std::uint32_t cost_log2, const Salt& salt, const Hash& hash) {
  return fmt::format("$scrypt$ln={},r={},p={}${}${}", cost_log2, block_size, parallel,
                     encoded(salt), encoded(hash));
}

std::optional<Stored> read(std::string_view text) noexcept {
  constexpr std::string_view begin = "$scrypt$ln=", middle = ",r=8,p=1$";
  if (!text.starts_with(begin)) return std::nullopt;
  text.remove_prefix(begin.size());
  Stored stored;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), stored.cost_log2);
  if (error != std::errc{} || stored.cost_log2 < password_cost_min ||
      stored.cost_log2 > password_cost_max) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.starts_with(middle)) return std::nullopt;
  text.remove_prefix(middle.size());
  const auto dollar = text.find('$');
  if (dollar == std::string_view::npos) return std::nullopt;
  if (!decode(text.substr(0, dollar), stored.salt)) return std::nullopt;
  if (!decode(text.substr(dollar + 1), stored.hash)) return std::nullopt;
  return stored;
}

void fill(unsigned char* bytes, std::size_t size) {
  if (RAND_bytes(bytes, static_cast<int>(size)) != 1)
    throw std::runtime_error("the system's source of randomness failed");
}

}  // namespace

std::string hash_password(std::string_view password, std::uint32_t cost_log2) {
  Salt salt{};
  fill(salt.data(), salt.size());
  return written(cost_log2, salt, scrypt(password, salt, cost_log2));
}

bool verify_password(std::string_view password, std::string_view stored) {
  const auto known = read(stored);
  if (!known) return false;
  const Hash hash = scrypt(password, known->salt, known->cost_log2);
  return CRYPTO_memcmp(hash.data(), known->hash.data(), hash.size()) == 0;
}

bool is_password_hash(std::string_view stored) noexcept { return read(stored).has_value(); }

std::string decoy_hash(std::uint32_t cost_log2) {
  Salt salt{};
  Hash hash{};
  fill(salt.data(), salt.size());
  fill(hash.data(), hash.size());
  return written(cost_log2, salt, hash);
}

}  // namespace boxoffice
