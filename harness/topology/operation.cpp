#include "harness/topology/operation.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

#include "harness/topology/http_exchange.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {

namespace {

constexpr std::chrono::seconds patience{5};
constexpr std::chrono::milliseconds metrics_patience{2000};
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

void ask_mysql(const MysqlEndpoint& endpoint, StoreFacts& facts) {
  SqlConnection sql(endpoint, patience);
  const auto told = [&sql](const char* statement) -> std::optional<std::uint64_t> {
    const auto rows = sql.rows(statement);
    if (rows.empty() || rows[0].size() < 2) return std::nullopt;
    return number(rows[0][1].value_or(""));
  };
  ConnectionFacts connections;
  connections.used = told("SHOW GLOBAL STATUS LIKE 'Max_used_connections'").value_or(0);
  connections.limit = told("SHOW GLOBAL VARIABLES LIKE 'max_connections'").value_or(0);
  connections.rejected =
      told("SHOW GLOBAL STATUS LIKE 'Connection_errors_max_connections'").value_or(0);
  facts.mysql_commits = told("SHOW GLOBAL STATUS LIKE 'Com_commit'");
  facts.mysql_log_syncs = told("SHOW GLOBAL STATUS LIKE 'Innodb_os_log_fsyncs'");
  facts.mysql_file_syncs = told("SHOW GLOBAL STATUS LIKE 'Innodb_data_fsyncs'");
  facts.mysql = connections;
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

// Only boxoffice is asked, which has an admin port: nobody else's server gets requests that are not
// in its profile. Of all instances or of none: a part of a sum would be wrong.
void ask_target(const TopologyEndpoints& at, StoreFacts& facts) {
  if (!at.admin || at.tls || !at.socket_path.empty()) return;
  HttpQuestion question{"GET", "/metrics", "", {}};
  std::vector<Endpoint> instances = at.instances;
  if (instances.empty()) {
    instances = {at.http};
    question.target = at.path_prefix + question.target;
  }
  std::map<std::string, ScriptFacts> scripts;
  for (const Endpoint& instance : instances) {
    const HttpAnswer answer = exchange(instance, question, metrics_patience);
    if (answer.status != 200) return;
    add_script_facts(answer.body, scripts);
  }
  facts.scripts = std::move(scripts);
}

// "redis_script_seconds_sum{script="hold"} 1.25": what stands in the quotes, and the number.
std::optional<std::pair<std::string, double>> script_line(std::string_view line,
                                                          std::string_view metric) {
  constexpr std::string_view label = "{script=\"";
  if (!line.starts_with(metric)) return std::nullopt;
  line.remove_prefix(metric.size());
  if (!line.starts_with(label)) return std::nullopt;
  line.remove_prefix(label.size());
  const auto end = line.find("\"} ");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view text = line.substr(end + 3);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop == text.data() || !(value >= 0)) return std::nullopt;
  return std::pair(std::string(line.substr(0, end)), value);
}

}  // namespace

void add_script_facts(std::string_view metrics, std::map<std::string, ScriptFacts>& into) {
  while (!metrics.empty()) {
    const std::size_t end = std::min(metrics.find('\n'), metrics.size());
    const std::string_view line = metrics.substr(0, end);
    metrics.remove_prefix(std::min(end + 1, metrics.size()));
    if (const auto calls = script_line(line, "redis_script_seconds_count")) {
      into[calls->first].calls += static_cast<std::uint64_t>(calls->second);
    } else if (const auto seconds = script_line(line, "redis_script_seconds_sum")) {
      into[seconds->first].seconds += seconds->second;
    }
  }
}

StoreFacts read_store_facts(const TopologyEndpoints& at) {
  StoreFacts facts;
  try {
    if (at.mysql) ask_mysql(*at.mysql, facts);
  } catch (const StoreProblem&) {
    facts.mysql.reset();  // told as such
  }
  try {
    if (at.redis) ask_redis(*at.redis, facts);
  } catch (const StoreProblem&) {
    facts.redis.reset();
  }
  try {
    ask_target(at, facts);
  } catch (const std::runtime_error&) {
    facts.scripts.reset();
  }
  return facts;
}

StoreFacts since(const StoreFacts& before, StoreFacts after) {
  const auto less = [](std::optional<std::uint64_t>& value,
                       const std::optional<std::uint64_t>& base) {
    if (!base) value.reset();  // nobody knows how much of it is the run's
    // A store that was started anew counts from 0.
    if (value && *base <= *value) *value -= *base;
  };
  less(after.script_calls, before.script_calls);
  less(after.script_micros, before.script_micros);
  less(after.mysql_commits, before.mysql_commits);
  less(after.mysql_log_syncs, before.mysql_log_syncs);
  less(after.mysql_file_syncs, before.mysql_file_syncs);
  if (!before.scripts) after.scripts.reset();
  if (!after.scripts) return after;
  for (auto& [name, script] : *after.scripts) {
    const auto base = before.scripts->find(name);
    if (base == before.scripts->end() || base->second.calls > script.calls) continue;
    script.calls -= base->second.calls;
    script.seconds = std::max(0.0, script.seconds - base->second.seconds);
  }
  std::erase_if(*after.scripts, [](const auto& script) { return script.second.calls == 0; });
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
