#include "harness/run/placement.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "harness/connection.hpp"

namespace stampede {

namespace {

// "" of what is neither IPv4 nor IPv6.
std::string text_of(const sockaddr* address) {
  if (address == nullptr) return {};
  char text[INET6_ADDRSTRLEN] = {};
  const void* bytes = nullptr;
  if (address->sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  } else if (address->sa_family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  }
  if (bytes == nullptr || inet_ntop(address->sa_family, bytes, text, sizeof text) == nullptr) {
    return {};
  }
  return text;
}

std::vector<std::string> addresses_of_host(const std::string& host) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  std::vector<std::string> texts;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return texts;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    texts.push_back(text_of(one->ai_addr));
  }
  return texts;
}

std::vector<std::string> own_addresses() {
  ifaddrs* found = nullptr;
  std::vector<std::string> texts;
  if (getifaddrs(&found) != 0) return texts;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(found, freeifaddrs);
  for (const ifaddrs* one = found; one != nullptr; one = one->ifa_next) {
    if (std::string text = text_of(one->ifa_addr); !text.empty()) texts.push_back(std::move(text));
  }
  return texts;
}

// All of 127.0.0.0/8 is this machine, though only 127.0.0.1 is listed.
bool is_own(const std::string& address, const std::vector<std::string>& own) {
  return address.starts_with("127.") || address == "::1" || std::ranges::count(own, address) > 0;
}

void look_at_target(const std::string& url, Placement& into) {
  const auto parsed = parse_target_url(url);
  if (parsed.has_error()) {
    into.target = "an unreadable URL";
    return;
  }
  if (!parsed->socket_path.empty()) {
    into.target = "Unix socket " + parsed->socket_path;
    into.here = true;
    return;
  }
  const std::vector<std::string> addresses = addresses_of_host(parsed->host);
  into.target = parsed->host;
  if (addresses.empty()) return;
  if (addresses != std::vector{parsed->host}) {
    into.target += fmt::format(" ({})", fmt::join(addresses, ", "));
  }
  const std::vector<std::string> own = own_addresses();
  into.here = std::ranges::any_of(addresses, [&](const auto& one) { return is_own(one, own); });
}

void look_at_affinity(Placement& into) {
  into.cpus = static_cast<std::size_t>(std::max(0L, sysconf(_SC_NPROCESSORS_ONLN)));
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  into.cpus_allowed = static_cast<std::size_t>(CPU_COUNT(&allowed));
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    int last = cpu;
    while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &allowed)) ++last;
    into.cpus_allowed_list += fmt::format("{}{}", into.cpus_allowed_list.empty() ? "" : ",", cpu);
    if (last > cpu) into.cpus_allowed_list += fmt::format("-{}", last);
    cpu = last;
  }
}

std::string pinned_text(const Placement& placement) {
  if (placement.cpus_allowed == 0) return "what CPUs the generator may use is not told";
  if (placement.cpus_allowed >= placement.cpus) {
    return fmt::format("generator not pinned (may use all {} CPUs)", placement.cpus);
  }
  return fmt::format("generator pinned to CPU {} of {} CPUs", placement.cpus_allowed_list,
                     placement.cpus);
}

}  // namespace

Placement look_at_placement(const std::string& url) {
  Placement placement;
  placement.attached = !url.empty();
  if (placement.attached) look_at_target(url, placement);
  look_at_affinity(placement);
  return placement;
}

std::string placement_text(const Placement& placement) {
  std::string where = "generator, target and databases on one machine";
  if (placement.attached) {
    where = placement.here ? *placement.here ? "attached to a target on this machine: "
                                             : "attached to a target elsewhere: "
                           : "attached to a target, nobody can tell where: ";
    where += placement.target;
  }
  return where + "; " + pinned_text(placement);
}

}  // namespace stampede
