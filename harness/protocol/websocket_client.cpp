#include "harness/protocol/websocket_client.hpp"

#include <openssl/evp.h>

#include <array>

#include "harness/protocol/answer_parser.hpp"
#include "harness/protocol/connect_deadline.hpp"

namespace stampede {

namespace {

constexpr std::size_t outbox_size_max = 64 << 10;
constexpr Nanos goodbye_patience{std::chrono::seconds{1}};

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return text;
}

const std::array<std::string, 2> negotiated{"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"};

// What the server agreed to and was not asked for, or the other way round (RFC 6455 §4.1); "" if
// nothing.
std::string disagreement(const Exchange& exchange, const std::string& protocol) {
  std::string chosen;
  for (const auto& [name, value] : exchange.headers) {
    if (name == negotiated[0]) chosen = value;
    if (name == negotiated[1]) return "the server wants an extension that was not offered";
  }
  if (chosen == protocol) return {};
  if (protocol.empty()) return "the server chose the sub-protocol " + chosen + " unasked";
  if (chosen.empty()) return "the server did not take the sub-protocol " + protocol;
  return "the server chose the sub-protocol " + chosen + ", asked was " + protocol;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return base64({reinterpret_cast<const char*>(digest), size});
}

WebSocketClient::WebSocketClient(Wire& wire, WebSocketListener* listener, std::size_t message_max,
                                 std::size_t unread_max)
    : wire_(wire),
      listener_(listener),
      transport_(wire),
      timer_([](void* self) { static_cast<WebSocketClient*>(self)->on_timer(); }, this),
      ping_timer_([](void* self) { static_cast<WebSocketClient*>(self)->on_ping_timer(); }, this),
      decoder_(message_max),
      unread_max_(unread_max) {
  wire_.enlist(*this);
}

WebSocketClient::~WebSocketClient() {
  release();
  wire_.strike_off(*this);
}

// Everything that the operating system or others hold of it.
void WebSocketClient::release() noexcept {
  wire_.timers().disarm(timer_);
  wire_.timers().disarm(ping_timer_);
  if (counted_) {
    counted_ = false;
    --wire_.open().websockets;
    --wire_.open().connections;
  }
  transport_.close();
}

bool WebSocketClient::was_cut(Exchange& exchange) noexcept {
  if (cut_ == Cut::none) return false;
  exchange.outcome = cut_ == Cut::deadline ? Outcome::timed_out : Outcome::unfinished;
  exchange.problem = "no WebSocket yet";
  return true;
}

Task<void> WebSocketClient::connect(Exchange& exchange, std::string protocol, TimePoint deadline) {
  std::string nonce;
  for (int i = 0; i < 4; ++i) {
    const std::uint32_t word = wire_.next_mask();
    nonce.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  const std::string key = base64(nonce);
  exchange.request
      .append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n")
      .append("Sec-WebSocket-Key: ")
      .append(key)
      .append("\r\n");
  if (!protocol.empty()) {
    exchange.request.append("Sec-WebSocket-Protocol: ").append(protocol).append("\r\n");
  }
  exchange.request.append("\r\n");
  exchange.wanted_headers = negotiated;
  state_ = State::connecting;
  exchange.sent = now();
  ++wire_.open().requests;
  wire_.timers().arm(timer_, round_up(deadline, coarse_grid));
  co_await shake_hands(exchange, key, protocol, deadline);
  --wire_.open().requests;
  const bool timed_out = exchange.outcome == Outcome::timed_out;
  exchange.done = timed_out ? std::max(deadline, exchange.sent) : now();
  exchange.first_byte = std::min(exchange.first_byte, exchange.done);
  if (state_ == State::connecting) {
    state_ = State::closed;
    end_reason_ = "it was never open";
    release();
  }
}

Task<void> WebSocketClient::shake_hands(Exchange& exchange, const std::string& key,
                                        const std::string& protocol, TimePoint deadline) {
  const ConnectDeadline patience(wire_, timer_, deadline);
  const bool connected = co_await transport_.open(exchange);
  if (was_cut(exchange)) {
    patience.explain(exchange);
    co_return;
  }
  patience.over();
  if (!connected) co_return;
  boost::system::error_code error;
  // A handshake fits into the empty buffer of a new socket, so one write takes it whole or fails.
  const std::size_t written =
      transport_.write_some(exchange.request.data(), exchange.request.size(), error);
  wire_.traffic().bytes_out += written;
  AnswerParser parser(exchange);
  while (!error && written == exchange.request.size()) {
    (void)co_await transport_.readable();
    if (was_cut(exchange)) co_return;
    auto& scratch = wire_.scratch();
    const std::size_t got = transport_.read_some(scratch.data(), scratch.size(), error);
    if (error == asio::error::would_block) {
      error = {};
      continue;
    }
    if (error) break;
    if (exchange.first_byte == TimePoint{}) exchange.first_byte = now();
    wire_.traffic().bytes_in += got;
    const auto progress = parser.feed(std::string_view(scratch.data(), got));
    if (progress == AnswerParser::Progress::needs_more) continue;
    const bool upgraded = exchange.status == 101;
    if (upgraded && parser.websocket_accept() != websocket_accept(key)) {
      exchange.problem = "wrong Sec-WebSocket-Accept";
    } else if (upgraded) {
      exchange.problem = disagreement(exchange, protocol);
    }
    if (progress == AnswerParser::Progress::malformed || !exchange.problem.empty()) {
      exchange.outcome = Outcome::malformed;
      exchange.failure = Failure::malformed;
      co_return;
    }
    if (upgraded) opened(parser.left_over());
    co_return;
  }
  exchange.outcome = Outcome::disconnected;
  exchange.failure = error ? transport_.failure_of(error) : Failure::other;
  exchange.problem = error ? transport_.describe(error) : "the handshake was not taken whole";
}

void WebSocketClient::opened(std::string_view left_over) {
  wire_.timers().disarm(timer_);
  state_ = State::open;
  counted_ = true;
  ++wire_.open().websockets;
  ++wire_.open().connections;
  if (left_over.empty() || digest(left_over)) wait_readable();
}

void WebSocketClient::heartbeat(Nanos every, std::string text) {
  if (!is_open() || every <= Nanos{0}) return;
  heartbeat_every_ = every;
  heartbeat_text_ = std::move(text);
  heartbeat_due_ = now() + every;
  wire_.timers().arm(timer_, round_up(heartbeat_due_, coarse_grid));
}

void WebSocketClient::on_timer() {
  if (state_ == State::connecting) {
    cut_ = Cut::deadline;
    release();
  } else if (state_ == State::open) {
    heartbeat_due_ += heartbeat_every_;
    wire_.timers().arm(timer_, round_up(heartbeat_due_, coarse_grid));
    send_frame(Opcode::text, heartbeat_text_);
  } else if (state_ == State::closing) {
    end("the server did not answer the close");
  }
}

void WebSocketClient::wait_readable() {
  transport_.when_readable([self = shared_from_this()](boost::system::error_code error) {
    if (!error && self->state_ != State::closed) self->on_readable();
  });
}

void WebSocketClient::on_readable() {
  boost::system::error_code error;
  auto& scratch = wire_.scratch();
  const std::size_t got = transport_.read_some(scratch.data(), scratch.size(), error);
  if (error && error != asio::error::would_block) {
    end(error == asio::error::eof ? "closed by the server without a close frame"
                                  : transport_.describe(error));
    return;
  }
  wire_.traffic().bytes_in += got;
  if (digest(std::string_view(scratch.data(), got))) wait_readable();
}

// False: it has ended.
bool WebSocketClient::digest(std::string_view received) {
  if (gave_up_) return true;
  decoder_.feed(received);
  while (true) {
    const FrameDecoder::Item item = decoder_.next();
    if (item.event == FrameDecoder::Event::none) return true;
    if (item.event != FrameDecoder::Event::malformed) ++wire_.traffic().frames_in;
    if (!handle(item)) return false;
    if (gave_up_) return true;
  }
}

bool WebSocketClient::handle(const FrameDecoder::Item& item) {
  StreamCounts& counts = wire_.traffic().streams;
  switch (item.event) {
    case FrameDecoder::Event::text:
      ++counts.messages_in;
      if (listener_ == nullptr || listener_->on_websocket_message(item.payload)) break;
      if (unread_.size() >= unread_max_) {
        ++counts.unread_dropped;
        if (unread_.empty()) break;
        unread_.erase(unread_.begin());
      }
      unread_.emplace_back(item.payload);
      break;
    case FrameDecoder::Event::binary:
      ++counts.binary_in;
      break;
    case FrameDecoder::Event::ping:
      ++counts.pings_answered;
      send_frame(Opcode::pong, item.payload);
      break;
    case FrameDecoder::Event::pong:
      on_pong(item.payload);
      break;
    case FrameDecoder::Event::close:
      on_close_frame(item);
      return false;
    case FrameDecoder::Event::malformed:
      give_up(item);
      // What still comes is read and dropped, so that the close frame is not lost to a reset.
      return state_ == State::closing;
    case FrameDecoder::Event::none:
      break;
  }
  return state_ != State::closed;
}

void WebSocketClient::on_close_frame(const FrameDecoder::Item& item) {
  if (state_ == State::open) {
    send_frame(Opcode::close,
               close_payload(item.close_code == 0 ? std::uint16_t{close_normal} : item.close_code));
  }
  std::string reason = item.close_code == 0
                           ? "closed by the server without a code"
                           : "closed by the server with " + std::to_string(item.close_code);
  if (!item.payload.empty()) reason.append(": ").append(item.payload);
  end(std::move(reason),
      item.close_code == 0 ? std::uint16_t{close_without_code} : item.close_code);
}

// The server broke a rule: it is told which, and nothing that follows is looked at.
void WebSocketClient::give_up(const FrameDecoder::Item& item) {
  ++wire_.traffic().streams.malformed;
  end_reason_ = std::string(item.payload) + ", closed with " + std::to_string(item.close_code);
  end_outcome_ = Outcome::malformed;
  close_code_ = item.close_code;
  gave_up_ = true;
  if (state_ == State::open) begin_closing(item.close_code, item.payload);
  if (listener_ != nullptr) listener_->on_websocket_closed();
}

void WebSocketClient::on_pong(std::string_view payload) {
  if (ping_sent_ == TimePoint{} || payload != std::to_string(pings_)) return;
  const TimePoint done = now();
  if (listener_ != nullptr) listener_->on_websocket_pong(ping_sent_, done, Outcome::ok);
  ping_sent_ = TimePoint{};
  if (state_ != State::open) return;
  // Those that came due meanwhile are left out.
  if (ping_due_ <= done) ping_due_ += ((done - ping_due_) / ping_every_ + 1) * ping_every_;
  wire_.timers().arm(ping_timer_, round_up(ping_due_, coarse_grid));
}

void WebSocketClient::on_ping_timer() {
  if (state_ != State::open) return;
  if (ping_sent_ == TimePoint{}) {
    ping_sent_ = now();
    wire_.timers().arm(ping_timer_, round_up(ping_sent_ + pong_patience_, coarse_grid));
    send_frame(Opcode::ping, std::to_string(++pings_));
    return;
  }
  const TimePoint sent = std::exchange(ping_sent_, TimePoint{});
  if (listener_ != nullptr) {
    listener_->on_websocket_pong(sent, sent + pong_patience_, Outcome::timed_out);
  }
  end("the server did not answer a ping");
}

void WebSocketClient::ping(Nanos every, Nanos patience) {
  if (!is_open() || every <= Nanos{0}) return;
  ping_every_ = every;
  pong_patience_ = patience;
  ping_due_ = now() + every;
  wire_.timers().arm(ping_timer_, round_up(ping_due_, coarse_grid));
}

std::optional<TimePoint> WebSocketClient::unanswered_ping() const noexcept {
  if (ping_sent_ == TimePoint{}) return std::nullopt;
  return ping_sent_;
}

bool WebSocketClient::send_text(std::string_view text) {
  send_frame(Opcode::text, text);
  return is_open();
}

bool WebSocketClient::send_binary(std::string_view bytes) {
  send_frame(Opcode::binary, bytes);
  return is_open();
}

void WebSocketClient::send_frame(Opcode opcode, std::string_view payload) {
  if (state_ != State::open) return;
  if (outbox_.size() > outbox_size_max) {
    end("the server does not read");
    return;
  }
  append_frame(outbox_, opcode, payload, wire_.next_mask());
  ++wire_.traffic().frames_out;
  if (!flushing_) flush();
}

void WebSocketClient::flush() {
  boost::system::error_code error;
  const std::size_t written = transport_.write_some(outbox_.data(), outbox_.size(), error);
  wire_.traffic().bytes_out += written;
  outbox_.erase(0, written);
  if (error && error != asio::error::would_block) {
    end("while sending: " + transport_.describe(error));
    return;
  }
  flushing_ = !outbox_.empty();
  if (!flushing_) {
    std::string().swap(outbox_);
    return;
  }
  transport_.when_writable([self = shared_from_this()](boost::system::error_code waited) {
    if (!waited && self->state_ != State::closed) self->flush();
  });
}

void WebSocketClient::end(std::string reason, std::uint16_t code) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  if (!gave_up_) {
    if (counted_ && code != 0) wire_.traffic().streams.count_close(code);
    end_reason_ = std::move(reason);
    close_code_ = code;
  }
  release();
  if (listener_ != nullptr && !gave_up_) listener_->on_websocket_closed();
}

void WebSocketClient::begin_closing(std::uint16_t code, std::string_view reason) {
  send_frame(Opcode::close, close_payload(code, reason));
  if (state_ != State::open) return;
  state_ = State::closing;
  wire_.timers().disarm(ping_timer_);
  wire_.timers().arm(timer_, round_up(now() + goodbye_patience, coarse_grid));
}

void WebSocketClient::close(std::uint16_t code, std::string_view reason) {
  listener_ = nullptr;
  std::vector<std::string>().swap(unread_);
  if (state_ == State::open) begin_closing(code, reason);
}

void WebSocketClient::cancel_connect() {
  if (state_ != State::connecting) return;
  cut_ = Cut::abort;
  release();
}

void WebSocketClient::abort() {
  cancel_connect();
  listener_ = nullptr;
  // No code: how it would have ended is not known.
  if (state_ != State::connecting) end("aborted", 0);
}

}  // namespace stampede
