#include "target/service/admin_audit.hpp"

#include <fmt/format.h>

#include <map>

#include "target/service/seat_map.hpp"

namespace boxoffice {

namespace {

void find_bad(AuditCheck& check, std::string sample) {
  ++check.bad;
  if (check.sample.size() < audit_samples_max) check.sample.push_back(std::move(sample));
}

std::uint8_t bits_of(char kind) {
  if (kind == 'S') return 2;
  if (kind == 'L') return 3;
  return 1;
}

}  // namespace

std::vector<AuditCheck> mirror_checks(const SeatTruth& truth, const std::vector<MirrorSeat>& mirror,
                                      std::string_view bitmap, std::uint32_t seats) {
  AuditCheck sold{"R1", "Every ticket is a sold seat of the same order in Redis", 0, {}};
  AuditCheck pending{"R2", "Every seat of a pending order is pending in Redis", 0, {}};
  AuditCheck orphan{"R3", "Redis has no sold or pending seat without a live order", 0, {}};
  AuditCheck bits{"R5", "The seat map's bits are the seats' states", 0, {}};
  std::map<std::uint32_t, MirrorSeat> in_redis;
  for (const MirrorSeat& seat : mirror) in_redis[seat.seat] = seat;
  std::map<std::uint32_t, const LiveSeat*> in_mysql;
  for (const LiveSeat& seat : truth.live) {
    in_mysql[seat.seat] = &seat;
    const auto found = in_redis.find(seat.seat);
    const bool same = found != in_redis.end() && found->second.order == seat.order &&
                      found->second.kind == (seat.sold ? 'S' : 'P');
    if (!same)
      find_bad(seat.sold ? sold : pending, fmt::format("seat {} order {}", seat.seat, seat.order));
  }
  for (const auto& [number, seat] : in_redis) {
    if ((seat.kind == 'S' || seat.kind == 'P') && !in_mysql.contains(number))
      find_bad(orphan, fmt::format("seat {} {} order {}", number, seat.kind, seat.order));
  }
  for (std::uint32_t number = 0; number < seats; ++number) {
    const auto found = in_redis.find(number);
    const std::uint8_t expected = found == in_redis.end() ? 0 : bits_of(found->second.kind);
    const std::uint8_t shown = seat_state(bitmap, number);
    if (shown != expected)
      find_bad(bits, fmt::format("seat {} shows {}, is {}", number, shown, expected));
  }
  return {sold, pending, orphan, bits};
}

}  // namespace boxoffice
