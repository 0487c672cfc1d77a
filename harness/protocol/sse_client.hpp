// One event stream of one user (server-sent events, WHATWG HTML §9.2): a GET on a connection of its
// own whose answer goes on and on. When the connection ends it connects again by itself, with the
// last event's id, after the delay that the server asked for, so many times in a row. While it
// rests it owns no buffer, as a WebSocket does not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/protocol/event_stream_parser.hpp"
#include "harness/protocol/streamed_answer.hpp"
#include "harness/protocol/transport.hpp"

namespace stampede {

// A session that has an event stream. Called on the worker's thread from the socket's callback: it
// must not resume a coroutine on that stack, nor close the stream.
class EventStreamListener {
 public:
  virtual ~EventStreamListener() = default;
  // Is it used up? If not it is kept among the unread ones.
  virtual bool on_stream_event(const ServerEvent& event) = 0;
  // A try to connect again has ended, as connect() does; it was due at `due`.
  virtual void on_stream_reconnect(TimePoint due, Exchange& exchange) = 0;
  // For good: no further try is made.
  virtual void on_stream_ended() = 0;
};

struct EventStreamOptions {
  std::size_t event_max = EventStreamParser::event_size_default;
  std::size_t unread_max = 16;  // of events that the listener does not use up the last are kept
  // Tries in a row that bring no event; 0: the stream ends with its connection.
  std::uint32_t reconnects_max = 3;
  Nanos retry{std::chrono::seconds{3}};     // until the server says otherwise
  Nanos timeout{std::chrono::seconds{10}};  // of each try to connect again
};

class SseClient : public std::enable_shared_from_this<SseClient> {
 public:
  // Whatever a server asks for: no tight loop of connections.
  static constexpr Nanos retry_min{std::chrono::milliseconds{10}};

  struct Unread {
    std::string name, data, id;
  };
  // A try to connect again that is under way.
  struct Try {
    TimePoint due, sent;
  };

  SseClient(Wire& wire, EventStreamListener* listener, const EventStreamOptions& options);
  ~SseClient();
  SseClient(const SseClient&) = delete;
  SseClient& operator=(const SseClient&) = delete;

  // exchange.request holds the request line and headers, without the empty line; the fields of the
  // stream are added here. `done` is when the head of the answer was complete. Outcome ok with
  // status 200: open; with another status: the server refused. An answer of another content type is
  // malformed.
  Task<void> connect(Exchange& exchange, TimePoint deadline);
  // Open, or about to connect again.
  [[nodiscard]] bool lives() const noexcept {
    return state_ == State::open || state_ == State::waiting || state_ == State::reconnecting;
  }
  std::vector<Unread>& unread() noexcept { return unread_; }
  // Why it does not live any more, and as what: disconnected, gone (the server said 204: do not
  // come back) or malformed.
  [[nodiscard]] const std::string& end_reason() const noexcept { return end_reason_; }
  [[nodiscard]] Outcome end_outcome() const noexcept { return end_outcome_; }
  [[nodiscard]] std::optional<Try> reconnecting() const noexcept;
  // A connect in progress becomes unfinished; without effect otherwise.
  void cancel_connect();
  // false: nothing is read any more, and so no end is seen either, until true. A new connection is
  // made as ever, and its answer's head read. Takes in at once what has come meanwhile.
  void read(bool reads);
  [[nodiscard]] bool reads() const noexcept { return reads_; }
  // The connection is gone, as if the network had lost it. Without effect while there is none.
  void lose();
  // Lets go of the listener and of the connection, at once.
  void close();

 private:
  enum class State : std::uint8_t { idle, connecting, open, waiting, reconnecting, closed };
  enum class Cut : std::uint8_t { none, deadline, abort };

  Task<void> attempt(Exchange& exchange, TimePoint deadline);
  Task<void> shake_hands(Exchange& exchange, TimePoint deadline);
  static Task<void> reconnect(std::shared_ptr<SseClient> self);
  bool was_cut(Exchange& exchange) noexcept;
  void judge_head(Exchange& exchange, std::string& body, bool complete);
  void judge_try(const Exchange& exchange);
  void on_timer();
  void wait_readable();
  void on_readable();
  bool digest(std::string_view text);
  void lost(std::string reason);
  void finish(std::string reason, Outcome outcome);
  void release() noexcept;

  Wire& wire_;
  EventStreamListener* listener_;
  EventStreamOptions options_;
  Transport transport_;
  Timer timer_;  // connecting: deadline; waiting: when to connect again
  std::optional<StreamedAnswer> answer_;
  EventStreamParser parser_;
  std::string request_;  // without Last-Event-ID and the empty line
  std::vector<Unread> unread_;
  std::string end_reason_;
  TimePoint reconnect_due_, reconnect_sent_;
  std::uint32_t tries_ = 0;  // since the last event
  State state_ = State::idle;
  Cut cut_ = Cut::none;
  Outcome end_outcome_ = Outcome::disconnected;
  bool counted_ = false;
  bool reads_ = true;
  bool unread_bytes_ = false;  // of this connection: they came while nothing was read
};

}  // namespace stampede
