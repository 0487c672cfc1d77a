// How connections to the target are made, as plain values: where to, from where, for how long, with
// which TLS. Ground vocabulary for the profile, the command line and the clients.
#pragma once

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/time.hpp"

namespace stampede {

// A text that was not understood: why, and what would be.
struct TextError {
  std::string message, hint;
};
template <class T>
using ParsedText = boost::system::result<T, TextError>;

// Addresses in a row.
struct AddressRange {
  bool v6 = false;
  std::array<std::uint8_t, 16> first{};  // network order; IPv4 in the first four bytes
  std::uint32_t count = 1;
  bool operator==(const AddressRange&) const = default;
};
inline constexpr std::uint32_t source_addresses_max = 65'536;

// "127.0.0.2", "127.0.0.2-127.0.0.20", "10.1.0.0/24" (without the network's own address and the
// broadcast address), "fd00::1-fd00::ff", "fd00::/120"; at most source_addresses_max.
[[nodiscard]] ParsedText<AddressRange> parse_address_range(std::string_view text);

enum class DnsPolicy : std::uint8_t { start, connect };

struct ConnectionSpec {
  std::string host;          // Host header and TLS name in place of the URL's; empty: the URL's
  Nanos connect_timeout{0};  // of DNS, connect and TLS together; 0: the step's timeout alone
  DnsPolicy dns = DnsPolicy::start;
  std::vector<AddressRange> sources;  // connect from these, in turn; none: the system chooses
  std::uint32_t max_requests = 0;     // of one connection, then a new one; 0: no limit
  Nanos max_age{0};                   // of a connection that takes another request; 0: no limit
};

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };
// Whose sessions a new connection resumes: the same user's, any of the same worker, nobody's.
enum class TlsResumption : std::uint8_t { user, worker, none };

struct TlsSpec {
  std::string ca_file;                     // PEM; trusted in place of the system's CAs
  std::string certificate_file, key_file;  // PEM; both or none
  std::string server_name;                 // SNI, and the name verified; empty: the host's
  bool alpn = true;                        // offers http/1.1
  TlsVersion min_version = TlsVersion::tls_1_2, max_version = TlsVersion::tls_1_3;
  TlsResumption resumption = TlsResumption::user;
  bool insecure = false;  // nothing is verified; said in every report
};

// Where the target is.
struct TargetUrl {
  bool tls = false;
  std::string host;  // name or address, without brackets; empty for a Unix-domain socket
  std::uint16_t port = 80;
  std::string socket_path;  // of a Unix-domain socket; else empty
  std::string path_prefix;  // "" or "/prefix", without a slash at the end
};
// Of a socket's path (sockaddr_un).
inline constexpr std::size_t socket_path_max = 107;

// http://host[:port][/prefix], https://…, with an IPv6 address in brackets; unix:/path[:/prefix].
// Messages do not repeat what stands before an @, which may be a password.
[[nodiscard]] ParsedText<TargetUrl> parse_target_url(std::string_view text);
// As in a Host header: without the scheme's own port, an IPv6 address in brackets.
[[nodiscard]] std::string authority_of(const TargetUrl& url);
// The URL again, for people.
[[nodiscard]] std::string to_text(const TargetUrl& url);

}  // namespace stampede
