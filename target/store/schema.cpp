#include "target/store/schema.hpp"

namespace boxoffice {

namespace {

constexpr auto schema_time = std::chrono::seconds(60);

bool only_space(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Altering tables takes turns between instances. The lock is the connection's: it is given back
// below, and by the server if the connection breaks.
Task<void> lock_schema(MysqlConnection& connection) {
  const auto got =
      co_await connection.query("SELECT GET_LOCK(CONCAT('boxoffice.schema.', DATABASE()), 30)");
  if (as_int(got.value().rows.at(0).at(0)) != 1)
    throw StoreUnavailable("mysql", "another instance holds the schema's lock");
}

Task<void> unlock_schema(MysqlConnection& connection) {
  const auto freed =
      co_await connection.query("SELECT RELEASE_LOCK(CONCAT('boxoffice.schema.', DATABASE()))");
  if (!freed) throw_sql_error(freed.error());
}

}  // namespace

std::vector<std::string> sql_statements(std::string_view text) {
  std::vector<std::string> statements;
  std::string statement;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      statement += c;
      if (c == quote) quote = 0;
    } else if (text.substr(i, 2) == "--") {
      i = std::min(text.find('\n', i), text.size());
      statement += '\n';
    } else if (c == ';') {
      if (!only_space(statement)) statements.push_back(statement);
      statement.clear();
    } else {
      if (c == '\'' || c == '`' || c == '"') quote = c;
      statement += c;
    }
  }
  if (!only_space(statement)) statements.push_back(statement);
  return statements;
}

// Subtle: the lock outlives a failed statement, so it is given back before anything is thrown; else
// the connection would take it along into the pool.
Task<void> apply_schema(MysqlPool& pool) {
  const TimePoint deadline = Clock::now() + schema_time;
  co_await pool.create_database(deadline);
  auto lease = co_await pool.acquire(deadline);
  co_await lock_schema(*lease);
  SqlResult<Rows> made = Rows{};
  for (std::string& statement : sql_statements(schema_text())) {
    made = co_await lease->query(std::move(statement));
    if (!made) break;
  }
  co_await unlock_schema(*lease);
  if (!made) throw_sql_error(made.error());
}

Task<SqlResult<Rows>> alter_guards(MysqlPool& pool, bool on) {
  auto lease = co_await pool.acquire(Clock::now() + schema_time);
  co_await lock_schema(*lease);
  const auto found = co_await lease->query(
      "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() "
      "AND table_name = 'order_seats' AND index_name = 'uq_seat_live'");
  const bool is_on = found && as_int(found->rows.at(0).at(0)) > 0;
  SqlResult<Rows> altered = Rows{};
  // The plain key in its place keeps the queries as fast as they were: only the promise is gone.
  if (!found) {
    altered = found.error();
  } else if (is_on && !on) {
    altered = co_await lease->query(
        "ALTER TABLE order_seats DROP INDEX uq_seat_live, "
        "ADD INDEX ix_seat_live (event_id, epoch, seat_no, live)");
  } else if (!is_on && on) {
    altered = co_await lease->query(
        "ALTER TABLE order_seats DROP INDEX ix_seat_live, "
        "ADD UNIQUE KEY uq_seat_live (event_id, epoch, seat_no, live)");
  }
  co_await unlock_schema(*lease);
  co_return altered;
}

Task<void> apply_guards(MysqlPool& pool, bool on) {
  const auto altered = co_await alter_guards(pool, on);
  if (!altered) throw_sql_error(altered.error());
}

}  // namespace boxoffice
