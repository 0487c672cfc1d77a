// The system under test: started here, or attached to. RAII: what was started is stopped and its
// files removed, also when the harness is killed (a guardian process watches over a pipe).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/profile/profile.hpp"

namespace stampede {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};
struct MysqlEndpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string user, password, database;
};
// What the harness may look at. Without mysql/redis the invariants that need them cannot run (and
// say so: they are not passed).
struct TopologyEndpoints {
  Endpoint http;
  bool tls = false;         // over `http`
  std::string socket_path;  // of a Unix-domain socket, in place of `http`
  std::string path_prefix;
  // Each process of the target by itself, where `http` is a proxy before them; else empty.
  std::vector<Endpoint> instances;
  std::optional<Endpoint> admin;
  std::string admin_token;  // secret: never printed
  std::optional<MysqlEndpoint> mysql;
  std::optional<Endpoint> redis;
  std::optional<Endpoint> provider;  // of payments, in a process of its own
};

struct ProcessUsage {
  std::string role;  // boxoffice redis mariadb
  int pid = 0;
  double cpu_seconds = 0;  // user + system since start
  std::uint64_t rss_bytes = 0, rss_peak_bytes = 0;
  std::uint64_t threads = 0, descriptors = 0;
  // Where it was looked at closely (process.hpp): of all its threads since start; sockets now.
  std::uint64_t voluntary_switches = 0, involuntary_switches = 0, sockets = 0;
  std::uint64_t disk_read_bytes = 0, disk_written_bytes = 0;  // since start; 0 where not shown
};

// A part did not start, or died. what() names the part, the reason with the child's last words, and
// the mend.
struct TopologyError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr std::string_view topology_kinds = "single, split, lb+2 … lb+16";
[[nodiscard]] bool is_topology_kind(std::string_view kind);
struct TopologyPlan {
  std::string kind = "single";
  TargetSpec target;
  std::uint64_t payment_seed = 1;
  std::filesystem::path boxoffice;  // binary
  std::filesystem::path work_root;  // temporary directories go below it; empty: the system's
  std::filesystem::path log_dir;    // children's logs are copied there at the end; empty: not kept
  std::filesystem::path cache_dir;  // of the database template; empty: ~/.cache/stampede
  // Where redis-server, mariadbd and mariadb-install-db are looked for; empty: the usual places.
  std::vector<std::filesystem::path> tool_dirs;
};

class Topology {
 public:
  // Throws TopologyError. `progress` gets one line per step ("mariadb ready in 0.3 s").
  // Call it from a thread that outlives the topology: children die with the thread that made them.
  [[nodiscard]] static std::unique_ptr<Topology> start(
      const TopologyPlan& plan, std::stop_token stop,
      const std::function<void(std::string)>& progress);
  // url: see parse_target_url (connection.hpp). Others optional: "host:port",
  // "user:password@host:port/database".
  [[nodiscard]] static std::unique_ptr<Topology> attach(const std::string& url,
                                                        const std::string& admin,
                                                        const std::string& admin_token,
                                                        const std::string& mysql,
                                                        const std::string& redis);
  virtual ~Topology() = default;

  [[nodiscard]] virtual const TopologyEndpoints& endpoints() const noexcept = 0;
  [[nodiscard]] virtual std::vector<ProcessUsage> usage() const = 0;  // empty when attached
  // A message when a part that was started is no longer alive.
  [[nodiscard]] virtual std::optional<std::string> died() = 0;
  // Of the boxoffice processes that were started: role and log. Empty when attached.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::filesystem::path>> logs() const {
    return {};
  }
  // Versions and effective durability settings.
  [[nodiscard]] virtual std::vector<std::string> describe() const = 0;
};

}  // namespace stampede
