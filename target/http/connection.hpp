// One HTTP connection: requests one after the other, as the client asks, each within its limits and
// deadlines. What it says no to by itself (404, 405, 400, 401, 413, 414, 415, 431, 503) is here;
// what the request means is the handlers' business.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "target/http/lane.hpp"

namespace boxoffice {

class HttpConnection final : public Watched {
 public:
  HttpConnection(Lane& lane, Socket socket, Surface surface);
  ~HttpConnection();

  // Serves until either side has enough. Failures end this connection and nothing else.
  static Task<void> run(std::shared_ptr<HttpConnection> connection);

  void expired(TimePoint now) noexcept override;
  void drain(TimePoint now) noexcept override;
  void cut() noexcept override;

 private:
  enum class Phase : std::uint8_t { idle, reading, handling, writing, lingering };
  enum class Read : std::uint8_t { complete, gone, bad };

  Task<bool> exchange();  // one request and its answer; false: no more on this connection
  Task<Read> read_request();
  Task<bool> fill();  // more bytes into the buffer; false: the peer is gone
  bool make_room();
  void start_request();
  void strip_prefix();
  std::optional<HttpResponse> refuse_early(const Router::Found& found);
  std::optional<HttpResponse> check_caller(const Route& route);
  Task<HttpResponse> handle(const Route& route);
  HttpResponse answer_to_bad();
  Task<bool> write(HttpResponse response);
  Task<bool> write_bytes(std::string_view bytes);
  void count(const HttpResponse& response);
  bool wants_upgrade() const noexcept;
  Task<bool> stream(HttpResponse response);  // the head, then the socket is the stream's
  Task<bool> upgrade(const WebSocketRoute& route);
  Task<WebSocketAccept> accept_websocket(const WebSocketRoute& route,
                                         std::optional<HttpResponse>& refusal);
  void write_switching(const WebSocketAccept& accept);
  void tell_timeout();
  Task<void> linger();
  void enter(Phase phase, TimePoint deadline) noexcept;

  Lane& lane_;
  Socket socket_;
  std::unique_ptr<RequestBuffer> buffer_;  // only while a request is in progress
  std::optional<RequestParser> parser_;
  TimePoint arrived_;
  std::string_view role_;
  const Surface surface_;
  Phase phase_ = Phase::idle;
  unsigned streak_ = 0;  // requests without a wait between them
  bool keep_ = true;     // the connection, after this answer
};

}  // namespace boxoffice
