// MariaDB/MySQL on Connector/C's non-blocking API, driven by this thread's io_context. A pool of
// long-lived connections per thread; statements are prepared once per connection on first use.
// Sessions run READ COMMITTED with innodb_lock_wait_timeout = 2, in UTC and strict mode.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "target/config.hpp"
#include "target/domain/task.hpp"
#include "target/domain/unavailable.hpp"
#include "target/service/circuit_breaker.hpp"

namespace boxoffice {

// A parameter or a cell. Unsigned 64-bit ids go as uint64. Binary strings are std::string too, and
// so are the results DATETIME ("2026-01-02 03:04:05.678"), DECIMAL (SUM of integers), ENUM and
// JSON.
using Cell = std::variant<std::nullptr_t, std::int64_t, std::uint64_t, double, std::string>;

struct Rows {
  std::vector<std::vector<Cell>> rows;
  std::uint64_t affected = 0;  // rows changed, not rows matched
  std::uint64_t insert_id = 0;
};
// Numbers as they are; text is read as a decimal number; NULL and anything else is 0.
std::uint64_t as_uint(const Cell& cell);
std::int64_t as_int(const Cell& cell);
std::string as_string(const Cell& cell);  // "" for NULL; numbers in decimal
[[nodiscard]] inline bool is_null(const Cell& cell) noexcept { return cell.index() == 0; }

// What the server said no with; only these numbers are values, everything else throws
// StoreUnavailable("mysql"). 1792 and 1836 (read-only too) are reported as 1290.
enum class SqlNo : std::uint16_t {
  duplicate = 1062,
  check_failed = 3819,
  check_failed_mariadb = 4025,
  deadlock = 1213,
  lock_timeout = 1205,
  no_parent = 1452,
  read_only = 1290
};
struct SqlError {
  std::uint16_t number = 0;
  std::string message;  // names the key of a 1062 and the constraint of a 3819, 4025
  [[nodiscard]] bool duplicate() const noexcept { return number == 1062; }
  [[nodiscard]] bool duplicate_of(std::string_view key) const noexcept {
    return duplicate() && message.find(key) != std::string::npos;
  }
  [[nodiscard]] bool check_failed() const noexcept { return number == 3819 || number == 4025; }
  [[nodiscard]] bool retryable() const noexcept { return number == 1213 || number == 1205; }
};
[[noreturn]] void throw_sql_error(const SqlError& error);  // StoreUnavailable("mysql")
[[noreturn]] inline void throw_exception_from_error(const SqlError& error,
                                                    const boost::source_location&) {
  throw_sql_error(error);
}
template <class T>
using SqlResult = boost::system::result<T, SqlError>;

class MysqlConnection {
 public:
  virtual ~MysqlConnection() = default;
  // Prepared on first use; the text of `sql` is the key. Use literals: the number of different
  // statements per connection is limited.
  virtual Task<SqlResult<Rows>> execute(std::string_view sql,
                                        std::vector<Cell> parameters = {}) = 0;
  // Text protocol, for statements made at run time (batches of seeds, DDL). Never with foreign
  // input.
  virtual Task<SqlResult<Rows>> query(std::string sql) = 0;
  virtual Task<void> begin() = 0;
  virtual Task<void> commit() = 0;  // throws CommitUnknown when the connection broke inside it
  virtual Task<void> rollback() = 0;
};

class MysqlPool {
 public:
  MysqlPool(asio::io_context& context, const Config& config, std::uint32_t size);
  ~MysqlPool();
  MysqlPool(MysqlPool&&) = delete;

  // Gives the connection back when destroyed; rolls back what is open; drops a broken one (a new
  // one is made on demand).
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&&) noexcept;
    Lease& operator=(Lease&&) noexcept;
    ~Lease();
    MysqlConnection* operator->() const noexcept { return connection_.get(); }
    MysqlConnection& operator*() const noexcept { return *connection_; }

   private:
    friend class MysqlPool;
    struct Home;
    void give_back() noexcept;
    std::shared_ptr<Home> home_;
    std::unique_ptr<MysqlConnection> connection_;
  };
  // What a connection is wanted for. A commit begins the connection's next transaction in the same
  // round trip, so those that had one last are kept for the next, as far as there are others.
  enum class Use : std::uint8_t { statements, transaction };
  // Waits in order for a free connection; throws StoreUnavailable after `deadline` or when none can
  // be made. Every statement on the lease is bounded by the same deadline; when it passes inside a
  // statement the connection is cut and the statement throws.
  Task<Lease> acquire(TimePoint deadline, Use use = Use::statements);

  // Told how long each acquire() took, refusals included.
  void on_wait(std::function<void(std::chrono::nanoseconds)> observer);
  // From now on an open breaker refuses acquire() at once. It must outlive the pool's leases.
  void guard(CircuitBreaker& breaker) noexcept;
  [[nodiscard]] std::uint32_t open_connections() const noexcept;
  // Creates the configured database if the server does not have it. For set-up only.
  Task<void> create_database(TimePoint deadline);

 private:
  std::shared_ptr<Lease::Home> home_;
};

}  // namespace boxoffice
