#include "harness/judge/booking_holds.hpp"

#include <set>
#include <span>

namespace stampede {
namespace {

constexpr TimePoint forever = TimePoint::max();

bool names_seat(const LedgerEntry& entry, std::uint32_t seat) {
  return std::find(entry.seats.begin(), entry.seats.end(), seat) != entry.seats.end();
}

// What one user did, in the order in which it was begun.
struct Deeds {
  std::vector<const LedgerEntry*> entries;
  std::set<std::string> confirmed,
      cancelled;  // order ids; cancelled: whatever became of the request
  bool cancelled_unnamed = false;

  void add(const LedgerEntry& entry) {
    entries.push_back(&entry);
    if (entry.kind == LedgerKind::confirmed && entry.certainty == Certainty::applied &&
        entry.state == "CONFIRMED") {
      confirmed.insert(entry.key);
    }
    if (entry.kind != LedgerKind::cancel) return;
    cancelled.insert(entry.key);
    cancelled.insert(entry.reference);
    cancelled_unnamed = cancelled_unnamed || (entry.key.empty() && entry.reference.empty());
  }
  // The deeds begun no earlier than the hold was.
  [[nodiscard]] std::span<const LedgerEntry* const> since(const LedgerEntry& hold) const {
    const auto first = std::lower_bound(
        entries.begin(), entries.end(), hold.invoked,
        [](const LedgerEntry* entry, TimePoint time) { return entry->invoked < time; });
    return {first, entries.end()};
  }
};

// One acknowledged hold of one seat, and the time in which its owner was certain to have the seat:
// from the answer's arrival to the first thing that may have ended it. Everything that could have
// made the hold shorter counts, known or not: a correct target must never be accused.
struct CertainHold {
  const LedgerEntry* hold = nullptr;
  TimePoint begin, end;
};

TimePoint local_time(std::int64_t epoch_ms, const InvariantOptions& options) {
  return TimePoint{Nanos{std::chrono::milliseconds{epoch_ms}} - options.wall_offset};
}

// Entries may leave the event out; then they may be about any.
bool other_event(const LedgerEntry& deed, const LedgerEntry& hold) {
  return deed.event != 0 && hold.event != 0 && deed.event != hold.event;
}

// The acknowledged expiry, moved by the owner's extensions. With an extension of unknown fate, the
// earliest of what is known.
std::int64_t expiry_of(const LedgerEntry& hold, const Deeds& deeds,
                       const InvariantOptions& options) {
  std::int64_t expires = hold.expires_ms, earliest = hold.expires_ms;
  bool unknown = false;
  for (const LedgerEntry* deed : deeds.since(hold)) {
    if (deed->invoked > local_time(expires, options) + options.clock_error) break;  // it was over
    if (deed->kind != LedgerKind::extend || other_event(*deed, hold)) continue;
    if (!hold.key.empty() && deed->key != hold.key && deed->reference != hold.key) continue;
    if (deed->certainty == Certainty::not_applied) continue;
    if (deed->certainty == Certainty::unknown || deed->expires_ms == 0) {
      unknown = true;
      continue;
    }
    expires = deed->expires_ms;
    earliest = std::min(earliest, expires);
  }
  return unknown ? earliest : expires;
}

// May this deed have ended the hold? All that its owner did, unless it says that it is about
// another.
bool may_end(const LedgerEntry& deed, const LedgerEntry& hold, std::uint32_t seat) {
  if (deed.kind != LedgerKind::release && deed.kind != LedgerKind::order &&
      deed.kind != LedgerKind::cancel) {
    return false;
  }
  if (other_event(deed, hold)) return false;
  if (deed.kind == LedgerKind::release && !hold.key.empty()) {
    if (deed.key == hold.key || deed.reference == hold.key) return true;
    if (deed.seats.empty()) return deed.key.empty() && deed.reference.empty();
  }
  return deed.seats.empty() || names_seat(deed, seat);
}

// The owner's order from this very hold that a client saw CONFIRMED, and which nobody tried to
// cancel: from the hold's answer on, the seat is the owner's for ever.
bool ends_in_a_lasting_sale(const LedgerEntry& hold, std::uint32_t seat, const Deeds& deeds) {
  for (const LedgerEntry* deed : deeds.since(hold)) {
    if (deed == &hold || other_event(*deed, hold)) continue;
    if (!deed->seats.empty() && !names_seat(*deed, seat)) continue;
    // Another attempt at the seat: an order that follows may be of that one.
    if (deed->kind == LedgerKind::hold) return false;
    if (deed->kind != LedgerKind::order || deed->certainty != Certainty::applied) continue;
    if (deed->seats.empty() || deed->key.empty() || deed->invoked < hold.completed) return false;
    return deeds.confirmed.contains(deed->key) && !deeds.cancelled.contains(deed->key) &&
           !deeds.cancelled_unnamed;
  }
  return false;
}

CertainHold certain_hold(const LedgerEntry& hold, std::uint32_t seat, const Deeds& deeds,
                         const InvariantOptions& options) {
  CertainHold result{&hold, hold.completed, hold.completed};
  if (ends_in_a_lasting_sale(hold, seat, deeds)) {
    result.end = forever;
    return result;
  }
  if (hold.expires_ms == 0) return result;  // never told: nothing is certain after the answer
  result.end = local_time(expiry_of(hold, deeds, options), options) - options.clock_error;
  for (const LedgerEntry* deed : deeds.since(hold)) {
    if (deed->invoked >= result.end) break;
    if (may_end(*deed, hold, seat)) result.end = deed->invoked;
  }
  return result;
}

bool same_hold(const LedgerEntry& a, const LedgerEntry& b) {
  if (!a.key.empty() && !b.key.empty()) return a.user == b.user && a.key == b.key;
  return a.user == b.user && a.fence == b.fence;
}

std::string clock_text(TimePoint time, TimePoint origin) {
  return time == forever ? "ever" : fmt::format("{:.3f} s", to_seconds(time - origin));
}

// Sorted by beginning, a hold overlaps an earlier one exactly when it begins before the latest end.
void scan_seat(std::uint64_t event, std::uint32_t seat, std::vector<CertainHold>& holds,
               TimePoint origin, InvariantCheck& check) {
  std::sort(holds.begin(), holds.end(),
            [](const CertainHold& a, const CertainHold& b) { return a.begin < b.begin; });
  const CertainHold* longest = nullptr;
  for (const CertainHold& next : holds) {
    if (longest && next.begin < longest->end && next.begin < next.end &&
        !same_hold(*longest->hold, *next.hold)) {
      check.fail(fmt::format(
          "{}: held by user {} (hold {}, fence {}) until {} and by user {} (hold {}, fence {}) "
          "from {}",
          seat_name(event, seat), longest->hold->user, longest->hold->key, longest->hold->fence,
          clock_text(longest->end, origin), next.hold->user, next.hold->key, next.hold->fence,
          clock_text(next.begin, origin)));
    }
    if (!longest || next.end > longest->end) longest = &next;
  }
}

}  // namespace

void find_overlapping_holds(const Ledger& ledger, const InvariantOptions& options,
                            InvariantCheck& check) {
  std::unordered_map<std::uint64_t, Deeds> by_user;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::vector<CertainHold>> by_seat;
  TimePoint origin = forever;
  for (const LedgerEntry& entry : ledger.entries()) {
    // A refused hold did nothing and is the most frequent entry of all.
    if (entry.kind == LedgerKind::hold && entry.certainty == Certainty::not_applied) continue;
    if (entry.kind == LedgerKind::enter || entry.kind == LedgerKind::admitted) continue;
    by_user[entry.user].add(entry);
    origin = std::min(origin, entry.invoked);
  }
  for (auto& [user, deeds] : by_user) {
    std::sort(deeds.entries.begin(), deeds.entries.end(),
              [](const LedgerEntry* a, const LedgerEntry* b) {
                return std::pair(a->invoked, a) < std::pair(b->invoked, b);
              });
    for (const LedgerEntry* entry : deeds.entries) {
      if (entry->kind != LedgerKind::hold || entry->certainty != Certainty::applied) continue;
      for (const std::uint32_t seat : entry->seats) {
        ++check.examined;
        by_seat[{entry->event, seat}].push_back(certain_hold(*entry, seat, deeds, options));
      }
    }
  }
  for (auto& [seat, holds] : by_seat) scan_seat(seat.first, seat.second, holds, origin, check);
}

}  // namespace stampede
