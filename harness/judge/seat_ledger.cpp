#include "harness/judge/seat_ledger.hpp"

#include <algorithm>

#include "harness/judge/booking_checks.hpp"

namespace stampede {

namespace {

void add_redis(const RedisEvent& event, SeatLedger& seats) {
  seats.total += event.seats;
  for (std::uint32_t number = 0; number < event.seats; ++number) {
    const auto found = event.states.find(number);
    if (found == event.states.end()) {
      ++seats.free;
      continue;
    }
    const SeatState state = parse_seat_state(found->second);
    if (state.kind == 'L') ++seats.locked;
    if (state.kind == 'H') ++(state.expires_ms > event.now_ms ? seats.held : seats.free);
  }
}

}  // namespace

std::optional<SeatLedger> seat_ledger(const FinalState& state) {
  if (!state.have_sql || !state.have_redis || state.redis.empty()) return std::nullopt;
  if (!std::ranges::all_of(state.redis, &RedisEvent::marker)) return std::nullopt;
  SeatLedger seats;
  for (const RedisEvent& event : state.redis) add_redis(event, seats);
  for (const StoredOrder& order : state.orders) {
    if (order.status == "PAYMENT_PENDING") seats.pending += order.live_seats.size();
  }
  seats.sold = state.tickets.size();
  return seats;
}

}  // namespace stampede
