#include "target/service/seat_rebuild.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include "target/log.hpp"
#include "target/parts.hpp"

namespace boxoffice {

namespace {

constexpr Millis lease_ttl{10000};
constexpr Millis look_again{20};
constexpr std::uint64_t fence_jump = 1000000;  // over every fence that was given and lost

std::string lease_name(const EventInfo& event) {
  return fmt::format("rebuild:{}.{}", event.id, event.epoch);
}

}  // namespace

SeatRebuild::SeatRebuild(SeatHolds& seats, SeatLedger& ledger, Leases& leases)
    : seats_(seats),
      ledger_(ledger),
      leases_(leases),
      running_(std::make_shared<std::set<std::pair<std::uint64_t, std::uint32_t>>>()) {}

// The order of the steps is what makes it right: whatever is settled before begin() is in the truth
// read after it, and whatever is settled later is written into the mirror and kept.
Task<void> SeatRebuild::rebuild(EventPtr event) {
  SeatMirror* const mirror = seats_.mirror();
  if (mirror == nullptr) co_return;
  const auto lease = co_await leases_.acquire(lease_name(*event), lease_ttl);
  if (!lease) {
    co_await wait_ready(event);
    co_return;
  }
  const TimePoint start = Clock::now();
  const std::uint64_t turn = co_await mirror->begin(event);
  SeatTruth truth = co_await ledger_.truth(event->id, event->epoch);
  const std::uint64_t floor = truth.fence_max + fence_jump;
  const auto live = static_cast<std::int64_t>(truth.live.size());
  SeatChanges changes;
  changes.live = std::move(truth.live);
  changes.locked = std::move(truth.locked);
  co_await mirror->write(event, std::move(changes), false);
  const bool finished = co_await mirror->finish(event, turn, floor);
  co_await leases_.release(lease_name(*event));
  if (!finished) co_await wait_ready(event);  // somebody began after us: theirs counts
  const auto took = std::chrono::duration_cast<Millis>(Clock::now() - start).count();
  log_info("seats rebuilt", {{"event", static_cast<std::int64_t>(event->id)},
                             {"epoch", static_cast<std::int64_t>(event->epoch)},
                             {"live", live},
                             {"tookMs", static_cast<std::int64_t>(took)}});
}

Task<void> SeatRebuild::wait_ready(EventPtr event) {
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> pause(
      co_await asio::this_coro::executor);
  const TimePoint give_up = Clock::now() + lease_ttl;
  while (!co_await seats_.mirror()->ready(event)) {
    if (Clock::now() >= give_up) throw StoreUnavailable("redis", "a rebuild does not end");
    pause.expires_after(look_again);
    co_await pause.async_wait(use_task);
  }
}

Task<void> SeatRebuild::rebuild_if_needed(EventPtr event) {
  const bool ready = co_await seats_.mirror()->ready(event);
  if (!ready) co_await rebuild(event);
}

void SeatRebuild::kick(asio::io_context& context, EventPtr event) {
  if (seats_.mirror() == nullptr) return;
  const std::pair key{event->id, event->epoch};
  if (!running_->insert(key).second) return;
  asio::co_spawn(context, rebuild_if_needed(event),
                 [running = running_, key](const std::exception_ptr& failure) {
                   running->erase(key);
                   try {
                     if (failure) std::rethrow_exception(failure);
                   } catch (const std::exception& error) {
                     log_warning("rebuild failed", {{"event", static_cast<std::int64_t>(key.first)},
                                                    {"reason", std::string(error.what())}});
                   }
                 });
}

Task<void> rebuild_event(ThreadContext& thread, EventPtr event) {
  SeatRebuild work(thread.seats, thread.seat_ledger, thread.leases);
  co_await work.rebuild(std::move(event));
}

}  // namespace boxoffice
