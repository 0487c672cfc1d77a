// How a run is judged and told: findings, verdict, run file, summary.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

#include "harness/judge/diagnosis.hpp"
#include "harness/judge/funnel.hpp"
#include "harness/judge/gates.hpp"
#include "harness/judge/validity.hpp"
#include "harness/judge/verdict.hpp"
#include "harness/report/digest.hpp"
#include "harness/run/hiccup_log.hpp"
#include "harness/run/notify.hpp"
#include "harness/run/redact_result.hpp"
#include "harness/run/safe_command_line.hpp"
#include "harness/run/story.hpp"
#include "harness/run/terminal_width.hpp"
#include "harness/topology/operation.hpp"

namespace stampede {
namespace {

// A line "key: number" of /proc/self; 0 where it is not shown.
std::uint64_t own_bytes(const std::string& file, std::string_view key, std::uint64_t unit = 1) {
  std::ifstream in("/proc/self/" + file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    return std::stoull(line.substr(line.find_first_of("0123456789"))) * unit;
  }
  return 0;
}

// Threads that ended took their counts with them.
std::uint64_t grown(std::uint64_t before, std::uint64_t after) {
  return after > before ? after - before : 0;
}

bool has_rate(const CompiledRun& run) {
  return std::ranges::any_of(run.scenarios, [](const CompiledScenario& scenario) {
    return !std::holds_alternative<ClosedLoad>(scenario.load);
  });
}

// Does the plan ask for the same load in every second of the measured window? Stages that begin in
// it, or end in it at another target, say no.
bool is_steady(const Profile& profile) {
  const Nanos end = run_length(profile);
  return std::ranges::all_of(profile.scenarios, [&](const ScenarioSpec& scenario) {
    const auto flat = [&](double target, const std::vector<Stage>& stages) {
      Nanos at = scenario.start_at;
      for (const Stage& stage : stages) {
        const Nanos stop = at + stage.duration;
        const bool inside = stop > profile.warm_up && at < end;
        if (inside && stage.duration > Nanos{0} && stage.target != target) return false;
        if (at > profile.warm_up && at < end && stage.target != target) return false;
        target = stage.target;
        at = stop;
      }
      return at >= end && scenario.start_at <= profile.warm_up;
    };
    if (const auto* open = std::get_if<OpenLoad>(&scenario.load)) {
      return flat(open->start_rate, open->stages);
    }
    if (const auto* closed = std::get_if<ClosedLoad>(&scenario.load)) {
      return flat(closed->start_users, closed->stages);
    }
    return false;
  });
}

// Of USER:PASSWORD@HOST:PORT/DATABASE; "" if there is none.
std::string password_in(const std::string& mysql) {
  const auto at = mysql.rfind('@'), colon = mysql.find(':');
  if (at == std::string::npos || colon > at) return {};
  return mysql.substr(colon + 1, at - colon - 1);
}

ExitCode exit_code_of_state(const std::string& state) {
  if (state == "interrupted") return ExitCode::interrupted;
  return ExitCode::topology;
}

}  // namespace

std::vector<std::string> Story::told_command_line() const {
  std::vector<std::string> secrets{request_.admin_token, request_.mysql_password,
                                   password_in(request_.mysql)};
  std::erase_if(secrets, [](const std::string& secret) { return secret.empty(); });
  return safe_command_line(request_.command_line, secrets);
}

void Story::judge_all() {
  measured_.measured = load_.measured;
  measured_.series = series_labels(compiled_);
  measured_.counters = compiled_.counters;
  measured_.samples_min = profile_.validity.samples_min;
  if (batches_) measured_.batched = batches_->batched();
  const double planned = to_seconds(run_length(profile_) - profile_.warm_up);
  const double lasted = to_seconds(load_.ended - load_.started - profile_.warm_up);
  measured_.measured_seconds = load_.interrupted || load_.ended_early
                                   ? std::clamp(lasted, 0.0, planned)
                                   : std::max(0.0, planned);
  if (load_.ended_early) forget_part_of_a_second();
  if (load_.started == TimePoint{}) return;  // nothing was driven: nothing to judge
  measured_.gauges = gauges_->table(load_.started, load_.started + profile_.warm_up,
                                    std::min(load_.ended, load_.started + run_length(profile_)));
  std::vector<Finding> findings = judge(profile_.gates, measured_);
  std::ranges::move(findings_, std::back_inserter(findings));
  ValidityFacts facts;
  facts.warm_up = &load_.warm_up;
  facts.measured = &load_.measured;
  if (has_rate(compiled_)) facts.arrivals_planned = load_.scheduled_measured;
  facts.worker_cpu_max = load_.worker_cpu_max;
  facts.tainted = result_.tainted;
  facts.taints = result_.defects;
  facts.taint_unknown = taint_unknown_;
  facts.ledger_overflow = load_.ledger.overflow();
  facts.log_ended = log_ended_;
  facts.log_lost = log_lost_;
  facts.interrupted = load_.interrupted;
  facts.stopped_because = load_.stopped_because;
  facts.run = &measured_;
  facts.self = &load_.self;
  facts.gates = &profile_.gates;
  facts.steady_plan = is_steady(profile_);
  std::ranges::move(judge_validity(facts, profile_.validity), std::back_inserter(findings));
  findings_ = std::move(findings);
}

// A load that was done before its time ended within a second: rates are those of the whole of it.
void Story::forget_part_of_a_second() {
  measured_.ended_in_seconds.reset();
  if (!measured_.seconds.empty()) measured_.seconds.pop_back();
}

void Story::decide_verdict() {
  const Verdict verdict = run_verdict(findings_);
  result_.verdict = std::string(name_of(verdict));
  result_.exit_code = static_cast<int>(exit_code_of(verdict));
  if (result_.state == "complete") return;
  const ExitCode code = exit_code_of_state(result_.state);
  result_.verdict = std::string(name_of(code));
  result_.exit_code = static_cast<int>(code);
}

void Story::fill_processes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  const double own = load_.worker_cpu_seconds > 0
                         ? load_.worker_cpu_seconds
                         : seconds(usage.ru_utime) + seconds(usage.ru_stime);
  result_.processes.push_back(
      {"stampede", own, own_bytes("status", "VmRSS", 1024), own_bytes("status", "VmHWM", 1024),
       own_bytes("io", "read_bytes"), own_bytes("io", "write_bytes"),
       static_cast<std::uint64_t>(usage.ru_nvcsw), static_cast<std::uint64_t>(usage.ru_nivcsw)});
  for (const ProcessUsage& last : usage_last_) {
    const auto found = std::ranges::find(usage_before_, last.pid, &ProcessUsage::pid);
    const ProcessUsage before = found == usage_before_.end() ? ProcessUsage{} : *found;
    result_.processes.push_back({last.role, last.cpu_seconds - before.cpu_seconds, last.rss_bytes,
                                 last.rss_peak_bytes, last.disk_read_bytes - before.disk_read_bytes,
                                 last.disk_written_bytes - before.disk_written_bytes,
                                 grown(before.voluntary_switches, last.voluntary_switches),
                                 grown(before.involuntary_switches, last.involuntary_switches),
                                 last.sockets});
  }
}

// What the run did beside its answers: to the stores, to this machine, for its people.
void Story::fill_facts() {
  result_.funnel = digest(booking_funnel(load_.ledger));
  if (load_.self.machine) result_.machine = digest(*load_.self.machine);
  if (load_.started == TimePoint{}) return;
  StoresResult& stores = result_.stores.emplace();
  stores.mysql_commits = stores_last_.mysql_commits;
  stores.mysql_log_syncs = stores_last_.mysql_log_syncs;
  stores.mysql_file_syncs = stores_last_.mysql_file_syncs;
  if (!stores_last_.scripts) return;
  for (const auto& [name, script] : *stores_last_.scripts) {
    const double mean = script.seconds / static_cast<double>(script.calls);
    stores.redis_scripts[name] = {script.calls, from_seconds(mean).count()};
  }
}

void Story::fill_diagnosis() {
  if (!topology_ || load_.started == TimePoint{}) return;
  OperationFacts facts;
  facts.statuses = result_.statuses;
  for (const auto& [role, file] : topology_->logs()) {
    facts.logs.push_back(read_log_facts(role, file));
  }
  for (const ProcessResult& process : result_.processes) {
    if (!process.role.starts_with("boxoffice") || result_.duration_seconds <= 0) continue;
    facts.cpu.emplace_back(process.role, process.cpu_seconds / result_.duration_seconds);
  }
  facts.stores = stores_last_;
  result_.diagnosis = diagnose(facts);
  if (fairness_) result_.diagnosis.push_back(*fairness_);
}

void Story::fill_result() {
  end("complete", "");
  result_.findings = findings_;
  result_.duration_seconds = to_seconds(load_.ended - load_.started);
  result_.measured_seconds = measured_.measured_seconds;
  result_.sessions_warm_up = load_.warm_up.sessions;
  digest_run(measured_, result_);
  if (load_.self.hiccups) result_.hiccups = digest(load_.self.hiccups->excess);
  const bool insecure =
      profile_.tls.insecure || std::ranges::any_of(profile_.scenarios, [](const auto& scenario) {
        return scenario.tls && scenario.tls->insecure;
      });
  result_.connecting.tls_insecure = insecure && topology_ && topology_->endpoints().tls;
  fill_processes();
  fill_facts();
  fill_diagnosis();
  std::string ledger = fmt::format("{} client operations recorded", load_.ledger.entries().size());
  if (!quiesce_note_.empty()) {
    ledger += "; the target was not at rest before the audit: " + quiesce_note_;
  }
  result_.ledger_note = ledger;
  decide_verdict();
  redact(result_, compiled_.redactor);
}

ExitCode Story::report() {
  fill_result();
  topology_.reset();  // stopped before the verdict is told: nothing is left running when it is read
  if (!request_.teller) return report_to_files();
  if (!result_.state_reason.empty()) err_ << "stampede: " << result_.state_reason << "\n";
  request_.teller(result_, out_);
  out_ << std::flush;
  return static_cast<ExitCode>(result_.exit_code);
}

// Whatever becomes of it, the verdict stays what it is.
void Story::tell_others() {
  if (request_.notify.empty()) return;
  const Facts facts{{"STAMPEDE_VERDICT", result_.verdict},
                    {"STAMPEDE_EXIT_CODE", std::to_string(result_.exit_code)},
                    {"STAMPEDE_PROFILE", result_.profile_name},
                    {"STAMPEDE_RUN", std::filesystem::absolute(directory_->path()).string()},
                    {"STAMPEDE_TAINTED", result_.tainted ? "true" : "false"}};
  out_ << std::flush;
  if (const std::string problem = notify(request_.notify, facts); !problem.empty()) {
    err_ << "stampede: --notify: the command " << problem << "\n";
  }
}

ExitCode Story::report_to_files() {
  directory_->release_reserve();
  std::ostringstream junit, markdown;
  write_junit(result_, junit);
  write_markdown(result_, markdown);
  std::string problem = directory_->write("run.json", to_json(result_));
  if (problem.empty() && load_.self.hiccups) {
    problem = directory_->write(hiccup_log_name, hiccup_log(*load_.self.hiccups, load_wall_start_,
                                                            to_seconds(profile_.warm_up),
                                                            result_.started_at, written_by()));
  }
  if (problem.empty() && !profile_.gauges.empty() && gauges_) {
    problem = directory_->write("gauges.csv", gauges_->csv(load_.started));
  }
  if (problem.empty()) problem = directory_->write("junit.xml", junit.str());
  if (problem.empty()) problem = directory_->write("summary.md", markdown.str());
  if (!result_.state_reason.empty()) err_ << "stampede: " << result_.state_reason << "\n";
  if (load_.started != TimePoint{}) {
    write_console(result_, out_, request_.colour, terminal_width(STDOUT_FILENO));
  }
  if (problem.empty()) tell_others();
  if (!problem.empty()) {
    err_ << "stampede: " << problem
         << "\nThe run's files are not complete: this run proves nothing.\n";
    return result_.exit_code == 0 ? ExitCode::invalid : static_cast<ExitCode>(result_.exit_code);
  }
  out_ << "files: " << directory_->path().string() << "\n" << std::flush;
  return static_cast<ExitCode>(result_.exit_code);
}

}  // namespace stampede
