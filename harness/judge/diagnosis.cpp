#include "harness/judge/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/measure/units.hpp"

namespace stampede {

namespace {

using Standing = Finding::Standing;

Finding remark(std::string rule, std::string title) {
  Finding made;
  made.kind = Finding::Kind::diagnosis;
  made.rule = std::move(rule);
  made.title = std::move(title);
  made.verdict = Verdict::pass;
  return made;
}

void not_told(Finding& made, std::string why) {
  made.standing = Standing::not_run;
  made.measured = "not told";
  made.samples.push_back(std::move(why));
}

void warn(Finding& made, bool beyond, std::string advice) {
  if (!beyond) return;
  made.standing = Standing::warned;
  made.samples.push_back(std::move(advice));
}

Finding server_errors(const OperationFacts& facts) {
  Finding made = remark("server_errors", "share of 5xx among all answers");
  made.limit = "≤ " + human_share(server_error_share_max);
  std::uint64_t all = 0, failed = 0;
  std::string which;
  for (const auto& [status, count] : facts.statuses) {
    all += count;
    if (!status.starts_with('5')) continue;
    failed += count;
    which += fmt::format("{}{} × {}", which.empty() ? "" : ", ", status, human_count(count));
  }
  if (all == 0) {
    not_told(made, "nothing was answered");
    return made;
  }
  made.figure = static_cast<double>(failed) / static_cast<double>(all);
  made.measured = human_share(made.figure);
  if (!which.empty()) made.samples.push_back(which);
  warn(made, made.figure > server_error_share_max, "look at the logs next");
  return made;
}

Finding log_errors(const OperationFacts& facts) {
  Finding made = remark("log_errors", "lines of level error in the target's logs");
  made.limit = "= 0";
  if (facts.logs.empty()) {
    not_told(made, "the target was not started by this run: its logs are elsewhere");
    return made;
  }
  std::uint64_t errors = 0, warnings = 0;
  for (const LogFacts& log : facts.logs) {
    errors += log.errors;
    warnings += log.warnings;
    for (const std::string& line : log.samples) {
      made.samples.push_back(log.role + ": " + line);
    }
    if (log.cut) made.samples.push_back(log.role + ": only the beginning of its log was read");
  }
  made.figure = static_cast<double>(errors);
  made.measured = fmt::format("{}; {} warnings", human_count(errors), human_count(warnings));
  if (errors > 0) made.standing = Standing::warned;
  return made;
}

Finding cpu(const OperationFacts& facts) {
  Finding made = remark("target_cpu", "the busiest boxoffice process, share of a core");
  made.limit = "≤ " + human_share(process_cpu_share_max);
  const auto busiest =
      std::ranges::max_element(facts.cpu, {}, [](const auto& process) { return process.second; });
  if (busiest == facts.cpu.end()) {
    not_told(made, "the target was not started by this run");
    return made;
  }
  made.figure = busiest->second;
  made.measured = human_share(made.figure);
  if (facts.cpu.size() > 1) made.samples.push_back(busiest->first);
  warn(made, made.figure > process_cpu_share_max,
       "a process with one I/O thread ends at 100 %: more threads, or more instances");
  return made;
}

Finding connections(std::string rule, std::string title,
                    const std::optional<ConnectionFacts>& facts) {
  Finding made = remark(std::move(rule), std::move(title));
  made.limit = "≤ " + human_share(connection_share_max) + " of its limit";
  if (!facts || facts->limit == 0) {
    not_told(made, "the store could not be asked");
    return made;
  }
  made.figure = static_cast<double>(facts->used) / static_cast<double>(facts->limit);
  made.measured = fmt::format("{} of {}", human_count(facts->used), human_count(facts->limit));
  if (facts->rejected > 0) {
    made.samples.push_back(human_count(facts->rejected) + " connections were refused");
  }
  warn(made, made.figure > connection_share_max || facts->rejected > 0,
       "a higher limit of the store, or smaller pools (--mysql-pool)");
  return made;
}

// No limit: what is slow depends on the machine. The way there and back is not in it.
Finding scripts(const StoreFacts& facts) {
  Finding made = remark("redis_scripts", "Redis' own time for a script, mean");
  if (!facts.script_calls || !facts.script_micros || *facts.script_calls == 0) {
    not_told(made, "Redis ran no script, or could not be asked");
    return made;
  }
  const double calls = static_cast<double>(*facts.script_calls);
  made.figure = static_cast<double>(*facts.script_micros) / calls / 1e6;
  made.measured = human_duration(from_seconds(made.figure));
  made.samples.push_back(human_count(*facts.script_calls) + " scripts in the run");
  return made;
}

}  // namespace

std::vector<Finding> diagnose(const OperationFacts& facts) {
  std::vector<Finding> remarks;
  remarks.push_back(server_errors(facts));
  remarks.push_back(log_errors(facts));
  remarks.push_back(cpu(facts));
  remarks.push_back(connections("mysql_connections", "most connections of the database at once",
                                facts.stores.mysql));
  remarks.push_back(connections("redis_connections", "connections of Redis when the load ended",
                                facts.stores.redis));
  remarks.push_back(scripts(facts.stores));
  return remarks;
}

}  // namespace stampede
