#include "harness/cli/commands.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>
#include <sstream>
#include <thread>
#include <variant>

#include "harness/profile/profile_reader.hpp"
#include "harness/profile/secrets.hpp"
#include "harness/run/environment.hpp"
#include "harness/run/interrupt.hpp"
#include "harness/run/run.hpp"
#include "harness/topology/boxoffice_admin.hpp"
#include "harness/topology/topology.hpp"

namespace stampede {
namespace {

namespace fs = std::filesystem;
constexpr std::uintmax_t profile_bytes_max = 1 << 20;

fs::path own_folder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path(".") : self.parent_path();
}

// A file as given; else NAME or NAME.yaml below profiles/ here, or beside the binary's source tree.
std::optional<fs::path> find_profile(const std::string& name) {
  std::error_code error;
  if (fs::is_regular_file(name, error)) return fs::path(name);
  if (name.find('/') != std::string::npos) return std::nullopt;
  const fs::path tree = own_folder().parent_path().parent_path().parent_path();
  for (const fs::path& root : {fs::path("profiles"), tree / "profiles"}) {
    for (const std::string& file : {name, name + ".yaml"}) {
      if (fs::is_regular_file(root / file, error)) return root / file;
    }
  }
  return std::nullopt;
}

// Problems of the profile itself and of the files that it names, each with a line of its own file.
std::string render_all(const Diagnostics& problems, const std::string& file,
                       const std::string& text) {
  constexpr std::uintmax_t excerpt_bytes_max = 64 << 20;
  std::string out;
  std::string other_file;
  std::string other_text;
  for (const Diagnostic& problem : problems) {
    if (problem.file == file || problem.file == "--set") {
      out += render(problem, text);
      continue;
    }
    if (problem.file != other_file) {
      other_file = problem.file;
      other_text.clear();
      std::error_code error;
      const auto size = fs::file_size(other_file, error);
      if (!error && size <= excerpt_bytes_max) {
        std::ostringstream whole;
        whole << std::ifstream(other_file).rdbuf();
        other_text = whole.str();
      }
    }
    out += render(problem, other_text);
  }
  return out;
}

struct LoadedProfile {
  Profile profile;
  std::string text;
};

// All of them at once: those of reading, and those that show in what could be read.
Diagnostics find_problems(ProfileReading& reading, const Environment& environment) {
  Diagnostics all = reading.problems;
  if (!reading.readable) return all;
  std::ranges::move(resolve_secrets(reading.profile, environment), std::back_inserter(all));
  std::ranges::move(check_profile(reading.profile, reading.doubts ? &*reading.doubts : nullptr),
                    std::back_inserter(all));
  sort_by_place(all, reading.profile.file);
  return all;
}

struct ProfileFile {
  fs::path path;
  std::string text;
};

// nullopt: explained on `err`.
std::optional<ProfileFile> read_profile_file(const std::string& name, std::ostream& err) {
  const auto path = find_profile(name);
  std::error_code error;
  if (!path) {
    err << fmt::format(
        "stampede: no profile {}: neither a file nor the name of one in profiles/\n"
        "hint: give the path of a YAML file; `ls profiles` shows those that ship\n",
        name);
    return std::nullopt;
  }
  if (fs::file_size(*path, error) > profile_bytes_max) {
    err << fmt::format("stampede: {} is over 1 MiB: that is no profile\n", path->string());
    return std::nullopt;
  }
  std::ifstream in(*path);
  if (!in) {
    err << fmt::format("stampede: cannot read {}\n", path->string());
    return std::nullopt;
  }
  std::ostringstream text;
  text << in.rdbuf();
  return ProfileFile{*path, text.str()};
}

// Reads, checks and compiles; explains every problem on `err`.
std::optional<LoadedProfile> load_profile(const std::string& name,
                                          const std::vector<std::string>& sets,
                                          const Environment& environment, std::ostream& err) {
  const auto file = read_profile_file(name, err);
  if (!file) return std::nullopt;
  const std::string path = file->path.string();
  ProfileReading reading = read_profile_in_part(file->text, path, sets);
  const Diagnostics problems = find_problems(reading, environment);
  if (!problems.empty()) {
    err << render_all(problems, path, file->text);
    err << fmt::format("{} problem{} in {}\n", problems.size(), problems.size() == 1 ? "" : "s",
                       path);
    return std::nullopt;
  }
  return LoadedProfile{std::move(reading.profile), file->text};
}

// Does the load of that scenario have a beginning that another plan replaces as well?
bool has_start(const Profile& profile, const std::string& scenario) {
  const auto found = std::ranges::find(profile.scenarios, scenario, &ScenarioSpec::name);
  return found != profile.scenarios.end() && !std::holds_alternative<InstantLoad>(found->load);
}

// --stages as values to set. The name of the only scenario is looked up in the profile.
bool add_stages(const RunOptions& options, std::vector<std::string>& sets, std::ostream& err) {
  if (options.stages.empty()) return true;
  const auto file = read_profile_file(options.profile, err);
  if (!file) return false;
  const Profile profile =
      read_profile_in_part(file->text, file->path.string(), options.sets).profile;
  for (const std::string& plan : options.stages) {
    const auto equals = plan.find('=');
    std::string scenario = plan.substr(0, equals == std::string::npos ? 0 : equals);
    if (equals == std::string::npos) {
      if (!load_profile(options.profile, options.sets, options.environment, err)) return false;
      if (profile.scenarios.size() != 1) {
        err << fmt::format(
            "stampede: --stages {}: the profile has {} scenarios\n"
            "hint: say which: --stages NAME={}\n",
            plan, profile.scenarios.size(), plan);
        return false;
      }
      scenario = profile.scenarios.front().name;
    }
    const std::string stages = plan.substr(equals == std::string::npos ? 0 : equals + 1);
    // The whole plan is another one, so it does not begin where the profile's did.
    if (has_start(profile, scenario)) sets.push_back(fmt::format("scenarios.{}.start=0", scenario));
    sets.push_back(fmt::format("scenarios.{}.stages='{}'", scenario, stages));
  }
  return true;
}

constexpr const char* admin_token_file = ".stampede-admin-token";

// A secret never goes to the terminal: it is kept in a file of the working folder, for the owner
// only, and goes with the topology, however that ends.
class AdminTokenFile {
 public:
  explicit AdminTokenFile(const std::string& token) {
    std::error_code ignored;
    fs::remove(admin_token_file, ignored);
    const int file = open(admin_token_file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    made_ = file >= 0;
    kept_ = made_ && write(file, token.data(), token.size()) == static_cast<ssize_t>(token.size());
    if (made_) close(file);
  }
  ~AdminTokenFile() {
    std::error_code ignored;
    if (made_) fs::remove(admin_token_file, ignored);
  }
  AdminTokenFile(const AdminTokenFile&) = delete;
  AdminTokenFile& operator=(const AdminTokenFile&) = delete;
  [[nodiscard]] bool kept() const noexcept { return kept_; }

 private:
  bool made_ = false, kept_ = false;
};

fs::path boxoffice_path(const std::string& given) {
  return given.empty() ? own_folder() / "boxoffice" : fs::path(given);
}

}  // namespace

std::string version_text() {
  std::string text = "stampede";
  for (const auto& [name, value] : collect_environment()) {
    if (name == "stampede") text += " " + value;
    if (name == "commit") text += " (" + value + ")";
  }
  return text;
}

ExitCode command_validate(const ValidateOptions& options, std::ostream& out, std::ostream& err) {
  const auto loaded = load_profile(options.profile, options.sets, options.environment, err);
  if (!loaded) return ExitCode::usage;
  const Profile& profile = loaded->profile;
  out << fmt::format(
      "{}: fine\n  {}\n  {} scenarios, {} gates, {:.0f} s of load ({:.0f} s of it warm-up)\n",
      profile.name, profile.question, profile.scenarios.size(), profile.gates.size(),
      to_seconds(run_length(profile)), to_seconds(profile.warm_up));
  return ExitCode::pass;
}

namespace {

constexpr std::size_t password_bytes_max = 1024;

// Of the file, else of the environment. nullopt: explained on `err`, without what was read.
std::optional<std::string> mysql_password(const AttachOptions& attach, std::ostream& err) {
  if (attach.mysql_password_file.empty()) return attach.mysql_password;
  std::ifstream in(attach.mysql_password_file);
  std::string line;
  const bool read = in && std::getline(in, line) && line.size() <= password_bytes_max;
  if (read && line.ends_with('\r')) line.pop_back();
  if (read && !line.empty()) return line;
  err << fmt::format(
      "stampede: --mysql-password-file: no password in the first line of {} (1 to {} bytes)\n",
      attach.mysql_password_file, password_bytes_max);
  return std::nullopt;
}

}  // namespace

ExitCode command_run(const RunOptions& options, std::ostream& out, std::ostream& err) {
  std::vector<std::string> sets = options.sets;
  if (!add_stages(options, sets, err)) return ExitCode::usage;
  auto loaded = load_profile(options.profile, sets, options.environment, err);
  auto password = mysql_password(options.attach, err);
  if (!loaded || !password) return ExitCode::usage;
  std::stop_source stop;
  const InterruptWatch watch(stop);
  RunRequest request;
  request.profile = std::move(loaded->profile);
  request.out = options.out;
  request.boxoffice = boxoffice_path(options.boxoffice);
  request.url = options.attach.url;
  request.admin = options.attach.admin;
  request.admin_token = options.attach.admin_token;
  request.mysql = options.attach.mysql;
  request.mysql_password = std::move(*password);
  request.redis = options.attach.redis;
  request.terminal = options.terminal;
  request.colour = options.colour;
  request.quiet = options.quiet;
  request.calibrate = !options.no_calibration;
  request.notify = options.notify;
  request.command_line = options.command_line;
  return run(request, stop, out, err);
}

namespace {

constexpr std::uintmax_t body_bytes_max = 16UL << 20;

// nullopt: explained on `err`.
std::optional<std::string> read_body(const std::string& file, std::ostream& err) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  if (error || !in) {
    err << fmt::format("stampede: cannot read the body from {}\n", file);
    return std::nullopt;
  }
  if (size > body_bytes_max) {
    err << fmt::format("stampede: the body in {} is over 16 MiB\n", file);
    return std::nullopt;
  }
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The profile's keys stand for flags here.
std::string why_nobody_answered(const FailureResult& failure) {
  std::string text = fmt::format(": {}: {}", failure.reason, failure.advice);
  if (failure.reason.starts_with("tls_")) {
    text +=
        " (tls.ca_file is --cacert here, tls.certificate --cert, tls.key --key, "
        "tls.insecure -k)";
  }
  return text;
}

}  // namespace

ExitCode command_bench(const BenchCommand& command, std::ostream& out, std::ostream& err) {
  BenchOptions options = command.bench;
  if (!command.body_file.empty()) {
    options.body = read_body(command.body_file, err);
    if (!options.body) return ExitCode::usage;
  }
  Checked<BenchProfile> made = make_bench_profile(options);
  Diagnostics problems = made.has_value() ? check_profile(made->profile) : made.error();
  if (!problems.empty()) {
    for (const Diagnostic& each : problems) {
      err << "stampede bench: " << each.message << "\n";
      if (!each.hint.empty()) err << "hint: " << each.hint << "\n";
    }
    return ExitCode::usage;
  }
  std::stop_source stop;
  const InterruptWatch watch(stop);
  RunRequest request;
  request.profile = std::move(made->profile);
  // Nothing but what was asked for reaches the URL, and it starts at once.
  request.profile.validity.probe = false;
  request.calibrate = false;
  request.url = made->base_url;
  request.terminal = command.terminal;
  request.quiet = command.quiet;
  request.command_line = command.command_line;
  bool answered = false;
  std::string why = ": is it listening there?";
  request.teller = [&](const RunResult& result, std::ostream& to) {
    answered = !result.statuses.empty();
    if (!result.failures.empty()) why = why_nobody_answered(result.failures.front());
    if (command.output == "json") {
      to << to_json(result);
    } else {
      write_bench(result, to);
    }
  };
  const ExitCode code = run(request, stop, out, err);
  if (code == ExitCode::interrupted || answered) return code;
  if (code == ExitCode::topology) return code;
  err << fmt::format("stampede: {} gave no answer at all{}\n", request.url, why);
  return ExitCode::topology;
}

ExitCode command_up(const UpOptions& options, std::ostream& out, std::ostream& err) {
  if (!is_topology_kind(options.topology)) {
    err << fmt::format("stampede: no topology {}; there are: {}\n", options.topology,
                       topology_kinds);
    return ExitCode::usage;
  }
  std::stop_source stop;
  const InterruptWatch watch(stop);
  TopologyPlan plan;
  plan.kind = options.topology;
  plan.boxoffice = boxoffice_path(options.boxoffice);
  try {
    const auto topology = Topology::start(plan, stop.get_token(), [&out](const std::string& line) {
      out << "  " << line << "\n" << std::flush;
    });
    const TopologyEndpoints& at = topology->endpoints();
    if (at.admin && (options.users > 0 || options.seats > 0)) {
      DataSpec data;
      data.users = options.users;
      if (options.seats > 0) data.events.push_back({.rows = 1, .columns = options.seats});
      BoxofficeAdmin(*at.admin, at.admin_token).seed(data, 1);
    }
    out << fmt::format("boxoffice  http://{}:{}\n", at.http.host, at.http.port);
    if (at.admin) out << fmt::format("admin      http://{}:{}\n", at.admin->host, at.admin->port);
    if (at.redis) out << fmt::format("redis      {}:{}\n", at.redis->host, at.redis->port);
    if (at.mysql) {
      out << fmt::format("mysql      {}@{}:{}/{}\n", at.mysql->user, at.mysql->host, at.mysql->port,
                         at.mysql->database);
    }
    const AdminTokenFile token(at.admin_token);
    if (token.kept()) {
      out << "token      the admin token is in " << admin_token_file << " (readable by you only)\n";
    } else {
      err << "stampede: cannot write the admin token to " << admin_token_file
          << " in this folder; without it nobody can use the admin port\n";
    }
    out << "Ctrl-C stops everything.\n" << std::flush;
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (const auto death = topology->died()) {
        err << "stampede: " << *death << "\n";
        return ExitCode::topology;
      }
    }
    out << "stopping\n" << std::flush;
    return ExitCode::interrupted;
  } catch (const TopologyError& problem) {
    err << "stampede: " << problem.what() << "\n";
    return stop.stop_requested() ? ExitCode::interrupted : ExitCode::topology;
  }
}

}  // namespace stampede
