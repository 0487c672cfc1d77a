#include "harness/judge/funnel.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>

namespace stampede {
namespace {

constexpr std::size_t stage_count = 6;
constexpr std::array<std::string_view, stage_count> stage_names{"entered", "admitted", "held",
                                                                "ordered", "paid",     "confirmed"};
constexpr std::size_t stage_admitted = 1;

using Entries = std::span<const LedgerEntry* const>;

std::optional<std::size_t> stage_of(LedgerKind kind) {
  switch (kind) {
    case LedgerKind::enter:
      return 0;
    case LedgerKind::admitted:
      return stage_admitted;
    case LedgerKind::hold:
      return 2;
    case LedgerKind::order:
      return 3;
    case LedgerKind::payment:
      return 4;
    case LedgerKind::confirmed:
      return 5;
    default:
      return std::nullopt;
  }
}

bool is_reached(const LedgerEntry& entry) {
  if (entry.certainty != Certainty::applied) return false;
  // A payment that was declined there and then is an answer, but nobody paid.
  if (entry.kind == LedgerKind::payment) return entry.state != "ABORTED";
  return entry.kind != LedgerKind::confirmed || entry.state == "CONFIRMED";
}

// Let in without a wait: such an answer names no place in the line.
bool is_let_in_at_once(const LedgerEntry& entry) {
  return entry.kind == LedgerKind::enter && is_reached(entry) && entry.position == 0;
}

class StageCounts {
 public:
  void add_session(Entries entries) {
    std::array<bool, stage_count> reached{};
    for (const LedgerEntry* entry : entries) {
      const auto stage = stage_of(entry->kind);
      if (!stage) continue;
      spoken_of_[*stage] = true;
      if (is_reached(*entry)) reached[*stage] = true;
      if (is_let_in_at_once(*entry)) reached[stage_admitted] = spoken_of_[stage_admitted] = true;
    }
    for (std::size_t a = 0; a < stage_count; ++a) {
      for (std::size_t b = 0; b <= a; ++b) both_[a][b] += reached[a] && reached[b] ? 1 : 0;
    }
  }
  [[nodiscard]] std::vector<FunnelStage> stages() const {
    std::vector<FunnelStage> out;
    std::optional<std::size_t> before;
    for (std::size_t stage = 0; stage < stage_count; ++stage) {
      if (!spoken_of_[stage]) continue;
      FunnelStage& one = out.emplace_back();
      one.name = stage_names[stage];
      one.sessions = both_[stage][stage];
      if (before) one.from_before = both_[stage][*before];
      before = stage;
    }
    return out;
  }

 private:
  std::array<bool, stage_count> spoken_of_{};
  std::array<std::array<std::uint64_t, stage_count>, stage_count> both_{};  // sessions of both
};

// nullopt: not admitted, or never tried to enter.
std::optional<Nanos> queue_wait_of(Entries entries) {
  const LedgerEntry* entered = nullptr;
  for (const LedgerEntry* entry : entries) {
    if (entry->kind == LedgerKind::enter && entry->certainty != Certainty::not_applied) {
      if (!entered) entered = entry;
      if (is_let_in_at_once(*entry)) return entry->completed - entered->invoked;
    } else if (entry->kind == LedgerKind::admitted && is_reached(*entry) && entered) {
      return entry->completed - entered->invoked;
    }
  }
  return std::nullopt;
}

// Follows the holds of one session after the other.
class HoldReader {
 public:
  HoldReader(HoldFates& fates, TimePoint record_ends, Nanos wall_offset)
      : fates_(fates), record_ends_(record_ends), wall_offset_(wall_offset) {}

  void add_session(Entries entries) {
    open_.clear();
    for (const LedgerEntry* entry : entries) read(*entry);
    for (const OpenHold& left : open_) {
      const TimePoint expiry{Nanos{std::chrono::milliseconds{left.expires_ms}} - wall_offset_};
      if (left.unsure) {
        ++fates_.unknown;
      } else if (left.expires_ms != 0 && expiry <= record_ends_) {
        ++fates_.ran_out;
      } else {
        ++fates_.open;
      }
    }
  }

 private:
  struct OpenHold {
    const LedgerEntry* hold = nullptr;
    std::int64_t expires_ms = 0;
    bool unsure = false;  // the answer to something that may have ended or prolonged it was lost
  };

  void read(const LedgerEntry& entry) {
    if (entry.kind == LedgerKind::hold) return take(entry);
    const bool ends = entry.kind == LedgerKind::order || entry.kind == LedgerKind::release;
    if (!ends && entry.kind != LedgerKind::extend) return;
    const auto found = find(entry);
    if (found == open_.end()) return;
    if (entry.certainty == Certainty::unknown) {
      found->unsure = true;
    } else if (entry.certainty == Certainty::not_applied) {
      if (entry.outcome != Outcome::gone) return;
      // Gone after an answer was lost: it may have ended as asked for.
      ++(found->unsure ? fates_.unknown : fates_.ran_out);
      open_.erase(found);
    } else if (ends) {
      ++fates_.ended;
      fates_.dwell.record(std::max(Nanos{0}, entry.completed - found->hold->completed));
      open_.erase(found);
    } else if (entry.expires_ms != 0) {
      found->expires_ms = entry.expires_ms;
    }
  }

  void take(const LedgerEntry& hold) {
    if (hold.certainty != Certainty::applied) return;
    // The same hold acknowledged again, to a client that asked twice.
    const bool known = !hold.key.empty() && std::ranges::any_of(open_, [&](const OpenHold& one) {
      return one.hold->key == hold.key;
    });
    if (known) return;
    ++fates_.acknowledged;
    open_.push_back({&hold, hold.expires_ms, false});
  }

  // The newest hold that the deed may be about: by its key where it names one, else by its seats.
  [[nodiscard]] std::vector<OpenHold>::iterator find(const LedgerEntry& deed) {
    const auto about = [&deed](const OpenHold& one) {
      const LedgerEntry& hold = *one.hold;
      if (deed.event != 0 && hold.event != 0 && deed.event != hold.event) return false;
      const bool named = deed.kind != LedgerKind::order && !hold.key.empty() &&
                         !(deed.key.empty() && deed.reference.empty());
      if (named) return deed.key == hold.key || deed.reference == hold.key;
      return deed.seats.empty() || hold.seats.empty() || deed.seats == hold.seats;
    };
    const auto last = std::find_if(open_.rbegin(), open_.rend(), about);
    return last == open_.rend() ? open_.end() : std::prev(last.base());
  }

  HoldFates& fates_;
  TimePoint record_ends_;
  Nanos wall_offset_;
  std::vector<OpenHold> open_;
};

}  // namespace

BookingFunnel booking_funnel(const Ledger& ledger, Nanos wall_offset) {
  std::vector<const LedgerEntry*> entries;
  entries.reserve(ledger.entries().size());
  TimePoint record_ends;
  for (const LedgerEntry& entry : ledger.entries()) {
    entries.push_back(&entry);
    record_ends = std::max(record_ends, entry.completed);
  }
  std::ranges::sort(entries, {}, [](const LedgerEntry* entry) {
    return std::tuple(entry->session, entry->invoked, entry);
  });
  StageCounts counts;
  HoldFates fates;
  Histogram waits;
  HoldReader holds(fates, record_ends, wall_offset);
  bool holds_asked_for = false;
  for (std::size_t first = 0, last = 0; first < entries.size(); first = last) {
    while (last < entries.size() && entries[last]->session == entries[first]->session) {
      holds_asked_for = holds_asked_for || entries[last]->kind == LedgerKind::hold;
      ++last;
    }
    const Entries session(entries.data() + first, last - first);
    counts.add_session(session);
    holds.add_session(session);
    if (const auto wait = queue_wait_of(session)) waits.record(std::max(Nanos{0}, *wait));
  }
  BookingFunnel funnel;
  funnel.stages = counts.stages();
  if (holds_asked_for) funnel.holds = std::move(fates);
  if (!waits.empty()) funnel.queue_wait = std::move(waits);
  return funnel;
}

}  // namespace stampede
