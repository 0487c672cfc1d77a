// The bots of practice rooms, and the watch over the rooms' trees of durations. However many
// instances run, one of them acts for a room: it holds the lease, and every try carries the lease's
// fence, so that an engine that slept through its lease takes no seat any more. A bot is an account
// of its own: who takes over in the middle of a cycle cannot make it act twice.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "target/log.hpp"
#include "target/practice_parts.hpp"
#include "target/service/practice.hpp"
#include "target/service/seat_map.hpp"
#include "target/service/wall_time.hpp"
#include "target/worker/worker_loop.hpp"

namespace boxoffice {

namespace {

constexpr Millis turn_every{20}, rooms_every{1000}, ranks_every{5000};
constexpr Millis lease_time{2000}, lease_renew{500}, board_age_max{50};
constexpr double reaction_sigma = 0.5;                       // of the lognormal
constexpr double choose_min_ms = 800, choose_max_ms = 6000;  // a seat is looked for
constexpr double again_min_ms = 300, again_max_ms = 800;     // after a lost one
constexpr std::uint32_t tries_max = 5;

struct Bot {
  std::uint64_t user = 0;
  std::int64_t due_ms = 0;  // since the cycle began
  std::uint32_t tries = 0;
};

struct Engine {
  PracticeRoomPtr room;
  std::uint64_t fence = 0;
  TimePoint lease_until, lease_again;
  std::uint64_t cycle = 0;
  std::vector<Bot> bots;  // of the cycle, who still have to act; by due time
  PracticeBoard board;
  TimePoint looked;
};

class PracticeWorkers {
 public:
  explicit PracticeWorkers(ThreadContext& thread)
      : thread_(thread),
        store_(make_practice_store(thread.mysql, thread.metrics)),
        boards_(make_practice_boards(thread.redis, thread.metrics)),
        hall_(thread.io, *store_, *boards_, thread.metrics),
        random_(std::random_device{}()) {}

  Task<Millis> find_rooms();
  Task<Millis> act();
  Task<Millis> mend();

 private:
  using EnginePtr = std::shared_ptr<Engine>;
  std::vector<EnginePtr> all() const {
    std::vector<EnginePtr> list;
    for (const auto& [room, engine] : engines_) list.push_back(engine);
    return list;
  }
  static std::string lease_of(const Engine& engine) {
    return fmt::format("bots:{}", engine.room->id);
  }
  Task<bool> ours(EnginePtr engine);
  void plan(Engine& engine);
  Task<void> turn(EnginePtr engine);
  Task<void> attempt(EnginePtr engine, Bot bot);
  std::optional<std::uint32_t> free_seat(const Engine& engine);

  ThreadContext& thread_;
  std::unique_ptr<PracticeStore> store_;
  std::unique_ptr<PracticeBoards> boards_;
  PracticeHall hall_;
  std::mt19937_64 random_;
  std::map<std::uint64_t, EnginePtr> engines_;  // by room
};

Task<Millis> PracticeWorkers::find_rooms() {
  std::map<std::uint64_t, EnginePtr> found;
  for (const PracticeRoomPtr& room : co_await store_->all()) {
    const auto known = engines_.find(room->id);
    auto engine = known == engines_.end() ? std::make_shared<Engine>() : known->second;
    const bool more = engine->room && engine->room->bots != room->bots;
    engine->room = room;
    if (more) engine->cycle = 0;  // planned anew
    found[room->id] = std::move(engine);
  }
  engines_ = std::move(found);
  co_return rooms_every;
}

Task<bool> PracticeWorkers::ours(EnginePtr engine) {
  const TimePoint now = Clock::now();
  if (now < engine->lease_again) co_return now < engine->lease_until;
  engine->lease_again = now + lease_renew;
  const auto fence = co_await thread_.leases.acquire(lease_of(*engine), lease_time);
  thread_.metrics.gauge("lease_owner", "name", lease_of(*engine), fence ? 1 : 0);
  if (!fence) co_return Clock::now() < engine->lease_until;
  if (*fence != engine->fence) engine->cycle = 0;  // a new reign: planned anew
  engine->fence = *fence;
  engine->lease_until = now + lease_time;
  co_return true;
}

// Reaction, then the search for a seat: a person's times, so that the room feels real.
void PracticeWorkers::plan(Engine& engine) {
  const PracticeRoom& room = *engine.room;
  std::lognormal_distribution<double> reaction(std::log(static_cast<double>(room.reaction_ms)),
                                               reaction_sigma);
  std::uniform_real_distribution<double> choose(choose_min_ms, choose_max_ms);
  engine.bots.clear();
  for (std::uint32_t i = 0; i < std::min(room.bots, room.bot_users); ++i) {
    const double due = reaction(random_) + choose(random_);
    // A short window (a test's) is used as a whole; a long one as people use it.
    const double scale = std::min(1.0, static_cast<double>(room.open_ms) / 15000.0);
    engine.bots.push_back({room.first_bot + i, static_cast<std::int64_t>(due * scale), 0});
  }
  std::ranges::sort(engine.bots, {}, &Bot::due_ms);
}

Task<Millis> PracticeWorkers::act() {
  for (const EnginePtr& engine : all()) {
    if (engine->room->bots == 0) continue;
    const bool mine = co_await ours(engine);
    if (mine) co_await turn(engine);
  }
  co_return turn_every;
}

// Our clock only decides when a bot tries; whether the room is open, the script's.
Task<void> PracticeWorkers::turn(EnginePtr engine) {
  const std::int64_t now = wall_clock_ms();
  const PracticeRoomPtr room = engine->room;
  const auto cycle = static_cast<std::uint64_t>(now / room->period_ms);
  if (cycle != engine->cycle) {
    engine->cycle = cycle;
    plan(*engine);
  }
  const std::int64_t at = now % room->period_ms;
  if (at >= room->open_ms) engine->bots.clear();
  std::vector<Bot> due;
  const auto later =
      std::ranges::find_if(engine->bots, [at](const Bot& b) { return b.due_ms > at; });
  due.assign(engine->bots.begin(), later);
  engine->bots.erase(engine->bots.begin(), later);
  for (const Bot& bot : due) {
    if (thread_.stop.stop_requested() || Clock::now() >= engine->lease_until) break;
    co_await attempt(engine, bot);
  }
}

std::optional<std::uint32_t> PracticeWorkers::free_seat(const Engine& engine) {
  std::vector<std::uint32_t> free;
  for (std::uint32_t seat = 0; seat < engine.room->seats(); ++seat) {
    if (seat_state(engine.board.bits, seat) == 0) free.push_back(seat);
  }
  if (free.empty()) return std::nullopt;
  std::uniform_int_distribution<std::size_t> pick(0, free.size() - 1);
  return free[pick(random_)];
}

Task<void> PracticeWorkers::attempt(EnginePtr engine, Bot bot) {
  if (Clock::now() - engine->looked > board_age_max) {
    engine->board = co_await boards_->look(engine->room);
    engine->looked = Clock::now();
  }
  const auto seat = free_seat(*engine);
  if (!seat) co_return;
  const auto done = co_await hall_.confirm(engine->room->id, {bot.user, *seat, engine->fence});
  if (done) {
    thread_.metrics.count("practice_bots");
    co_return;
  }
  const Refusal refusal = done.error().refusal;
  if (refusal == Refusal::forbidden) engine->lease_until = Clock::now();  // fenced off
  if (refusal != Refusal::seat_held || ++bot.tries >= tries_max) co_return;
  std::uniform_real_distribution<double> again(again_min_ms, again_max_ms);
  bot.due_ms += static_cast<std::int64_t>(again(random_));
  const auto place = std::ranges::lower_bound(engine->bots, bot.due_ms, {}, &Bot::due_ms);
  engine->bots.insert(place, bot);
}

// While a room is open records are on their way, so the tree is looked at when it is closed.
Task<Millis> PracticeWorkers::mend() {
  for (const EnginePtr& engine : all()) {
    const PracticeRoomPtr room = engine->room;
    const bool quiet = wall_clock_ms() % room->period_ms >= room->open_ms;
    const bool short_room = room->open_ms * 2 > room->period_ms;
    if (!quiet && !short_room) continue;
    if (co_await hall_.mend_ranks(room)) thread_.metrics.count("practice_ranks_written");
  }
  co_return ranks_every;
}

}  // namespace

std::shared_ptr<void> spawn_practice_workers(ThreadContext& thread) {
  auto workers = std::make_shared<PracticeWorkers>(thread);
  const WorkerPlace place{thread.io, thread.metrics, thread.stop};
  spawn_loop(place, "practice_rooms", workers, [at = workers.get()] { return at->find_rooms(); });
  spawn_loop(place, "practice_bots", workers, [at = workers.get()] { return at->act(); });
  spawn_loop(place, "practice_ranks", workers, [at = workers.get()] { return at->mend(); });
  return workers;
}

}  // namespace boxoffice
