// What the MySQL suites share: one private server per test program, a pool on an io_context, and a
// way to run a coroutine to its end.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "target/config.hpp"
#include "target/store/mysql.hpp"
#include "tests/support/private_mariadb.hpp"

namespace boxoffice {

inline PrivateMariadb& mariadb() {
  static PrivateMariadb server;
  return server;
}

// Runs `task` on `io` and gives its value; what it throws is thrown here.
template <class T>
T run(asio::io_context& io, Task<T> task) {
  std::exception_ptr failure;
  std::optional<T> value;
  asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T result) {
    failure = error;
    value = std::move(result);
    io.stop();
  });
  io.restart();
  io.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*value);
}
inline void run(asio::io_context& io, Task<void> task) {
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(task), [&](std::exception_ptr error) {
    failure = error;
    io.stop();
  });
  io.restart();
  io.run();
  if (failure) std::rethrow_exception(failure);
}

inline TimePoint in(Millis time) { return Clock::now() + time; }

class MysqlFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!PrivateMariadb::installed()) GTEST_SKIP() << "MariaDB is not installed";
  }
  void SetUp() override {
    if (!PrivateMariadb::installed()) GTEST_SKIP() << "MariaDB is not installed";
    config.mysql_port = mysql_port();
    config.mysql_database = database();
    mariadb().sql("DROP DATABASE IF EXISTS `" + database() + "`");
    mariadb().sql("CREATE DATABASE `" + database() + "` CHARACTER SET utf8mb4");
    pool = std::make_unique<MysqlPool>(io, config, pool_size());
  }
  virtual std::uint16_t mysql_port() { return mariadb().port(); }
  virtual std::uint32_t pool_size() const { return 4; }
  static std::string database() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    return std::string(test->test_suite_name()) + "_" + test->name();
  }
  std::vector<std::vector<std::string>> sql(const std::string& statement) {
    return mariadb().sql(statement, database());
  }

  asio::io_context io{1};
  Config config;
  std::unique_ptr<MysqlPool> pool;
};

}  // namespace boxoffice
