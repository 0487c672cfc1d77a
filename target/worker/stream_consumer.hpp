// A consumer group's member: reads, does the effect, acknowledges. At least once: an entry is
// acknowledged only after its effect; what nobody acknowledged for 30 s is taken over, and what was
// delivered more than 8 times goes to st:dead.
//
// An effect must be harmless when repeated. One in the database marks `consumed` in its
// transaction; `settle` asks the database what is true now and tells Redis, and needs no mark.
// After a loss of Redis' data the group is made anew and the rows of the last minutes are sent
// again; older ones are covered by the rebuild of the seats, which reads the database itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "target/service/outbox.hpp"
#include "target/worker/worker_loop.hpp"

namespace boxoffice {

inline constexpr std::uint32_t consumer_batch_max = 256, deliveries_max = 8;
inline constexpr Millis consumer_block{1000}, claim_period{5000}, claim_idle{30000};
inline constexpr std::chrono::hours replay_window{24};  // what the outbox keeps

class StreamConsumer {
 public:
  // Does the effect of all entries; gives those that can never be done.
  using Effect = std::function<Task<std::vector<StreamEntry>>(std::vector<StreamEntry>)>;
  struct Setting {
    std::string group, consumer;
    std::vector<std::string> streams;
    Millis claim_idle = boxoffice::claim_idle;
    Millis claim_period = boxoffice::claim_period;
    // Rest after a batch that was not full. An effect that nobody waits for costs the database less
    // once a second than with each of the relay's batches.
    Millis gather{0};
  };

  // `reading` may be a connection of its own, because reads block it.
  StreamConsumer(WorkerPlace place, EventStreams& reading, EventStreams& streams,
                 OutboxStore& outbox, Setting setting, Effect effect);

  Task<Millis> turn();       // one read
  Task<Millis> take_over();  // one look for what others left behind
  Task<Millis> trim();

 private:
  Task<void> handle(std::vector<StreamEntry> entries);
  Task<void> recover();

  WorkerPlace place_;
  EventStreams& reading_;
  EventStreams& streams_;
  OutboxStore& outbox_;
  Setting setting_;
  Effect effect_;
};

}  // namespace boxoffice
