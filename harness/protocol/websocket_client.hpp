// One WebSocket of one user (RFC 6455, client side). While it rests it owns no buffer: when the
// socket is readable a callback reads into the worker's scratch, and messages go straight to the
// session that waits for them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/protocol/frame_codec.hpp"
#include "harness/protocol/transport.hpp"

namespace stampede {

// A session that has a WebSocket. Called on the worker's thread from the socket's callback: it must
// not resume a coroutine on that stack.
class WebSocketListener {
 public:
  virtual ~WebSocketListener() = default;
  // Is it used up? If not it is kept among the unread ones.
  virtual bool on_websocket_message(std::string_view text) = 0;
  // A ping of ours was answered (ok), or was not within its time (timed_out; then it is closed).
  virtual void on_websocket_pong(TimePoint sent, TimePoint done, Outcome outcome) = 0;
  // The server closed it, or it broke, or this side gave it up.
  virtual void on_websocket_closed() = 0;
};

class WebSocketClient : public std::enable_shared_from_this<WebSocketClient> {
 public:
  static constexpr std::size_t unread_max_default = 16;

  // A message over `message_max` bytes ends it, with 1009. Of messages that the listener does not
  // use up the last `unread_max` are kept.
  WebSocketClient(Wire& wire, WebSocketListener* listener,
                  std::size_t message_max = message_size_max,
                  std::size_t unread_max = unread_max_default);
  ~WebSocketClient();
  WebSocketClient(const WebSocketClient&) = delete;
  WebSocketClient& operator=(const WebSocketClient&) = delete;

  // exchange.request holds the request line and headers of the upgrade, without the empty line; the
  // fields of the handshake are added here. `protocol` may be empty; a server that takes another
  // one, or none of those asked for, is malformed. Outcome ok with status 101: open; with another
  // status: the server refused.
  Task<void> connect(Exchange& exchange, std::string protocol, TimePoint deadline);
  // Every so often while it is open, whatever the session does.
  void heartbeat(Nanos every, std::string text);
  // Pings every so often while it is open, one at a time; no pong within `patience` ends it. What
  // is due while one is unanswered is left out.
  void ping(Nanos every, Nanos patience);
  // The ping that is not answered yet: when it was sent.
  [[nodiscard]] std::optional<TimePoint> unanswered_ping() const noexcept;
  // False: it is not open.
  bool send_text(std::string_view text);
  bool send_binary(std::string_view bytes);
  [[nodiscard]] bool is_open() const noexcept { return state_ == State::open; }
  std::vector<std::string>& unread() noexcept { return unread_; }
  // Why it is not open any more: "closed by the server with 4410".
  [[nodiscard]] const std::string& end_reason() const noexcept { return end_reason_; }
  // disconnected, or malformed when this side gave it up for what the server sent.
  [[nodiscard]] Outcome end_outcome() const noexcept { return end_outcome_; }
  // The code it was closed with: the server's; 1005 if its close frame had none, 1006 without a
  // close frame; ours if this side gave it up. 0: it has not ended.
  [[nodiscard]] std::uint16_t close_code() const noexcept { return close_code_; }
  // Says goodbye and lets go of the listener; lives on until the server has answered, for a second
  // at most. A reason over 123 bytes is cut.
  void close(std::uint16_t code = close_normal, std::string_view reason = {});
  // A connect in progress becomes unfinished; without effect otherwise.
  void cancel_connect();
  // Ends at once, listener or not.
  void abort();

  std::size_t roster_place = 0;  // used by Wire alone

 private:
  enum class State : std::uint8_t { idle, connecting, open, closing, closed };
  enum class Cut : std::uint8_t { none, deadline, abort };

  Task<void> shake_hands(Exchange& exchange, const std::string& key, const std::string& protocol,
                         TimePoint deadline);
  bool was_cut(Exchange& exchange) noexcept;
  void on_timer();
  void on_ping_timer();
  void on_pong(std::string_view payload);
  void opened(std::string_view left_over);
  void wait_readable();
  void on_readable();
  bool digest(std::string_view received);
  bool handle(const FrameDecoder::Item& item);
  void on_close_frame(const FrameDecoder::Item& item);
  void give_up(const FrameDecoder::Item& item);
  void begin_closing(std::uint16_t code, std::string_view reason);
  void send_frame(Opcode opcode, std::string_view payload);
  void flush();
  void end(std::string reason, std::uint16_t code = close_abnormal);
  void release() noexcept;

  Wire& wire_;
  WebSocketListener* listener_;
  Transport transport_;
  Timer timer_;       // connecting: deadline; open: heartbeat; closing: patience
  Timer ping_timer_;  // open: the next ping, or the end of the patience with the last one
  FrameDecoder decoder_;
  std::size_t unread_max_;
  std::vector<std::string> unread_;
  std::string outbox_;  // what the socket would not take yet
  std::string heartbeat_text_, end_reason_;
  Nanos heartbeat_every_{0};
  TimePoint heartbeat_due_;
  Nanos ping_every_{0}, pong_patience_{0};
  TimePoint ping_due_, ping_sent_;  // ping_sent_: TimePoint{} when none is unanswered
  std::uint32_t pings_ = 0;
  std::uint16_t close_code_ = 0;
  Outcome end_outcome_ = Outcome::disconnected;
  State state_ = State::idle;
  Cut cut_ = Cut::none;
  bool flushing_ = false, counted_ = false;
  bool gave_up_ = false;  // what still comes is not looked at
};

// The value of Sec-WebSocket-Accept for a key.
std::string websocket_accept(std::string_view key);

}  // namespace stampede
