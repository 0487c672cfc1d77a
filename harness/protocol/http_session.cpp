#include "harness/protocol/http_session.hpp"

#include "harness/protocol/answer_extras.hpp"
#include "harness/protocol/request_text.hpp"

namespace stampede {

namespace {

// Cookies live by the wall clock, as their Expires do.
std::int64_t wall_seconds() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since_1970).count();
}

}  // namespace

Origin HttpSession::origin() const {
  const ServerAddress& server = wire_.server();
  return {server.tls.has_value(), server.host_header, {}};
}

void HttpSession::append_cookies(std::string& head) const {
  if (jar_.size() == 0) return;
  const Origin here = origin();
  const std::string target(parts_of(head).target);  // a copy: `head` grows
  jar_.append_header(head, {host_of(here.authority), target, here.tls}, wall_seconds());
}

void HttpSession::keep_cookies(const Exchange& exchange) {
  const Origin here = origin();
  const std::string_view target = parts_of(exchange.request).target;
  const std::int64_t now_seconds = wall_seconds();
  for (const std::string& one : exchange.wants->set_cookies) {
    (void)jar_.store(one, {host_of(here.authority), target, here.tls}, now_seconds);
  }
}

// False: the redirect ends here, and the exchange says why.
bool HttpSession::prepare_hop(Exchange& exchange, const HttpWishes& wishes, std::uint32_t hops) {
  const RequestParts last = parts_of(exchange.request);
  Resolved next =
      resolve_location(exchange.wants->location, last.target, origin(), wishes.redirects.any_host);
  if (next.problem.empty() && hops == wishes.redirects.hops_max) {
    next.problem = fmt::format("more than {} redirects, the last one to {}",
                               wishes.redirects.hops_max, next.target);
  }
  if (!next.problem.empty()) {
    exchange.outcome = Outcome::http_error;
    exchange.problem = std::move(next.problem);
    return false;
  }
  NextRequest request = next_request(last, exchange.status, next.target, wishes.send_cookies);
  if (wishes.send_cookies) append_cookies(request.head);
  request.head.append("\r\n");
  if (!request.without_body) request.head.append(last.body);
  exchange.repeatable = exchange.repeatable || (request.without_body && !exchange.head);
  exchange.request = std::move(request.head);
  exchange.forget_answer();
  ++wire_.traffic().redirects;
  return true;
}

Task<void> HttpSession::perform(HttpClient& client, Exchange& exchange, HttpWishes wishes,
                                TimePoint deadline) {
  AnswerExtras& extras = exchange.extras();
  extras.decode = wishes.decode;
  extras.cookies = wishes.keep_cookies;
  exchange.wants = &extras;
  TimePoint sent;
  for (std::uint32_t hops = 0;; ++hops) {
    co_await client.perform(exchange, deadline);
    if (hops == 0) sent = exchange.sent;
    if (wishes.keep_cookies) keep_cookies(exchange);
    const bool redirected = exchange.outcome == Outcome::ok && wishes.redirects.hops_max > 0 &&
                            is_redirect(exchange.status) && !extras.location.empty();
    if (!redirected || !prepare_hop(exchange, wishes, hops)) break;
  }
  exchange.sent = sent;
}

}  // namespace stampede
