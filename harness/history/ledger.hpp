// What the clients did and saw, for the invariants L1–L8: one entry per recorded step, in memory,
// one ledger per worker, joined at the end. (The crash-safe log that replaces it in memory comes
// later behind the same entries.)
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/outcome.hpp"
#include "harness/time.hpp"

namespace stampede {

enum class LedgerKind : std::uint8_t {
  enter,
  admitted,
  hold,
  extend,
  release,
  order,
  payment,
  confirmed,
  cancel,
  leave,
  bid
};
std::optional<LedgerKind> ledger_kind(std::string_view name) noexcept;
std::string_view name_of(LedgerKind kind) noexcept;

struct LedgerEntry {
  LedgerKind kind{};
  Certainty certainty = Certainty::unknown;
  Outcome outcome = Outcome::ok;
  std::uint16_t status = 0;   // HTTP status, 0: none
  std::uint64_t user = 0;     // id at the target
  std::uint64_t session = 0;  // number of the session in the run
  std::uint64_t event = 0;
  // A bid: event is the auction, key its sequence, reference the amount, position its number.
  std::string key;  // hold: hold id · order: order id · payment: payment key · confirmed: order id
  std::string reference;  // order: idempotency key · payment: order id · hold, release: hold id
  std::string state;      // order/payment status as answered, e.g. CONFIRMED, DONE, ABORTED
  std::vector<std::uint32_t> seats;
  std::uint64_t fence = 0;
  std::int64_t expires_ms =
      0;                      // hold: the acknowledged expiry, epoch ms of the target; 0: not told
  std::int64_t position = 0;  // enter: place in the queue; 0: not told
  TimePoint invoked, completed;
};

class Ledger {
 public:
  explicit Ledger(std::size_t entries_max = 20'000'000) : entries_max_(entries_max) {}
  void append(LedgerEntry entry);
  void join(Ledger&& other);
  [[nodiscard]] const std::deque<LedgerEntry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::uint64_t overflow() const noexcept {
    return overflow_;
  }  // entries lost to the limit

 private:
  std::size_t entries_max_;
  // Subtle: not a vector, whose growth would move every entry at once and keep a load thread from
  // its due times: 140 ms at 131,072 entries.
  std::deque<LedgerEntry> entries_;
  std::uint64_t overflow_ = 0;
};

}  // namespace stampede
