// The outbox: events written in the transaction of what they tell, and carried from there to the
// event streams at least once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target/domain/task.hpp"
#include "target/service/event_streams.hpp"

namespace boxoffice {

inline constexpr std::uint32_t replayed_rows_max = 20000;

struct Relayed {
  std::uint32_t sent = 0;
  std::int64_t oldest_age_ms = 0;  // of the batch
};

class OutboxStore {
 public:
  virtual ~OutboxStore() = default;
  // One transaction: takes up to `limit` rows that nobody else has, appends them to the streams,
  // marks them SENT. A crash in between sends them twice. Throws StoreUnavailable of either store.
  virtual Task<Relayed> relay(EventStreams& streams, std::uint32_t limit) = 0;
  // Rows sent within `window` and not marked consumed by `consumer` become PENDING again, at most
  // `replayed_rows_max` and the newest first; the number.
  virtual Task<std::uint64_t> replay(std::chrono::seconds window, std::string consumer) = 0;
  // For consumers whose effect is in the database. False: seen before.
  virtual Task<bool> mark_consumed(std::string consumer, std::uint64_t outbox_id) = 0;
};

}  // namespace boxoffice
