// The MySQL driver against a real server: values, refusals, deadlines, broken connections.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <thread>

#include "tests/integration/target_orders/mysql_fixture.hpp"

namespace boxoffice {
namespace {

using namespace std::chrono_literals;

Task<void> nap(asio::io_context& io, Millis time) {
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer(io, time);
  co_await timer.async_wait(use_task);
}

class MysqlPoolTest : public MysqlFixture {};

Task<Rows> one_statement(MysqlPool& pool, std::string_view sql, std::vector<Cell> parameters = {},
                         Millis time = 5s) {
  auto lease = co_await pool.acquire(in(time));
  auto rows = co_await lease->execute(sql, std::move(parameters));
  co_return rows.value();
}
Task<SqlResult<Rows>> one_result(MysqlPool& pool, std::string_view sql) {
  auto lease = co_await pool.acquire(in(5s));
  co_return co_await lease->execute(sql);
}

TEST_F(MysqlPoolTest, EveryTypeOfCellArrivesAsItIs) {
  sql("CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, small TINYINT, big BIGINT, real_ DOUBLE, "
      "raw BINARY(16), text VARCHAR(300), at_ DATETIME(3), kind ENUM('A','B'), doc JSON, "
      "sum_ DECIMAL(20,0), nothing INT NULL)");
  std::string raw;
  for (int i = 0; i < 16; ++i) raw += static_cast<char>(i * 17);  // 0x00 … 0xff: not UTF-8
  const std::vector<Cell> given{std::uint64_t{18446744073709551615U},
                                std::int64_t{-5},
                                std::int64_t{-9223372036854775807LL},
                                1.5,
                                raw,
                                std::string("좌석 A-12"),
                                std::string("2026-11-21 07:08:09.123"),
                                std::string("B"),
                                std::string("{\"a\": 1}"),
                                std::string("12345678901234567890"),
                                nullptr};
  const auto put =
      run(io, one_statement(*pool, "INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?,?)", given));
  EXPECT_EQ(put.affected, 1U);
  const auto got = run(io, one_statement(*pool, "SELECT * FROM t WHERE raw = ?", {raw}));
  ASSERT_EQ(got.rows.size(), 1U);
  for (std::size_t i = 0; i < given.size(); ++i)
    EXPECT_EQ(got.rows[0][i], given[i]) << "column " << i << ": " << as_string(got.rows[0][i]);
}

Task<Rows> text_query(MysqlPool& pool, std::string sql) {
  auto lease = co_await pool.acquire(in(5s));
  auto rows = co_await lease->query(std::move(sql));
  co_return rows.value();
}

TEST_F(MysqlPoolTest, TheTextProtocolGivesTheSameTypes) {
  const auto got = run(io, text_query(*pool,
                                      "SELECT CAST(7 AS UNSIGNED), -7, 1.5e0, 'x', NULL, "
                                      "CAST('2026-01-02 03:04:05.678' AS DATETIME(3))"));
  ASSERT_EQ(got.rows.size(), 1U);
  EXPECT_EQ(got.rows[0][0], Cell(std::uint64_t{7}));
  EXPECT_EQ(got.rows[0][1], Cell(std::int64_t{-7}));
  EXPECT_EQ(got.rows[0][2], Cell(1.5));
  EXPECT_EQ(got.rows[0][3], Cell(std::string("x")));
  EXPECT_TRUE(is_null(got.rows[0][4]));
  EXPECT_EQ(got.rows[0][5], Cell(std::string("2026-01-02 03:04:05.678")));
}

TEST_F(MysqlPoolTest, LongCellsAreWhole) {
  sql("CREATE TABLE t (id INT PRIMARY KEY, text LONGTEXT)");
  std::string text;
  for (int i = 0; i < 300000; ++i) text += static_cast<char>('a' + i % 23);
  run(io, one_statement(*pool, "INSERT INTO t VALUES (1, ?), (2, 'short')", {text}));
  const auto got = run(io, one_statement(*pool, "SELECT text FROM t ORDER BY id"));
  EXPECT_EQ(got.rows[0][0], Cell(text));
  EXPECT_EQ(got.rows[1][0], Cell(std::string("short")));
}

TEST_F(MysqlPoolTest, SessionsAreReadCommittedStrictAndUtc) {
  const auto got = run(io, one_statement(*pool,
                                         "SELECT @@tx_isolation, @@innodb_lock_wait_timeout, "
                                         "@@time_zone, @@sql_mode, @@character_set_client"));
  EXPECT_EQ(as_string(got.rows[0][0]), "READ-COMMITTED");
  EXPECT_EQ(as_int(got.rows[0][1]), 2);
  EXPECT_EQ(as_string(got.rows[0][2]), "+00:00");
  EXPECT_NE(as_string(got.rows[0][3]).find("STRICT_TRANS_TABLES"), std::string::npos);
  EXPECT_EQ(as_string(got.rows[0][4]), "utf8mb4");
}

TEST_F(MysqlPoolTest, RefusalsOfTheServerAreValues) {
  sql("CREATE TABLE parent (id INT PRIMARY KEY)");
  sql("CREATE TABLE t (id INT PRIMARY KEY, a INT, parent INT NULL, UNIQUE KEY uq_a (a), "
      "CONSTRAINT ck_a CHECK (a < 10), CONSTRAINT fk_p FOREIGN KEY (parent) REFERENCES "
      "parent(id))");
  sql("INSERT INTO t VALUES (1, 1, NULL)");
  const auto primary = run(io, one_result(*pool, "INSERT INTO t VALUES (1, 2, NULL)"));
  ASSERT_TRUE(primary.has_error());
  EXPECT_TRUE(primary.error().duplicate_of("PRIMARY"));
  const auto unique = run(io, one_result(*pool, "INSERT INTO t VALUES (2, 1, NULL)"));
  ASSERT_TRUE(unique.has_error());
  EXPECT_TRUE(unique.error().duplicate_of("uq_a"));
  EXPECT_FALSE(unique.error().duplicate_of("PRIMARY"));
  const auto check = run(io, one_result(*pool, "INSERT INTO t VALUES (3, 11, NULL)"));
  ASSERT_TRUE(check.has_error());
  EXPECT_TRUE(check.error().check_failed());
  EXPECT_NE(check.error().message.find("ck_a"), std::string::npos);
  const auto orphan = run(io, one_result(*pool, "INSERT INTO t VALUES (4, 4, 99)"));
  ASSERT_TRUE(orphan.has_error());
  EXPECT_EQ(orphan.error().number, static_cast<int>(SqlNo::no_parent));
  EXPECT_EQ(pool->open_connections(), 1U);  // none of them cost the connection
}

TEST_F(MysqlPoolTest, WrongStatementsThrow) {
  EXPECT_THROW(run(io, one_statement(*pool, "SELECT * FROM nowhere")), StoreUnavailable);
  EXPECT_THROW(run(io, one_statement(*pool, "SELECT ?")), std::logic_error);
  EXPECT_EQ(as_int(run(io, one_statement(*pool, "SELECT 5")).rows[0][0]), 5);
}

Task<void> add_many(MysqlPool& pool, int times) {
  for (int i = 0; i < times; ++i) {
    auto lease = co_await pool.acquire(in(20s));
    co_await lease->begin();
    const auto row =
        (co_await lease->execute("SELECT n FROM counter WHERE id = 1 FOR UPDATE")).value();
    const auto next = as_int(row.rows[0][0]) + 1;
    (void)(co_await lease->execute("UPDATE counter SET n = ? WHERE id = 1", {next})).value();
    co_await lease->commit();
  }
}
Task<void> all_of(asio::io_context& io, std::vector<Task<void>> tasks) {
  std::size_t left = tasks.size();
  std::exception_ptr first;
  for (auto& task : tasks) {
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr failure) {
      if (failure && !first) first = failure;
      --left;
    });
  }
  while (left > 0) co_await nap(io, 2ms);
  if (first) std::rethrow_exception(first);
}

TEST_F(MysqlPoolTest, MoreUsersThanConnectionsAllCount) {
  sql("CREATE TABLE counter (id INT PRIMARY KEY, n BIGINT)");
  sql("INSERT INTO counter VALUES (1, 0)");
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(add_many(*pool, 25));
  run(io, all_of(io, std::move(tasks)));
  EXPECT_EQ(sql("SELECT n FROM counter")[0][0], "500");
  EXPECT_EQ(pool->open_connections(), pool_size());
}

Task<void> note_turn(MysqlPool& pool, std::vector<int>& order, int who) {
  auto lease = co_await pool.acquire(in(5s));
  order.push_back(who);
  (void)(co_await lease->execute("DO SLEEP(0.02)")).value();
}

TEST_F(MysqlPoolTest, WaitersAreServedInOrder) {
  MysqlPool one(io, config, 1);
  std::vector<int> order;
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 8; ++i) tasks.push_back(note_turn(one, order, i));
  run(io, all_of(io, std::move(tasks)));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

Task<void> wait_in_vain(asio::io_context& io, MysqlPool& one) {
  auto lease = co_await one.acquire(in(5s));
  const auto begun = Clock::now();
  try {
    auto second = co_await one.acquire(in(60ms));
    ADD_FAILURE() << "a pool of one gave two";
  } catch (const StoreUnavailable& gone) {
    EXPECT_EQ(gone.dependency(), "mysql");
  }
  EXPECT_GE(Clock::now() - begun, 55ms);
  lease = {};
  auto third = co_await one.acquire(in(1s));
  EXPECT_EQ(as_int((co_await third->execute("SELECT 3")).value().rows[0][0]), 3);
  (void)io;
}

TEST_F(MysqlPoolTest, AWaiterGivesUpAtItsDeadline) {
  MysqlPool one(io, config, 1);
  run(io, wait_in_vain(io, one));
}

Task<void> deadlock(asio::io_context& io, MysqlPool& pool, std::vector<SqlError>& errors,
                    int first) {
  auto lease = co_await pool.acquire(in(10s));
  co_await lease->begin();
  const std::string_view update = "UPDATE t SET n = n + 1 WHERE id = ?";
  (void)(co_await lease->execute(update, {std::int64_t{first}})).value();
  co_await nap(io, 100ms);
  const auto second = co_await lease->execute(update, {std::int64_t{3 - first}});
  if (!second) {
    errors.push_back(second.error());
    co_await lease->rollback();
  } else {
    co_await lease->commit();
  }
}

TEST_F(MysqlPoolTest, ADeadlockIsARetryableValueForOneOfTwo) {
  sql("CREATE TABLE t (id INT PRIMARY KEY, n INT)");
  sql("INSERT INTO t VALUES (1, 0), (2, 0)");
  std::vector<SqlError> errors;
  std::vector<Task<void>> tasks;
  tasks.push_back(deadlock(io, *pool, errors, 1));
  tasks.push_back(deadlock(io, *pool, errors, 2));
  run(io, all_of(io, std::move(tasks)));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_TRUE(errors[0].retryable());
  EXPECT_EQ(sql("SELECT SUM(n) FROM t")[0][0], "2");
}

Task<void> overrun(MysqlPool& pool) {
  auto lease = co_await pool.acquire(in(80ms));
  (void)co_await lease->execute("INSERT INTO t SELECT 1 FROM DUAL WHERE SLEEP(3) = 0");
}

TEST_F(MysqlPoolTest, TheDeadlineCutsAStatementAndItsConnection) {
  sql("CREATE TABLE t (id INT)");
  const auto begun = Clock::now();
  EXPECT_THROW(run(io, overrun(*pool)), StoreUnavailable);
  EXPECT_LT(Clock::now() - begun, 1s);
  EXPECT_EQ(pool->open_connections(), 0U);
  EXPECT_EQ(as_int(run(io, one_statement(*pool, "SELECT 5")).rows[0][0]), 5);
  EXPECT_EQ(sql("SELECT COUNT(*) FROM t")[0][0], "0");
}

Task<void> leave_open(MysqlPool& pool) {
  auto lease = co_await pool.acquire(in(5s));
  co_await lease->begin();
  (void)(co_await lease->execute("INSERT INTO t VALUES (1)")).value();
}

TEST_F(MysqlPoolTest, WhatALeaseLeavesOpenIsRolledBackBeforeTheNextUser) {
  sql("CREATE TABLE t (id INT)");
  MysqlPool one(io, config, 1);
  run(io, leave_open(one));
  EXPECT_EQ(as_int(run(io, one_statement(one, "SELECT COUNT(*) FROM t")).rows[0][0]), 0);
  EXPECT_EQ(one.open_connections(), 1U);  // the same connection
}

Task<std::uint64_t> connection_id(MysqlPool& pool) {
  auto lease = co_await pool.acquire(in(5s));
  co_return as_uint((co_await lease->execute("SELECT CONNECTION_ID()")).value().rows[0][0]);
}

TEST_F(MysqlPoolTest, ConnectionsAreKeptAndADeadIdleOneIsReplacedUnseen) {
  const auto first = run(io, connection_id(*pool));
  EXPECT_EQ(run(io, connection_id(*pool)), first);
  sql("KILL " + std::to_string(first));
  std::this_thread::sleep_for(50ms);
  const auto second = run(io, connection_id(*pool));  // no exception: it was noticed before use
  EXPECT_NE(second, first);
}

Task<void> killed_inside(MysqlPool& pool, PrivateMariadb& server) {
  auto lease = co_await pool.acquire(in(5s));
  const auto id = as_string((co_await lease->execute("SELECT CONNECTION_ID()")).value().rows[0][0]);
  co_await lease->begin();
  (void)(co_await lease->execute("INSERT INTO t VALUES (1)")).value();
  server.sql("KILL " + id);
  (void)co_await lease->execute("INSERT INTO t VALUES (2)");
}

TEST_F(MysqlPoolTest, AKillInsideATransactionThrowsAndNothingIsStored) {
  sql("CREATE TABLE t (id INT)");
  EXPECT_THROW(run(io, killed_inside(*pool, mariadb())), StoreUnavailable);
  EXPECT_EQ(as_int(run(io, one_statement(*pool, "SELECT COUNT(*) FROM t")).rows[0][0]), 0);
}

Task<void> killed_at_commit(MysqlPool& pool, PrivateMariadb& server) {
  auto lease = co_await pool.acquire(in(5s));
  const auto id = as_string((co_await lease->execute("SELECT CONNECTION_ID()")).value().rows[0][0]);
  co_await lease->begin();
  (void)(co_await lease->execute("INSERT INTO t VALUES (1)")).value();
  server.sql("KILL " + id);
  co_await lease->commit();
}

TEST_F(MysqlPoolTest, AConnectionBrokenAtCommitLeavesTheOutcomeUnknown) {
  sql("CREATE TABLE t (id INT)");
  EXPECT_THROW(run(io, killed_at_commit(*pool, mariadb())), CommitUnknown);
}

TEST_F(MysqlPoolTest, AServerThatWasRestartedIsUsedAgain) {
  sql("CREATE TABLE t (id INT PRIMARY KEY)");
  const std::string_view insert = "INSERT INTO t VALUES (?)";
  run(io, one_statement(*pool, insert, {std::int64_t{1}}));
  mariadb().stop();
  EXPECT_THROW(run(io, one_statement(*pool, insert, {std::int64_t{2}})), StoreUnavailable);
  mariadb().start();
  run(io, one_statement(*pool, insert, {std::int64_t{3}}));  // prepared again on a new connection
  EXPECT_EQ(sql("SELECT GROUP_CONCAT(id) FROM t")[0][0], "1,3");
}

TEST_F(MysqlPoolTest, AReadOnlyServerRefusesByValue) {
  sql("CREATE TABLE t (id INT)");
  mariadb().sql("CREATE USER IF NOT EXISTS plain@'%'");
  mariadb().sql("GRANT INSERT, SELECT ON *.* TO plain@'%'");
  config.mysql_user = "plain";
  MysqlPool plain(io, config, 1);
  mariadb().sql("SET GLOBAL read_only = 1");
  const auto refused = run(io, one_result(plain, "INSERT INTO t VALUES (1)"));
  mariadb().sql("SET GLOBAL read_only = 0");
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().number, static_cast<int>(SqlNo::read_only));
}

TEST_F(MysqlPoolTest, CreatesAMissingDatabase) {
  mariadb().sql("DROP DATABASE `" + database() + "`");
  EXPECT_THROW(run(io, one_statement(*pool, "SELECT 1")), StoreUnavailable);
  run(io, pool->create_database(in(5s)));
  EXPECT_EQ(as_int(run(io, one_statement(*pool, "SELECT 1")).rows[0][0]), 1);
}

// The io_context and everything on it may go while statements run: nothing may be left behind.
TEST_F(MysqlPoolTest, MayBeDestroyedInTheMiddleOfAStatement) {
  auto other = std::make_unique<asio::io_context>(1);
  auto short_lived = std::make_unique<MysqlPool>(*other, config, 2);
  bool ended = false;
  asio::co_spawn(*other, one_statement(*short_lived, "SELECT SLEEP(3)"),
                 [&](const std::exception_ptr&, Rows) { ended = true; });
  other->run_for(100ms);
  short_lived.reset();
  const auto begun = Clock::now();
  other.reset();
  EXPECT_FALSE(ended);
  EXPECT_LT(Clock::now() - begun, 1s);
}

}  // namespace
}  // namespace boxoffice
