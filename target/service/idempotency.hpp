// A request that may be repeated under one key. The first result is stored in the same transaction
// as its effect and replayed for 24 hours; refusals have no effect and are not stored, so they are
// decided anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace boxoffice {

struct IdempotencyKey {
  std::uint64_t user = 0;
  std::string scope;         // "orders" "payments" "cancel"
  std::string key;           // 1 to 300 printable ASCII characters; empty: none was sent
  std::string request_hash;  // SHA-256 of the body, hex
};
struct StoredResponse {
  int status = 0;
  std::string body;  // JSON
};
// What is known of a key, and the database's clock, which is the one that decides deadlines.
struct KeyRecord {
  std::int64_t now_ms = 0;
  std::string request_hash;  // empty: the key is new
  StoredResponse response;
  [[nodiscard]] bool known() const noexcept { return !request_hash.empty(); }
};
struct KeyedResponse {
  IdempotencyKey key;
  StoredResponse response;
};

// What a use case answers; the same for the first time and for a replay but for the flag.
struct Answer {
  int status = 200;
  std::string body;
  bool replayed = false;
};

}  // namespace boxoffice
