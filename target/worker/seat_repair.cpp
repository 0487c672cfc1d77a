#include "target/worker/seat_repair.hpp"

#include <set>
#include <unordered_map>

namespace boxoffice {

namespace {

using Kind = SeatDifference::Kind;

SeatDifference difference(Kind kind, std::uint32_t seat) {
  SeatDifference found;
  found.kind = kind;
  found.seat = seat;
  return found;
}

bool agrees(const MirrorSeat& seat, const LiveSeat& live) {
  return seat.order == live.order && seat.kind == (live.sold ? 'S' : 'P');
}

SeatDifference of_live(Kind kind, const LiveSeat& seat) {
  SeatDifference found = difference(kind, seat.seat);
  found.order = seat.order;
  found.user = seat.user;
  found.live = seat;
  return found;
}

}  // namespace

std::string_view name_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::pending_without_order:
      return "pending_without_order";
    case Kind::missing:
      return "missing";
    case Kind::unsettled:
      return "unsettled";
    case Kind::sold_without_ticket:
      return "sold_without_ticket";
    case Kind::lock_missing:
      return "lock_missing";
    case Kind::lock_left:
      return "lock_left";
  }
  return "";
}

Millis patience_with(Kind kind) noexcept {
  if (kind == Kind::pending_without_order || kind == Kind::unsettled) return pending_patience;
  return kind == Kind::sold_without_ticket ? settle_patience : second_look;
}

std::vector<SeatDifference> compare(const std::vector<MirrorSeat>& mirror, const SeatTruth& truth) {
  std::unordered_map<std::uint32_t, const LiveSeat*> live;
  for (const LiveSeat& seat : truth.live) live[seat.seat] = &seat;
  const std::set<std::uint32_t> locked(truth.locked.begin(), truth.locked.end());
  std::vector<SeatDifference> differences;
  std::set<std::uint32_t> agreed, taken;
  for (const MirrorSeat& seat : mirror) {
    taken.insert(seat.seat);
    const auto known = live.find(seat.seat);
    if (known != live.end()) {
      const LiveSeat& row = *known->second;
      const bool late = row.sold && seat.kind == 'P' && seat.order == row.order;
      if (late) differences.push_back(of_live(Kind::unsettled, row));
      if (late || agrees(seat, row)) agreed.insert(seat.seat);
      continue;
    }
    if (seat.kind == 'L' && !locked.contains(seat.seat))
      differences.push_back(difference(Kind::lock_left, seat.seat));
    if (seat.kind != 'P' && seat.kind != 'S') continue;
    SeatDifference found = difference(
        seat.kind == 'P' ? Kind::pending_without_order : Kind::sold_without_ticket, seat.seat);
    found.order = seat.order;
    found.user = seat.user;
    differences.push_back(found);
  }
  for (const LiveSeat& seat : truth.live) {
    if (!agreed.contains(seat.seat)) differences.push_back(of_live(Kind::missing, seat));
  }
  for (const std::uint32_t seat : locked) {
    if (!taken.contains(seat) && !live.contains(seat))
      differences.push_back(difference(Kind::lock_missing, seat));
  }
  return differences;
}

std::vector<SeatDifference> RepairList::due(const std::vector<SeatDifference>& seen,
                                            TimePoint now) {
  std::map<std::uint32_t, Since> next;
  std::vector<SeatDifference> real;
  suspicious_ = false;
  for (const SeatDifference& found : seen) {
    const auto before = known_.find(found.seat);
    const bool same = before != known_.end() && before->second.difference == found;
    const TimePoint first = same ? before->second.first : now;
    next[found.seat] = {found, first};
    if (same && now - first >= patience_with(found.kind)) {
      real.push_back(found);
    } else if (patience_with(found.kind) == second_look) {
      suspicious_ = true;
    }
  }
  known_ = std::move(next);
  return real;
}

}  // namespace boxoffice
