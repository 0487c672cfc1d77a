// A1–A9 and R1–R7: what is stored, against itself. No client is asked here.
#include <set>

#include "harness/judge/booking_checks.hpp"

namespace stampede {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 9> row_checks{{
    {"A1", "no seat has two live claims"},
    {"A2", "no seat is sold to two people, by orders and payments alone"},
    {"A3", "no more tickets than seats, and none for a seat that does not exist"},
    {"A4", "confirmed orders and tickets agree, both ways"},
    {"A5", "every confirmed order is paid exactly, and no ended one is paid"},
    {"A6", "a seat is claimed exactly while its order is pending or confirmed"},
    {"A7", "nobody has more tickets than one person may have"},
    {"A8", "no order is stuck 5 s or more after its deadline"},
    {"A9", "every message of the outbox was sent"},
}};

// Why a store's part of the final state is not there; empty when it is.
std::string sql_missing(const FinalState& state) {
  if (state.have_sql) return {};
  return state.sql_problem.empty() ? "MySQL was not read" : state.sql_problem;
}
std::string redis_missing(const FinalState& state) {
  if (!state.have_redis) {
    return state.redis_problem.empty() ? "Redis was not read" : state.redis_problem;
  }
  if (state.redis.empty()) return "no event was read";
  for (const RedisEvent& event : state.redis) {
    // After a loss of data everything in Redis is void until it was rebuilt: it contradicts
    // nothing.
    if (!event.marker) return fmt::format("event {} is not rebuilt in Redis", event.event);
  }
  return {};
}

using SeatOf = std::pair<std::uint64_t, std::uint32_t>;  // event, seat

// The tables as the checks ask for them.
struct Rows {
  std::map<SeatOf, std::vector<const StoredTicket*>> tickets;
  std::map<SeatOf, std::vector<const StoredOrder*>> live;
  explicit Rows(const FinalState& state) {
    for (const StoredTicket& t : state.tickets) tickets[{t.event, t.seat}].push_back(&t);
    for (const StoredOrder& o : state.orders) {
      for (const std::uint32_t seat : o.live_seats) live[{o.event, seat}].push_back(&o);
    }
  }
};

std::string stored(const RedisEvent& event, std::uint32_t seat) {
  const auto found = event.states.find(seat);
  return found == event.states.end() ? "free" : "'" + found->second + "'";
}
SeatState state_of(const RedisEvent& event, std::uint32_t seat) {
  const auto found = event.states.find(seat);
  return found == event.states.end() ? SeatState{} : parse_seat_state(found->second);
}

void tickets_are_sold(const RedisEvent& event, const FinalState& state, InvariantCheck& check) {
  for (const StoredTicket& t : state.tickets) {
    if (t.event != event.event || t.epoch != event.epoch) continue;
    ++check.examined;
    const SeatState seat = state_of(event, t.seat);
    if (seat.kind == 'S' && seat.order == t.order && seat.user == t.user) continue;
    check.fail(fmt::format("{}: user {} has the ticket of order {}, Redis says {}",
                           seat_name(t.event, t.seat), t.user, t.order, stored(event, t.seat)));
  }
}

void pending_orders_are_p(const RedisEvent& event, const FinalState& state, InvariantCheck& check) {
  for (const StoredOrder& o : state.orders) {
    if (o.event != event.event || o.epoch != event.epoch || o.status != "PAYMENT_PENDING") continue;
    for (const std::uint32_t number : o.live_seats) {
      ++check.examined;
      const SeatState seat = state_of(event, number);
      if (seat.kind == 'P' && seat.order == o.id && seat.user == o.user) continue;
      check.fail(fmt::format("{}: order {} of user {} is pending, Redis says {}",
                             seat_name(o.event, number), o.id, o.user, stored(event, number)));
    }
  }
}

void sold_and_pending_have_rows(const RedisEvent& event, const Rows& rows, InvariantCheck& check) {
  for (const auto& [number, text] : event.states) {
    const SeatState seat = parse_seat_state(text);
    if (seat.kind != 'S' && seat.kind != 'P' && seat.kind != '?') continue;
    ++check.examined;
    const auto live = rows.live.find({event.event, number});
    const bool backed = live != rows.live.end() &&
                        std::any_of(live->second.begin(), live->second.end(),
                                    [&seat](const StoredOrder* o) { return o->id == seat.order; });
    if (backed && seat.kind != '?') continue;
    check.fail(fmt::format("{}: Redis says '{}' (user {}, order {}), no live row stands for it",
                           seat_name(event.event, number), text, seat.user, seat.order));
  }
}

void quota_is_the_count(const RedisEvent& event, InvariantCheck& check) {
  std::map<std::uint64_t, std::int64_t> counted;
  std::map<std::uint64_t, std::string> seats;
  for (const auto& [number, text] : event.states) {
    const SeatState seat = parse_seat_state(text);
    if (seat.kind == 'L' || seat.kind == '?') continue;
    ++counted[seat.user];
    seats[seat.user] += fmt::format(" {}", number);
  }
  std::map<std::uint64_t, std::int64_t> all = event.quota;
  for (const auto& [user, count] : counted) all.try_emplace(user, 0);
  for (const auto& [user, quota] : all) {
    ++check.examined;
    const auto found = counted.find(user);
    const std::int64_t count = found == counted.end() ? 0 : found->second;
    if (quota == count) continue;
    check.fail(fmt::format("event {} user {}: the quota counts {}, the seats are {}:{}",
                           event.event, user, quota, count, seats[user]));
  }
}

unsigned cell(const std::string& bitmap, std::uint32_t seat) {
  const std::size_t byte = seat / 4;
  if (byte >= bitmap.size()) return 0;
  // Two bits a seat, the first seat in the highest bits, as BITFIELD lays them out.
  return (static_cast<unsigned char>(bitmap[byte]) >> (6 - 2 * (seat % 4))) & 3U;
}

void bitmap_is_the_states(const RedisEvent& event, InvariantCheck& check) {
  std::uint32_t seats = event.seats;
  if (!event.states.empty()) seats = std::max(seats, event.states.rbegin()->first + 1);
  for (std::uint32_t number = 0; number < seats; ++number) {
    ++check.examined;
    const auto found = event.states.find(number);
    const char kind = found == event.states.end() ? 'f' : parse_seat_state(found->second).kind;
    const unsigned expected = kind == 'f' ? 0 : kind == 'S' ? 2 : kind == 'L' ? 3 : 1;
    const unsigned shown = cell(event.bitmap, number);
    if (shown == expected) continue;
    check.fail(fmt::format("{}: the seat map shows {}, the state is {}",
                           seat_name(event.event, number), shown, stored(event, number)));
  }
}

std::vector<std::uint32_t> seats_of_hold(std::string_view list) {
  std::vector<std::uint32_t> seats;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::uint32_t seat = 0;
    std::from_chars(list.data(), list.data() + std::min(comma, list.size()), seat);
    seats.push_back(seat);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return seats;
}

void hold_records_have_their_seats(const RedisEvent& event, InvariantCheck& check) {
  for (const auto& [id, record] : event.holds) {  // user|exp|fence|seats
    std::array<std::string_view, 4> part{};
    std::string_view rest = record;
    for (std::string_view& p : part) {
      const std::size_t bar = rest.find('|');
      p = rest.substr(0, bar);
      rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
    }
    std::int64_t expires = 0;
    std::from_chars(part[1].data(), part[1].data() + part[1].size(), expires);
    // One whose time is over may have lost a seat already: taking it needs no sweep first.
    if (expires <= event.now_ms) continue;
    ++check.examined;
    for (const std::uint32_t number : seats_of_hold(part[3])) {
      const SeatState seat = state_of(event, number);
      if (seat.kind == 'H' && seat.hold == id && std::to_string(seat.user) == part[0]) continue;
      check.fail(fmt::format("{}: hold {} of user {} has it, the state is {}",
                             seat_name(event.event, number), id, part[0], stored(event, number)));
    }
  }
}

void expiries_are_the_holds(const RedisEvent& event, InvariantCheck& check) {
  for (const auto& [number, text] : event.states) {
    const SeatState seat = parse_seat_state(text);
    if (seat.kind != 'H') continue;
    ++check.examined;
    const auto found = event.expiries.find(number);
    if (found != event.expiries.end() && found->second == seat.expires_ms) continue;
    check.fail(
        fmt::format("{}: the hold of user {} ends at {}, its expiry entry says {}",
                    seat_name(event.event, number), seat.user, seat.expires_ms,
                    found == event.expiries.end() ? "nothing" : std::to_string(found->second)));
  }
  for (const auto& [number, expires] : event.expiries) {
    if (state_of(event, number).kind == 'H') continue;
    ++check.examined;
    check.fail(fmt::format("{}: an expiry entry ({}), but the state is {}",
                           seat_name(event.event, number), expires, stored(event, number)));
  }
}

// Every script of the queue keeps: qw and qa are disjoint, and
//   entered = |qw| + |qa| + ghosts + left + completed + lease_lost.
void queue_balances(const RedisEvent& event, InvariantCheck& check) {
  for (const auto& [user, place] : event.waiting) {
    ++check.examined;
    if (event.admitted.contains(user)) {
      check.fail(fmt::format("event {} user {}: waiting and admitted at once", event.event, user));
    }
  }
  check.examined += event.admitted.size();
  const auto counter = [&event](const char* name) {
    const auto found = event.queue_counters.find(name);
    return found == event.queue_counters.end() ? std::int64_t{0} : found->second;
  };
  const std::int64_t entered = counter("entered");
  const std::int64_t known =
      static_cast<std::int64_t>(event.waiting.size() + event.admitted.size()) + counter("ghosts") +
      counter("left") + counter("completed") + counter("lease_lost");
  check.examined += static_cast<std::uint64_t>(std::max<std::int64_t>(entered, 0));
  if (entered == known) return;
  check.fail(
      fmt::format("event {}: {} entered, but waiting {} + admitted {} + ghosts {} + left {} + "
                  "completed {} + lease lost {} = {}",
                  event.event, entered, event.waiting.size(), event.admitted.size(),
                  counter("ghosts"), counter("left"), counter("completed"), counter("lease_lost"),
                  known),
      static_cast<std::uint64_t>(std::abs(entered - known)));
}

}  // namespace

std::vector<InvariantCheck> stored_row_checks(const FinalState& state) {
  std::vector<InvariantCheck> checks;
  for (const auto& [id, title] : row_checks) {
    InvariantCheck check{id, title, "", 0, 0, {}, ""};
    const auto found = std::find_if(state.sql_checks.begin(), state.sql_checks.end(),
                                    [wanted = id](const SqlCheck& c) { return c.id == wanted; });
    check.not_run = sql_missing(state);
    if (check.not_run.empty() && found == state.sql_checks.end()) {
      check.not_run = "the probe did not ask it";
    }
    if (check.not_run.empty()) {
      check.bad = found->bad;
      check.witnesses = found->samples;
      if (check.witnesses.size() > witnesses_max) check.witnesses.resize(witnesses_max);
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

std::vector<InvariantCheck> redis_checks(const FinalState& state) {
  std::vector<InvariantCheck> checks{
      {"R1", "every ticket's seat is sold in Redis, to the same order", "tickets", 0, 0, {}, ""},
      {"R2", "every pending order's seats are pending in Redis", "pending seats", 0, 0, {}, ""},
      {"R3", "no seat is sold or pending in Redis without a live row", "seats", 0, 0, {}, ""},
      {"R4", "the quota of every user is the count of their seats", "users", 0, 0, {}, ""},
      {"R5", "the seat map shows what the seats' states are", "seats", 0, 0, {}, ""},
      {"R6", "expiry entries and holds agree", "holds", 0, 0, {}, ""},
      {"R7", "nobody is lost or twice in the waiting room", "places", 0, 0, {}, ""}};
  const std::string no_redis = redis_missing(state);
  const std::string no_both = no_redis.empty() ? sql_missing(state) : no_redis;
  for (std::size_t i = 0; i < checks.size(); ++i) checks[i].not_run = i < 3 ? no_both : no_redis;
  if (!no_redis.empty()) return checks;
  const Rows rows(state);
  for (const RedisEvent& event : state.redis) {
    if (no_both.empty()) {
      tickets_are_sold(event, state, checks[0]);
      pending_orders_are_p(event, state, checks[1]);
      sold_and_pending_have_rows(event, rows, checks[2]);
    }
    quota_is_the_count(event, checks[3]);
    bitmap_is_the_states(event, checks[4]);
    expiries_are_the_holds(event, checks[5]);
    hold_records_have_their_seats(event, checks[5]);
    queue_balances(event, checks[6]);
  }
  return checks;
}

namespace {

// Sessions that the end of the run cut off leave orders whose time to pay is not over: those seats
// are taken by rights, and come back by themselves.
bool waits_for_payment(const RedisEvent& event, const Rows& rows, std::uint32_t number) {
  const auto live = rows.live.find({event.event, number});
  if (live == rows.live.end()) return false;
  const auto state = event.states.find(number);
  return state != event.states.end() && parse_seat_state(state->second).kind == 'P' &&
         live->second[0]->status == "PAYMENT_PENDING" && !live->second[0]->overdue;
}

}  // namespace

InvariantCheck undersell_check(const FinalState& state) {
  InvariantCheck check{
      "UNDERSELL", "no seat is lost: each is sold, free, or taken for a time", "seats", 0, 0, {},
      ""};
  check.not_run = sql_missing(state);
  if (check.not_run.empty()) check.not_run = redis_missing(state);
  if (!check.not_run.empty()) return check;
  const Rows rows(state);
  for (const RedisEvent& event : state.redis) {
    check.examined += event.seats;
    std::set<std::uint32_t> seats;
    for (const auto& [number, text] : event.states) {
      const char kind = parse_seat_state(text).kind;
      if (kind != 'L' && kind != 'H') seats.insert(number);  // a hold ends by itself
    }
    for (const auto& [seat, orders] : rows.live) {
      if (seat.first == event.event) seats.insert(seat.second);
    }
    for (const std::uint32_t number : seats) {
      if (rows.tickets.contains({event.event, number})) continue;
      if (waits_for_payment(event, rows, number)) continue;
      const auto live = rows.live.find({event.event, number});
      check.fail(fmt::format("{}: no ticket, but not free: Redis says {}, {}",
                             seat_name(event.event, number), stored(event, number),
                             live == rows.live.end()
                                 ? std::string("no order claims it")
                                 : fmt::format("order {} of user {} is {}", live->second[0]->id,
                                               live->second[0]->user, live->second[0]->status)));
    }
  }
  return check;
}

}  // namespace stampede
