#include "target/http/event_stream_session.hpp"

#include <array>
#include <exception>

#include "target/log.hpp"

namespace boxoffice {

namespace {

// A comment: keeps proxies from closing what is silent, and finds peers that are gone.
const std::shared_ptr<const std::string>& ping() {
  static const auto text = std::make_shared<const std::string>(":\n\n");
  return text;
}

constexpr std::size_t texts_at_once = 8;

// Bytes of the kernel's buffer (it doubles them for its own books). Left alone it grows to
// megabytes for a client that takes nothing: minutes of events that are old when they come, and
// memory that event_stream_queue_bytes_max does not bound.
constexpr int kernel_buffer_bytes = 32 * 1024;

}  // namespace

EventStreamSession::EventStreamSession(Lane& lane, Socket socket)
    : Watched(lane.watch_list()), lane_(lane), socket_(std::move(socket)), moved_(Clock::now()) {
  lane_.load.connections.fetch_add(1, std::memory_order_relaxed);
  lane_.load.event_streams.fetch_add(1, std::memory_order_relaxed);
  set_deadline(moved_ + lane_.limits.stream_ping);
  boost::system::error_code without;  // a socket that does not take it works as before
  socket_.set_option(asio::socket_base::send_buffer_size(kernel_buffer_bytes), without);
}

EventStreamSession::~EventStreamSession() {
  lane_.load.event_streams.fetch_sub(1, std::memory_order_relaxed);
  lane_.load.connections.fetch_sub(1, std::memory_order_relaxed);
}

// Reads only to learn of the end: a client of events has nothing to say.
Task<void> EventStreamSession::run(std::shared_ptr<EventStreamSession> session,
                                   std::shared_ptr<EventStreamHandler> handler) {
  EventStreamSession& self = *session;
  try {
    handler->opened(session);
  } catch (const std::exception& error) {
    log_error("event stream failed", {{"error", error.what()}});
    self.cut();
  }
  if (self.lane_.draining) self.drain(Clock::now());
  while (self.socket_.is_open()) {
    const auto [waited] = co_await self.socket_.async_wait(Socket::wait_read, await_tuple);
    if (waited || !self.socket_.is_open()) break;
    boost::system::error_code error;
    self.socket_.read_some(asio::buffer(self.lane_.scratch), error);
    if (error && error != asio::error::would_block) break;
  }
  self.cut();
  handler->closed();
}

bool EventStreamSession::send(Text events) {
  if (finishing_) return false;
  return queue(std::move(events));
}

void EventStreamSession::finish() {
  if (finishing_) return;
  finishing_ = true;
  if (!socket_.is_open()) return;
  set_deadline(Clock::now() + lane_.limits.ws_close);
  if (!waiting_to_write_) flush();
}

bool EventStreamSession::queue(Text text) {
  if (!socket_.is_open()) return false;
  if (queued_bytes_ + text->size() > event_stream_queue_bytes_max) {
    drop("slow");
    return false;
  }
  if (waiting_.empty()) moved_ = Clock::now();
  queued_bytes_ += text->size();
  waiting_.push_back(std::move(text));
  if (!waiting_to_write_) flush();
  return socket_.is_open();
}

std::size_t EventStreamSession::write_some(boost::system::error_code& error) {
  std::array<asio::const_buffer, texts_at_once> parts;
  const std::size_t count = std::min(waiting_.size(), parts.size());
  for (std::size_t i = 0; i < count; ++i) parts[i] = asio::buffer(*waiting_[i]);
  parts[0] += sent_;
  return socket_.write_some(std::span(parts.data(), count), error);
}

void EventStreamSession::took(std::size_t bytes) {
  queued_bytes_ -= bytes;
  sent_ += bytes;
  std::size_t done = 0;
  while (done < waiting_.size() && sent_ >= waiting_[done]->size())
    sent_ -= waiting_[done++]->size();
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
}

// Subtle: a callback, not a coroutine: most writes end here, at once, and cost no frame.
void EventStreamSession::flush() {
  boost::system::error_code error;
  while (!waiting_.empty() && !error) {
    const std::size_t count = write_some(error);
    if (error) break;
    moved_ = Clock::now();
    took(count);
  }
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
  // Subtle: assigning {} would keep the capacity.
  if (waiting_.capacity() > texts_at_once) std::vector<Text>{}.swap(waiting_);
  if (finishing_) socket_.shutdown(Socket::shutdown_send, error);
}

void EventStreamSession::expired(TimePoint now) noexcept {
  if (finishing_) return cut();
  const bool blocked = !waiting_.empty();
  const TimePoint due = moved_ + (blocked ? lane_.limits.stream_stall : lane_.limits.stream_ping);
  if (now < due) return set_deadline(due);
  if (blocked) return drop("stalled");
  try {
    queue(ping());
  } catch (const std::bad_alloc&) {
    return cut();
  }
  set_deadline(now + lane_.limits.stream_ping);
}

void EventStreamSession::drain(TimePoint) noexcept {
  try {
    finish();
  } catch (const std::bad_alloc&) {
    cut();
  }
}

void EventStreamSession::drop(std::string_view why) noexcept {
  try {
    lane_.metrics.count("sse_dropped", "reason", why);
  } catch (const std::exception&) {
    // A figure less; the socket must be cut all the same.
  }
  cut();
}

void EventStreamSession::cut() noexcept {
  finishing_ = true;
  set_deadline(TimePoint::max());
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace boxoffice
