// What a handler sees and returns, and the route table (data). The server (sockets, limits,
// deadlines, drain) is in server.hpp.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "target/domain/caller.hpp"
#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"

namespace boxoffice {

// Lives as long as the handler's coroutine; views point into the connection's buffers.
struct HttpRequest {
  std::string_view method, path, query, body;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::vector<std::string_view> path_parameters;  // in the order of the pattern's {…}
  std::optional<Caller> caller;                   // set when the route asks for a token
  std::string trace_id;                           // 32 hex digits
  std::string_view route;                         // the pattern, for metrics
  TimePoint deadline;
  std::string peer;  // the client's address, behind trusted proxies as well; for rate limits

  [[nodiscard]] std::string_view header(
      std::string_view name) const noexcept;  // case-insensitive; "" if absent
  [[nodiscard]] bool has_header(std::string_view name) const noexcept;  // also an empty one
  [[nodiscard]] std::optional<std::string> query_value(
      std::string_view name) const;  // percent-decoded
  [[nodiscard]] std::optional<std::uint64_t> path_id(
      std::size_t index) const noexcept;  // decimal, no sign, no overflow
};

// A body that has no end (server-sent events), handed to whoever feeds it. Single-threaded: use
// only on its connection's thread.
class EventStreamPeer {
 public:
  virtual ~EventStreamPeer() = default;
  // Queued and sent in order; the text is shared, not copied. False when the stream is over or its
  // queue is over `event_stream_queue_bytes_max` (it is cut then).
  virtual bool send(std::shared_ptr<const std::string> events) = 0;
  virtual void finish() = 0;  // what is queued is sent, then the connection is closed
};
// Callbacks of one stream. opened() is called once, after the head was sent; closed() once, at the
// end.
class EventStreamHandler {
 public:
  virtual ~EventStreamHandler() = default;
  virtual void opened(std::shared_ptr<EventStreamPeer> peer) = 0;
  virtual void closed() = 0;
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view code = {};  // of a problem, for metrics: SEAT_HELD
  // Set: a 200 whose body is text/event-stream, made by this handler until either side ends it.
  std::shared_ptr<EventStreamHandler> stream = nullptr;
};

HttpResponse event_stream(std::shared_ptr<EventStreamHandler> handler);
HttpResponse json_response(int status, std::string body);
HttpResponse no_content();
// RFC 9457 problem+json with code, message, traceId, retryAfterMs, conflicts, opensAt; sets
// Retry-After (whole seconds, rounded up); a 503 always has it.
HttpResponse problem(const No& no, const HttpRequest& request);

// A WebSocket session handed to whoever serves the path. Single-threaded: use only on its
// connection's thread.
class WebSocketPeer {
 public:
  virtual ~WebSocketPeer() = default;
  // Queued and sent in order; false when the peer is closed or its queue is over
  // `ws_queue_bytes_max` (it is cut then).
  virtual bool send(std::string text) = 0;
  virtual void close(std::uint16_t code, std::string reason) = 0;
};
// Callbacks of one accepted WebSocket. opened() is called once, before any message.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  virtual void opened(std::shared_ptr<WebSocketPeer> peer) = 0;
  virtual void message(std::string_view text) = 0;
  virtual void closed() = 0;
};
struct WebSocketAccept {
  std::unique_ptr<WebSocketHandler>
      handler;  // null: refused with `refusal_close_code` after the upgrade
  std::uint16_t refusal_close_code = 0;
  std::string refusal_reason;
  std::string protocol;  // echoed sub-protocol
};

enum class Auth : std::uint8_t { none, bearer, admin_token };

struct Route {
  std::string_view method;   // GET POST PUT PATCH DELETE
  std::string_view pattern;  // "/api/events/{id}/queue"
  std::string_view role;     // which --roles member serves it
  Auth auth = Auth::bearer;
  bool idempotency_required = false;
  bool admin = false;  // on the admin port only
  std::function<Task<HttpResponse>(const HttpRequest&)> handle;
  Millis time_limit{10000};  // the handler's deadline from the request's arrival
  Role least = Role::user;   // with a bearer token: who has less gets 403
};
struct WebSocketRoute {
  std::string_view path;
  std::string_view role;
  std::function<Task<WebSocketAccept>(const HttpRequest&)>
      accept;  // request.caller is set if a valid token came (header or ?access_token)
};

// One per I/O thread.
struct RouteTable {
  std::vector<Route> routes;
  std::vector<WebSocketRoute> websockets;
};

// Constant-time comparison; lengths may differ.
bool equal_secret(std::string_view a, std::string_view b) noexcept;

}  // namespace boxoffice
