// The chapters of a run up to the audit. How it is judged and told to people is in story_end.cpp.
#include "harness/run/story.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <ostream>
#include <random>
#include <thread>

#include "harness/judge/auction_fairness.hpp"
#include "harness/judge/gates.hpp"
#include "harness/judge/invariants.hpp"
#include "harness/judge/seat_ledger.hpp"
#include "harness/judge/validity.hpp"
#include "harness/load/crowd_size.hpp"
#include "harness/load/feeder_shortage.hpp"
#include "harness/report/digest.hpp"
#include "harness/run/environment.hpp"
#include "harness/run/placement.hpp"
#include "harness/run/probe_stream.hpp"
#include "harness/run/redact_result.hpp"
#include "harness/run/terminal_width.hpp"
#include "harness/topology/operation.hpp"
#include "harness/topology/probe.hpp"

namespace stampede {
namespace {

constexpr std::chrono::milliseconds quiesce_patience{15'000};
constexpr std::chrono::seconds token_life_beyond_run{3600};

std::string topology_name(const RunRequest& request) {
  return request.url.empty() ? request.profile.topology : "attached to " + request.url;
}

// USER@HOST:PORT/DATABASE with the password of the environment or file put in, unless the operator
// wrote one.
std::string with_password(std::string mysql, const std::string& password) {
  const auto at = mysql.rfind('@');
  if (password.empty() || at == std::string::npos || mysql.find(':') < at) return mysql;
  return mysql.insert(at, ":" + password);
}

// Nobody else's: two runs of one seed against the same target must not send the same keys.
std::string fresh_ids() {
  std::random_device device;
  const std::uint64_t high = device(), low = device();
  return fmt::format("{:08x}{:08x}", high & 0xFFFF'FFFFU, low & 0xFFFF'FFFFU);
}

}  // namespace

std::vector<SeriesLabel> series_labels(const CompiledRun& run) {
  std::vector<SeriesLabel> labels;
  labels.reserve(run.series.size());
  for (const SeriesInfo& info : run.series) {
    labels.push_back({info.scenario, info.step, info.transaction, info.waits, info.tags});
  }
  return labels;
}

Diagnostics check_profile(const Profile& profile, const Doubts* doubts) {
  PartialRun compiled = compile_in_part(profile, doubts);
  Diagnostics all = std::move(compiled.problems);
  const auto certain = [doubts](const char* section) {
    return doubts == nullptr || !doubts->in(section);
  };
  // How many sessions there are, and what each of them takes.
  if (certain("scenarios") && certain("feeders")) {
    std::ranges::move(feeder_shortages(profile, compiled.run), std::back_inserter(all));
  }
  // The reader has looked at every gate already; here steps are looked for by what they became.
  if (certain("scenarios") && certain("personas")) {
    std::vector<Gate> gates = profile.gates;
    if (doubts != nullptr) {
      std::erase_if(gates, [doubts](const Gate& gate) { return doubts->at(gate.place); });
    }
    std::ranges::move(
        check_gates(gates, series_labels(compiled.run), compiled.run.counters, profile.file),
        std::back_inserter(all));
  }
  sort_by_place(all, profile.file);
  return all;
}

Story::Story(const RunRequest& request, std::stop_source& stop, std::ostream& out,
             std::ostream& err)
    : request_(request),
      profile_(request.profile),
      stop_(stop),
      out_(out),
      err_(err),
      progress_(request.teller ? err : out) {
  result_.state = "running";
}

ExitCode Story::tell() {
  Checked<CompiledRun> compiled = compile(profile_);
  if (!compiled.has_value()) {
    err_ << render(compiled.error(), profile_.text);
    return ExitCode::usage;
  }
  compiled_ = std::move(*compiled);
  if (const ExitCode made = make_directory(); made != ExitCode::pass) return made;
  if (raise_topology() && ask_for_defects() && seed_data() && run_setup() && drive_load()) {
    quiesce_and_audit();
  }
  run_teardown();
  judge_all();
  return report();
}

void Story::note(const std::string& said) {
  if (request_.quiet) return;
  const std::string text = compiled_.redactor.redacted(said);
  if (view_) {
    view_->note(text);
  } else {
    progress_ << "  " << text << "\n" << std::flush;
  }
}

void Story::end(std::string state, std::string reason) {
  if (ended()) return;
  result_.state = std::move(state);
  result_.state_reason = std::move(reason);
}

// `pass`: it is there. Else why not has been told.
ExitCode Story::make_directory() {
  fill_head();
  if (request_.teller) return ExitCode::pass;
  auto made = RunDirectory::make("runs", request_.out, profile_.name);
  if (made.has_error()) {
    err_ << "stampede: " << made.error().text << "\n";
    return made.error().code;
  }
  directory_ = std::move(*made);
  result_.id = directory_->id();
  redact(result_, compiled_.redactor);
  for (const auto& [file, text] :
       {std::pair{"profile.yaml", result_.profile_text}, std::pair{"run.json", to_json(result_)}}) {
    if (const std::string problem = directory_->write(file, text); !problem.empty()) {
      err_ << "stampede: " << problem << "\n";
      return ExitCode::topology;
    }
  }
  if (!request_.quiet) {
    out_ << fmt::format("stampede: {}\n",
                        result_.question.empty() ? profile_.name : result_.question);
  }
  return ExitCode::pass;
}

// What is known before anything is done.
void Story::fill_head() {
  result_.id = profile_.name;
  result_.started_at = utc_now();
  result_.profile_name = profile_.name;
  result_.question = profile_.question;
  result_.pass_means = profile_.pass_means;
  result_.profile_file = profile_.file;
  result_.profile_text = profile_.text;
  result_.seed = profile_.seed;
  result_.ids = profile_.ids.empty() ? fresh_ids() : profile_.ids;
  result_.command_line = told_command_line();
  result_.topology = topology_name(request_);
  result_.attached = !request_.url.empty();
  result_.environment = collect_environment();
  result_.environment.emplace_back("placement", placement_text(look_at_placement(request_.url)));
}

bool Story::raise_topology() {
  try {
    if (request_.url.empty()) {
      TopologyPlan plan;
      plan.kind = profile_.topology;
      plan.target = profile_.target;
      plan.payment_seed = profile_.seed;
      plan.boxoffice = request_.boxoffice;
      plan.log_dir = directory_->path() / "logs";
      topology_ =
          Topology::start(plan, stop_.get_token(), [this](const std::string& line) { note(line); });
    } else {
      topology_ =
          Topology::attach(request_.url, request_.admin, request_.admin_token,
                           with_password(request_.mysql, request_.mysql_password), request_.redis);
    }
  } catch (const TopologyError& problem) {
    if (stop_.stop_requested()) {
      end("interrupted", "interrupted while the topology was starting");
    } else {
      end("failed", problem.what());
    }
    return false;
  }
  for (const std::string& line : topology_->describe()) {
    const auto colon = line.starts_with("attached to ") ? std::string::npos : line.find(':');
    result_.environment.emplace_back(colon == std::string::npos ? "target" : line.substr(0, colon),
                                     colon == std::string::npos ? line : line.substr(colon + 2));
  }
  return true;
}

bool Story::seed_data() {
  const TopologyEndpoints& at = topology_->endpoints();
  const DataSpec& data = profile_.data;
  const bool wanted =
      data.users > 0 || !data.events.empty() || !data.auctions.empty() || !data.rooms.empty();
  if (!wanted) return true;
  if (!at.admin) {
    end("failed",
        "the profile creates users and events, which needs boxoffice's admin port: give "
        "--admin HOST:PORT and STAMPEDE_ADMIN_TOKEN, or remove `data` from the profile");
    return false;
  }
  try {
    BoxofficeAdmin admin(*at.admin, at.admin_token);
    seeded_ = admin.seed(profile_.data, profile_.seed);
    set_run_values();
    if (seeded_.users > 0) {
      const auto life = std::chrono::duration_cast<std::chrono::seconds>(run_length(profile_)) +
                        token_life_beyond_run;
      const std::uint64_t end = seeded_.first_user + seeded_.users;
      const std::uint64_t operators = end - std::min<std::uint64_t>(data.admins, seeded_.users);
      const auto take = [&](std::uint64_t from, std::uint64_t to, const char* role) {
        if (from == to) return;
        for (UserToken& token : admin.tokens(from, to - 1, life, role)) {
          users_.push_back({token.user, std::move(token.token)});
        }
      };
      take(seeded_.first_user, operators, "USER");
      take(operators, end, "ADMIN");
    }
    note(fmt::format("{} users, {} events", users_.size(), seeded_.events.size()));
  } catch (const TopologyError& problem) {
    end("failed", problem.what());
    return false;
  }
  return true;
}

// In the order of Compiler::collect_slots().
void Story::set_run_values() {
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < profile_.data.events.size(); ++i)
    ids.push_back(seeded_.events.at(i).id);
  for (const SeededAuction& auction : seeded_.games.auctions) ids.push_back(auction.id);
  ids.insert(ids.end(), seeded_.games.rooms.begin(), seeded_.games.rooms.end());
  if (profile_.data.admins > 0) ids.push_back(seeded_.venue);
  for (std::size_t i = 0; i < ids.size() && i < compiled_.run_values.size(); ++i)
    compiled_.run_values[i].second = static_cast<std::int64_t>(ids[i]);
}

// Rooms open by the clock on the wall, so the load waits for it.
void Story::wait_for_opening() {
  if (profile_.data.rooms.empty()) return;
  using std::chrono::duration_cast;
  const RoomSpec& room = profile_.data.rooms.front();
  const auto wall = duration_cast<Nanos>(std::chrono::system_clock::now().time_since_epoch());
  Nanos wait = room.period - (wall + room.lead) % room.period;
  if (wait == room.period) wait = Nanos{0};
  note(fmt::format("waiting {:.1f} s, so that the room opens {:.0f} s into the run",
                   to_seconds(wait), to_seconds(room.lead)));
  for (const TimePoint end = now() + wait; now() < end && !stop_.stop_requested();)
    std::this_thread::sleep_for(std::min<Nanos>(end - now(), std::chrono::milliseconds{100}));
}

// Their times count from the start of the load, which is now.
void Story::open_sales() {
  const TopologyEndpoints& at = topology_->endpoints();
  if (!at.admin) return;
  BoxofficeAdmin admin(*at.admin, at.admin_token);
  for (std::size_t i = 0; i < profile_.data.events.size(); ++i) {
    const EventSpec& event = profile_.data.events[i];
    if (event.opens_after > Nanos{0}) admin.open_event(seeded_.events.at(i).id, event);
  }
  for (std::size_t i = 0; i < seeded_.games.auctions.size(); ++i)
    admin.open_auction(seeded_.games.auctions[i].id, profile_.data.auctions.at(i));
}

// L10: what these workers reach against nothing, on this machine, now.
void Story::calibrate_generator() {
  if (!profile_.validity.calibration) {
    calibration_.absent = "switched off by the profile (validity: calibration)";
  } else if (!request_.calibrate) {
    calibration_.absent = "switched off (--no-calibration)";
  } else {
    note("measuring this generator against a target that does nothing");
    calibration_ = calibrate(make_plan(), stop_.get_token());
  }
}

LoadPlan Story::make_plan() const {
  LoadPlan plan;
  plan.run = &compiled_;
  const TopologyEndpoints& at = topology_->endpoints();
  plan.target = {at.http.host, at.http.port,   at.path_prefix,      {},
                 at.tls,       at.socket_path, profile_.connection, profile_.tls};
  plan.users = users_;
  plan.seed = profile_.seed;
  plan.id_salt = id_salt_of(result_.ids);
  plan.workers = profile_.workers;
  plan.warm_up = profile_.warm_up;
  plan.length = run_length(profile_);
  plan.drain = profile_.drain;
  plan.slo = slo_of(profile_.gates, profile_.validity);
  return plan;
}

bool Story::drive_load() {
  const LoadPlan plan = make_plan();
  note(memory_text(
      estimate_memory(compiled_, plan.workers, plan.length + plan.drain, users_.size())));
  if (const std::string warning = descriptor_warning(compiled_); !warning.empty()) note(warning);
  if (!request_.quiet) {
    const int terminal = request_.teller ? STDERR_FILENO : STDOUT_FILENO;
    view_.emplace(progress_,
                  LiveView::Plan{profile_.name, to_seconds(plan.length + plan.drain),
                                 to_seconds(plan.warm_up), to_seconds(plan.drain)},
                  request_.terminal
                      ? LiveView::Columns([terminal] { return terminal_width(terminal); })
                      : LiveView::Columns());
  }
  calibrate_generator();
  compare_clocks();
  usage_before_ = topology_->usage();
  stores_before_ = read_store_facts(topology_->endpoints());
  open_histogram_log(to_seconds(plan.length + plan.drain));
  batches_.emplace(profile_.gates, series_labels(compiled_));
  ProbeStreamRun probe(profile_, plan);
  gauges_.emplace(profile_.gauges, topology_->endpoints(), usage_before_);
  try {
    wait_for_opening();
    probe.start(stop_.get_token());
    open_sales();
    gauges_->start();
    load_ =
        drive(plan, stop_.get_token(), [this](const LoadSecond& second) { second_passed(second); });
  } catch (const std::runtime_error& problem) {
    end("failed", problem.what());
    return false;
  }
  gauges_->finish();
  close_histogram_log();
  probe.finish(load_.self);
  load_.self.null_target = calibration_.result;
  load_.self.null_target_absent = calibration_.absent;
  if (view_) view_->finish();
  view_.reset();
  usage_last_ = topology_->usage();
  if (death_.empty()) {
    ask_for_defects_again();
    compare_clocks_again();
  }
  load_.self.target_clock = target_clock_;
  stores_last_ = since(stores_before_, read_store_facts(topology_->endpoints()));
  if (death_.empty()) stop_when_a_part_died();
  if (!death_.empty()) {
    end("target_died", death_);
  } else if (stop_.stop_requested()) {
    end("interrupted", "stopped by a signal; what was seen until then is kept");
  }
  return !ended();
}

// What the logs say of themselves.
std::string Story::written_by() const {
  std::string version;
  for (const auto& [name, value] : result_.environment) {
    if (name == "stampede") version = value;
  }
  return fmt::format("stampede {}: {}, values in ns, maximum in ms", version, result_.id);
}

void Story::open_histogram_log(double seconds) {
  if (!directory_) return;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  load_wall_start_ = std::chrono::duration<double>(wall).count();
  histograms_.emplace(HistogramLog::Plan{directory_->path(), series_labels(compiled_), seconds,
                                         load_wall_start_, utc_now(), written_by()});
}

// A log that ends early is said, and judged by L17.
void Story::close_histogram_log() {
  if (!histograms_) return;
  log_ended_ = histograms_->finish();
  log_lost_ = histograms_->lost();
  if (!log_ended_.empty()) err_ << "stampede: " << log_ended_ << "\n";
  histograms_.reset();
}

void Story::stop_when_a_part_died() {
  if (const auto death = topology_->died()) {
    death_ = *death;
    stop_.request_stop();
  }
}

void Story::second_passed(const LoadSecond& second) {
  if (death_.empty()) stop_when_a_part_died();
  const SecondResult row =
      digest_second(second.delta, series_labels(compiled_),
                    {second.second, second.warm_up, second.drain, second.gauges.users_alive,
                     second.gauges.requests_in_flight, second.worker_cpu},
                    compiled_.counters);
  if (!row.warm_up && !row.drain) {
    measured_.seconds.push_back(measured_second(row));
    if (!measured_.ended_in_seconds) measured_.ended_in_seconds.emplace();
    *measured_.ended_in_seconds += second.delta;
  }
  if (!row.warm_up) batches_->add(second.delta_measured);
  result_.seconds.push_back(row);
  if (histograms_) histograms_->add(second.second, second.delta_warm_up, second.delta_measured);
  if (view_) view_->second(row);
}

void Story::quiesce_and_audit() {
  if (!profile_.booking_invariants) return;
  const TopologyEndpoints& at = topology_->endpoints();
  if (at.admin) {
    note("letting the target come to rest");
    try {
      const QuiesceResult rest =
          BoxofficeAdmin(*at.admin, at.admin_token).quiesce(quiesce_patience);
      if (!rest.quiet) quiesce_note_ = rest.left;
    } catch (const TopologyError& problem) {
      quiesce_note_ = problem.what();
    }
  }
  if (stop_.stop_requested()) return end("interrupted", "stopped by a signal before the audit");
  note("auditing MariaDB, Redis and the clients' ledger");
  const FinalState state = read_final_state(at, seeded_.events, seeded_.games);
  fairness_ = auction_fairness(load_.ledger, state);
  result_.seats = seat_ledger(state);
  for (Finding& finding : booking_invariants(load_.ledger, state)) {
    findings_.push_back(std::move(finding));
  }
}

}  // namespace stampede
