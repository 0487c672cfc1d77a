#include "target/worker/stream_consumer.hpp"

#include "target/log.hpp"

namespace boxoffice {

namespace {
constexpr Millis trim_period{60000};
}

StreamConsumer::StreamConsumer(WorkerPlace place, EventStreams& reading, EventStreams& streams,
                               OutboxStore& outbox, Setting setting, Effect effect)
    : place_(std::move(place)),
      reading_(reading),
      streams_(streams),
      outbox_(outbox),
      setting_(std::move(setting)),
      effect_(std::move(effect)) {}

Task<Millis> StreamConsumer::turn() {
  StreamRead read = co_await reading_.read(setting_.group, setting_.consumer, setting_.streams,
                                           consumer_batch_max, consumer_block);
  if (read.no_group) {
    co_await recover();
    co_return Millis(0);
  }
  if (read.entries.empty()) co_return Millis(0);
  const bool more = read.entries.size() >= consumer_batch_max;
  co_await handle(std::move(read.entries));
  co_return more ? Millis(0) : setting_.gather;
}

Task<void> StreamConsumer::handle(std::vector<StreamEntry> entries) {
  std::vector<StreamEntry> hopeless = co_await effect_(entries);
  for (StreamEntry& entry : hopeless) {
    place_.metrics.count("dead");
    log_error("event given up", {{"group", setting_.group}, {"entry", entry.id}});
    co_await streams_.bury(setting_.group, std::move(entry));
  }
  co_await streams_.acknowledge(setting_.group, std::move(entries));
}

Task<void> StreamConsumer::recover() {
  bool made = false;
  for (const std::string& stream : setting_.streams) {
    const bool fresh = co_await streams_.create_group(stream, setting_.group);
    made = made || fresh;
  }
  // Of several instances the one that made the group sends again.
  if (!made) co_return;
  const auto again = co_await outbox_.replay(replay_window, setting_.group);
  log_info("event streams made anew",
           {{"group", setting_.group}, {"sent_again", static_cast<std::int64_t>(again)}});
}

Task<Millis> StreamConsumer::take_over() {
  std::uint64_t pending = 0;
  for (const std::string& stream : setting_.streams) {
    StreamClaim claimed = co_await streams_.claim(stream, setting_.group, setting_.consumer,
                                                  setting_.claim_idle, deliveries_max);
    if (claimed.no_group) continue;  // the reader notices and recovers
    for (StreamEntry& entry : claimed.dead) {
      place_.metrics.count("dead");
      log_error("event given up", {{"group", setting_.group}, {"entry", entry.id}});
      co_await streams_.bury(setting_.group, std::move(entry));
    }
    if (!claimed.again.empty()) {
      place_.metrics.count("redelivered", "group", setting_.group,
                           static_cast<double>(claimed.again.size()));
      co_await handle(std::move(claimed.again));
    }
    pending += co_await streams_.pending(stream, setting_.group);
  }
  place_.metrics.gauge("stream_pending", "group", setting_.group, static_cast<double>(pending));
  co_return setting_.claim_period;
}

Task<Millis> StreamConsumer::trim() {
  for (const std::string& stream : setting_.streams) co_await streams_.trim(stream);
  co_return trim_period;
}

}  // namespace boxoffice
