// What the simulated payment provider decides, as a pure function of its settings and the order:
// two topologies see the same decisions, and any process can ask it about any payment. It has no
// state: the waits are timers of whoever asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "target/config.hpp"

namespace boxoffice {

struct ProviderAnswer {
  bool approved = false;
  std::string fail_code;      // of a decline
  std::int64_t delay_ms = 0;  // from the request to the decision
  bool told = true;           // false: decided, but the answer never comes (ask again)
};

// What goes wrong with the webhook of one payment.
struct WebhookMishaps {
  bool duplicate = false;  // delivered twice
  bool reordered = false;  // a stale IN_PROGRESS comes after the outcome
  bool lost = false;       // the first try never arrives
  bool late = false;       // the first try comes after the order's deadline
  bool forged = false;     // somebody else sends one with a bad signature first
};

ProviderAnswer provider_answer(const PaymentConfig& config, std::uint64_t order,
                               std::string_view payment_key);
// Its first tries are refused.
bool refund_is_hard(const PaymentConfig& config, std::uint64_t order);
WebhookMishaps webhook_mishaps(const PaymentConfig& config, std::uint64_t order);

// A key that carries what a test wants decided (APPROVE, TIMEOUT or a fail code), so that the
// decision survives a restart. The separator is not allowed in keys that clients choose.
std::string test_payment_key(std::string_view key, std::string_view test_code);
bool is_client_payment_key(std::string_view key) noexcept;  // 1 to 64 of [A-Za-z0-9_-]

// splitmix64 over all words: well mixed, the same everywhere.
std::uint64_t hash64(std::uint64_t seed, std::uint64_t value, std::uint64_t salt) noexcept;

}  // namespace boxoffice
