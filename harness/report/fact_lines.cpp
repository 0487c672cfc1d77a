#include "harness/report/fact_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "harness/measure/units.hpp"
#include "harness/report/summary.hpp"

namespace stampede {

namespace {

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// " · a · b": only what there is.
void append(std::string& line, const std::string& fact) {
  line += (line.empty() ? "" : " · ") + fact;
}

std::string holds_line(const HoldsResult& holds) {
  std::string line = fmt::format("holds {}: {} ran out", human_count(holds.acknowledged),
                                 human_share(share_of(holds.ran_out, holds.acknowledged)));
  if (holds.unknown > 0) line += fmt::format(", {} of unknown end", human_count(holds.unknown));
  if (holds.open > 0) line += fmt::format(", {} open at the end", human_count(holds.open));
  if (holds.dwell.count == 0) return line;
  return line + fmt::format(" · from hold to order or release p50 {} · p95 {}",
                            latency_text(holds.dwell, "p50"), latency_text(holds.dwell, "p95"));
}

std::string scripts_line(const std::map<std::string, StoresResult::Script>& scripts,
                         std::size_t scripts_max) {
  using Named = std::pair<std::string, StoresResult::Script>;
  std::vector<Named> sorted(scripts.begin(), scripts.end());
  std::ranges::sort(sorted, {}, [](const Named& one) {
    const double time =
        static_cast<double>(one.second.calls) * static_cast<double>(one.second.ns_mean);
    return std::pair(-time, one.first);
  });
  std::string line;
  for (std::size_t i = 0; i < std::min(sorted.size(), scripts_max); ++i) {
    append(line, fmt::format("{} {} × {}", printable(sorted[i].first),
                             human_count(sorted[i].second.calls),
                             human_duration(Nanos{sorted[i].second.ns_mean})));
  }
  if (sorted.size() > scripts_max) {
    append(line, fmt::format("{} more in run.json", sorted.size() - scripts_max));
  }
  return "Redis scripts, seen from the server (network and waits included): " + line;
}

}  // namespace

std::vector<std::string> funnel_lines(const RunResult& run) {
  if (!run.funnel) return {};
  std::vector<std::string> lines(1);
  for (const FunnelStageResult& stage : run.funnel->stages) {
    lines[0] += fmt::format("{}{} {}", lines[0].empty() ? "" : " → ", printable(stage.name),
                            human_count(stage.sessions));
    if (stage.share_of_before)
      lines[0] += fmt::format(" ({})", human_share(*stage.share_of_before));
  }
  if (const auto& wait = run.funnel->queue_wait) {
    lines.push_back(fmt::format("queue wait, from entering to admitted: p50 {} · p95 {}",
                                latency_text(*wait, "p50"), latency_text(*wait, "p95")));
  }
  if (run.funnel->holds) lines.push_back(holds_line(*run.funnel->holds));
  return lines;
}

std::vector<std::string> seat_lines(const RunResult& run) {
  if (!run.seats) return {};
  const SeatLedger& seats = *run.seats;
  std::string line =
      fmt::format("seats {} = {} free + {} held + {} pending + {} sold + {} locked",
                  human_count(seats.total), human_count(seats.free), human_count(seats.held),
                  human_count(seats.pending), human_count(seats.sold), human_count(seats.locked));
  const std::int64_t missing = seats.unaccounted();
  if (missing != 0) {
    line += fmt::format(" {} {}: {}", missing > 0 ? '+' : '-',
                        human_count(static_cast<std::uint64_t>(std::abs(missing))),
                        missing > 0 ? "in none of these" : "counted twice");
  }
  return {line};
}

std::vector<std::string> store_lines(const RunResult& run, std::size_t scripts_max) {
  if (!run.stores) return {};
  std::vector<std::string> lines;
  const StoresResult& stores = *run.stores;
  std::string mysql;
  if (stores.mysql_commits) {
    append(mysql, human_count(*stores.mysql_commits) + " commits");
    if (const std::uint64_t transactions = transactions_of(run); transactions > 0) {
      append(mysql,
             human_number(share_of(*stores.mysql_commits, transactions)) + " for each transaction");
    }
  }
  if (stores.mysql_log_syncs) append(mysql, human_count(*stores.mysql_log_syncs) + " log syncs");
  if (stores.mysql_file_syncs) append(mysql, human_count(*stores.mysql_file_syncs) + " file syncs");
  if (!mysql.empty()) lines.push_back("MySQL: " + mysql);
  if (!stores.redis_scripts.empty()) {
    lines.push_back(scripts_line(stores.redis_scripts, scripts_max));
  }
  return lines;
}

std::vector<std::string> machine_lines(const RunResult& run) {
  if (!run.machine) return {};
  const MachineResult& machine = *run.machine;
  std::string line;
  if (machine.cpu_busy_share) append(line, "CPU busy " + human_share(*machine.cpu_busy_share));
  if (machine.memory_used_bytes && machine.memory_bytes) {
    append(line, fmt::format("memory {} of {}", human_bytes(*machine.memory_used_bytes),
                             human_bytes(*machine.memory_bytes)));
  }
  if (machine.disk_read_bytes && machine.disk_written_bytes) {
    append(line, fmt::format("disks {} read, {} written", human_bytes(*machine.disk_read_bytes),
                             human_bytes(*machine.disk_written_bytes)));
  }
  if (line.empty()) return {};
  return {"the generator's machine as a whole, measured window: " + line};
}

}  // namespace stampede
