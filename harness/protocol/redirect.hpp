// Redirects (RFC 9110 §15.4), the pure part: which answers are one, where they lead, and what the
// next request looks like.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stampede {

// How a step follows redirects.
struct RedirectRules {
  std::uint32_t hops_max = 0;  // 0: an answer with 3xx is an answer like any other
  // A Location on another host is asked of the same endpoint all the same (a server behind a proxy
  // names the proxy). Otherwise it is an error.
  bool any_host = false;
};

// The endpoint that is driven, as its own redirects may name it.
struct Origin {
  bool tls = false;
  std::string_view authority;  // of the Host header: "example.com:8080"
  std::string_view connected;  // where the connection goes to, "127.0.0.1:8080"; may be empty
};

inline constexpr std::size_t location_bytes_max = 8 << 10;

bool is_redirect(unsigned status) noexcept;  // 301, 302, 303, 307, 308

struct Resolved {
  std::string target;   // path and query, fit for a request line
  std::string problem;  // or why it cannot be followed
};
// Location relative to the target of the request that was answered (RFC 3986 §5.2). Blanks and
// bytes that have no place in a URL are percent-encoded, a fragment is dropped.
Resolved resolve_location(std::string_view location, std::string_view base_target,
                          const Origin& origin, bool any_host);

// A request as HttpClient sends it, taken apart. Views into the text.
struct RequestParts {
  std::string_view method, target;
  std::string_view headers;  // whole lines, with CR LF
  std::string_view body;
};
RequestParts parts_of(std::string_view request) noexcept;

// The request of the next hop, up to its cookies: request line and header lines (without `Cookie`
// if that is asked), no empty line yet. 301, 302 and 303 make a GET of all but HEAD and drop what
// described the body; 307 and 308 keep method and body. `without_body` says which.
struct NextRequest {
  std::string head;
  bool without_body = false;
};
NextRequest next_request(const RequestParts& last, unsigned status, std::string_view target,
                         bool drop_cookies);

// "host:port", the port as it stands or that of the scheme; lower case, without user and password.
std::string normal_authority(std::string_view authority, bool tls);
// The host alone, without the brackets of an IPv6 address.
std::string_view host_of(std::string_view authority) noexcept;

}  // namespace stampede
