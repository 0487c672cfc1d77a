// Carries outbox rows to the event streams. Any number of instances: each takes rows that no other
// has. Polls while there is work, and is woken by a commit of its own process.
#pragma once

#include "target/service/order_signals.hpp"
#include "target/service/outbox.hpp"
#include "target/worker/worker_loop.hpp"

namespace boxoffice {

inline constexpr std::uint32_t relay_batch_max = 200;
inline constexpr Millis relay_busy_period{50}, relay_idle_period{250};

class OutboxRelay {
 public:
  OutboxRelay(WorkerPlace place, OutboxStore& outbox, EventStreams& streams, OrderSignals& signals);
  Task<Millis> turn();

 private:
  WorkerPlace place_;
  OutboxStore& outbox_;
  EventStreams& streams_;
  OrderSignals& signals_;
};

}  // namespace boxoffice
