#include "target/service/admin.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "target/domain/unavailable.hpp"
#include "target/service/admin_audit.hpp"
#include "target/service/seat_map.hpp"

namespace boxoffice {

namespace {

constexpr Millis look_again{100};
constexpr std::uint8_t bits_locked = 3;

No no_such(std::string what) {
  No no;
  no.refusal = Refusal::not_found;
  no.detail = "no such " + what;
  return no;
}

}  // namespace

Admin::Admin(Needs needs) : needs_(needs), rebuild_(needs.seats, needs.ledger, needs.leases) {}

Task<Decision<EventPtr>> Admin::find(std::uint64_t event) {
  EventPtr found = co_await needs_.events.find(event);
  if (found == nullptr) co_return no_such("event");
  co_return found;
}

Task<Seeded> Admin::seed(SeedPlan plan) {
  Seeded seeded;
  if (plan.users.count > 0)
    seeded.users = co_await needs_.store.seed_users(plan.seed, std::move(plan.users));
  std::uint64_t& venue = seeded.venue;
  if (plan.venue && !plan.events.empty())
    venue = co_await needs_.store.seed_venue(*plan.venue, plan.events.front());
  for (SeedEvent& wanted : plan.events) {
    const std::uint64_t id = co_await needs_.store.seed_event(std::move(wanted), venue);
    const EventPtr event = co_await needs_.events.find(id);
    if (event == nullptr) throw StoreUnavailable("mysql", "a new event is not there");
    co_await rebuild_.rebuild(event);
    seeded.events.push_back({event->id, event->epoch, event->seat_count});
  }
  co_return seeded;
}

Task<Decision<EventPtr>> Admin::edit(std::uint64_t event, EventEdit edit) {
  const auto edited = co_await needs_.store.edit(event, std::move(edit));
  if (!edited) co_return edited.error();
  needs_.catalogue.forget(event);
  co_return co_await find(event);
}

Task<Decision<EventPtr>> Admin::reset(std::uint64_t event) {
  const auto epoch = co_await needs_.store.next_epoch(event);
  if (!epoch) co_return epoch.error();
  needs_.catalogue.forget(event);
  co_await needs_.keys.drop_event(event, *epoch - 1);
  const auto fresh = co_await find(event);
  if (!fresh) co_return fresh.error();
  co_await rebuild_.rebuild(*fresh);
  co_return *fresh;
}

Task<Decision<bool>> Admin::lock_seat(std::uint64_t event, std::uint32_t seat, bool locked) {
  co_return co_await lock_in({event}, seat, locked);
}

Task<Decision<std::vector<std::uint64_t>>> Admin::lock_venue_seat(std::uint64_t venue,
                                                                  std::uint32_t seat, bool locked) {
  std::vector<std::uint64_t> events = co_await needs_.store.events_of_venue(venue);
  if (events.empty()) co_return no_such("venue with events to come");
  const auto done = co_await lock_in(events, seat, locked);
  if (!done) co_return done.error();
  co_return events;
}

Task<Decision<bool>> Admin::lock_in(std::vector<std::uint64_t> events, std::uint32_t seat,
                                    bool locked) {
  std::vector<EventPtr> found;
  for (const std::uint64_t event : events) {
    auto one = co_await find(event);
    if (!one) co_return one.error();
    if (seat >= (*one)->seat_count) co_return no_such("seat");
    found.push_back(*one);
  }
  const auto changed = co_await needs_.store.lock_seat(std::move(events), seat, locked);
  if (!changed) co_return changed.error();
  SeatMirror* const mirror = needs_.seats.mirror();
  if (mirror == nullptr) co_return true;
  for (const EventPtr& event : found) {
    const auto states = co_await needs_.seats.states(event);
    if (!states) co_return states.error();
    const bool is_locked = seat_state(states->bitmap, seat) == bits_locked;
    if (is_locked == locked) continue;
    SeatChanges changes;
    (locked ? changes.locked : changes.freed).push_back(seat);
    co_await mirror->write(event, std::move(changes), true);
  }
  co_return true;
}

Task<Decision<Rebuilt>> Admin::rebuild(std::uint64_t event) {
  const TimePoint begun = Clock::now();
  const auto found = co_await find(event);
  if (!found) co_return found.error();
  co_await rebuild_.rebuild(*found);
  co_return Rebuilt{event, (*found)->epoch,
                    std::chrono::duration_cast<Millis>(Clock::now() - begun).count()};
}

Task<Decision<std::vector<AuditCheck>>> Admin::audit(std::uint64_t event,
                                                     std::optional<std::uint32_t> epoch) {
  const auto found = co_await find(event);
  if (!found) co_return found.error();
  const EventPtr& facts = *found;
  auto checks = co_await needs_.store.audit(event, epoch.value_or(facts->epoch));
  SeatMirror* const mirror = needs_.seats.mirror();
  if (mirror == nullptr || epoch.value_or(facts->epoch) != facts->epoch) co_return checks;
  AuditCheck reachable{"R0", "Redis has the event", 0, {}};
  try {
    const SeatTruth truth = co_await needs_.ledger.truth(event, facts->epoch);
    const auto states = co_await needs_.seats.states(facts);
    const std::vector<MirrorSeat> seats = co_await mirror->all(facts);
    if (states) {
      for (AuditCheck& check : mirror_checks(truth, seats, states->bitmap, facts->seat_count))
        checks.push_back(std::move(check));
    } else {
      reachable.bad = 1;
      reachable.sample.push_back("the event is being rebuilt");
    }
  } catch (const StoreUnavailable& down) {
    reachable.bad = 1;
    reachable.sample.push_back(down.what());
  }
  checks.push_back(std::move(reachable));
  co_return checks;
}

Task<Figures> Admin::left() {
  Figures left = co_await needs_.store.backlog();
  std::uint64_t holds = 0;
  for (const EventFigures& event : co_await needs_.keys.figures(co_await needs_.store.events()))
    holds += event.holds;
  left.emplace_back("holds", holds);
  left.emplace_back("stream", co_await needs_.keys.stream_backlog());
  std::erase_if(left, [](const auto& figure) { return figure.second == 0; });
  co_return left;
}

Task<Quiet> Admin::quiesce(Millis time) {
  needs_.switches.admissions_paused = true;
  const TimePoint deadline = Clock::now() + time;
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> pause(
      co_await asio::this_coro::executor);
  while (true) {
    Quiet quiet;
    quiet.left = co_await left();
    quiet.quiet = quiet.left.empty();
    if (quiet.quiet || Clock::now() + look_again > deadline) co_return quiet;
    pause.expires_after(look_again);
    co_await pause.async_wait(use_task);
  }
}

void Admin::resume() { needs_.switches.admissions_paused = false; }

Task<std::uint64_t> Admin::replay_outbox(std::int64_t since_ms) {
  return needs_.store.replay_outbox(since_ms);
}

Task<Decision<bool>> Admin::set_defect(std::string name, bool on) {
  std::atomic<bool>* const defect = needs_.switches.defect(name);
  if (defect == nullptr) co_return no_such("defect: " + name);
  // The guard goes before the code stops to rely on it, and comes back after.
  if (name == "no_guard1") {
    if (!on) *defect = false;
    const auto set = co_await needs_.store.set_guards(!on);
    if (!set) co_return set.error();
  }
  *defect = on;
  co_return true;
}

Task<AdminStats> Admin::stats() {
  AdminStats stats;
  stats.orders = co_await needs_.store.orders_by_status();
  stats.sales = co_await needs_.store.sales();
  stats.backlog = co_await needs_.store.backlog();
  stats.events = co_await needs_.keys.figures(co_await needs_.store.events());
  stats.streams = co_await needs_.keys.stream_backlog();
  stats.scripts = co_await needs_.keys.script_figures();
  co_return stats;
}

}  // namespace boxoffice
