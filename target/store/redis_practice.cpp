// The board of a practice room on Redis. Keys carry the cycle, so nothing is reset and nothing
// races; they die by themselves three periods later.
#include "target/faults.hpp"
#include "target/practice_parts.hpp"
#include "target/service/instant.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

constexpr std::size_t restored_per_call = 1000;
constexpr int cycle_tries_max = 3;
constexpr int periods_kept = 3;

std::string cycle_key(const PracticeRoom& room, std::uint64_t cycle, std::string_view suffix) {
  return fmt::format("{{p{}.{}}}:{}", room.id, cycle, suffix);
}
std::vector<std::string> cycle_keys(const PracticeRoom& room, std::uint64_t cycle,
                                    std::initializer_list<const char*> suffixes) {
  std::vector<std::string> keys;
  for (const char* suffix : suffixes) keys.push_back(cycle_key(room, cycle, suffix));
  return keys;
}
std::vector<std::string> tree_key(const PracticeRoom& room) {
  std::vector<std::string> keys{fmt::format("{{pr{}}}:ph", room.id)};
  return keys;
}

std::uint64_t cycle_now(const PracticeRoom& room) {
  const auto now = wall_clock().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(now).count() /
                                    room.period_ms);
}

std::string ttl_of(const PracticeRoom& room) {
  return std::to_string(room.period_ms * periods_kept);
}

No refusal_of(const PracticeTry& wanted, const RedisReply& reply, std::int64_t next_ms) {
  const std::string_view word = reply.elements.at(0).str();
  No no;
  if (word == "EARLY") {
    no.refusal = Refusal::window_closed;
    no.retry_after_ms = reply.elements.at(1).number();
    no.opens_at = rfc3339(next_ms);
  } else if (word == "TAKEN") {
    no.refusal = Refusal::seat_held;
    no.detail = fmt::format("seat {} is taken", wanted.seat);
    no.seat = wanted.seat;
    no.seat_state = "SOLD";
  } else if (word == "QUOTA") {
    no.refusal = Refusal::quota_exceeded;
    no.detail = "one seat for one person in a cycle";
  } else if (word == "NOSEAT") {
    no.refusal = Refusal::seat_unknown;
  } else if (word == "FENCED") {
    no.refusal = Refusal::forbidden;
  } else if (word == "REBUILD") {
    no.refusal = Refusal::rebuilding;
    no.retry_after_ms = 200;
  } else {
    throw StoreUnavailable("redis", fmt::format("practice: unexpected answer {}", word));
  }
  return no;
}

class RedisPracticeBoards final : public PracticeBoards {
 public:
  RedisPracticeBoards(RedisClient& redis, Metrics& metrics) : redis_(redis), metrics_(metrics) {}

  Task<Decision<PracticeSeat>> take(PracticeRoomPtr room, PracticeTry wanted) override;
  Task<void> undo(PracticeRoomPtr room, std::uint64_t cycle, PracticeTry taken,
                  UndoKeeps keeps) override;
  Task<PracticeBoard> look(PracticeRoomPtr room) override;
  Task<void> restore(PracticeRoomPtr room, std::uint64_t cycle, TakenSeats taken) override;
  Task<std::optional<PracticeRank>> rank(PracticeRoomPtr room, std::int64_t duration_ms,
                                         bool add) override;
  Task<void> restore_ranks(PracticeRoomPtr room, DurationCounts counts) override;

 private:
  Task<RedisReply> run(Script script, std::vector<std::string> keys,
                       std::vector<std::string> arguments);
  RedisClient& redis_;
  Metrics& metrics_;
};

Task<RedisReply> RedisPracticeBoards::run(Script script, std::vector<std::string> keys,
                                          std::vector<std::string> arguments) {
  const TimePoint start = Clock::now();
  RedisReply reply =
      co_await redis_.eval(script, std::move(keys), std::move(arguments), start + redis_time_limit);
  metrics_.redis_script(script_name(script), Clock::now() - start);
  co_return reply;
}

// Our clock only guesses which cycle it is; the script says when the guess is wrong.
Task<Decision<PracticeSeat>> RedisPracticeBoards::take(PracticeRoomPtr room, PracticeTry wanted) {
  std::uint64_t cycle = cycle_now(*room);
  for (int attempt = 0; attempt < cycle_tries_max; ++attempt) {
    std::vector<std::string> arguments{
        std::to_string(wanted.user),     std::to_string(wanted.seat),
        std::to_string(room->period_ms), std::to_string(room->open_ms),
        std::to_string(room->seats()),   std::to_string(cycle),
        std::to_string(wanted.fence)};
    const RedisReply reply =
        co_await run(Script::practice, cycle_keys(*room, cycle, {"ps", "pu", "pb", "pf", "pm"}),
                     std::move(arguments));
    const std::string_view word = reply.elements.at(0).str();
    if (word == "OK") co_return PracticeSeat{cycle, reply.elements.at(1).number()};
    if (word != "CYCLE") {
      const auto next_ms = static_cast<std::int64_t>(cycle + 1) * room->period_ms;
      co_return refusal_of(wanted, reply, next_ms);
    }
    cycle = static_cast<std::uint64_t>(reply.elements.at(1).number());
  }
  throw StoreUnavailable("redis", "practice: the cycle changes faster than it can be named");
}

Task<void> RedisPracticeBoards::undo(PracticeRoomPtr room, std::uint64_t cycle, PracticeTry taken,
                                     UndoKeeps keeps) {
  const char* kept = "";
  if (keeps == UndoKeeps::seat) kept = "seat";
  if (keeps == UndoKeeps::user) kept = "user";
  std::vector<std::string> arguments{std::to_string(taken.user), std::to_string(taken.seat), kept};
  (void)co_await run(Script::practice_undo, cycle_keys(*room, cycle, {"ps", "pu", "pb"}),
                     std::move(arguments));
}

Task<PracticeBoard> RedisPracticeBoards::look(PracticeRoomPtr room) {
  std::uint64_t cycle = cycle_now(*room);
  PracticeBoard board;
  for (int attempt = 0; attempt < cycle_tries_max; ++attempt) {
    std::vector<RedisCall> calls(2);
    calls[0].words = {"TIME"};
    calls[1].words = {"GET", cycle_key(*room, cycle, "pb")};
    const auto replies = co_await redis_.pipeline(std::move(calls), redis_deadline());
    board.now_ms = time_of(replies.at(0));
    board.cycle = static_cast<std::uint64_t>(board.now_ms / room->period_ms);
    board.bits = replies.at(1).text;
    if (board.cycle == cycle) break;
    cycle = board.cycle;
  }
  board.bits.resize((room->seats() + 3) / 4, '\0');
  co_return board;
}

Task<void> RedisPracticeBoards::restore(PracticeRoomPtr room, std::uint64_t cycle,
                                        TakenSeats taken) {
  std::size_t start = 0;
  do {
    const std::size_t end = std::min(taken.size(), start + restored_per_call);
    std::vector<std::string> arguments{ttl_of(*room), std::to_string((room->seats() + 3) / 4),
                                       end == taken.size() ? "1" : "0"};
    for (std::size_t i = start; i < end; ++i) {
      arguments.push_back(std::to_string(taken[i].first));
      arguments.push_back(std::to_string(taken[i].second));
    }
    (void)co_await run(Script::practice_restore, cycle_keys(*room, cycle, {"ps", "pu", "pb", "pm"}),
                       std::move(arguments));
    start = end;
  } while (start < taken.size());
}

Task<std::optional<PracticeRank>> RedisPracticeBoards::rank(PracticeRoomPtr room,
                                                            std::int64_t duration_ms, bool add) {
  std::vector<std::string> arguments{std::to_string(room->open_ms), std::to_string(duration_ms),
                                     add ? "1" : "0"};
  const RedisReply reply =
      co_await run(Script::practice_rank, tree_key(*room), std::move(arguments));
  if (reply.elements.size() != 2) co_return std::nullopt;
  co_return PracticeRank{static_cast<std::uint64_t>(reply.elements[0].integer),
                         static_cast<std::uint64_t>(reply.elements[1].integer)};
}

Task<void> RedisPracticeBoards::restore_ranks(PracticeRoomPtr room, DurationCounts counts) {
  std::vector<std::string> arguments{std::to_string(room->open_ms)};
  for (const auto& [duration, count] : counts) {
    arguments.push_back(std::to_string(duration));
    arguments.push_back(std::to_string(count));
  }
  (void)co_await run(Script::practice_ranks, tree_key(*room), std::move(arguments));
}

}  // namespace

std::unique_ptr<PracticeBoards> make_practice_boards(RedisClient& redis, Metrics& metrics) {
  return std::make_unique<RedisPracticeBoards>(redis, metrics);
}

}  // namespace boxoffice
