#include "target/http/websocket_session.hpp"

#include <exception>

#include "target/log.hpp"

namespace boxoffice {

WebSocketSession::WebSocketSession(Lane& lane, Socket socket)
    : Watched(lane.watch_list()), lane_(lane), socket_(std::move(socket)), heard_(Clock::now()) {
  lane_.load.connections.fetch_add(1, std::memory_order_relaxed);
  lane_.load.websockets.fetch_add(1, std::memory_order_relaxed);
  set_deadline(heard_ + lane_.limits.ws_ping);
}

WebSocketSession::~WebSocketSession() {
  lane_.load.websockets.fetch_sub(1, std::memory_order_relaxed);
  lane_.load.connections.fetch_sub(1, std::memory_order_relaxed);
}

Task<void> WebSocketSession::run(std::shared_ptr<WebSocketSession> session, WebSocketAccept accept,
                                 std::string early) {
  if (!accept.handler) {
    session->close(accept.refusal_close_code, accept.refusal_reason);
    struct Nobody final : WebSocketHandler {
      void opened(std::shared_ptr<WebSocketPeer>) override {}
      void message(std::string_view) override {}
      void closed() override {}
    };
    accept.handler = std::make_unique<Nobody>();
  }
  try {
    accept.handler->opened(session);
    if (session->lane_.draining) session->drain(Clock::now());
    session->consume(early, *accept.handler);
    early = std::string{};
    co_await session->read_frames(*accept.handler);
  } catch (const std::exception& error) {
    log_error("websocket handler failed", {{"error", error.what()}});
    session->close(ws_close::internal, "internal");
  }
  session->cut();
  accept.handler->closed();
}

bool WebSocketSession::send(std::string text) {
  if (closing_) return false;
  return queue(Opcode::text, text);
}

void WebSocketSession::close(std::uint16_t code, std::string reason) {
  if (closing_) return;
  queue(Opcode::close, close_payload(code, reason));
  closing_ = true;
  close_by_ = Clock::now() + lane_.limits.ws_close;
  set_deadline(close_by_);
}

bool WebSocketSession::queue(Opcode opcode, std::string_view payload) {
  if (!socket_.is_open()) return false;
  if (out_.size() + payload.size() > ws_queue_bytes_max) {
    drop("slow");
    return false;
  }
  append_frame(out_, opcode, payload);
  if (!waiting_to_write_) flush();
  return socket_.is_open();
}

// Subtle: a callback, not a coroutine: most writes end here, at once, and cost no frame.
void WebSocketSession::flush() {
  std::size_t sent = 0;
  boost::system::error_code error;
  while (sent < out_.size()) {
    const std::size_t count =
        socket_.write_some(asio::buffer(out_.data() + sent, out_.size() - sent), error);
    if (error) break;
    sent += count;
  }
  out_.erase(0, sent);
  if (error == asio::error::would_block) {
    waiting_to_write_ = true;
    socket_.async_wait(Socket::wait_write,
                       [self = shared_from_this()](const boost::system::error_code& failed) {
                         self->waiting_to_write_ = false;
                         if (!failed && self->socket_.is_open()) self->flush();
                       });
    return;
  }
  if (error) return cut();
  // Subtle: assigning an empty string would keep the capacity.
  if (out_.capacity() > 512) std::string{}.swap(out_);
  if (closing_ && peer_closed_) shut();
}

void WebSocketSession::shut() {
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void WebSocketSession::react(const FrameReader::Event& event, WebSocketHandler& handler) {
  using Kind = FrameReader::Event::Kind;
  switch (event.kind) {
    case Kind::message:
      if (!closing_) handler.message(event.payload);
      break;
    case Kind::ping:
      if (!closing_) queue(Opcode::pong, event.payload);
      break;
    case Kind::pong:
      break;
    case Kind::close:
      peer_closed_ = true;
      if (!closing_) close(event.code == ws_close::no_status ? ws_close::normal : event.code, "");
      if (out_.empty()) shut();
      break;
    case Kind::broken:
      peer_closed_ = true;  // nothing more of theirs can be understood
      close(event.code, "");
      if (out_.empty()) shut();
      break;
  }
}

void WebSocketSession::consume(std::string_view bytes, WebSocketHandler& handler) {
  while (!peer_closed_ && socket_.is_open()) {
    const auto event = reader_.next(bytes);
    if (!event) return;
    react(*event, handler);
  }
}

Task<void> WebSocketSession::read_frames(WebSocketHandler& handler) {
  while (socket_.is_open()) {
    const auto [waited] = co_await socket_.async_wait(Socket::wait_read, await_tuple);
    if (waited || !socket_.is_open()) co_return;
    boost::system::error_code error;
    const std::size_t count = socket_.read_some(asio::buffer(lane_.scratch), error);
    if (error == asio::error::would_block) continue;
    if (error) co_return;
    heard_ = Clock::now();
    // Subtle: nothing suspends while the shared bytes are looked at.
    consume({lane_.scratch.data(), count}, handler);
  }
}

void WebSocketSession::expired(TimePoint now) noexcept {
  if (closing_) return cut();
  const TimePoint silent = heard_ + lane_.limits.ws_silence;
  if (now >= silent) return drop("silent");
  const TimePoint asked = heard_ + lane_.limits.ws_ping;
  if (now < asked) return set_deadline(asked);
  try {
    queue(Opcode::ping, "");
  } catch (const std::bad_alloc&) {
    return cut();
  }
  set_deadline(std::min(silent, now + lane_.limits.ws_ping));
}

void WebSocketSession::drain(TimePoint) noexcept {
  try {
    close(ws_close::restart, "restart");
  } catch (const std::bad_alloc&) {
    cut();
  }
}

void WebSocketSession::drop(std::string_view why) noexcept {
  try {
    lane_.metrics.count("ws_dropped", "reason", why);
  } catch (const std::exception&) {
    // A figure less; the socket must be cut all the same.
  }
  cut();
}

void WebSocketSession::cut() noexcept {
  closing_ = true;
  set_deadline(TimePoint::max());
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace boxoffice
