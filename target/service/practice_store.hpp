// Where practice rooms live: the board in Redis, which decides a try, and the records in MySQL.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"

namespace boxoffice {

// A room opens at the start of every period (of the epoch, so at :00 when it is a minute) for
// `open_ms`. Each cycle begins with all seats free.
struct PracticeRoom {
  std::uint64_t id = 0;
  std::string title;
  std::int64_t period_ms = 60000, open_ms = 15000;
  std::uint32_t rows = 10, columns = 10;
  std::uint32_t bots = 0;  // of `bot_users`, users first_bot, first_bot + 1, …
  std::uint64_t first_bot = 0;
  std::uint32_t bot_users = 0;
  std::int64_t reaction_ms = 600;  // median of the bots'

  [[nodiscard]] std::uint32_t seats() const noexcept { return rows * columns; }
};
using PracticeRoomPtr = std::shared_ptr<const PracticeRoom>;

struct PracticeTry {
  std::uint64_t user = 0;
  std::uint32_t seat = 0;
  std::uint64_t fence = 0;  // of the bots' engine; 0: a person
};
struct PracticeSeat {
  std::uint64_t cycle = 0;
  std::int64_t duration_ms = 0;  // since the cycle began, by Redis' clock
};
struct PracticeBoard {
  std::int64_t now_ms = 0;  // Redis' clock
  std::uint64_t cycle = 0;
  std::string bits;  // 2 per seat: 0 free, 2 taken
};
struct PracticeRank {
  std::uint64_t not_above = 0, all = 0;  // records of people with a duration up to mine; of all
};
struct PracticeRecord {
  std::uint64_t id = 0, room = 0, cycle = 0, user = 0;
  std::uint32_t seat = 0;
  std::int64_t duration_ms = 0;
  bool bot = false;
};
enum class UndoKeeps : std::uint8_t { nothing, seat, user };
using DurationCounts = std::vector<std::pair<std::int64_t, std::uint64_t>>;
using TakenSeats = std::vector<std::pair<std::uint32_t, std::uint64_t>>;  // seat and user

// Redis. All throw StoreUnavailable("redis").
class PracticeBoards {
 public:
  virtual ~PracticeBoards() = default;
  // Refusals: window_closed, seat_unknown, seat_held, quota_exceeded; forbidden: the fence is old;
  // rebuilding: the records of this cycle (in retry_after_ms: none) must be written first.
  virtual Task<Decision<PracticeSeat>> take(PracticeRoomPtr room, PracticeTry wanted) = 0;
  virtual Task<void> undo(PracticeRoomPtr room, std::uint64_t cycle, PracticeTry taken,
                          UndoKeeps keeps) = 0;
  virtual Task<PracticeBoard> look(PracticeRoomPtr room) = 0;
  virtual Task<void> restore(PracticeRoomPtr room, std::uint64_t cycle, TakenSeats taken) = 0;
  // Adds the duration (`add`) and tells its rank; nullopt: there is no tree.
  virtual Task<std::optional<PracticeRank>> rank(PracticeRoomPtr room, std::int64_t duration_ms,
                                                 bool add) = 0;
  virtual Task<void> restore_ranks(PracticeRoomPtr room, DurationCounts counts) = 0;
};

struct PracticeRoomPage {
  std::vector<PracticeRoomPtr> items;
  std::uint64_t total = 0;
};
enum class RecordStored : std::uint8_t { done, seat_taken, user_served };

// MySQL. All throw StoreUnavailable("mysql").
class PracticeStore {
 public:
  virtual ~PracticeStore() = default;
  virtual Task<PracticeRoomPtr> find(std::uint64_t room) = 0;  // null: no such room
  virtual Task<std::vector<PracticeRoomPtr>> all() = 0;
  virtual Task<PracticeRoomPage> page(std::uint32_t page, std::uint32_t size) = 0;  // newest first
  // With its bots' accounts; the room's id.
  virtual Task<std::uint64_t> create(PracticeRoom room) = 0;
  // Makes accounts when there are too few; false: no such room.
  virtual Task<bool> set_bots(std::uint64_t room, std::uint32_t bots) = 0;
  // Fills in the record's id.
  virtual Task<RecordStored> store(PracticeRecord& record) = 0;
  virtual Task<std::optional<PracticeRecord>> record(std::uint64_t room, std::uint64_t id) = 0;
  virtual Task<std::vector<PracticeRecord>> leaderboard(std::uint64_t room,
                                                        std::uint32_t count) = 0;
  virtual Task<TakenSeats> taken(std::uint64_t room, std::uint64_t cycle) = 0;
  virtual Task<DurationCounts> durations(std::uint64_t room) = 0;  // of people
  virtual Task<std::uint64_t> people_records(std::uint64_t room) = 0;
};

}  // namespace boxoffice
