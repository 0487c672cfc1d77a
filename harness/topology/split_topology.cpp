#include "harness/topology/split_topology.hpp"

#include <fmt/ranges.h>

#include <charconv>

#include "harness/topology/boxoffice_command.hpp"
#include "harness/topology/free_port.hpp"
#include "harness/topology/provider_process.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {
namespace {

using Progress = PrivateStores::Progress;

// One boxoffice behind the proxy; its name is also its process' name.
struct Service {
  std::string name, roles, upstream, path_prefix;
  std::uint16_t port = 0;  // where it is when that is free; 0: anywhere
  bool admin = false;
};
// The boxoffices of a topology, and which path is whose.
struct Layout {
  std::vector<Service> services;
  std::string_view locations;
};
constexpr unsigned instances_max = 16;

Service service_of(const char* name, const char* roles, std::uint16_t port, bool admin) {
  return {name, roles, name, std::string("/ticketing/") + name, port, admin};
}

constexpr const char* log_name = "boxoffice.log";

// Which path is whose; what is not here is the catalogue's. Longer prefixes win.
constexpr std::string_view split_locations = R"(
    location /ticketing/catalog/     { proxy_pass http://catalog; }
    location /ticketing/reservation/ { proxy_pass http://reservation; }
    location /ticketing/order/       { proxy_pass http://order; }
    location /ticketing/payment/     { proxy_pass http://payment; }
    location /api/reservations       { proxy_pass http://reservation; }
    location /ws/queue               { proxy_pass http://reservation; }
    location ~ ^/api/events/[^/]+/queue { proxy_pass http://reservation; }
    location /api/orders             { proxy_pass http://order; }
    location /api/payments/          { proxy_pass http://payment; }
    location /webhooks/              { proxy_pass http://payment; }
    location /page/                  { proxy_pass http://catalog; include page.conf; }
    location /                       { proxy_pass http://catalog; }
)";

constexpr std::string_view balanced_locations = R"(
    location /page/                  { proxy_pass http://app; include page.conf; }
    location /                       { proxy_pass http://app; }
)";

// The order service orchestrates: it has the workers, and with them the operator's routes, because
// what those switch (a pause of admissions) concerns the workers' process.
Layout split_layout() {
  return {
      {service_of("catalog", "all,-reservation,-queue,-order,-payment,-worker,-admin", 8080, false),
       service_of("reservation", "reservation,queue", 8081, false),
       service_of("order", "order,worker,admin", 8082, true),
       service_of("payment", "payment", 8083, false)},
      split_locations};
}

// The page's files that may be kept for good are the proxy's to answer; page.log has a line for
// each request of one, HIT where no boxoffice was asked.
constexpr std::string_view page_conf =
    "proxy_cache page;\nproxy_buffering on;\nadd_header X-Cache $upstream_cache_status;\n"
    "access_log page.log page;\n";

// Each is whole, workers included: leases decide whose turn it is. The operator talks to the first.
Layout balanced_layout(unsigned instances) {
  Layout layout{{}, balanced_locations};
  for (unsigned i = 1; i <= instances; ++i) {
    layout.services.push_back(
        {"app" + std::to_string(i), i == 1 ? "all" : "all,-admin", "app", "", 0, i == 1});
  }
  return layout;
}

struct Running {
  Service service;
  Endpoint http;
  std::unique_ptr<Process> process;
};

// One upstream for all services that name it; requests go to its servers in turn.
std::string upstreams_of(const std::vector<Running>& running) {
  std::map<std::string, std::string> servers;
  for (const Running& one : running) {
    servers[one.service.upstream] +=
        fmt::format("    server 127.0.0.1:{} max_fails=0;\n", one.http.port);
  }
  std::string text;
  for (const auto& [name, list] : servers) {
    text += fmt::format("  upstream {} {{\n{}    keepalive 512;\n  }}\n", name, list);
  }
  return text;
}

std::string nginx_conf(const std::filesystem::path& own, std::uint16_t port,
                       const std::vector<Running>& running, std::string_view locations) {
  const std::string dir = own.string();
  std::string text = fmt::format(
      "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/nginx.log warn;\n"
      "worker_rlimit_nofile 65536;\nevents {{ worker_connections 30000; multi_accept on; }}\n"
      "http {{\n  access_log off;\n  client_body_temp_path {0}/body;\n"
      "  proxy_temp_path {0}/proxy;\n  fastcgi_temp_path {0}/fastcgi;\n"
      "  uwsgi_temp_path {0}/uwsgi;\n  scgi_temp_path {0}/scgi;\n"
      "  proxy_cache_path {0}/cache keys_zone=page:1m max_size=16m use_temp_path=off;\n"
      "  log_format page '$upstream_cache_status $request_uri';\n"
      "  map $http_upgrade $connection_wanted {{ default upgrade; '' ''; }}\n",
      dir);
  text += upstreams_of(running);
  // A request is sent once: a repetition is the client's to decide.
  text += fmt::format(
      "  server {{\n    listen 127.0.0.1:{} backlog=8192;\n    keepalive_requests 10000000;\n"
      "    keepalive_timeout 600s;\n    client_max_body_size 1m;\n    proxy_http_version 1.1;\n"
      "    proxy_set_header Host $host;\n    proxy_set_header Upgrade $http_upgrade;\n"
      "    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
      "    proxy_set_header Connection $connection_wanted;\n    proxy_buffering off;\n"
      "    proxy_next_upstream off;\n    proxy_read_timeout 120s;\n",
      port);
  text += locations;
  return text + "  }\n}\n";
}

class ProxiedTopology final : public Topology {
 public:
  ProxiedTopology(const TopologyPlan& plan, Layout layout, const std::stop_token& stop,
                  const Progress& progress)
      : layout_(std::move(layout)),
        nginx_program_(find_tool(plan, "nginx", "nginx", "nginx-light")),
        stores_(plan, stop, progress) {
    endpoints_.mysql = stores_.mysql();
    endpoints_.redis = stores_.redis();
    endpoints_.admin_token = random_secret();
    secrets_ = boxoffice_secrets(endpoints_.admin_token, stores_.mysql().password);
    if (wants_provider(plan)) {
      provider_ = start_provider(plan, stores_, secrets_, stop, progress);
      commands_.push_back(provider_.command);
      endpoints_.provider = provider_.at;
    }
    for (const Service& service : layout_.services) start_service(plan, service, stop, progress);
    start_nginx(stop, progress);
  }
  ~ProxiedTopology() override {
    if (nginx_) nginx_->stop(std::chrono::seconds{3});
    for (Running& one : running_) one.process->stop(std::chrono::seconds{5});
  }
  ProxiedTopology(const ProxiedTopology&) = delete;
  ProxiedTopology& operator=(const ProxiedTopology&) = delete;

  const TopologyEndpoints& endpoints() const noexcept override { return endpoints_; }

  std::vector<ProcessUsage> usage() const override { return usage_of(processes()); }
  std::optional<std::string> died() override { return first_death(processes()); }

  std::vector<std::pair<std::string, std::filesystem::path>> logs() const override {
    std::vector<std::pair<std::string, std::filesystem::path>> all;
    for (const Running& one : running_) {
      all.emplace_back(one.process->role(), stores_.directory() / one.service.name / log_name);
    }
    return all;
  }

  std::vector<std::string> describe() const override {
    std::vector<std::string> lines = commands_;
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
    std::vector<Process*> all;
    if (nginx_) all.push_back(nginx_.get());
    for (const Running& one : running_) all.push_back(one.process.get());
    if (provider_.process) all.push_back(provider_.process.get());
    for (Process* process : stores_.processes()) all.push_back(process);
    return all;
  }

  void start_service(const TopologyPlan& plan, const Service& service, const std::stop_token& stop,
                     const Progress& progress) {
    const bool free = service.port != 0 && port_holder(service.port).empty();
    if (!free && service.port != 0) {
      progress(fmt::format("port {} is taken: {} gets another", service.port, service.name));
    }
    TopologyEndpoints at = endpoints_;
    at.http = {"127.0.0.1", free ? service.port : free_port()};
    at.admin = Endpoint{"127.0.0.1", service.admin ? free_port() : std::uint16_t{0}};
    if (service.admin) endpoints_.admin = at.admin;
    endpoints_.instances.push_back(at.http);
    auto options = boxoffice_options(plan, stores_, at);
    options["port"] = std::to_string(at.http.port);
    options["admin-port"] = std::to_string(at.admin->port);
    options["roles"] = service.roles;
    options.try_emplace("trusted-proxies", "127.0.0.1");  // nginx: limits are the person's
    options["node"] = std::to_string(running_.size());    // order and payment ids carry it
    if (!service.path_prefix.empty()) options["path-prefix"] = service.path_prefix;
    const std::filesystem::path own = stores_.directory() / service.name;
    std::filesystem::create_directory(own);
    const std::string role = "boxoffice " + service.name;
    const ProcessSpec spec{role,
                           std::filesystem::absolute(plan.boxoffice),
                           arguments_of(options, plan),
                           secrets_,
                           own,
                           own / log_name};
    commands_.push_back(
        fmt::format("{}: {} {}", role, plan.boxoffice.string(), fmt::join(spec.arguments, " ")));
    const TimePoint begin = now();
    running_.push_back({service, at.http, std::make_unique<Process>(spec, &stores_.guardian())});
    await_ready(*running_.back().process, stop, begin + ready_within,
                [&at] { return boxoffice_ready(at.http, ""); });
    progress(fmt::format("{} ready on port {} in {:.2f} s", role, at.http.port,
                         to_seconds(now() - begin)));
  }

  void start_nginx(const std::stop_token& stop, const Progress& progress) {
    const std::filesystem::path own = stores_.directory() / "nginx";
    std::filesystem::create_directory(own);
    endpoints_.http = {"127.0.0.1", free_port()};
    write_settings(own / "page.conf", std::string(page_conf));
    write_settings(own / "nginx.conf",
                   nginx_conf(own, endpoints_.http.port, running_, layout_.locations));
    const ProcessSpec spec{"nginx",
                           nginx_program_,
                           {"-p", own.string(), "-e", (own / "nginx.log").string(), "-c",
                            (own / "nginx.conf").string()},
                           {},
                           own,
                           own / "nginx.out"};
    const TimePoint begin = now();
    nginx_ = std::make_unique<Process>(spec, &stores_.guardian());
    await_ready(*nginx_, stop, begin + ready_within,
                [this] { return boxoffice_ready(endpoints_.http, ""); });
    progress(fmt::format("nginx ready in {:.2f} s", to_seconds(now() - begin)));
  }

  const Layout layout_;
  const std::filesystem::path nginx_program_;
  PrivateStores stores_;
  TopologyEndpoints endpoints_;
  std::vector<std::string> secrets_, commands_;
  StartedProvider provider_;
  std::vector<Running> running_;  // after the stores: they end first
  std::unique_ptr<Process> nginx_;
};

}  // namespace

std::unique_ptr<Topology> start_split(const TopologyPlan& plan, const std::stop_token& stop,
                                      const Progress& progress) {
  check_machine(plan, progress);
  return std::make_unique<ProxiedTopology>(plan, split_layout(), stop, progress);
}

std::optional<unsigned> balanced_instances(std::string_view kind) {
  constexpr std::string_view prefix = "lb+";
  if (!kind.starts_with(prefix)) return std::nullopt;
  kind.remove_prefix(prefix.size());
  unsigned instances = 0;
  const auto [end, error] = std::from_chars(kind.data(), kind.data() + kind.size(), instances);
  const bool whole = error == std::errc{} && end == kind.data() + kind.size();
  if (!whole || instances < 2 || instances > instances_max) return std::nullopt;
  return instances;
}

std::unique_ptr<Topology> start_balanced(const TopologyPlan& plan, unsigned instances,
                                         const std::stop_token& stop, const Progress& progress) {
  check_machine(plan, progress);
  return std::make_unique<ProxiedTopology>(plan, balanced_layout(instances), stop, progress);
}

}  // namespace stampede
