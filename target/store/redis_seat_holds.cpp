#include "target/store/redis_seat_holds.hpp"

#include <charconv>

#include "target/parts.hpp"
#include "target/service/hold_id.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

constexpr std::int64_t directory_grace_ms = 60000;
constexpr std::int64_t never_ms = 365LL * 86'400'000;  // of the defect expire_never
constexpr std::int64_t pending_retry_ms = 1000;

std::string str(std::integral auto number) { return std::to_string(number); }

std::uint64_t to_unsigned(const RedisReply& reply) {
  return static_cast<std::uint64_t>(reply.number());
}

// The refusals that several scripts share, by the first word of the answer.
No refusal_of(const RedisReply& reply) {
  const std::string_view word = reply.elements.at(0).str();
  const auto argument = [&reply] { return reply.elements.at(1).number(); };
  No no;
  if (word == "GONE") {
    no.refusal = Refusal::hold_expired;
  } else if (word == "FORBIDDEN" || word == "FOREIGN") {
    no.refusal = Refusal::forbidden;
  } else if (word == "REBUILD") {
    no.refusal = Refusal::rebuilding;
    no.retry_after_ms = rebuild_retry_ms;
  } else if (word == "EARLY") {
    no.refusal = Refusal::sale_not_open;
    no.retry_after_ms = argument();
  } else if (word == "CLOSED") {
    no.refusal = Refusal::sale_ended;
  } else if (word == "NOPASS") {
    no.refusal = Refusal::pass_expired;
  } else if (word == "NOTIN") {
    no.refusal = Refusal::not_admitted;
  } else if (word == "QUOTA") {
    no.refusal = Refusal::quota_exceeded;
    no.detail = fmt::format("{} seats are yours already", argument());
  } else if (word == "NOSEAT") {
    no.refusal = Refusal::seat_unknown;
    no.seat = argument();
    no.seat_state = "UNKNOWN";
    no.detail = fmt::format("there is no seat {}", no.seat);
  } else if (word == "TAKEN") {
    no = seat_taken(static_cast<std::uint32_t>(argument()), reply.elements.at(2).str().at(0));
  } else {
    throw StoreUnavailable("redis", fmt::format("unexpected answer {}", word));
  }
  return no;
}

bool is_ok(const RedisReply& reply) { return reply.elements.at(0).str() == "OK"; }

}  // namespace

std::vector<std::uint32_t> read_seat_list(std::string_view list) {
  std::vector<std::uint32_t> seats;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at < end) {
    std::uint32_t seat = 0;
    const auto [next, error] = std::from_chars(at, end, seat);
    if (error != std::errc{}) break;
    seats.push_back(seat);
    at = next + 1;
  }
  return seats;
}

std::string write_seat_list(const std::vector<std::uint32_t>& seats) {
  return fmt::format("{}", fmt::join(seats, ","));
}

No seat_taken(std::uint32_t seat, char kind) {
  No no;
  no.seat = seat;
  if (kind == 'S') {
    no.refusal = Refusal::seat_sold;
    no.seat_state = "SOLD";
    no.detail = fmt::format("seat {} is sold", seat);
  } else if (kind == 'L') {
    no.refusal = Refusal::seat_locked;
    no.seat_state = "LOCKED";
    no.detail = fmt::format("seat {} is not for sale", seat);
  } else {
    no.refusal = Refusal::seat_held;
    no.seat_state = "HELD";
    no.detail = fmt::format("seat {} is held", seat);
  }
  return no;
}

RedisSeatHolds::RedisSeatHolds(RedisClient& redis, const Switches& switches, Metrics& metrics)
    : redis_(redis), switches_(switches), metrics_(metrics), mirror_(make_seat_mirror(redis)) {}

Task<RedisReply> RedisSeatHolds::run(Script script, EventPtr event,
                                     std::vector<std::string> arguments, std::uint64_t slide_user) {
  std::vector<RedisCall> calls(slide_user == 0 ? 1 : 2);
  calls[0].script = script;
  calls[0].keys = script == Script::hold ? hold_keys(event->id, event->epoch)
                                         : seat_keys(event->id, event->epoch);
  calls[0].words = std::move(arguments);
  if (slide_user != 0) {
    calls[1].script = Script::q_look;
    calls[1].keys = queue_keys(event->id, event->epoch);
    calls[1].words = {str(slide_user), "1", str(event->queue.lease_ms)};
  }
  const TimePoint start = Clock::now();
  std::vector<RedisReply> replies =
      co_await redis_.pipeline(std::move(calls), start + redis_time_limit);
  metrics_.redis_script(script_name(script), Clock::now() - start);
  if (replies[0].kind == RedisReply::Kind::error)
    throw StoreUnavailable("redis", fmt::format("{}: {}", script_name(script), replies[0].text));
  co_return std::move(replies[0]);
}

Task<Decision<Hold>> RedisSeatHolds::take(EventPtr event, Hold wanted, std::int64_t ttl_ms,
                                          bool check_admitted) {
  if (switches_.hold_check_then_set) {
    co_return co_await take_in_two_steps(std::move(event), std::move(wanted), ttl_ms,
                                         check_admitted);
  }
  const std::int64_t kept_longer_ms = switches_.expire_never ? never_ms : 0;
  std::vector<RedisCall> calls(1);
  calls[0].script = Script::hold;
  calls[0].keys = hold_keys(event->id, event->epoch);
  calls[0].words = {str(wanted.user),
                    wanted.id,
                    str(ttl_ms + kept_longer_ms),
                    str(event->max_per_user),
                    str(event->sale_open_ms),
                    str(event->sale_close_ms),
                    str(event->seat_count),
                    check_admitted ? "1" : "0",
                    str(event->queue.lease_ms),
                    str(wanted.pass_end_ms),
                    str(wanted.pass_issued_ms)};
  for (const std::uint32_t seat : wanted.seats) calls[0].words.push_back(str(seat));
  // The directory entry is set before the outcome is known: without a hold it leads to a 410.
  if (!event_of_hold_id(wanted.id) || switches_.release_without_owner) {
    RedisCall entry;
    entry.words = {"SET",
                   "hold:" + wanted.id,
                   fmt::format("{}:{}", event->id, write_seat_list(wanted.seats)),
                   "NX",
                   "PX",
                   str(ttl_ms + directory_grace_ms)};
    calls.push_back(std::move(entry));
  }
  const TimePoint start = Clock::now();
  const std::vector<RedisReply> replies =
      co_await redis_.pipeline(std::move(calls), start + redis_time_limit);
  metrics_.redis_script("hold", Clock::now() - start);
  const RedisReply& reply = replies[0];
  if (reply.kind != RedisReply::Kind::array) throw StoreUnavailable("redis", "hold: " + reply.text);
  const std::string_view word = reply.elements.at(0).str();
  metrics_.count("hold", "result", word);
  if (word != "OK" && word != "AGAIN") {
    No no = refusal_of(reply);
    if (check_admitted && no.refusal == Refusal::seat_held) co_await count_loss(event, wanted.user);
    co_return no;
  }
  const std::vector<std::uint32_t> held = read_seat_list(reply.elements.at(3).str());
  if (!std::ranges::is_permutation(held, wanted.seats)) {
    No no;
    no.refusal = Refusal::idempotency_key_reused;
    no.detail = "this hold has other seats";
    co_return no;
  }
  wanted.event = event->id;
  wanted.epoch = event->epoch;
  wanted.expires_ms = reply.elements.at(1).number() - kept_longer_ms;
  wanted.fence = to_unsigned(reply.elements.at(2));
  wanted.now_ms = reply.elements.at(4).number();
  wanted.again = word == "AGAIN";
  co_return wanted;
}

// Only where the event sends losers back to the tail of its queue.
Task<void> RedisSeatHolds::count_loss(EventPtr event, std::uint64_t user) {
  if (!event->queue.requeue) co_return;
  std::vector<std::string> arguments{str(user), str(requeue_losses)};
  const RedisReply reply =
      co_await redis_.eval(Script::q_requeue, requeue_keys(event->id, event->epoch),
                           std::move(arguments), redis_deadline());
  if (reply.integer > 0) metrics_.count("requeued");
}

Task<Decision<Hold>> RedisSeatHolds::find(EventPtr event, std::string hold_id, std::uint64_t user) {
  std::vector<RedisCall> calls(event->queue.on ? 3 : 2);
  calls[0].words = {"HGET", event_key(event->id, event->epoch, "hd"), hold_id};
  calls[1].words = {"TIME"};
  if (event->queue.on) {
    calls[2].script = Script::q_look;
    calls[2].keys = queue_keys(event->id, event->epoch);
    calls[2].words = {str(user), "1", str(event->queue.lease_ms)};
  }
  const auto replies = co_await redis_.pipeline(std::move(calls), redis_deadline());
  No gone;
  gone.refusal = Refusal::hold_expired;
  if (replies[0].kind != RedisReply::Kind::string) co_return gone;
  // user|exp|fence|seats
  std::string_view record = replies[0].str();
  std::array<std::string_view, 3> fields;
  for (std::string_view& field : fields) {
    const std::size_t bar = std::min(record.find('|'), record.size());
    field = record.substr(0, bar);
    record.remove_prefix(std::min(bar + 1, record.size()));
  }
  const auto number = [](std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  Hold hold;
  hold.id = std::move(hold_id);
  hold.user = number(fields[0]);
  hold.event = event->id;
  hold.epoch = event->epoch;
  hold.expires_ms = static_cast<std::int64_t>(number(fields[1]));
  hold.fence = number(fields[2]);
  hold.seats = read_seat_list(record);
  if (hold.user != user) {
    No no;
    no.refusal = Refusal::forbidden;
    co_return no;
  }
  const std::int64_t now =
      replies[1].elements.at(0).number() * 1000 + replies[1].elements.at(1).number() / 1000;
  if (hold.expires_ms <= now) co_return gone;
  hold.now_ms = now;
  co_return hold;
}

Task<Decision<std::int64_t>> RedisSeatHolds::extend(EventPtr event, std::string hold_id,
                                                    std::uint64_t user, std::int64_t add_ms) {
  std::vector<std::string> arguments{str(user), std::move(hold_id), str(add_ms),
                                     str(event->hold_ttl_ms)};
  const std::uint64_t slide = event->queue.on ? user : 0;
  const RedisReply reply = co_await run(Script::extend, event, std::move(arguments), slide);
  if (!is_ok(reply)) co_return refusal_of(reply);
  co_return reply.elements.at(1).number();
}

// Only for the defect release_without_owner: the seats of a hold whose record is gone already.
Task<std::vector<std::string>> RedisSeatHolds::seats_of_old_hold(std::string hold_id) {
  std::vector<std::string> get{"GET", "hold:" + hold_id};
  const RedisReply entry = co_await redis_.command(std::move(get), redis_deadline());
  std::vector<std::string> seats;
  const std::size_t colon = entry.str().find(':');
  if (colon == std::string_view::npos) co_return seats;
  for (const std::uint32_t seat : read_seat_list(entry.str().substr(colon + 1)))
    seats.push_back(str(seat));
  co_return seats;
}

Task<Decision<std::uint32_t>> RedisSeatHolds::release(EventPtr event, std::string hold_id,
                                                      std::uint64_t user) {
  const bool anyone = switches_.release_without_owner;
  std::vector<std::string> arguments{str(user), hold_id, anyone ? "1" : "0"};
  if (anyone) {
    std::vector<std::string> seats = co_await seats_of_old_hold(hold_id);
    for (std::string& seat : seats) arguments.push_back(std::move(seat));
  }
  const std::uint64_t slide = event->queue.on ? user : 0;
  const RedisReply reply = co_await run(Script::release, event, std::move(arguments), slide);
  if (!is_ok(reply)) co_return refusal_of(reply);
  co_return static_cast<std::uint32_t>(reply.elements.at(1).number());
}

Task<Decision<Hold>> RedisSeatHolds::pend(EventPtr event, std::string hold_id, std::uint64_t user,
                                          std::uint64_t order) {
  std::vector<std::string> arguments{str(user), hold_id, str(order),
                                     switches_.hold_check_then_set ? "1" : "0"};
  const std::uint64_t slide = event->queue.on ? user : 0;
  const RedisReply reply = co_await run(Script::pend, event, std::move(arguments), slide);
  if (reply.elements.at(0).str() == "PENDING") {
    No no;
    no.refusal = Refusal::in_progress;
    no.retry_after_ms = pending_retry_ms;
    co_return no;
  }
  if (!is_ok(reply)) co_return refusal_of(reply);
  Hold hold;
  hold.id = std::move(hold_id);
  hold.user = user;
  hold.event = event->id;
  hold.epoch = event->epoch;
  hold.fence = to_unsigned(reply.elements.at(1));
  hold.seats = read_seat_list(reply.elements.at(2).str());
  hold.expires_ms = reply.elements.at(3).number();
  co_return hold;
}

Task<void> RedisSeatHolds::unpend(EventPtr event, const Hold& hold, std::uint64_t order) {
  if (switches_.leak_on_rollback) co_return;
  std::vector<std::string> arguments{str(order), str(hold.user), hold.id};
  for (const std::uint32_t seat : hold.seats) arguments.push_back(str(seat));
  const RedisReply reply = co_await run(Script::unpend, event, std::move(arguments), 0);
}

Task<void> RedisSeatHolds::settle(std::uint64_t event, std::uint32_t epoch, std::uint64_t order,
                                  std::uint64_t user, bool sold, std::vector<std::uint32_t> seats) {
  std::vector<std::string> arguments{str(order), str(user), sold ? "S" : "A"};
  for (const std::uint32_t seat : seats) arguments.push_back(str(seat));
  const TimePoint start = Clock::now();
  const RedisReply reply = co_await redis_.eval(Script::settle, seat_keys(event, epoch),
                                                std::move(arguments), start + redis_time_limit);
  metrics_.redis_script("settle", Clock::now() - start);
}

Task<Decision<SeatStates>> RedisSeatHolds::states(EventPtr event) {
  if (switches_.seatmap_keys_scan) co_return co_await states_by_scan(std::move(event));
  std::vector<RedisCall> calls(3);
  // The version is read first: a change in between is in the bitmap and comes again as an event.
  calls[0].words = {"GET", event_key(event->id, event->epoch, "vr")};
  calls[1].words = {"GET", event_key(event->id, event->epoch, "bm")};
  calls[2].words = {"EXISTS", event_key(event->id, event->epoch, "ok")};
  auto replies = co_await redis_.pipeline(std::move(calls), redis_deadline());
  if (replies[2].integer == 0) {
    No no;
    no.refusal = Refusal::rebuilding;
    no.retry_after_ms = rebuild_retry_ms;
    co_return no;
  }
  SeatStates states;
  states.version = to_unsigned(replies[0]);
  states.bitmap = std::move(replies[1].text);
  states.bitmap.resize((event->seat_count + 3) / 4, '\0');
  co_return states;
}

Task<std::uint32_t> RedisSeatHolds::sweep(std::uint64_t event, std::uint32_t epoch) {
  constexpr std::int64_t batch = 500;
  std::uint32_t freed = 0;
  for (std::int64_t examined = batch; examined >= batch;) {
    std::vector<std::string> arguments{str(batch)};
    const RedisReply reply = co_await redis_.eval(Script::sweep, seat_keys(event, epoch),
                                                  std::move(arguments), redis_deadline());
    examined = reply.elements.at(0).number();
    freed += static_cast<std::uint32_t>(reply.elements.at(1).number());
  }
  co_return freed;
}

std::unique_ptr<SeatHolds> make_seat_holds(RedisClient& redis, const Switches& switches,
                                           Metrics& metrics) {
  return std::make_unique<RedisSeatHolds>(redis, switches, metrics);
}

}  // namespace boxoffice
