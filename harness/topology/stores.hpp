// Blocking connections to MariaDB and Redis for what the harness itself looks at: readiness,
// settings, final state. Nothing of the load goes through here.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/topology/topology.hpp"

struct st_mysql;
struct redisContext;

namespace stampede {

// A store did not answer or refused; what() is for people and holds no secret.
struct StoreProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class SqlConnection {
 public:
  using Row = std::vector<std::optional<std::string>>;
  SqlConnection(const MysqlEndpoint& endpoint, std::chrono::seconds timeout);
  ~SqlConnection();
  SqlConnection(const SqlConnection&) = delete;
  SqlConnection& operator=(const SqlConnection&) = delete;

  void execute(const std::string& statement);
  // Rows are read one by one from the server: memory is the caller's affair. Throws StoreProblem.
  void query(const std::string& statement, const std::function<void(const Row&)>& each);
  [[nodiscard]] std::vector<Row> rows(const std::string& statement);
  [[nodiscard]] std::string server_version() const;

 private:
  [[noreturn]] void fail(const char* doing) const;
  st_mysql* handle_;
};

class RedisConnection {
 public:
  RedisConnection(const Endpoint& endpoint, std::chrono::seconds timeout);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // A string, status or integer reply as text; nothing for nil.
  [[nodiscard]] std::optional<std::string> text(const std::vector<std::string>& command);
  [[nodiscard]] std::vector<std::string> list(const std::vector<std::string>& command);
  // HSCAN or ZSCAN in pages: `each` gets field and value (member and score). A field may come
  // twice.
  void scan(std::string_view verb, const std::string& key,
            const std::function<void(const std::string&, const std::string&)>& each);

 private:
  redisContext* context_;
};

// "mariadb 10.11.14: innodb_flush_log_at_trx_commit=1 …", "redis 7.0.15: appendonly=no save=\"\"".
[[nodiscard]] std::string describe_mysql(const MysqlEndpoint& endpoint);
[[nodiscard]] std::string describe_redis(const Endpoint& endpoint);

}  // namespace stampede
