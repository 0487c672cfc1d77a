// What runs for the seats and the waiting rooms of all events on sale: admission, the hold sweeper,
// the watch over markers (rebuild) and the reconciler.
#include <map>

#include "target/log.hpp"
#include "target/parts.hpp"
#include "target/service/seat_rebuild.hpp"
#include "target/worker/seat_repair.hpp"
#include "target/worker/worker_loop.hpp"

namespace boxoffice {

namespace {

constexpr Millis events_every{1000}, admit_every{100}, sweep_every{250};
constexpr Millis reconcile_every{5000}, reconcile_again{1100};
constexpr Millis admit_lease{1000}, admit_renew{300}, reconcile_lease{4000};
constexpr std::uint32_t events_page = 200, event_pages_max = 50;
// A sale that opens so soon is served already: people wait for it, and it opens without anybody's
// doing.
constexpr std::int64_t opens_soon_ms = 600000;

std::string text(std::uint64_t number) { return std::to_string(number); }

class SeatWorkers {
 public:
  explicit SeatWorkers(ThreadContext& thread)
      : thread_(thread), rebuild_(thread.seats, thread.seat_ledger, thread.leases) {}

  Task<Millis> find_events();
  Task<Millis> admit();
  Task<Millis> sweep();
  Task<Millis> reconcile();

 private:
  struct Served {
    EventPtr event;
    TimePoint lease_until, lease_again;  // of admission
    RepairList repairs;
  };
  void serve(const EventPtr& event, std::int64_t now_ms,
             std::map<std::uint64_t, std::shared_ptr<Served>>& found) const;
  Task<bool> may_admit(std::shared_ptr<Served> served);
  Task<bool> reconcile_event(std::shared_ptr<Served> served);
  Task<void> repair(EventPtr event, std::vector<SeatDifference> differences, std::string lease,
                    std::uint64_t fence);
  std::vector<std::shared_ptr<Served>> all() const;
  void tell_lease(const char* job, const EventInfo& event, bool ours) const {
    thread_.metrics.gauge("lease_owner", "name", job + text(event.id), ours ? 1 : 0);
  }

  ThreadContext& thread_;
  SeatRebuild rebuild_;
  std::map<std::uint64_t, std::shared_ptr<Served>> served_;  // by event
};

// A copy, because events come and go while a loop waits.
std::vector<std::shared_ptr<SeatWorkers::Served>> SeatWorkers::all() const {
  std::vector<std::shared_ptr<Served>> list;
  list.reserve(served_.size());
  for (const auto& [event, served] : served_) list.push_back(served);
  return list;
}

void SeatWorkers::serve(const EventPtr& event, std::int64_t now_ms,
                        std::map<std::uint64_t, std::shared_ptr<Served>>& found) const {
  const bool later = event->status == "SCHEDULED" && event->sale_open_ms > now_ms + opens_soon_ms;
  if (later) return;
  const auto known = served_.find(event->id);
  const bool same = known != served_.end() && known->second->event->epoch == event->epoch;
  auto served = same ? known->second : std::make_shared<Served>();
  served->event = event;
  found[event->id] = std::move(served);
}

Task<Millis> SeatWorkers::find_events() {
  std::map<std::uint64_t, std::shared_ptr<Served>> found;
  for (const char* status : {"ON_SALE", "SCHEDULED"}) {
    for (std::uint32_t page = 0; page < event_pages_max; ++page) {
      const EventPage events = co_await thread_.events.page(status, "", page, events_page);
      for (const EventPtr& event : events.items) serve(event, events.now_ms, found);
      if (events.items.size() < events_page) break;
    }
  }
  for (const auto& [id, served] : served_) {
    if (found.contains(id)) continue;
    tell_lease("admit:", *served->event, false);
    tell_lease("reconcile:", *served->event, false);
  }
  served_ = std::move(found);
  // After a loss of data nobody should have to wait for a customer to notice.
  for (const auto& served : all()) {
    const bool ready = co_await thread_.seats.mirror()->ready(served->event);
    if (!ready) rebuild_.kick(thread_.io, served->event);
  }
  co_return events_every;
}

// The lease only saves work: the script is atomic, whoever calls it.
Task<bool> SeatWorkers::may_admit(std::shared_ptr<Served> served) {
  const TimePoint now = Clock::now();
  if (now < served->lease_again) co_return now < served->lease_until;
  served->lease_again = now + admit_renew;
  const auto fence =
      co_await thread_.leases.acquire("admit:" + text(served->event->id), admit_lease);
  if (fence) served->lease_until = now + admit_lease;
  tell_lease("admit:", *served->event, fence.has_value());
  co_return fence.has_value();
}

Task<Millis> SeatWorkers::admit() {
  const TimePoint start = Clock::now();
  for (const auto& served : all()) {
    if (!served->event->queue.on || thread_.switches.admissions_paused) continue;
    const bool ours = co_await may_admit(served);
    if (!ours) continue;
    const Admission done = co_await thread_.queue.admit(served->event);
    const std::string event = text(served->event->id);
    thread_.metrics.gauge("queue_waiting", "event", event, static_cast<double>(done.waiting));
    thread_.metrics.gauge("queue_active", "event", event, static_cast<double>(done.active));
    if (done.admitted > 0) thread_.metrics.count("queue_admitted", done.admitted);
    if (done.ghosts > 0) thread_.metrics.count("queue_ghosts", done.ghosts);
    if (done.lapsed > 0) thread_.metrics.count("queue_lapsed", done.lapsed);
  }
  const auto took = std::chrono::duration_cast<Millis>(Clock::now() - start);
  co_return std::max(admit_every - took, Millis(1));
}

Task<Millis> SeatWorkers::sweep() {
  for (const auto& served : all()) {
    const std::uint32_t freed =
        co_await thread_.seats.sweep(served->event->id, served->event->epoch);
    if (freed > 0) thread_.metrics.count("holds_expired_seats", freed);
  }
  co_return sweep_every;
}

Task<Millis> SeatWorkers::reconcile() {
  bool suspicious = false;
  for (const auto& served : all()) {
    const bool again = co_await reconcile_event(served);
    suspicious = suspicious || again;
  }
  co_return suspicious ? reconcile_again : reconcile_every;
}

// True: something was seen that a second look must confirm.
Task<bool> SeatWorkers::reconcile_event(std::shared_ptr<Served> served) {
  const EventPtr event = served->event;
  // The name has the event's hash tag: its fence is compared inside the scripts of the event.
  const std::string name = fmt::format("reconcile:{{e{}.{}}}", event->id, event->epoch);
  const auto lease = co_await thread_.leases.acquire(name, reconcile_lease);
  tell_lease("reconcile:", *event, lease.has_value());
  if (!lease) co_return false;
  const bool ready = co_await thread_.seats.mirror()->ready(event);
  if (!ready) co_return false;
  // Redis first: what is sold there was committed before, so the truth read later has it.
  const std::vector<MirrorSeat> mirror = co_await thread_.seats.mirror()->all(event);
  const SeatTruth truth = co_await thread_.seat_ledger.truth(event->id, event->epoch);
  auto due = served->repairs.due(compare(mirror, truth), Clock::now());
  const bool suspicious = served->repairs.suspicious();
  if (!due.empty()) co_await repair(event, std::move(due), name, *lease);
  co_return suspicious;
}

Task<void> SeatWorkers::repair(EventPtr event, std::vector<SeatDifference> differences,
                               std::string lease, std::uint64_t fence) {
  using Kind = SeatDifference::Kind;
  // What was read is old if this instance slept meanwhile: then it is another's to repair.
  const auto still = co_await thread_.leases.acquire(lease, reconcile_lease);
  if (still != fence) {
    thread_.metrics.count("fenced_off", "name", "reconcile");
    co_return;
  }
  SeatChanges forced, quiet;
  for (const SeatDifference& found : differences) {
    const bool leaked = found.kind == Kind::pending_without_order;
    if (leaked && thread_.switches.leak_on_rollback) continue;
    switch (found.kind) {
      case Kind::pending_without_order:
      case Kind::sold_without_ticket:
        co_await thread_.seats.settle(event->id, event->epoch, found.order, found.user, false,
                                      {found.seat});
        break;
      case Kind::missing:
      case Kind::unsettled:
        forced.live.push_back(found.live);
        break;
      case Kind::lock_missing:
        quiet.locked.push_back(found.seat);  // only where the seat is still free
        break;
      case Kind::lock_left:
        forced.freed.push_back(found.seat);
        break;
    }
    thread_.metrics.count("repair", "kind", name_of(found.kind));
    log_warning("seat repaired", {{"event", static_cast<std::int64_t>(event->id)},
                                  {"seat", static_cast<std::int64_t>(found.seat)},
                                  {"kind", std::string(name_of(found.kind))}});
  }
  const bool written =
      co_await thread_.seats.mirror()->repair(event, std::move(forced), lease, fence);
  if (!written) thread_.metrics.count("fenced_off", "name", "reconcile");
  co_await thread_.seats.mirror()->write(event, std::move(quiet), false);
}

}  // namespace

std::shared_ptr<void> spawn_seat_workers(ThreadContext& thread) {
  auto workers = std::make_shared<SeatWorkers>(thread);
  const WorkerPlace place{thread.io, thread.metrics, thread.stop};
  SeatWorkers* const at = workers.get();
  spawn_loop(place, "events", workers, [at] { return at->find_events(); });
  spawn_loop(place, "admission", workers, [at] { return at->admit(); });
  spawn_loop(place, "hold_sweeper", workers, [at] { return at->sweep(); });
  spawn_loop(place, "reconciler", workers, [at] { return at->reconcile(); });
  return workers;
}

}  // namespace boxoffice
