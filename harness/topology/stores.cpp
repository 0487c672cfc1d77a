#include "harness/topology/stores.hpp"

#include <hiredis.h>
#include <mysql.h>

namespace stampede {
namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

std::string text_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
  return std::string(reply.str, reply.len);
}

Reply run(redisContext* context, const std::vector<std::string>& command) {
  std::vector<const char*> parts;
  std::vector<std::size_t> sizes;
  for (const std::string& part : command) {
    parts.push_back(part.data());
    sizes.push_back(part.size());
  }
  auto* raw = static_cast<redisReply*>(
      redisCommandArgv(context, static_cast<int>(parts.size()), parts.data(), sizes.data()));
  if (!raw) throw StoreProblem(fmt::format("redis: {}: {}", command[0], context->errstr));
  Reply reply(raw);
  if (reply->type == REDIS_REPLY_ERROR) {
    throw StoreProblem(fmt::format("redis: {}: {}", command[0], text_of(*reply)));
  }
  return reply;
}

}  // namespace

SqlConnection::SqlConnection(const MysqlEndpoint& endpoint, std::chrono::seconds timeout)
    : handle_(mysql_init(nullptr)) {
  if (!handle_) throw StoreProblem("mariadb: out of memory");
  const auto seconds = static_cast<unsigned>(timeout.count());
  const my_bool no = 0;
  mysql_options(handle_, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
  mysql_options(handle_, MYSQL_OPT_READ_TIMEOUT, &seconds);
  mysql_options(handle_, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
  mysql_options(handle_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options(handle_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
  // "localhost" would mean the server's default Unix socket to this library.
  const std::string host = endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host;
  const char* database = endpoint.database.empty() ? nullptr : endpoint.database.c_str();
  if (!mysql_real_connect(handle_, host.c_str(), endpoint.user.c_str(), endpoint.password.c_str(),
                          database, endpoint.port, nullptr, 0)) {
    const std::string reason = mysql_error(handle_);
    mysql_close(handle_);
    throw StoreProblem(fmt::format("mariadb at {}:{}: {}", endpoint.host, endpoint.port, reason));
  }
}

SqlConnection::~SqlConnection() { mysql_close(handle_); }

void SqlConnection::fail(const char* doing) const {
  throw StoreProblem(fmt::format("mariadb: {}: {}", doing, mysql_error(handle_)));
}

void SqlConnection::execute(const std::string& statement) {
  query(statement, [](const Row&) {});
}

void SqlConnection::query(const std::string& statement,
                          const std::function<void(const Row&)>& each) {
  if (mysql_real_query(handle_, statement.data(), statement.size()) != 0) fail("query");
  const std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)> result(mysql_use_result(handle_),
                                                                        &mysql_free_result);
  if (!result) {
    if (mysql_field_count(handle_) != 0) fail("result");
    return;
  }
  const unsigned columns = mysql_num_fields(result.get());
  Row row(columns);
  while (MYSQL_ROW raw = mysql_fetch_row(result.get())) {
    const unsigned long* sizes = mysql_fetch_lengths(result.get());
    for (unsigned i = 0; i < columns; ++i) {
      if (raw[i])
        row[i] = std::string(raw[i], sizes[i]);
      else
        row[i].reset();
    }
    each(row);
  }
  if (mysql_errno(handle_) != 0) fail("fetch");
}

std::vector<SqlConnection::Row> SqlConnection::rows(const std::string& statement) {
  std::vector<Row> all;
  query(statement, [&all](const Row& row) { all.push_back(row); });
  return all;
}

std::string SqlConnection::server_version() const { return mysql_get_server_info(handle_); }

RedisConnection::RedisConnection(const Endpoint& endpoint, std::chrono::seconds timeout) {
  const timeval limit{static_cast<time_t>(timeout.count()), 0};
  context_ = redisConnectWithTimeout(endpoint.host.c_str(), endpoint.port, limit);
  if (!context_ || context_->err != 0) {
    const std::string reason = context_ ? context_->errstr : "out of memory";
    if (context_) redisFree(context_);
    throw StoreProblem(fmt::format("redis at {}:{}: {}", endpoint.host, endpoint.port, reason));
  }
  redisSetTimeout(context_, limit);
}

RedisConnection::~RedisConnection() { redisFree(context_); }

std::optional<std::string> RedisConnection::text(const std::vector<std::string>& command) {
  const Reply reply = run(context_, command);
  if (reply->type == REDIS_REPLY_NIL) return std::nullopt;
  if (reply->type == REDIS_REPLY_ARRAY) throw StoreProblem("redis: " + command[0] + ": an array");
  return text_of(*reply);
}

std::vector<std::string> RedisConnection::list(const std::vector<std::string>& command) {
  const Reply reply = run(context_, command);
  if (reply->type != REDIS_REPLY_ARRAY) throw StoreProblem("redis: " + command[0] + ": no array");
  std::vector<std::string> items;
  for (std::size_t i = 0; i < reply->elements; ++i) items.push_back(text_of(*reply->element[i]));
  return items;
}

void RedisConnection::scan(
    std::string_view verb, const std::string& key,
    const std::function<void(const std::string&, const std::string&)>& each) {
  std::string cursor = "0";
  do {
    const Reply reply = run(context_, {std::string(verb), key, cursor, "COUNT", "1000"});
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[1]->type != REDIS_REPLY_ARRAY) {
      throw StoreProblem(fmt::format("redis: {} {}: unexpected reply", verb, key));
    }
    cursor = text_of(*reply->element[0]);
    const redisReply& page = *reply->element[1];
    for (std::size_t i = 0; i + 1 < page.elements; i += 2) {
      each(text_of(*page.element[i]), text_of(*page.element[i + 1]));
    }
  } while (cursor != "0");
}

std::string describe_mysql(const MysqlEndpoint& endpoint) {
  SqlConnection sql(endpoint, std::chrono::seconds{5});
  const std::string version = sql.server_version();
  std::string line =
      fmt::format("{} {}:", version.find("MariaDB") != std::string::npos ? "mariadb" : "mysql",
                  version.substr(0, version.find('-')));
  for (const char* name : {"innodb_flush_log_at_trx_commit", "sync_binlog", "log_bin",
                           "innodb_doublewrite", "innodb_flush_method", "innodb_buffer_pool_size",
                           "max_connections", "performance_schema"}) {
    for (const auto& row : sql.rows(fmt::format("SHOW GLOBAL VARIABLES LIKE '{}'", name))) {
      line += fmt::format(" {}={}", name, row.at(1).value_or(""));
    }
  }
  return line;
}

std::string describe_redis(const Endpoint& endpoint) {
  RedisConnection redis(endpoint, std::chrono::seconds{5});
  const std::string info = redis.text({"INFO", "server"}).value_or("");
  const std::size_t at = info.find("redis_version:");
  const std::string version =
      at == std::string::npos ? "?" : info.substr(at + 14, info.find('\r', at) - at - 14);
  std::string line = "redis " + version + ":";
  for (const char* name : {"appendonly", "appendfsync", "save", "maxclients", "maxmemory"}) {
    const auto pair = redis.list({"CONFIG", "GET", name});
    if (pair.size() == 2) {
      line += fmt::format(" {}={}", name, pair[1].empty() ? "\"\"" : pair[1]);
    }
  }
  return line;
}

}  // namespace stampede
