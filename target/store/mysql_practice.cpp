// Practice rooms and their records in MySQL. Two unique keys are the guarantee: a seat once and a
// person once in each cycle.
#include <fmt/format.h>

#include "target/practice_parts.hpp"
#include "target/store/mysql_transaction.hpp"

namespace boxoffice {

namespace {

constexpr std::uint32_t accounts_per_insert = 1000;

#define ROOM_COLUMNS \
  "id,title,period_ms,open_ms,seat_rows,seat_columns,bots,first_bot,bot_users,reaction_ms"

std::uint32_t as_u32(const Cell& cell) { return static_cast<std::uint32_t>(as_uint(cell)); }

PracticeRoomPtr room_of(const std::vector<Cell>& row) {
  auto room = std::make_shared<PracticeRoom>();
  room->id = as_uint(row[0]);
  room->title = as_string(row[1]);
  room->period_ms = as_int(row[2]);
  room->open_ms = as_int(row[3]);
  room->rows = as_u32(row[4]);
  room->columns = as_u32(row[5]);
  room->bots = as_u32(row[6]);
  room->first_bot = as_uint(row[7]);
  room->bot_users = as_u32(row[8]);
  room->reaction_ms = as_int(row[9]);
  return room;
}

PracticeRecord record_of(const std::vector<Cell>& row) {
  PracticeRecord record;
  record.id = as_uint(row[0]);
  record.room = as_uint(row[1]);
  record.cycle = as_uint(row[2]);
  record.user = as_uint(row[3]);
  record.seat = as_u32(row[4]);
  record.duration_ms = as_int(row[5]);
  record.bot = as_uint(row[6]) != 0;
  return record;
}

class MysqlPractice final : public PracticeStore {
 public:
  MysqlPractice(MysqlPool& pool, Metrics& metrics) : place_{pool, metrics} {}

  Task<PracticeRoomPtr> find(std::uint64_t room) override;
  Task<std::vector<PracticeRoomPtr>> all() override;
  Task<PracticeRoomPage> page(std::uint32_t page, std::uint32_t size) override;
  Task<std::uint64_t> create(PracticeRoom room) override;
  Task<bool> set_bots(std::uint64_t room, std::uint32_t bots) override;
  Task<RecordStored> store(PracticeRecord& record) override;
  Task<std::optional<PracticeRecord>> record(std::uint64_t room, std::uint64_t id) override;
  Task<std::vector<PracticeRecord>> leaderboard(std::uint64_t room, std::uint32_t count) override;
  Task<TakenSeats> taken(std::uint64_t room, std::uint64_t cycle) override;
  Task<DurationCounts> durations(std::uint64_t room) override;
  Task<std::uint64_t> people_records(std::uint64_t room) override;

 private:
  Task<Rows> read(std::string_view sql, std::vector<Cell> cells);
  TransactionPlace place_;
};

Task<Rows> MysqlPractice::read(std::string_view sql, std::vector<Cell> cells) {
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  co_return rows_or_throw(co_await connection->execute(sql, std::move(cells)));
}

Task<PracticeRoomPtr> MysqlPractice::find(std::uint64_t room) {
  std::vector<Cell> cells{room};
  const Rows rows =
      co_await read("SELECT " ROOM_COLUMNS " FROM practice_rooms WHERE id=?", std::move(cells));
  PracticeRoomPtr found;
  if (!rows.rows.empty()) found = room_of(rows.rows[0]);
  co_return found;
}

Task<std::vector<PracticeRoomPtr>> MysqlPractice::all() {
  const Rows rows = co_await read("SELECT " ROOM_COLUMNS " FROM practice_rooms ORDER BY id", {});
  std::vector<PracticeRoomPtr> rooms;
  for (const auto& row : rows.rows) rooms.push_back(room_of(row));
  co_return rooms;
}

Task<PracticeRoomPage> MysqlPractice::page(std::uint32_t page, std::uint32_t size) {
  std::vector<Cell> cells{std::uint64_t{size}, std::uint64_t{page} * size};
  const Rows rows =
      co_await read("SELECT " ROOM_COLUMNS " FROM practice_rooms ORDER BY id DESC LIMIT ? OFFSET ?",
                    std::move(cells));
  PracticeRoomPage found;
  for (const auto& row : rows.rows) found.items.push_back(room_of(row));
  const Rows all = co_await read("SELECT COUNT(*) FROM practice_rooms", {});
  found.total = as_uint(all.rows.at(0).at(0));
  co_return found;
}

Task<std::uint64_t> MysqlPractice::create(PracticeRoom room) {
  const std::uint32_t bots = room.bots;
  std::vector<Cell> cells{room.title,
                          room.period_ms,
                          room.open_ms,
                          std::uint64_t{room.rows},
                          std::uint64_t{room.columns},
                          room.reaction_ms};
  const Rows made = co_await read(
      "INSERT INTO practice_rooms (title,period_ms,open_ms,seat_rows,seat_columns,reaction_ms) "
      "VALUES (?,?,?,?,?,?)",
      std::move(cells));
  co_await set_bots(made.insert_id, bots);
  co_return made.insert_id;
}

// The row lock lets one make accounts at a time. They are made anew when there are too few: those
// of one room lie side by side, so that a bot is a number.
Task<bool> MysqlPractice::set_bots(std::uint64_t room, std::uint32_t bots) {
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  co_await connection->begin();
  std::vector<Cell> of_room{room};
  const Rows rows = rows_or_throw(co_await connection->execute(
      "SELECT " ROOM_COLUMNS " FROM practice_rooms WHERE id=? FOR UPDATE", std::move(of_room)));
  if (rows.rows.empty()) co_return false;
  PracticeRoom now = *room_of(rows.rows[0]);
  if (bots > now.bot_users) {
    const Rows newest =
        rows_or_throw(co_await connection->execute("SELECT COALESCE(MAX(id),0) FROM users"));
    now.first_bot = as_uint(newest.rows.at(0).at(0)) + 1;
    now.bot_users = bots;
    for (std::uint32_t begin = 0; begin < bots; begin += accounts_per_insert) {
      std::string values;
      for (std::uint32_t i = begin; i < std::min(bots, begin + accounts_per_insert); ++i) {
        fmt::format_to(std::back_inserter(values), "{}({},'bot-{}-{}-{}','bot {}','!',1)",
                       values.empty() ? "" : ",", now.first_bot + i, room, bots, i, i + 1);
      }
      rows_or_throw(co_await connection->query(
          "INSERT INTO users (id,login,nickname,pw_hash,is_bot) VALUES " + values));
    }
  }
  std::vector<Cell> cells{std::uint64_t{bots}, now.first_bot, std::uint64_t{now.bot_users}, room};
  rows_or_throw(co_await connection->execute(
      "UPDATE practice_rooms SET bots=?,first_bot=?,bot_users=? WHERE id=?", std::move(cells)));
  co_await connection->commit();
  co_return true;
}

Task<RecordStored> MysqlPractice::store(PracticeRecord& record) {
  const TransactionTimer timer(place_.metrics, "practice");
  std::vector<Cell> cells{record.room,        record.cycle,
                          record.user,        std::uint64_t{record.seat},
                          record.duration_ms, std::uint64_t{record.bot ? 1U : 0U}};
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  const auto made = co_await connection->execute(
      "INSERT INTO practice_records (room_id,cycle_id,user_id,seat_no,duration_ms,is_bot) VALUES "
      "(?,?,?,?,?,?)",
      std::move(cells));
  if (!made && made.error().duplicate_of("uq_pr_seat")) co_return RecordStored::seat_taken;
  if (!made && made.error().duplicate_of("uq_pr_user")) co_return RecordStored::user_served;
  if (!made) throw_sql_error(made.error());
  record.id = made->insert_id;
  co_return RecordStored::done;
}

Task<std::optional<PracticeRecord>> MysqlPractice::record(std::uint64_t room, std::uint64_t id) {
  std::vector<Cell> cells{id, room};
  const Rows rows = co_await read(
      "SELECT id,room_id,cycle_id,user_id,seat_no,duration_ms,is_bot FROM practice_records WHERE "
      "id=? AND room_id=?",
      std::move(cells));
  if (rows.rows.empty()) co_return std::nullopt;
  co_return record_of(rows.rows[0]);
}

Task<std::vector<PracticeRecord>> MysqlPractice::leaderboard(std::uint64_t room,
                                                             std::uint32_t count) {
  std::vector<Cell> cells{room, std::uint64_t{count}};
  const Rows rows = co_await read(
      "SELECT id,room_id,cycle_id,user_id,seat_no,duration_ms,is_bot FROM practice_records WHERE "
      "room_id=? AND is_bot=0 ORDER BY duration_ms,id LIMIT ?",
      std::move(cells));
  std::vector<PracticeRecord> records;
  for (const auto& row : rows.rows) records.push_back(record_of(row));
  co_return records;
}

Task<TakenSeats> MysqlPractice::taken(std::uint64_t room, std::uint64_t cycle) {
  std::vector<Cell> cells{room, cycle};
  const Rows rows =
      co_await read("SELECT seat_no,user_id FROM practice_records WHERE room_id=? AND cycle_id=?",
                    std::move(cells));
  TakenSeats taken;
  for (const auto& row : rows.rows) taken.emplace_back(as_u32(row[0]), as_uint(row[1]));
  co_return taken;
}

Task<DurationCounts> MysqlPractice::durations(std::uint64_t room) {
  std::vector<Cell> cells{room};
  const Rows rows = co_await read(
      "SELECT duration_ms,COUNT(*) FROM practice_records WHERE room_id=? AND is_bot=0 GROUP BY "
      "duration_ms",
      std::move(cells));
  DurationCounts counts;
  for (const auto& row : rows.rows) counts.emplace_back(as_int(row[0]), as_uint(row[1]));
  co_return counts;
}

Task<std::uint64_t> MysqlPractice::people_records(std::uint64_t room) {
  std::vector<Cell> cells{room};
  const Rows rows = co_await read(
      "SELECT COUNT(*) FROM practice_records WHERE room_id=? AND is_bot=0", std::move(cells));
  co_return as_uint(rows.rows.at(0).at(0));
}

}  // namespace

std::unique_ptr<PracticeStore> make_practice_store(MysqlPool& mysql, Metrics& metrics) {
  return std::make_unique<MysqlPractice>(mysql, metrics);
}

}  // namespace boxoffice
