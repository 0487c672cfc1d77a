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
#include "harness/topology/free_port.hpp"
#include "harness/topology/http_exchange.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {
namespace {

using Progress = PrivateStores::Progress;

constexpr int start_tries_max = 3;
constexpr std::chrono::seconds ready_within{60};
constexpr std::chrono::milliseconds poll_step{10};
constexpr rlim_t descriptors_wanted = 65536;
constexpr const char* port_taken = "Address already in use";

std::filesystem::path make_directory(const std::filesystem::path& root) {
  std::error_code ignored;
  const std::filesystem::path base =
      root.empty() ? std::filesystem::temp_directory_path(ignored) : root;
  std::string name = (base / "stampede-XXXXXX").string();
  if (!mkdtemp(name.data())) {
    throw TopologyError(fmt::format("cannot make a temporary directory below {}: {}", base.string(),
                                    std::generic_category().message(errno)));
  }
  return std::filesystem::canonical(name);
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

[[noreturn]] void fail_start(Process& process, const std::string& what) {
  const std::string words = process.last_words();
  throw TopologyError(
      fmt::format("{} {}{}", process.role(), what, words.empty() ? "" : "; last words:\n" + words));
}

// Waits until `ready` says so; throws when the process ends, time is up or a stop is asked for.
void await_ready(Process& process, const std::stop_token& stop, TimePoint until,
                 const std::function<bool()>& ready) {
  while (!ready()) {
    if (stop.stop_requested()) throw TopologyError("stopped while " + process.role() + " started");
    if (!process.alive()) fail_start(process, process.ending() + " before it was ready");
    if (now() >= until) fail_start(process, "was not ready in time");
    std::this_thread::sleep_for(poll_step);
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
      keep_logs();
      mariadb_process_.reset();
      redis_process_.reset();
      const bool again = std::string_view(error.what()).find(port_taken) != std::string_view::npos;
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
  std::ofstream(own / "redis.conf")
      << "bind 127.0.0.1\nport " << redis_.port << "\nprotected-mode yes\ndaemonize no\nsave \"\"\n"
      << "unixsocket " << (own / "s").string()
      << "\nunixsocketperm 700\nappendonly no\ndatabases 1\nmaxclients 20000\ntcp-backlog 511\ndir "
      << own.string() << "\n";
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
  for (const char* name : {"mariadb/mariadb.log", "redis/redis.log", "boxoffice/boxoffice.log"}) {
    const std::filesystem::path from = directory_ / name;
    std::filesystem::copy_file(from, log_dir_ / from.filename(),
                               std::filesystem::copy_options::overwrite_existing, error);
  }
}

namespace {

std::string delay_text(const RandomDuration& delay) {
  const double ms = delay.a_seconds * 1e3;
  using Kind = RandomDuration::Kind;
  if (delay.kind == Kind::constant) return fmt::format("fixed:{}", ms);
  if (delay.kind == Kind::uniform) return fmt::format("uniform:{}:{}", ms, delay.b * 1e3);
  if (delay.kind == Kind::lognormal) {
    constexpr double z99 = 2.3263478740408408;  // the target wants median and 99th percentile
    return fmt::format("lognormal:{}:{}", ms, ms * std::exp(z99 * delay.b));
  }
  throw TopologyError(
      "boxoffice: the payment delay must be constant, uniform or lognormal: it knows no other");
}

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

  std::vector<ProcessUsage> usage() const override {
    std::vector<ProcessUsage> all;
    for (const Process* process : processes()) {
      if (const auto usage = process->usage()) all.push_back(*usage);
    }
    return all;
  }

  std::optional<std::string> died() override {
    for (Process* process : processes()) {
      if (process->alive()) continue;
      const std::string words = process->last_words();
      return fmt::format("{} {}{}", process->role(), process->ending(),
                         words.empty() ? "" : "; last words:\n" + words);
    }
    return std::nullopt;
  }

  std::vector<std::string> describe() const override {
    std::vector<std::string> lines{"boxoffice: " + command_};
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
    for (Process* process : stores_.processes()) all.push_back(process);
    return all;
  }

  void start_boxoffice(const TopologyPlan& plan, const std::stop_token& stop,
                       const Progress& progress) {
    endpoints_.http = {"127.0.0.1", port_for(plan, "port")};
    endpoints_.admin = Endpoint{"127.0.0.1", port_for(plan, "admin-port")};
    const std::filesystem::path own = stores_.directory() / "boxoffice";
    // Secrets travel in the environment: a command line is visible to every user of the machine.
    const ProcessSpec spec{
        "boxoffice",
        std::filesystem::absolute(plan.boxoffice),  // the child has another directory
        arguments(plan),
        {"BOXOFFICE_ADMIN_TOKEN=" + endpoints_.admin_token,
         "BOXOFFICE_JWT_SECRET=" + random_secret(), "BOXOFFICE_PASS_SECRET=" + random_secret(),
         "BOXOFFICE_WEBHOOK_SECRET=" + random_secret(),
         "BOXOFFICE_MYSQL_PASSWORD=" + stores_.mysql().password},
        own,
        own / "boxoffice.log"};
    command_ = fmt::format("{} {}", plan.boxoffice.string(), fmt::join(spec.arguments, " "));
    const TimePoint begin = now();
    boxoffice_ = std::make_unique<Process>(spec, &stores_.guardian());
    await_ready(*boxoffice_, stop, begin + ready_within, [this] { return boxoffice_ready(); });
    progress(fmt::format("boxoffice ready in {:.2f} s", to_seconds(now() - begin)));
  }

  bool boxoffice_ready() const {
    try {
      const HttpQuestion question{"GET", endpoints_.path_prefix + "/readyz", "", {}};
      return exchange(endpoints_.http, question, std::chrono::seconds{2}).status == 200;
    } catch (const std::exception&) {
      return false;
    }
  }

  // A port that the profile asks for must be free; without a wish any free one will do.
  static std::uint16_t port_for(const TopologyPlan& plan, const std::string& option) {
    const auto wish = plan.target.options.find(option);
    if (wish == plan.target.options.end()) return free_port();
    unsigned port = 0;
    const std::string& text = wish->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) {
      throw TopologyError(fmt::format("boxoffice: option {}: '{}' is no port", option, text));
    }
    const std::string holder = port_holder(static_cast<std::uint16_t>(port));
    if (!holder.empty()) {
      throw TopologyError(
          fmt::format("boxoffice: port {} (option {}) is {}. Choose another, or "
                      "leave the option out for a free one",
                      port, option, holder));
    }
    return static_cast<std::uint16_t>(port);
  }

  // The store's Unix socket, which costs less than loopback TCP on both sides; its port where the
  // directory's name is too long for a socket address.
  [[nodiscard]] std::string store_address(const char* store, const std::string& host,
                                          std::uint16_t port) const {
    const std::filesystem::path socket = stores_.directory() / store / "s";
    if (socket.string().size() > 100) return fmt::format("{}:{}", host, port);
    return "unix:" + socket.string();
  }

  std::vector<std::string> arguments(const TopologyPlan& plan) const {
    const MysqlEndpoint& mysql = stores_.mysql();
    const PaymentSpec& payment = plan.target.payment;
    std::map<std::string, std::string> options{
        {"host", endpoints_.http.host},
        {"port", std::to_string(endpoints_.http.port)},
        {"admin-port", std::to_string(endpoints_.admin->port)},
        {"redis", store_address("redis", stores_.redis().host, stores_.redis().port)},
        {"mysql", store_address("mariadb", mysql.host, mysql.port)},
        {"mysql-user", mysql.user},
        {"mysql-database", mysql.database},
        {"roles", "all"},
        {"payment-mode", payment.mode},
        {"payment-approve", fmt::format("{}", payment.approve)},
        {"payment-delay", delay_text(payment.delay)},
        {"payment-seed", std::to_string(plan.payment_seed)}};
    if (plan.target.threads > 0) options["threads"] = std::to_string(plan.target.threads);
    const auto chance = [&options](const char* name, double p) {
      if (p > 0) options[name] = fmt::format("{}", p);
    };
    chance("webhook-duplicate", payment.webhook_duplicate);
    chance("webhook-reorder", payment.webhook_reorder);
    chance("webhook-lost", payment.webhook_lost);
    if (!plan.target.defects.empty()) {
      options["defects"] = fmt::format("{}", fmt::join(plan.target.defects, ","));
    }
    for (const auto& [name, value] : plan.target.options) options[name] = value;
    std::vector<std::string> result;
    if (!plan.target.defects.empty()) result.emplace_back("--lab");
    for (const auto& [name, value] : options) result.push_back("--" + name + "=" + value);
    return result;
  }

  PrivateStores stores_;
  TopologyEndpoints endpoints_;
  std::string command_;
  std::unique_ptr<Process> boxoffice_;  // after the stores: it ends first
};

}  // namespace

std::unique_ptr<Topology> start_single(const TopologyPlan& plan, const std::stop_token& stop,
                                       const Progress& progress) {
  if (access(plan.boxoffice.c_str(), X_OK) != 0) {
    throw TopologyError(
        fmt::format("boxoffice: the program is missing at '{}'. Build it (cmake "
                    "--build), or name its place",
                    plan.boxoffice.string()));
  }
  note_descriptors(progress);
  return std::make_unique<SingleTopology>(plan, stop, progress);
}

}  // namespace stampede
