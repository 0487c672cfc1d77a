// The defect hold_check_then_set: looks at the seats in one call and takes them in another, as
// systems without scripts do. Between the two, others look as well: a seat gets two owners. Here
// only to prove that the harness sees it.
#include <charconv>

#include "target/store/redis_seat_holds.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

RedisCall words(std::vector<std::string> list) {
  RedisCall call;
  call.words = std::move(list);
  return call;
}

// The expiry in "H:user:hold:exp:fence"; 0 for any other state.
std::int64_t expiry_of(std::string_view state) {
  if (!state.starts_with("H:")) return 0;
  for (int skip = 0; skip < 3; ++skip) state.remove_prefix(state.find(':') + 1);
  std::int64_t value = 0;
  std::from_chars(state.data(), state.data() + state.size(), value);
  return value;
}

No plain(Refusal refusal) {
  No no;
  no.refusal = refusal;
  return no;
}

std::vector<RedisCall> set_calls(const Hold& hold) {
  const auto key = [&hold](std::string_view suffix) {
    return event_key(hold.event, hold.epoch, suffix);
  };
  const std::string exp = std::to_string(hold.expires_ms), fence = std::to_string(hold.fence);
  const std::string user = std::to_string(hold.user), list = write_seat_list(hold.seats);
  std::vector<RedisCall> calls;
  for (const std::uint32_t number : hold.seats) {
    const std::string seat = std::to_string(number);
    calls.push_back(
        words({"HSET", key("st"), seat, fmt::format("H:{}:{}:{}:{}", user, hold.id, exp, fence)}));
    calls.push_back(words({"BITFIELD", key("bm"), "SET", "u2", "#" + seat, "1"}));
    calls.push_back(words({"ZADD", key("ex"), exp, seat}));
  }
  calls.push_back(words({"HINCRBY", key("uq"), user, std::to_string(hold.seats.size())}));
  calls.push_back(
      words({"HSET", key("hd"), hold.id, fmt::format("{}|{}|{}|{}", user, exp, fence, list)}));
  calls.push_back(
      words({"XADD", key("ev"), "MAXLEN", "~", "20000", "*", "f", fence, "k", "1", "s", list}));
  calls.push_back(
      words({"SET", "hold:" + hold.id, fmt::format("{}:{}", hold.event, list), "PX", "660000"}));
  return calls;
}

}  // namespace

Task<Decision<Hold>> RedisSeatHolds::take_in_two_steps(EventPtr event, Hold wanted,
                                                       std::int64_t ttl_ms, bool check_admitted) {
  wanted.event = event->id;
  wanted.epoch = event->epoch;
  const auto key = [&event](std::string_view suffix) {
    return event_key(event->id, event->epoch, suffix);
  };
  std::vector<std::string> look{"HMGET", key("st")};
  for (const std::uint32_t seat : wanted.seats) {
    No no = plain(Refusal::seat_unknown);
    no.seat = seat;
    if (seat >= event->seat_count) co_return no;
    look.push_back(std::to_string(seat));
  }
  std::vector<RedisCall> calls;
  calls.push_back(words({"EXISTS", key("ok")}));
  calls.push_back(words({"TIME"}));
  calls.push_back(words({"HGET", key("uq"), std::to_string(wanted.user)}));
  calls.push_back(words({"ZSCORE", key("qa"), std::to_string(wanted.user)}));
  calls.push_back(words(std::move(look)));
  const auto seen = co_await redis_.pipeline(std::move(calls), redis_deadline());
  const std::int64_t now =
      seen[1].elements.at(0).number() * 1000 + seen[1].elements.at(1).number() / 1000;
  if (seen[0].integer == 0) co_return plain(Refusal::rebuilding);
  if (now < event->sale_open_ms) co_return plain(Refusal::sale_not_open);
  if (event->sale_close_ms > 0 && now >= event->sale_close_ms) co_return plain(Refusal::sale_ended);
  if (check_admitted && seen[3].is_nil()) co_return plain(Refusal::not_admitted);
  for (std::size_t i = 0; i < wanted.seats.size(); ++i) {
    const RedisReply& state = seen[4].elements.at(i);
    if (!state.is_nil() && !(expiry_of(state.str()) > 0 && expiry_of(state.str()) <= now))
      co_return seat_taken(wanted.seats[i], state.str().empty() ? 'H' : state.str()[0]);
  }
  if (seen[2].number() + static_cast<std::int64_t>(wanted.seats.size()) > event->max_per_user)
    co_return plain(Refusal::quota_exceeded);

  // The gap: one more round trip, in which the others look too.
  std::vector<std::string> increment{"INCR", key("vr")};
  const RedisReply fence = co_await redis_.command(std::move(increment), redis_deadline());
  wanted.fence = static_cast<std::uint64_t>(fence.number());
  wanted.expires_ms = now + ttl_ms;
  wanted.now_ms = now;
  (void)co_await redis_.pipeline(set_calls(wanted), redis_deadline());
  metrics_.count("hold", "result", "OK");
  co_return wanted;
}

}  // namespace boxoffice
