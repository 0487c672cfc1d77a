// The defect seatmap_keys_scan: the seat map put together seat by seat, as systems do that keep a
// key for each seat: a walk over all keys of Redis to find the event's, and then one question after
// the other for each seat that is not free. The content is that of the one bitmap read; what it
// costs grows with the keys of everybody and with the seats that are taken. Here only to prove that
// the harness sees it.
#include "target/service/seat_map.hpp"
#include "target/store/redis_seat_holds.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

constexpr const char* keys_per_step = "10";  // what SCAN gives by itself

// As the bitmap has it: 1 held or pending, 2 sold, 3 locked.
std::uint8_t code_of(std::string_view state) {
  if (state.starts_with('S')) return 2;
  return state.starts_with('L') ? 3 : 1;
}

}  // namespace

// All keys of Redis are walked over, whosever they are; true: the event's marker was among them.
Task<bool> RedisSeatHolds::marker_by_scan(EventPtr event) {
  const std::string marker = event_key(event->id, event->epoch, "ok");
  bool found = false;
  std::string cursor = "0";
  do {
    std::vector<std::string> words{
        "SCAN", cursor, "MATCH", event_key(event->id, event->epoch, "*"), "COUNT", keys_per_step};
    const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
    if (reply.elements.size() != 2) throw StoreUnavailable("redis", "scan: " + reply.text);
    cursor = reply.elements[0].text;
    for (const RedisReply& key : reply.elements[1].elements) found = found || key.str() == marker;
  } while (cursor != "0");
  co_return found;
}

Task<Decision<SeatStates>> RedisSeatHolds::states_by_scan(EventPtr event) {
  const std::string states_key = event_key(event->id, event->epoch, "st");
  std::vector<std::string> version{"GET", event_key(event->id, event->epoch, "vr")};
  SeatStates states;
  const RedisReply now = co_await redis_.command(std::move(version), redis_deadline());
  states.version = static_cast<std::uint64_t>(now.number());
  states.bitmap.resize((event->seat_count + 3) / 4, '\0');
  const bool marked = co_await marker_by_scan(event);
  if (!marked) {
    No no;
    no.refusal = Refusal::rebuilding;
    no.retry_after_ms = rebuild_retry_ms;
    co_return no;
  }
  std::vector<std::string> names{"HKEYS", states_key};
  const RedisReply taken = co_await redis_.command(std::move(names), redis_deadline());
  for (const RedisReply& seat : taken.elements) {
    std::vector<std::string> one{"HGET", states_key, seat.text};
    const RedisReply state = co_await redis_.command(std::move(one), redis_deadline());
    if (state.is_nil()) continue;  // freed since
    set_seat_state(states.bitmap, static_cast<std::uint32_t>(seat.number()), code_of(state.str()));
  }
  co_return states;
}

}  // namespace boxoffice
