#include "harness/topology/topology.hpp"

#include "harness/connection.hpp"
#include "harness/topology/single_topology.hpp"
#include "harness/topology/split_topology.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {
namespace {

[[noreturn]] void bad(const std::string& place, const std::string& expected,
                      const std::string& why) {
  throw TopologyError(fmt::format("{}: {}; expected {}", place, why, expected));
}

std::uint16_t parse_port(const std::string& place, const std::string& expected,
                         std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) {
    bad(place, expected, fmt::format("'{}' is no port", text));
  }
  return static_cast<std::uint16_t>(port);
}

// host:port or [v6]:port
Endpoint parse_endpoint(const std::string& place, const std::string& expected,
                        std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    bad(place, expected, fmt::format("no port in '{}'", text));
  }
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty()) bad(place, expected, fmt::format("no host in '{}'", text));
  return {std::string(host), parse_port(place, expected, text.substr(colon + 1))};
}

// Subtle: the messages never repeat the text, which holds a password.
MysqlEndpoint parse_mysql(std::string_view text) {
  const std::string place = "--mysql",
                    expected =
                        "USER@HOST:PORT/DATABASE, with the password in STAMPEDE_MYSQL_PASSWORD or "
                        "in the file of --mysql-password-file (or USER:PASSWORD@…)";
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) bad(place, expected, "there is no '@'");
  const std::string_view who = text.substr(0, at), where = text.substr(at + 1);
  const std::size_t colon = who.find(':');  // none: no password
  const std::size_t slash = where.find('/');
  if (slash == std::string_view::npos) bad(place, expected, "there is no '/' after the port");
  const Endpoint endpoint = parse_endpoint(place, expected, where.substr(0, slash));
  const std::string_view password = colon == std::string_view::npos ? "" : who.substr(colon + 1);
  MysqlEndpoint mysql{endpoint.host, endpoint.port, std::string(who.substr(0, colon)),
                      std::string(password), std::string(where.substr(slash + 1))};
  if (mysql.user.empty()) bad(place, expected, "the user is empty");
  if (mysql.database.empty()) bad(place, expected, "the database is empty");
  return mysql;
}

class AttachedTopology final : public Topology {
 public:
  explicit AttachedTopology(TopologyEndpoints endpoints) : endpoints_(std::move(endpoints)) {}
  const TopologyEndpoints& endpoints() const noexcept override { return endpoints_; }
  std::vector<ProcessUsage> usage() const override { return {}; }
  std::optional<std::string> died() override { return std::nullopt; }
  std::vector<std::string> describe() const override {
    const TargetUrl url{endpoints_.tls, endpoints_.http.host, endpoints_.http.port,
                        endpoints_.socket_path, endpoints_.path_prefix};
    std::vector<std::string> lines{"attached to " + to_text(url)};
    const auto add = [&lines](auto&& describe_store) {
      try {
        lines.push_back(describe_store());
      } catch (const StoreProblem& problem) {
        lines.emplace_back(problem.what());
      }
    };
    if (endpoints_.mysql) add([this] { return describe_mysql(*endpoints_.mysql); });
    if (endpoints_.redis) add([this] { return describe_redis(*endpoints_.redis); });
    return lines;
  }

 private:
  TopologyEndpoints endpoints_;
};

}  // namespace

bool is_topology_kind(std::string_view kind) {
  return kind == "single" || kind == "split" || balanced_instances(kind).has_value();
}

namespace {

std::unique_ptr<Topology> start_kind(const TopologyPlan& plan, const std::stop_token& stop,
                                     const std::function<void(std::string)>& progress) {
  if (plan.kind == "split") return start_split(plan, stop, progress);
  if (const auto instances = balanced_instances(plan.kind)) {
    return start_balanced(plan, *instances, stop, progress);
  }
  if (plan.kind != "single") {
    throw TopologyError(
        fmt::format("topology '{}' is unknown; there are: {}", plan.kind, topology_kinds));
  }
  return start_single(plan, stop, progress);
}

}  // namespace

// The parts write their settings and data below a temporary folder, and the database's template in
// the cache: a disk that is full, or a folder that is none, is a fault of neither part.
std::unique_ptr<Topology> Topology::start(const TopologyPlan& plan, std::stop_token stop,
                                          const std::function<void(std::string)>& progress) {
  try {
    return start_kind(plan, stop, progress);
  } catch (const std::filesystem::filesystem_error& error) {
    // Without a path: it was asked for the temporary folder itself.
    const std::string path =
        error.path1().empty() ? "the folder that TMPDIR names" : error.path1().string();
    throw TopologyError(fmt::format(
        "the topology's files cannot be written: {}: {}\nfree space there, make the folder one "
        "that you may write, or set TMPDIR to another",
        path, error.code().message()));
  }
}

std::unique_ptr<Topology> Topology::attach(const std::string& url, const std::string& admin,
                                           const std::string& admin_token, const std::string& mysql,
                                           const std::string& redis) {
  const auto target = parse_target_url(url);
  if (target.has_error()) bad("--url", target.error().hint, target.error().message);
  TopologyEndpoints endpoints;
  endpoints.http = {target->host, target->port};
  endpoints.tls = target->tls;
  endpoints.socket_path = target->socket_path;
  endpoints.path_prefix = target->path_prefix;
  if (!admin.empty()) endpoints.admin = parse_endpoint("--admin", "host:port", admin);
  endpoints.admin_token = admin_token;
  if (!mysql.empty()) endpoints.mysql = parse_mysql(mysql);
  if (!redis.empty()) endpoints.redis = parse_endpoint("--redis", "host:port", redis);
  return std::make_unique<AttachedTopology>(std::move(endpoints));
}

}  // namespace stampede
