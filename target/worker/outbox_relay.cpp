#include "target/worker/outbox_relay.hpp"

namespace boxoffice {

OutboxRelay::OutboxRelay(WorkerPlace place, OutboxStore& outbox, EventStreams& streams,
                         OrderSignals& signals)
    : place_(std::move(place)), outbox_(outbox), streams_(streams), signals_(signals) {}

Task<Millis> OutboxRelay::turn() {
  // Watching begins before the look: a commit after it ends the wait at once.
  Wait wait(place_.io, Clock::now() + relay_idle_period);
  const OrderSignals::Subscription subscription(signals_, OrderSignals::outbox, wait);
  const Relayed relayed = co_await outbox_.relay(streams_, relay_batch_max);
  place_.metrics.gauge("outbox_age_seconds", static_cast<double>(relayed.oldest_age_ms) / 1000.0);
  if (relayed.sent == relay_batch_max) co_return Millis(0);
  // Not on every signal: a batch each 50 ms costs the database less than a batch per commit.
  if (relayed.sent > 0) co_return relay_busy_period;
  co_await wait.done();
  co_return Millis(0);
}

}  // namespace boxoffice
