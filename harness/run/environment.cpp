#include "harness/run/environment.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <string_view>
#include <thread>

#include "build_info.hpp"
#include "harness/load/load.hpp"

namespace stampede {
namespace {

std::string first_line(const char* path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// The value behind the first line "key : value" of a /proc file.
std::string proc_value(const char* path, std::string_view key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return {};
}

std::string descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return "unknown";
  return fmt::format("{} soft, {} hard", limit.rlim_cur, limit.rlim_max);
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

std::string utc_now() {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

Facts collect_environment() {
  Facts facts;
  facts.emplace_back("stampede", build_version);
  facts.emplace_back("commit", build_commit);
  facts.emplace_back("compiler", build_compiler);
  facts.emplace_back("build", build_type);
  utsname system{};
  if (uname(&system) == 0) {
    facts.emplace_back("kernel", fmt::format("{} {}", system.sysname, system.release));
    facts.emplace_back("machine", system.machine);
  }
  facts.emplace_back("hostname", host_name());
  facts.emplace_back("cpu", proc_value("/proc/cpuinfo", "model name"));
  facts.emplace_back("cores", std::to_string(std::thread::hardware_concurrency()));
  facts.emplace_back("memory", proc_value("/proc/meminfo", "MemTotal"));
  facts.emplace_back("load_before", first_line("/proc/loadavg"));
  facts.emplace_back("descriptors", descriptor_limit());
  facts.emplace_back("port_range", first_line("/proc/sys/net/ipv4/ip_local_port_range"));
  facts.emplace_back("somaxconn", first_line("/proc/sys/net/core/somaxconn"));
  const std::string governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  facts.emplace_back("governor", governor.empty() ? "not shown by this machine" : governor);
  // Whether load threads get the niceness that they ask for (load.hpp).
  facts.emplace_back("generator_priority", geteuid() == 0
                                               ? fmt::format("nice {}", generator_niceness)
                                               : "normal (no privilege)");
  return facts;
}

}  // namespace stampede
