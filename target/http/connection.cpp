#include "target/http/connection.hpp"

#include <exception>

#include "target/domain/unavailable.hpp"
#include "target/faults.hpp"
#include "target/http/client_address.hpp"
#include "target/http/event_stream_session.hpp"
#include "target/http/response_head.hpp"
#include "target/http/websocket_session.hpp"
#include "target/log.hpp"

namespace boxoffice {
namespace {

constexpr unsigned streak_max = 16;
constexpr std::int64_t retry_ms = 1000;  // what an overloaded or degraded answer asks for

// Counts one request of a role for as long as it lives.
class InFlight {
 public:
  explicit InFlight(std::atomic<std::uint32_t>& count)
      : count_(count), now_(count.fetch_add(1, std::memory_order_relaxed) + 1) {}
  ~InFlight() { count_.fetch_sub(1, std::memory_order_relaxed); }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  [[nodiscard]] bool over(std::uint32_t most) const noexcept { return now_ > most; }

 private:
  std::atomic<std::uint32_t>& count_;
  std::uint32_t now_;
};

No no_of(Refusal refusal, std::string detail = {}, std::int64_t retry_after_ms = 0) {
  No no;
  no.refusal = refusal;
  no.detail = std::move(detail);
  no.retry_after_ms = retry_after_ms;
  return no;
}

bool is_json(std::string_view content_type) noexcept {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return equal_ignoring_case(type.substr(0, type.find_last_not_of(' ') + 1), "application/json");
}

bool is_idempotency_key(std::string_view key) noexcept {
  constexpr std::size_t key_bytes_max = 300;
  return !key.empty() && key.size() <= key_bytes_max &&
         std::ranges::all_of(key, [](char c) { return c >= ' ' && c <= '~'; });
}

// The one place that judges Idempotency-Keys: a handler reads a good one or none. Where a route
// could do without it a malformed key is refused as well, for whoever sends one relies on it.
std::optional<No> key_problem(const HttpRequest& request, bool required) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool came = !reads && request.has_header("Idempotency-Key");
  if (!came && !required) return std::nullopt;
  if (is_idempotency_key(request.header("Idempotency-Key"))) return std::nullopt;
  if (required) return no_of(Refusal::missing_idempotency_key);
  return no_of(Refusal::malformed, "Idempotency-Key has 1 to 300 printable ASCII characters");
}

}  // namespace

HttpConnection::HttpConnection(Lane& lane, Socket socket, Surface surface)
    : Watched(lane.watch_list()), lane_(lane), socket_(std::move(socket)), surface_(surface) {}

HttpConnection::~HttpConnection() {
  lane_.load.connections.fetch_sub(1, std::memory_order_relaxed);
}

void HttpConnection::enter(Phase phase, TimePoint deadline) noexcept {
  phase_ = phase;
  set_deadline(deadline);
}

Task<void> HttpConnection::run(std::shared_ptr<HttpConnection> connection) {
  HttpConnection& self = *connection;
  while (self.socket_.is_open()) {
    // A pipeline without end must not keep the thread from everybody else.
    if (self.buffer_ && ++self.streak_ % streak_max == 0) {
      co_await asio::post(self.lane_.io.get_executor(), asio::deferred);
    }
    if (!self.buffer_) {
      // A connection that comes during a drain gets a moment for the request that is on its way.
      const Millis patience =
          self.lane_.draining ? self.lane_.limits.deadline_grain : self.lane_.limits.idle;
      self.enter(Phase::idle, Clock::now() + patience);
      const auto [error] = co_await self.socket_.async_wait(Socket::wait_read, await_tuple);
      if (error || !self.socket_.is_open()) break;
      self.buffer_ = self.lane_.borrow();
    }
    const bool more = co_await self.exchange();
    if (more && !self.buffer_->unread().empty()) continue;
    self.lane_.give_back(std::move(self.buffer_));
    if (!more) break;
  }
  self.cut();
}

Task<bool> HttpConnection::exchange() {
  arrived_ = Clock::now();
  keep_ = true;
  enter(Phase::reading, arrived_ + lane_.limits.request_read);
  const Read read = co_await read_request();
  if (read == Read::gone) co_return false;
  start_request();
  enter(Phase::handling, TimePoint::max());
  if (read == Read::bad) {
    keep_ = false;
    co_await write(answer_to_bad());
    co_await linger();
    co_return false;
  }
  strip_prefix();
  HttpRequest& request = buffer_->request;
  const Router& router = surface_ == Surface::admin ? lane_.admin_router : lane_.main_router;
  const auto found = router.find(request.method, request.path, request.path_parameters);
  if (found.websocket != nullptr && request.method == "GET" && wants_upgrade()) {
    co_return co_await upgrade(*found.websocket);
  }
  HttpResponse response;
  if (auto refusal = refuse_early(found)) {
    response = std::move(*refusal);
  } else {
    response = co_await handle(*found.route);
  }
  if (response.stream != nullptr) co_return co_await stream(std::move(response));
  const bool written = co_await write(std::move(response));
  if (written && !keep_) co_await linger();
  co_return written&& keep_;
}

// The buffer's unread bytes move to its front between requests, never within one but for the rest
// of a chunked body, which nothing points into.
bool HttpConnection::make_room() {
  RequestBuffer& buffer = *buffer_;
  if (parser_->header_done() && parser_->is_chunked()) {
    const auto rest = buffer.unread();
    std::copy(rest.begin(), rest.end(), buffer.bytes.get() + header_bytes_max);
    buffer.begin = header_bytes_max;
    buffer.end = header_bytes_max + rest.size();
  }
  return buffer.end < RequestBuffer::size;
}

Task<HttpConnection::Read> HttpConnection::read_request() {
  RequestBuffer& buffer = *buffer_;
  const auto rest = buffer.unread();
  std::copy(rest.begin(), rest.end(), buffer.bytes.get());
  buffer.end = rest.size();
  buffer.begin = 0;
  parser_.emplace(buffer.request, buffer.chunked_body);
  bool started = false, told_to_continue = false;
  while (true) {
    // An empty line before a request is left by old clients after a body.
    while (!started && buffer.unread().starts_with("\r\n")) buffer.begin += 2;
    const bool only_cr = !started && buffer.unread() == "\r";
    if (!buffer.unread().empty() && !only_cr) {
      started = true;
      buffer.begin += parser_->feed(buffer.unread());
    }
    if (parser_->bad() != BadRequest::none) co_return Read::bad;
    if (parser_->done()) co_return Read::complete;
    if (parser_->header_done() && parser_->expects_continue() && !told_to_continue) {
      told_to_continue = true;
      if (!co_await write_bytes("HTTP/1.1 100 Continue\r\n\r\n")) co_return Read::gone;
    }
    // Subtle: only a chunk header without an end can fill what is left for chunks.
    if (!make_room()) co_return Read::bad;
    if (!co_await fill()) co_return Read::gone;
  }
}

Task<bool> HttpConnection::fill() {
  RequestBuffer& buffer = *buffer_;
  while (socket_.is_open()) {
    boost::system::error_code error;
    const std::size_t count = socket_.read_some(
        asio::buffer(buffer.bytes.get() + buffer.end, RequestBuffer::size - buffer.end), error);
    buffer.end += count;
    if (!error) co_return true;
    if (error != asio::error::would_block) co_return false;
    const auto [failed] = co_await socket_.async_wait(Socket::wait_read, await_tuple);
    if (failed) co_return false;
  }
  co_return false;
}

void HttpConnection::start_request() {
  HttpRequest& request = buffer_->request;
  request.trace_id = trace_id_of(request.header("traceparent"));
  if (request.trace_id.empty()) request.trace_id = lane_.new_trace_id();
  request.route = "none";
  request.peer.clear();
  role_ = {};
  if (parser_->bad() != BadRequest::none) return;
  keep_ = parser_->keeps_alive() && !lane_.draining;
}

void HttpConnection::strip_prefix() {
  std::string_view& path = buffer_->request.path;
  const std::string_view prefix = lane_.config.path_prefix;
  if (!prefix.empty() && path.starts_with(prefix) && path.substr(prefix.size()).starts_with('/')) {
    path.remove_prefix(prefix.size());
  }
}

HttpResponse HttpConnection::answer_to_bad() {
  HttpRequest& request = buffer_->request;
  switch (parser_->bad()) {
    case BadRequest::uri_too_long:
      request.path = "/";
      return bare_problem(414, "URI_TOO_LONG", "The address is over 2 KiB", request);
    case BadRequest::header_too_large:
      request.path = "/";
      return bare_problem(431, "HEADER_TOO_LARGE", "The header is over 8 KiB", request);
    case BadRequest::body_too_large:
      return problem(no_of(Refusal::body_too_large), request);
    case BadRequest::unknown_coding:
      return bare_problem(501, "CODING_UNKNOWN", "Only the chunked coding is known", request);
    case BadRequest::bad_version:
      request.path = "/";
      return bare_problem(505, "VERSION_UNKNOWN", "Only HTTP/1.0 and 1.1 are spoken", request);
    case BadRequest::malformed:
    case BadRequest::none:
      break;
  }
  request.path = "/";  // what was read of it is not to be trusted
  return problem(no_of(Refusal::malformed), request);
}

std::optional<HttpResponse> HttpConnection::refuse_early(const Router::Found& found) {
  HttpRequest& request = buffer_->request;
  if (found.route == nullptr) {
    if (found.websocket != nullptr && found.allow.empty()) {
      auto response = bare_problem(426, "UPGRADE_REQUIRED", "This path is a WebSocket", request);
      response.headers.emplace_back("Upgrade", "websocket");
      return response;
    }
    if (found.allow.empty()) return problem(no_of(Refusal::not_found), request);
    auto response = problem(no_of(Refusal::method_not_allowed), request);
    response.headers.emplace_back("Allow", found.allow);
    return response;
  }
  const Route& route = *found.route;
  request.route = route.pattern;
  role_ = route.role;
  request.deadline = arrived_ + route.time_limit;
  if (auto refusal = check_caller(route)) return refusal;
  if (!request.body.empty() && !is_json(request.header("Content-Type"))) {
    return problem(no_of(Refusal::unsupported_media_type), request);
  }
  if (const auto no = key_problem(request, route.idempotency_required)) {
    return problem(*no, request);
  }
  return std::nullopt;
}

std::optional<HttpResponse> HttpConnection::check_caller(const Route& route) {
  HttpRequest& request = buffer_->request;
  const auto refuse = [&request](Refusal refusal, const char* challenge) {
    auto response = problem(no_of(refusal), request);
    response.headers.emplace_back("WWW-Authenticate", challenge);
    return response;
  };
  if (route.auth == Auth::none) {
    // Nobody has to say who he is. Whoever does so is limited by himself: thousands may share an
    // address. Not where one logs in: there the address and the login are what is limited.
    const auto token = route.method == "GET" && lane_.config.rate_limits.on
                           ? bearer_token(request.header("Authorization"))
                           : std::nullopt;
    if (token) request.caller = lane_.tokens.verify(*token, wall_clock());
    return std::nullopt;
  }
  if (route.auth == Auth::admin_token) {
    const std::string_view token = request.header("Admin-Token");
    if (token.empty()) return refuse(Refusal::no_token, "Admin-Token");
    const std::string_view expected = lane_.config.admin_token;
    const bool right = !expected.empty() && equal_secret(token, expected);
    return right ? std::nullopt : std::optional(refuse(Refusal::bad_token, "Admin-Token"));
  }
  const auto token = bearer_token(request.header("Authorization"));
  if (!token) return refuse(Refusal::no_token, "Bearer");
  request.caller = lane_.tokens.verify(*token, wall_clock());
  if (!request.caller) return refuse(Refusal::bad_token, "Bearer error=\"invalid_token\"");
  if (request.caller->role < route.least) {
    const std::string needed(name_of(route.least));
    return problem(no_of(Refusal::forbidden, "this needs the role " + needed), request);
  }
  return std::nullopt;
}

Task<HttpResponse> HttpConnection::handle(const Route& route) {
  const HttpRequest& request = buffer_->request;
  const InFlight in_flight(lane_.load.in_flight(route.role));
  const bool shed = lane_.switches.shed_everything && !route.admin && request.method != "GET";
  if ((!route.role.empty() && in_flight.over(lane_.config.in_flight_max)) || shed) {
    co_return problem(no_of(Refusal::overloaded, {}, retry_ms), request);
  }
  if (lane_.config.rate_limits.on && !request.caller) {
    boost::system::error_code gone;
    const std::string peer = socket_.remote_endpoint(gone).address().to_string();
    buffer_->request.peer = client_address(request, peer, lane_.config.trusted_proxies);
  }
  try {
    co_return co_await route.handle(request);
  } catch (const StoreUnavailable& error) {
    log_debug("store unavailable", {{"trace_id", request.trace_id}, {"error", error.what()}});
    co_return problem(
        no_of(Refusal::dependency_down, error.dependency() + " is not reachable", retry_ms),
        request);
  } catch (const CommitUnknown& error) {
    log_warning("commit unknown", {{"trace_id", request.trace_id}, {"error", error.what()}});
    co_return problem(no_of(Refusal::commit_unknown), request);
  } catch (const std::exception& error) {
    log_error("handler failed", {{"trace_id", request.trace_id},
                                 {"route", std::string(request.route)},
                                 {"error", error.what()}});
    co_return problem(no_of(Refusal::internal), request);
  }
}

Task<bool> HttpConnection::write(HttpResponse response) {
  const HttpRequest& request = buffer_->request;
  if (response.status == 409 && lane_.switches.conflict_is_400) response.status = 400;
  keep_ = keep_ && !lane_.draining;
  ResponseHead head;
  head.trace_id = request.trace_id;
  head.date = lane_.date();
  head.keep_alive = keep_;
  head.old_version = parser_->old_version();
  head.without_body = request.method == "HEAD" && parser_->header_done();
  std::string& out = buffer_->out;
  out.clear();
  append_response(out, response, head);
  enter(Phase::writing, Clock::now() + lane_.limits.write);
  const bool written = co_await write_bytes(out);
  count(response);
  co_return written;
}

void HttpConnection::count(const HttpResponse& response) {
  const HttpRequest& request = buffer_->request;
  const auto took = Clock::now() - arrived_;
  lane_.metrics.http_request(role_, request.route, response.status, response.code, took);
  if (!log_enabled(LogLevel::debug)) return;
  // The query is left out: it may carry a token.
  log_debug("request", {{"trace_id", request.trace_id},
                        {"method", std::string(request.method)},
                        {"path", std::string(request.path)},
                        {"status", std::int64_t{response.status}},
                        {"took_ms", std::chrono::duration<double, std::milli>(took).count()}});
}

Task<bool> HttpConnection::write_bytes(std::string_view bytes) {
  while (socket_.is_open()) {
    boost::system::error_code error;
    const std::size_t count = socket_.write_some(asio::buffer(bytes), error);
    bytes.remove_prefix(count);
    if (bytes.empty()) co_return true;
    if (error && error != asio::error::would_block) co_return false;
    if (!error) continue;
    const auto [failed] = co_await socket_.async_wait(Socket::wait_write, await_tuple);
    if (failed) co_return false;
  }
  co_return false;
}

// Subtle: closing a socket whose peer is still sending resets the connection, and the reset may
// overtake our answer. So the last word is said first and the rest is read for a moment.
Task<void> HttpConnection::linger() {
  boost::system::error_code error;
  socket_.shutdown(Socket::shutdown_send, error);
  enter(Phase::lingering, Clock::now() + lane_.limits.linger);
  std::size_t left = 256 * 1024;
  while (!error && left > 0 && socket_.is_open()) {
    const auto [failed] = co_await socket_.async_wait(Socket::wait_read, await_tuple);
    if (failed || !socket_.is_open()) co_return;
    left -= std::min(left, socket_.read_some(asio::buffer(lane_.scratch), error));
    if (error == asio::error::would_block) error.clear();
  }
}

bool HttpConnection::wants_upgrade() const noexcept {
  const HttpRequest& request = buffer_->request;
  return has_token(request.header("Connection"), "upgrade") &&
         has_token(request.header("Upgrade"), "websocket");
}

Task<WebSocketAccept> HttpConnection::accept_websocket(const WebSocketRoute& route,
                                                       std::optional<HttpResponse>& refusal) {
  HttpRequest& request = buffer_->request;
  request.route = route.path;
  request.deadline = arrived_ + Millis(10000);
  role_ = route.role;
  auto token = bearer_token(request.header("Authorization"));
  const auto given = token ? std::nullopt : request.query_value("access_token");
  if (given) token = *given;
  if (token) request.caller = lane_.tokens.verify(*token, wall_clock());
  WebSocketAccept accept;
  try {
    accept = co_await route.accept(request);
  } catch (const StoreUnavailable& error) {
    refusal =
        problem(no_of(Refusal::dependency_down, error.dependency() + " is not reachable", retry_ms),
                request);
  } catch (const std::exception& error) {
    log_error("websocket accept failed", {{"trace_id", request.trace_id}, {"error", error.what()}});
    refusal = problem(no_of(Refusal::internal), request);
  }
  co_return accept;
}

void HttpConnection::write_switching(const WebSocketAccept& accept) {
  const HttpRequest& request = buffer_->request;
  std::string& out = buffer_->out;
  out = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  out += "Sec-WebSocket-Accept: ";
  out += websocket_accept(request.header("Sec-WebSocket-Key"));
  out += "\r\nTrace-Id: " + request.trace_id + "\r\n";
  if (!accept.protocol.empty()) append_field(out, "Sec-WebSocket-Protocol", accept.protocol);
  out += "\r\n";
}

// The end of the stream is the end of the connection, so nothing else may be on it.
Task<bool> HttpConnection::stream(HttpResponse response) {
  const auto handler = response.stream;
  keep_ = false;
  const bool written = co_await write(std::move(response));
  if (!written || buffer_->request.method == "HEAD") {
    handler->closed();
    if (written) co_await linger();
    co_return false;
  }
  auto session = std::make_shared<EventStreamSession>(lane_, std::move(socket_));
  asio::co_spawn(lane_.io.get_executor(), EventStreamSession::run(std::move(session), handler),
                 [](std::exception_ptr failure) { report_failure(failure, "stream failed"); });
  co_return false;
}

Task<bool> HttpConnection::upgrade(const WebSocketRoute& route) {
  const HttpRequest& request = buffer_->request;
  std::optional<HttpResponse> refusal;
  WebSocketAccept accept;
  constexpr std::size_t key_bytes = 24;  // 16 bytes in base64
  if (lane_.draining) {
    refusal = problem(no_of(Refusal::overloaded, "restarting", retry_ms), request);
  } else if (request.header("Sec-WebSocket-Version") != "13") {
    refusal = bare_problem(426, "UPGRADE_REQUIRED", "Only WebSocket version 13", request);
    refusal->headers.emplace_back("Sec-WebSocket-Version", "13");
  } else if (request.header("Sec-WebSocket-Key").size() != key_bytes) {
    refusal = problem(no_of(Refusal::malformed, "Sec-WebSocket-Key"), request);
  } else {
    accept = co_await accept_websocket(route, refusal);
  }
  if (refusal) {
    const bool written = co_await write(std::move(*refusal));
    co_return written&& keep_;
  }
  write_switching(accept);
  enter(Phase::writing, Clock::now() + lane_.limits.write);
  const bool written = co_await write_bytes(buffer_->out);
  HttpResponse switched;
  switched.status = 101;
  count(switched);
  if (!written) {
    if (accept.handler) accept.handler->closed();
    co_return false;
  }
  // The session is a coroutine of its own, so that this one and all its frames are given back.
  std::string early(buffer_->unread());
  auto session = std::make_shared<WebSocketSession>(lane_, std::move(socket_));
  asio::co_spawn(lane_.io.get_executor(),
                 WebSocketSession::run(std::move(session), std::move(accept), std::move(early)),
                 [](std::exception_ptr failure) { report_failure(failure, "websocket failed"); });
  co_return false;
}

void HttpConnection::expired(TimePoint) noexcept {
  try {
    if (phase_ == Phase::reading) tell_timeout();
  } catch (const std::bad_alloc&) {
    // Cut without a word.
  }
  cut();
}

// Best effort: whoever dawdles over a request may not be reading either.
void HttpConnection::tell_timeout() {
  const HttpRequest request = lane_.no_request();
  const auto response =
      bare_problem(408, "REQUEST_TIMEOUT", "The request did not come in time", request);
  boost::system::error_code ignored;
  socket_.write_some(asio::buffer(farewell(response, request, lane_.date())), ignored);
  socket_.shutdown(Socket::shutdown_both, ignored);
}

void HttpConnection::drain(TimePoint now) noexcept {
  if (phase_ == Phase::idle) set_deadline(now + lane_.limits.deadline_grain);
}

void HttpConnection::cut() noexcept {
  set_deadline(TimePoint::max());
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace boxoffice
