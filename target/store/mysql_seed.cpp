#include "target/store/mysql_seed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "target/service/wall_time.hpp"
#include "target/store/mysql_events.hpp"

namespace boxoffice {

namespace {

constexpr std::int64_t day_ms = 86400000;
constexpr std::int64_t sale_days_default = 30;
constexpr std::int64_t already_open_ms = 1000;  // how long ago a sale "now" was opened

// SplitMix64: the same number for the same seed, whatever was made before.
std::uint64_t mixed(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

// Of `count` shares of `rows` rows, front to back, the one that `row` is in.
std::size_t share_of(std::uint32_t row, std::uint32_t rows, std::size_t count) {
  return static_cast<std::size_t>(row) * count / rows;
}

}  // namespace

std::string row_label(std::uint32_t row) {
  std::string label;
  for (std::uint64_t rest = std::uint64_t{row} + 1; rest > 0; rest = (rest - 1) / 26)
    label.insert(label.begin(), static_cast<char>('A' + (rest - 1) % 26));
  return label;
}

std::string seed_login(std::uint64_t seed, const SeedUsers& users, std::uint32_t index) {
  return fmt::format("{}-{}-{}-{:06}", users.prefix, seed, users.count, index);
}

std::string users_batch(std::uint64_t seed, const SeedUsers& users, std::uint64_t first_id,
                        std::uint32_t begin) {
  // '!' is no hash of any password: seeded users come with tokens and cannot log in.
  std::string sql = "INSERT INTO users (id, login, nickname, birth_date, pw_hash) VALUES ";
  const std::uint32_t end = std::min(users.count, begin + seed_batch_rows);
  for (std::uint32_t i = begin; i < end; ++i) {
    const std::uint64_t draw = mixed(seed, i);
    fmt::format_to(std::back_inserter(sql), "{}({},'{}','fan{:08x}','{}-{:02}-{:02}','!')",
                   i == begin ? "" : ",", first_id + i, seed_login(seed, users, i),
                   draw & 0xFFFFFFFFU, 1950 + (draw >> 32) % 58, 1 + (draw >> 40) % 12,
                   1 + (draw >> 48) % 28);
  }
  return sql;
}

std::string seats_batch(const SeedEvent& event, std::uint64_t id, std::uint32_t begin) {
  std::string sql =
      "INSERT INTO seats (event_id, seat_no, section, row_label, col_no, grade) VALUES ";
  const std::uint32_t seats = event.rows * event.columns;
  const std::uint32_t end = std::min(seats, begin + seed_batch_rows);
  for (std::uint32_t seat = begin; seat < end; ++seat) {
    const std::uint32_t row = seat / event.columns;
    fmt::format_to(std::back_inserter(sql), "{}({},{},'{}','{}',{},'{}')", seat == begin ? "" : ",",
                   id, seat, event.sections[share_of(row, event.rows, event.sections.size())],
                   row_label(row), seat % event.columns + 1,
                   event.grades[share_of(row, event.rows, event.grades.size())].first);
  }
  return sql;
}

Task<SqlResult<SeededUsers>> insert_users(MysqlConnection& connection, std::uint64_t seed,
                                          const SeedUsers& users) {
  const auto newest = co_await connection.query("SELECT COALESCE(MAX(id), 0) FROM users");
  if (!newest) co_return newest.error();
  // Ids of our own, so that they are without gaps; who else took them meanwhile is a duplicate.
  const std::uint64_t first = as_uint(newest->rows.at(0).at(0)) + 1;
  for (std::uint32_t begin = 0; begin < users.count; begin += seed_batch_rows) {
    const auto made = co_await connection.query(users_batch(seed, users, first, begin));
    if (!made) co_return made.error();
  }
  co_return SeededUsers{first, users.count};
}

Task<SqlResult<std::uint64_t>> insert_event(MysqlConnection& connection, const SeedEvent& event,
                                            std::uint64_t venue) {
  const std::int64_t now = wall_clock_ms();
  const std::int64_t open = event.sale_open_ms.value_or(now - already_open_ms);
  const std::int64_t close = event.sale_close_ms.value_or(open + sale_days_default * day_ms);
  const std::uint32_t seats = event.rows * event.columns;
  std::vector<Cell> row{venue == 0 ? Cell(nullptr) : Cell(venue),
                        event.title,
                        event.mode,
                        std::string(open <= now ? "ON_SALE" : "SCHEDULED"),
                        sql_time(close + day_ms),
                        sql_time(open),
                        sql_time(close),
                        std::uint64_t{seats},
                        std::uint64_t{event.rows},
                        std::uint64_t{event.columns},
                        std::uint64_t{event.max_per_user},
                        event.hold_ttl_ms,
                        std::uint64_t{event.queue.on ? 1U : 0U},
                        queue_column(event.queue)};
  const auto made = co_await connection.execute(
      "INSERT INTO events (venue_id, title, mode, status, starts_at, sale_open_at, sale_close_at, "
      "seat_count, seat_rows, seat_columns, max_per_user, hold_ttl_ms, queue_on, queue) "
      "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      std::move(row));
  if (!made) co_return made.error();
  const std::uint64_t id = made->insert_id;
  for (const auto& [grade, price] : event.grades) {
    std::vector<Cell> cells{id, std::string(1, grade), std::uint64_t{price}};
    const auto priced = co_await connection.execute(
        "INSERT INTO seat_grades (event_id, grade, price) VALUES (?,?,?)", std::move(cells));
    if (!priced) co_return priced.error();
  }
  for (std::uint32_t begin = 0; begin < seats; begin += seed_batch_rows) {
    const auto seated = co_await connection.query(seats_batch(event, id, begin));
    if (!seated) co_return seated.error();
  }
  co_return SqlResult<std::uint64_t>(boost::system::in_place_value, id);
}

}  // namespace boxoffice
