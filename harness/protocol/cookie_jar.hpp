// The cookies of one user at the one host that is driven (RFC 6265), bounded. Pure: the caller
// brings the time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stampede {

class CookieJar {
 public:
  static constexpr std::size_t cookies_max = 64;         // then the oldest goes
  static constexpr std::size_t cookie_bytes_max = 4096;  // name and value; a longer one is refused

  // Where an answer came from, or a request goes to.
  struct Place {
    std::string_view host;  // without port, as in Host
    std::string_view path;  // of the request, as the server sees it; a query may follow
    bool secure = false;    // over TLS
  };
  // Takes a Set-Cookie header. Seconds are those of the wall clock, since 1970. False: it was
  // refused (no name, another domain, too long, Secure without TLS, …). One that has expired
  // removes its namesake.
  bool store(std::string_view set_cookie, const Place& from, std::int64_t now_seconds);
  // Appends "Cookie: a=1; b=2\r\n" if there is any for this request: longer paths first, then
  // older ones.
  void append_header(std::string& out, const Place& to, std::int64_t now_seconds) const;
  void clear() noexcept { cookies_.clear(); }
  [[nodiscard]] std::size_t size() const noexcept { return cookies_.size(); }

 private:
  struct Cookie {
    std::string name, value, path;
    std::string domain;  // with its subdomains; empty: the host that set it
    std::string host;
    std::optional<std::int64_t> expires;  // seconds since 1970
    bool secure = false;
  };
  static bool fits(const Cookie& cookie, const Place& to, std::int64_t now_seconds);
  void put(Cookie cookie);

  std::vector<Cookie> cookies_;  // by age
};

// "Sun, 06 Nov 1994 08:49:37 GMT" and the other spellings that are in use (RFC 6265 §5.1.1), as
// seconds since 1970.
std::optional<std::int64_t> parse_cookie_date(std::string_view text);

}  // namespace stampede
