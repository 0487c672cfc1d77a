#include "harness/topology/single_topology.hpp"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <pwd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/time.hpp"
#include "harness/topology/boxoffice_command.hpp"
#include "harness/topology/free_port.hpp"
#include "harness/topology/http_exchange.hpp"
#include "harness/topology/provider_process.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {
namespace {

using Progress = PrivateStores::Progress;

constexpr rlim_t descriptors_wanted = 65536;

// Throws filesystem_error, as everything here that makes files: Topology::start() explains it.
std::filesystem::path make_directory(const std::filesystem::path& root) {
  const std::filesystem::path base = root.empty() ? std::filesystem::temp_directory_path() : root;
  std::string name = (base / "stampede-XXXXXX").string();
  if (!mkdtemp(name.data())) {
    throw std::filesystem::filesystem_error("cannot make a temporary folder", base,
                                            {errno, std::generic_category()});
  }
  return std::filesystem::canonical(name);
}

// For the words of a part that failed: a full disk is often behind them, and not named.
std::string full_disk_hint(const std::filesystem::path& directory) {
  constexpr std::uintmax_t room_min = 1 << 20;
  std::error_code error;
  const std::filesystem::space_info room = std::filesystem::space(directory, error);
  if (error || room.available >= room_min) return {};
  return fmt::format("\nThere is no room left in {}: free space there, or set TMPDIR",
                     directory.parent_path().string());
}

std::filesystem::path cache_of(const TopologyPlan& plan) {
  if (!plan.cache_dir.empty()) return std::filesystem::absolute(plan.cache_dir);
  const passwd* user = getpwuid(geteuid());
  if (!user || !user->pw_dir) throw TopologyError("mariadb: no home directory for the cache");
  return std::filesystem::path(user->pw_dir) / ".cache" / "stampede";
}

void note_descriptors(const Progress& progress) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max < descriptors_wanted) {
    progress(
        fmt::format("note: only {} descriptors per process are allowed; {} would be safe for "
                    "large runs (ulimit -Hn, or /etc/security/limits.conf)",
                    files.rlim_max, descriptors_wanted));
  }
}

bool redis_ready(const Endpoint& endpoint) {
  try {
    RedisConnection redis(endpoint, std::chrono::seconds{2});
    return redis.text({"PING"}) == "PONG";
  } catch (const StoreProblem&) {
    return false;
  }
}

}  // namespace

void write_settings(const std::filesystem::path& file, const std::string& text) {
  errno = 0;
  std::ofstream out(file);
  out << text;
  out.close();
  if (out) return;
  throw std::filesystem::filesystem_error("cannot write", file,
                                          {errno == 0 ? EIO : errno, std::generic_category()});
}

std::string random_secret() {
  std::array<unsigned char, 32> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw TopologyError("no random numbers: " + std::generic_category().message(errno));
  }
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::filesystem::path find_tool(const TopologyPlan& plan, const std::string& role,
                                const std::string& name, const std::string& package) {
  std::vector<std::filesystem::path> places = plan.tool_dirs;
  if (places.empty()) {
    places = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};
  }
  std::string looked;
  for (const std::filesystem::path& place : places) {
    if (access((place / name).c_str(), X_OK) == 0) return std::filesystem::absolute(place / name);
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  throw TopologyError(
      fmt::format("{}: the program {} is missing (looked in {}). Run ci/setup, or "
                  "install the package {}",
                  role, name, looked, package));
}

PrivateStores::PrivateStores(const TopologyPlan& plan, const std::stop_token& stop,
                             const Progress& progress)
    : log_dir_(plan.log_dir) {
  // Before anything is made: what is missing should be said at once.
  const auto server = find_tool(plan, "mariadb", "mariadbd", "mariadb-server");
  const auto redis = find_tool(plan, "redis", "redis-server", "redis-server");
  directory_ = make_directory(plan.work_root);
  guardian_ = std::make_unique<Guardian>(directory_);
  // Both start at the same time. A port may be taken between choice and use: then once more.
  for (int attempt = 1;; ++attempt) {
    try {
      start_mariadb(plan, progress);
      start_redis(plan);
      await_both(stop, progress);
      return;
    } catch (const TopologyError& error) {
      const std::string full = full_disk_hint(directory_);
      keep_logs();
      mariadb_process_.reset();
      redis_process_.reset();
      const bool again = std::string_view(error.what()).find(port_taken) != std::string_view::npos;
      if (!full.empty()) throw TopologyError(error.what() + full);
      if (!again || attempt == start_tries_max) throw;
      progress("a port was taken by another process; starting again");
      for (const char* part : {"mariadb", "redis"}) {
        std::filesystem::remove_all(directory_ / part);
      }
    }
  }
}

PrivateStores::~PrivateStores() {
  if (redis_process_) redis_process_->stop(std::chrono::seconds{3});
  if (mariadb_process_) mariadb_process_->stop(std::chrono::seconds{10});
  keep_logs();
}

std::vector<Process*> PrivateStores::processes() const {
  return {redis_process_.get(), mariadb_process_.get()};
}

std::vector<ProcessUsage> usage_of(const std::vector<Process*>& processes) {
  std::vector<ProcessUsage> all;
  for (const Process* process : processes) {
    if (const auto usage = process->usage()) all.push_back(*usage);
  }
  return all;
}

std::optional<std::string> first_death(const std::vector<Process*>& processes) {
  for (Process* process : processes) {
    if (process->alive()) continue;
    const std::string words = process->last_words();
    return fmt::format("{} {}{}", process->role(), process->ending(),
                       words.empty() ? "" : "; last words:\n" + words);
  }
  return std::nullopt;
}

void PrivateStores::start_mariadb(const TopologyPlan& plan, const Progress& progress) {
  MariadbPlan mariadb;
  mariadb.server = find_tool(plan, "mariadb", "mariadbd", "mariadb-server");
  mariadb.install = find_tool(plan, "mariadb", "mariadb-install-db", "mariadb-server");
  mariadb.directory = directory_ / "mariadb";
  mariadb.cache = cache_of(plan);
  mysql_ = {"127.0.0.1", free_port(), "boxoffice", random_secret(), "boxoffice"};
  mariadb.endpoint = mysql_;
  std::filesystem::create_directory(mariadb.directory);
  const ProcessSpec spec = prepare_mariadb(mariadb, guardian_.get(), progress);
  mariadb_process_ = std::make_unique<Process>(spec, guardian_.get());
}

void PrivateStores::start_redis(const TopologyPlan& plan) {
  const std::filesystem::path own = directory_ / "redis";
  std::filesystem::create_directory(own);
  redis_ = {"127.0.0.1", free_port()};
  // No persistence: holds and queue places may be lost by design, and the run's Redis starts empty.
  write_settings(own / "redis.conf",
                 fmt::format("bind 127.0.0.1\nport {0}\nprotected-mode yes\ndaemonize no\n"
                             "save \"\"\nunixsocket {1}/s\nunixsocketperm 700\nappendonly no\n"
                             "databases 1\nmaxclients 20000\ntcp-backlog 511\ndir {1}\n",
                             redis_.port, own.string()));
  const ProcessSpec spec{"redis",
                         find_tool(plan, "redis", "redis-server", "redis-server"),
                         {(own / "redis.conf").string()},
                         {},
                         own,
                         own / "redis.log"};
  redis_process_ = std::make_unique<Process>(spec, guardian_.get());
}

void PrivateStores::await_both(const std::stop_token& stop, const Progress& progress) {
  const TimePoint begin = now();
  await_ready(*redis_process_, stop, begin + ready_within, [this] { return redis_ready(redis_); });
  progress(fmt::format("redis ready in {:.2f} s", to_seconds(now() - begin)));
  await_ready(*mariadb_process_, stop, begin + ready_within,
              [this] { return mariadb_ready(mysql_); });
  progress(fmt::format("mariadb ready in {:.2f} s", to_seconds(now() - begin)));
  // Subtle: another server may have taken the port in between and answered instead of ours.
  if (!redis_process_->alive()) fail_start(*redis_process_, redis_process_->ending());
  std::filesystem::remove(directory_ / "mariadb" / "init.sql");  // it holds the password
}

void PrivateStores::keep_logs() const noexcept {
  if (log_dir_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(log_dir_, error);
  // A part's folder has a log of its own name, or a service's of boxoffice: catalog/boxoffice.log.
  for (std::filesystem::directory_iterator part(directory_, error), end; !error && part != end;
       part.increment(error)) {
    const std::string name = part->path().filename().string();
    for (const auto& [from, to] :
         {std::pair{name + ".log", name + ".log"},
          std::pair{std::string("boxoffice.log"), "boxoffice-" + name + ".log"}}) {
      if (to == "boxoffice-boxoffice.log") continue;
      std::error_code absent;
      std::filesystem::copy_file(part->path() / from, log_dir_ / to,
                                 std::filesystem::copy_options::overwrite_existing, absent);
    }
  }
}

namespace {

class SingleTopology final : public Topology {
 public:
  SingleTopology(const TopologyPlan& plan, const std::stop_token& stop, const Progress& progress)
      : stores_(plan, stop, progress) {
    endpoints_.mysql = stores_.mysql();
    endpoints_.redis = stores_.redis();
    endpoints_.admin_token = random_secret();
    const auto prefix = plan.target.options.find("path-prefix");
    if (prefix != plan.target.options.end()) endpoints_.path_prefix = prefix->second;
    std::filesystem::create_directory(stores_.directory() / "boxoffice");
    secrets_ = boxoffice_secrets(endpoints_.admin_token, stores_.mysql().password);
    if (wants_provider(plan)) {
      provider_ = start_provider(plan, stores_, secrets_, stop, progress);
      endpoints_.provider = provider_.at;
    }
    for (int attempt = 1;; ++attempt) {
      try {
        start_boxoffice(plan, stop, progress);
        return;
      } catch (const TopologyError& error) {
        boxoffice_.reset();
        const bool asked = plan.target.options.contains("port");
        const bool again =
            std::string_view(error.what()).find(port_taken) != std::string_view::npos && !asked;
        if (!again || attempt == start_tries_max) throw;
        progress("a port was taken by another process; starting boxoffice again");
      }
    }
  }
  ~SingleTopology() override {
    // Its own drain may take up to 10 s; nobody listens any more, so it is not given all of it.
    if (boxoffice_) boxoffice_->stop(std::chrono::seconds{5});
  }
  SingleTopology(const SingleTopology&) = delete;
  SingleTopology& operator=(const SingleTopology&) = delete;

  const TopologyEndpoints& endpoints() const noexcept override { return endpoints_; }

  std::vector<ProcessUsage> usage() const override { return usage_of(processes()); }
  std::optional<std::string> died() override { return first_death(processes()); }

  std::vector<std::pair<std::string, std::filesystem::path>> logs() const override {
    return {{"boxoffice", stores_.directory() / "boxoffice" / "boxoffice.log"}};
  }

  std::vector<std::string> describe() const override {
    std::vector<std::string> lines{"boxoffice: " + command_};
    if (provider_.process) lines.push_back(provider_.command);
    try {
      lines.push_back(describe_mysql(*endpoints_.mysql));
      lines.push_back(describe_redis(*endpoints_.redis));
    } catch (const StoreProblem& problem) {
      lines.emplace_back(problem.what());
    }
    return lines;
  }

 private:
  std::vector<Process*> processes() const {
    std::vector<Process*> all{boxoffice_.get()};
    if (provider_.process) all.push_back(provider_.process.get());
    for (Process* process : stores_.processes()) all.push_back(process);
    return all;
  }

  void start_boxoffice(const TopologyPlan& plan, const std::stop_token& stop,
                       const Progress& progress) {
    endpoints_.http = {"127.0.0.1", port_asked_for(plan, "port")};
    endpoints_.admin = Endpoint{"127.0.0.1", port_asked_for(plan, "admin-port")};
    const std::filesystem::path own = stores_.directory() / "boxoffice";
    // Secrets travel in the environment: a command line is visible to every user of the machine.
    const ProcessSpec spec{
        "boxoffice",
        std::filesystem::absolute(plan.boxoffice),  // the child has another directory
        arguments_of(boxoffice_options(plan, stores_, endpoints_), plan),
        secrets_,
        own,
        own / "boxoffice.log"};
    command_ = fmt::format("{} {}", plan.boxoffice.string(), fmt::join(spec.arguments, " "));
    const TimePoint begin = now();
    boxoffice_ = std::make_unique<Process>(spec, &stores_.guardian());
    await_ready(*boxoffice_, stop, begin + ready_within,
                [this] { return boxoffice_ready(endpoints_.http, endpoints_.path_prefix); });
    progress(fmt::format("boxoffice ready in {:.2f} s", to_seconds(now() - begin)));
  }

  PrivateStores stores_;
  TopologyEndpoints endpoints_;
  std::string command_;
  std::vector<std::string> secrets_;
  StartedProvider provider_;
  std::unique_ptr<Process> boxoffice_;  // after the stores: it ends first
};

}  // namespace

void check_machine(const TopologyPlan& plan, const Progress& progress) {
  if (access(plan.boxoffice.c_str(), X_OK) != 0) {
    throw TopologyError(
        fmt::format("boxoffice: the program is missing at '{}'. Build it (cmake "
                    "--build), or name its place",
                    plan.boxoffice.string()));
  }
  note_descriptors(progress);
}

std::unique_ptr<Topology> start_single(const TopologyPlan& plan, const std::stop_token& stop,
                                       const Progress& progress) {
  check_machine(plan, progress);
  return std::make_unique<SingleTopology>(plan, stop, progress);
}

}  // namespace stampede
