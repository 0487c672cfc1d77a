// Signed tokens of the waiting room: the entry pass of an admitted user and the place of a waiting
// one. Checked without asking anybody; what they say is not secret, only unforgeable.
//
//   pass   v1.<event>.<epoch>.<user>.<end ms>.<hmac>
//   place  q1.<event>.<epoch>.<user>.<base>.<sequence>.<hmac>
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boxoffice {

struct EntryPass {
  std::uint64_t event = 0;
  std::uint32_t epoch = 0;
  std::uint64_t user = 0;
  std::int64_t end_ms = 0;
};
struct PlaceToken {
  std::uint64_t event = 0;
  std::uint32_t epoch = 0;
  std::uint64_t user = 0;
  std::int64_t base = 0, sequence = 0;  // base: which life of the queue the sequence belongs to
};

class PassSigner {
 public:
  explicit PassSigner(std::string secret) : secret_(std::move(secret)) {}

  [[nodiscard]] std::string sign(const EntryPass& pass) const;
  [[nodiscard]] std::string sign(const PlaceToken& place) const;
  // nullopt: not signed by us, or not of this shape. Whether it is over is for the caller.
  [[nodiscard]] std::optional<EntryPass> read_pass(std::string_view token) const;
  [[nodiscard]] std::optional<PlaceToken> read_place(std::string_view token) const;

 private:
  [[nodiscard]] std::string seal(std::string text) const;
  [[nodiscard]] std::optional<std::string_view> unseal(std::string_view token) const;

  std::string secret_;
};

}  // namespace boxoffice
