#include "harness/topology/operation.hpp"

#include <charconv>
#include <fstream>

#include "harness/topology/stores.hpp"

namespace stampede {

namespace {

constexpr std::chrono::seconds patience{5};
constexpr std::size_t samples_max = 3, sample_bytes_max = 200;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

// "connected_clients:17\r\n…": the number behind `name`, which ends with ':' or '='.
std::optional<std::uint64_t> figure(std::string_view info, std::string_view name) {
  const auto at = info.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  return number(info.substr(at + name.size()));
}

ConnectionFacts mysql_connections(const MysqlEndpoint& endpoint) {
  SqlConnection sql(endpoint, patience);
  const auto value = [&sql](const char* statement) {
    const auto rows = sql.rows(statement);
    if (rows.empty() || rows[0].size() < 2) return std::uint64_t{0};
    return number(rows[0][1].value_or("")).value_or(0);
  };
  ConnectionFacts facts;
  facts.used = value("SHOW GLOBAL STATUS LIKE 'Max_used_connections'");
  facts.limit = value("SHOW GLOBAL VARIABLES LIKE 'max_connections'");
  facts.rejected = value("SHOW GLOBAL STATUS LIKE 'Connection_errors_max_connections'");
  return facts;
}

void ask_redis(const Endpoint& endpoint, StoreFacts& facts) {
  RedisConnection redis(endpoint, patience);
  const std::string clients = redis.text({"INFO", "clients"}).value_or("");
  const std::string stats = redis.text({"INFO", "stats"}).value_or("");
  const std::string commands = redis.text({"INFO", "commandstats"}).value_or("");
  ConnectionFacts connections;
  connections.used = figure(clients, "connected_clients:").value_or(0);
  connections.limit = figure(clients, "maxclients:").value_or(0);
  connections.rejected = figure(stats, "rejected_connections:").value_or(0);
  facts.redis = connections;
  facts.script_calls = facts.script_micros = 0;
  const auto scripts = commands.find("cmdstat_evalsha:");
  if (scripts == std::string::npos) return;
  const std::string line = commands.substr(scripts, commands.find('\r', scripts) - scripts);
  facts.script_calls = figure(line, "calls=");
  facts.script_micros = figure(line, "usec=");
}

}  // namespace

StoreFacts read_store_facts(const TopologyEndpoints& at) {
  StoreFacts facts;
  try {
    if (at.mysql) facts.mysql = mysql_connections(*at.mysql);
  } catch (const StoreProblem&) {
    facts.mysql.reset();  // told as such
  }
  try {
    if (at.redis) ask_redis(*at.redis, facts);
  } catch (const StoreProblem&) {
    facts.redis.reset();
  }
  return facts;
}

StoreFacts since(const StoreFacts& before, StoreFacts after) {
  const auto less = [](std::optional<std::uint64_t>& value,
                       const std::optional<std::uint64_t>& base) {
    // A Redis that was started anew counts from 0.
    if (value && base && *base <= *value) *value -= *base;
  };
  less(after.script_calls, before.script_calls);
  less(after.script_micros, before.script_micros);
  return after;
}

LogFacts read_log_facts(const std::string& role, const std::filesystem::path& file) {
  LogFacts facts;
  facts.role = role;
  std::vector<std::string> warned;
  std::ifstream in(file, std::ios::binary);
  std::size_t read = 0;
  for (std::string line; std::getline(in, line);) {
    read += line.size() + 1;
    if (read > log_bytes_max) {
      facts.cut = true;
      break;
    }
    const bool error = line.find(R"("level":"error")") != std::string::npos;
    const bool warning = !error && line.find(R"("level":"warning")") != std::string::npos;
    if (error) ++facts.errors;
    if (warning) ++facts.warnings;
    auto& samples = error ? facts.samples : warned;
    if ((error || warning) && samples.size() < samples_max)
      samples.push_back(line.substr(0, sample_bytes_max));
  }
  if (facts.errors == 0) facts.samples = std::move(warned);
  return facts;
}

}  // namespace stampede
