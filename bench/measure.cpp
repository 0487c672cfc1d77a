#include "bench/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace bench {

namespace {

constexpr const char* nginx_configuration = R"(
daemon off;
worker_processes 1;
master_process off;
pid {0}/nginx.pid;
error_log {0}/nginx.log warn;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0};
  uwsgi_temp_path {0}; scgi_temp_path {0};
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server {{
    listen 127.0.0.1:{1} reuseport;
    location = /status {{ stub_status; }}
    location / {{ return 200 "ok"; }}
  }}
}}
)";

double seconds_now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

}  // namespace

Server::Server(Kind kind, const std::string& folder, int core) {
  if (kind == Kind::nginx) {
    start_nginx(folder, core);
    return;
  }
  const std::string program =
      std::filesystem::canonical("/proc/self/exe").parent_path() / "lean_server";
  process_ = std::make_unique<Process>(std::vector{program}, core, folder + "/lean.err");
  port_ = static_cast<std::uint16_t>(std::stoul(process_->read_line()));
}

void Server::start_nginx(const std::string& folder, int core) {
  const std::string program = find_program("nginx");
  if (program.empty()) throw std::runtime_error("nginx is not installed: ci/setup brings it");
  port_ = free_port();
  const std::string file = folder + "/nginx.conf";
  std::ofstream(file) << fmt::format(nginx_configuration, folder, port_);
  process_ = std::make_unique<Process>(
      std::vector<std::string>{program, "-p", folder, "-c", file, "-e", folder + "/nginx.log"},
      core, folder + "/nginx.err");
  for (int attempt = 0;; ++attempt) {
    try {
      (void)requests();
      return;
    } catch (const std::runtime_error&) {
      if (attempt == 100) throw;
      sleep_seconds(0.02);
    }
  }
}

std::uint64_t Server::requests() const {
  const std::string text = fetch(port_, "/status");
  constexpr std::string_view title = "handled requests";
  const std::size_t at = text.find(title);
  if (at == std::string::npos) throw std::runtime_error("the server tells no figures: " + text);
  std::istringstream figures(text.substr(at + title.size()));
  std::uint64_t accepted = 0, handled = 0, requests = 0;
  figures >> accepted >> handled >> requests;
  return requests;
}

std::uint64_t Server::connections() const {
  const std::string text = fetch(port_, "/status");
  constexpr std::string_view title = "Active connections: ";
  const std::size_t at = text.find(title);
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + title.size()));
}

namespace {

// A generator may prepare itself (stampede measures its own ceiling first): its load begins with
// its connections. One more of them is the question itself.
void await_load(const Server& server) {
  constexpr int tries = 1000;
  for (int attempt = 0; attempt < tries && server.connections() < 4; ++attempt) {
    sleep_seconds(0.02);
  }
}

}  // namespace

Cost measure(const std::vector<std::string>& command, const Server& server, Window window, int core,
             const std::string& error_file) {
  Process generator(command, core, error_file);
  await_load(server);
  sleep_seconds(window.warm);
  const double from = seconds_now(), cpu_from = generator.cpu_seconds();
  const std::uint64_t count_from = server.requests();
  sleep_seconds(window.window);
  const double cpu = generator.cpu_seconds() - cpu_from;
  const std::uint64_t count = server.requests() - count_from;
  const double wall = seconds_now() - from;
  Cost cost;
  cost.resident_bytes = generator.resident_bytes();
  (void)generator.wait();
  if (count == 0) {
    throw std::runtime_error(command.front() + " made no requests: see " + error_file);
  }
  cost.cpu_seconds_per_request = cpu / static_cast<double>(count);
  cost.requests_per_second = static_cast<double>(count) / wall;
  return cost;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string spread(std::vector<double> values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return fmt::format("{:.2f} ({:.2f} … {:.2f})", median(values), *least, *most);
}

}  // namespace bench
