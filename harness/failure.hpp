// Why a request got no answer, finer than its outcome: each class is counted, has one example text
// and a piece of advice. Ground vocabulary: no dependency.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stampede {

enum class Failure : std::uint8_t {
  none,
  unresolved,              // no address for the host's name
  refused,                 // nobody listens there
  unreachable,             // no way to the address
  connect_timeout,         // no connection in time, TLS included
  tls_expired,             // the server's certificate is out of its time
  tls_name_mismatch,       // … is for other names
  tls_untrusted,           // … does not lead to a CA that is trusted
  tls_certificate,         // … is bad in another way
  tls_client_certificate,  // the server wants a client certificate, or refuses ours
  tls_protocol,            // no version or cipher in common, or no TLS at all
  tls_handshake,           // broken off for another reason
  out_of_descriptors,      // this process (or machine) may open no more files
  out_of_ports,            // no free local port for this destination
  bad_source,              // a source address that is not of this machine
  reset,                   // the connection was reset
  closed,                  // closed before the answer was complete
  malformed,               // not what the protocol allows, or over a limit
  other,
};

struct FailureRow {
  std::string_view name, advice;
};
inline constexpr std::size_t failure_count = 19;
inline constexpr std::array<FailureRow, failure_count> failure_table{{
    {"none", ""},
    {"unresolved",
     "check the name and the resolver (getent ahosts NAME); with many connections "
     "`dns: start` asks once"},
    {"refused",
     "nothing listens there, or its queue of connections is full: check address and "
     "port, and the server's backlog (net.core.somaxconn)"},
    {"unreachable", "check the route and the firewall between here and the target"},
    {"connect_timeout",
     "the server (or a firewall) did not answer in time: its accept queue may "
     "be full; connection.connect_timeout sets how long to wait"},
    {"tls_expired",
     "renew the server's certificate, or check both clocks; tls.insecure does not "
     "verify"},
    {"tls_name_mismatch",
     "the certificate is for other names: set tls.server_name to one of them, "
     "or use that name in --url"},
    {"tls_untrusted", "give the CA's certificate with tls.ca_file; tls.insecure does not verify"},
    {"tls_certificate", "the server's certificate is not acceptable: see the example for why"},
    {"tls_client_certificate",
     "the server wants a client certificate that it trusts: set "
     "tls.certificate and tls.key"},
    {"tls_protocol",
     "no TLS version or cipher in common, or no TLS on that port: check the port, "
     "tls.min_version and tls.max_version"},
    {"tls_handshake", "the server broke off the TLS handshake: see its log"},
    {"out_of_descriptors", "raise the limit of open files (ulimit -n), or use fewer users"},
    {"out_of_ports",
     "keep connections alive, widen net.ipv4.ip_local_port_range, or give "
     "connection.source_addresses"},
    {"bad_source",
     "connection.source_addresses must be addresses of this machine (ip address "
     "show)"},
    {"reset", "the server dropped connections: see its log, its limits and its timeouts"},
    {"closed",
     "the server closed before its answer was complete: see its log, its limits and its "
     "timeouts"},
    {"malformed", "the answer is not valid HTTP, or over a limit of stampede: see the example"},
    {"other", "see the example"},
}};

constexpr std::string_view name_of(Failure failure) {
  return failure_table[static_cast<std::size_t>(failure)].name;
}
constexpr std::string_view advice_on(Failure failure) {
  return failure_table[static_cast<std::size_t>(failure)].advice;
}

}  // namespace stampede
