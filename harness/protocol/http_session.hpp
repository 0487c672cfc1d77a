// What a user's HTTP asks for beyond one request and one answer: redirects, cookies, decoded
// bodies. Made only for users whose steps ask for any of it; HttpClient knows nothing of it.
#pragma once

#include <string>
#include <string_view>

#include "harness/protocol/cookie_jar.hpp"
#include "harness/protocol/http_client.hpp"
#include "harness/protocol/redirect.hpp"

namespace stampede {

struct HttpWishes {
  RedirectRules redirects;
  bool keep_cookies = false;  // take those that answers set
  bool send_cookies = false;
  bool decode = false;  // undo the content coding that the request's Accept-Encoding asked for
};

class HttpSession {
 public:
  explicit HttpSession(Wire& wire) : wire_(wire) {}

  // Forgets the cookies: a new person.
  void forget() noexcept { jar_.clear(); }
  [[nodiscard]] const CookieJar& cookies() const noexcept { return jar_; }
  // Appends the Cookie header, if any, to a request's head whose request line is written.
  void append_cookies(std::string& head) const;

  // Sends exchange.request through `client` and follows redirects. Afterwards `exchange` is the
  // last answer, but `sent` is when the first request was. A redirect that may not be followed
  // (too many, another host, no URL) is an http_error with the reason.
  Task<void> perform(HttpClient& client, Exchange& exchange, HttpWishes wishes, TimePoint deadline);

 private:
  [[nodiscard]] Origin origin() const;
  void keep_cookies(const Exchange& exchange);
  bool prepare_hop(Exchange& exchange, const HttpWishes& wishes, std::uint32_t hops);

  Wire& wire_;
  CookieJar jar_;
};

}  // namespace stampede
