#include "harness/load/server_address.hpp"

#include <netinet/in.h>

#include <boost/asio/ip/tcp.hpp>
#include <stdexcept>

namespace stampede {

namespace {

// Connections from one source address. It has 28,232 ports, but Linux gives out one half of them
// (the even ones) first and walks through all of those, once they are taken, for every further
// connect: seen here as a worker at 100 % from the 14,116th connection on.
constexpr std::uint64_t connections_per_source = 8'000;
constexpr std::uint32_t loopback_sources_max = 200;

AddressList addresses_of(const std::string& host, std::uint16_t port) {
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  boost::system::error_code error;
  const auto found = resolver.resolve(host, std::to_string(port), error);
  AddressList addresses;
  for (const auto& entry : found) addresses.add(entry.endpoint());
  if (error || addresses.all.empty()) {
    throw std::runtime_error(fmt::format("cannot resolve the target's host \"{}\": {}; {}", host,
                                         error.message(), advice_on(Failure::unresolved)));
  }
  return addresses;
}

bool is_v4_loopback(const SocketAddress& address) {
  if (address.protocol().family() != AF_INET) return false;
  const auto* const v4 = reinterpret_cast<const sockaddr_in*>(address.data());
  return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
}

asio::ip::address address_in(const AddressRange& range, std::uint32_t offset) {
  auto bytes = range.first;
  const std::size_t size = range.v6 ? 16 : 4;
  std::uint32_t carry = offset;
  for (std::size_t i = size; i > 0 && carry > 0; --i) {
    carry += bytes[i - 1];
    bytes[i - 1] = static_cast<std::uint8_t>(carry & 0xFF);
    carry >>= 8;
  }
  if (range.v6) return asio::ip::address_v6(bytes);
  return asio::ip::address_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

void add_sources(const HttpTarget& target, std::uint64_t connections, ServerAddress& server) {
  for (const AddressRange& range : target.connection.sources) {
    for (std::uint32_t i = 0; i < range.count; ++i) server.sources.push_back(address_in(range, i));
  }
  if (server.addresses.all.empty()) return;
  const SocketAddress& first = server.addresses.all.front();
  if (!server.sources.empty()) {
    const bool v6 = first.protocol().family() == AF_INET6;
    const auto fits = [v6](const asio::ip::address& each) { return each.is_v6() == v6; };
    if (std::ranges::none_of(server.sources, fits)) {
      throw std::runtime_error(
          fmt::format("connection.source_addresses has no IPv{} address, and that is what the "
                      "target has: give some, or remove the key",
                      v6 ? 6 : 4));
    }
  } else if (is_v4_loopback(first) && connections > connections_per_source) {
    const std::uint64_t wanted = connections / connections_per_source + 1;
    for (std::uint32_t i = 0; i < std::min<std::uint64_t>(wanted, loopback_sources_max); ++i) {
      server.sources.emplace_back(asio::ip::address_v4(INADDR_LOOPBACK + i));
    }
  }
}

// Brackets and a port may stand in a Host header, and in no certificate.
std::string without_port(const std::string& host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  const auto colon = host.find(':');
  return colon == host.rfind(':') ? host.substr(0, colon) : host;
}

}  // namespace

ServerAddress server_address(const HttpTarget& target, std::uint64_t connections) {
  const ConnectionSpec& connection = target.connection;
  ServerAddress server;
  server.path_prefix = target.path_prefix;
  server.connect_timeout = connection.connect_timeout;
  server.max_requests = connection.max_requests;
  server.max_age = connection.max_age;
  server.host_header = target.host_header;
  if (server.host_header.empty()) {
    const TargetUrl url{target.use_tls, target.host, target.port, target.socket_path, {}};
    server.host_header = connection.host.empty() ? authority_of(url) : connection.host;
  }
  if (target.use_tls) {
    server.tls = target.tls;
    server.tls_host = connection.host.empty() ? target.host : connection.host;
    server.tls_host = without_port(server.tls_host);
  }
  if (!target.socket_path.empty()) {
    server.addresses.add_unix(target.socket_path);
    return server;
  }
  if (connection.dns == DnsPolicy::connect) {
    server.lookup_host = target.host;
    server.lookup_port = std::to_string(target.port);
  } else {
    server.addresses = addresses_of(target.host, target.port);
  }
  add_sources(target, connections, server);
  return server;
}

Servers servers_of(const LoadPlan& plan, std::uint64_t connections) {
  Servers servers{server_address(plan.target, connections), {}};
  for (const CompiledScenario& scenario : plan.run->scenarios) {
    std::optional<ServerAddress>& own = servers.of_scenario.emplace_back();
    if (!scenario.connection && !scenario.tls) continue;
    HttpTarget target = plan.target;
    if (scenario.connection) target.connection = *scenario.connection;
    if (scenario.tls) target.tls = *scenario.tls;
    own = server_address(target, connections);
  }
  return servers;
}

}  // namespace stampede
