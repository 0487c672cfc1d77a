#include "harness/protocol/sse_client.hpp"

#include "harness/protocol/connect_deadline.hpp"

namespace stampede {

namespace {
constexpr unsigned status_ok = 200, status_no_content = 204;
constexpr std::size_t refusal_kept_max = 4096;  // of a refusal's body, for its example
}  // namespace

SseClient::SseClient(Wire& wire, EventStreamListener* listener, const EventStreamOptions& options)
    : wire_(wire),
      listener_(listener),
      options_(options),
      transport_(wire),
      timer_([](void* self) { static_cast<SseClient*>(self)->on_timer(); }, this),
      parser_(options.event_max) {}

SseClient::~SseClient() { release(); }

void SseClient::release() noexcept {
  wire_.timers().disarm(timer_);
  unread_bytes_ = false;
  if (counted_) {
    counted_ = false;
    --wire_.open().connections;
  }
  transport_.close();
}

bool SseClient::was_cut(Exchange& exchange) noexcept {
  if (cut_ == Cut::none) return false;
  exchange.outcome = cut_ == Cut::deadline ? Outcome::timed_out : Outcome::unfinished;
  exchange.problem = "no event stream yet";
  return true;
}

Task<void> SseClient::connect(Exchange& exchange, TimePoint deadline) {
  exchange.request.append("Accept: text/event-stream\r\nCache-Control: no-cache\r\n");
  request_ = exchange.request;
  state_ = State::connecting;
  co_await attempt(exchange, deadline);
  if (state_ != State::connecting) co_return;
  state_ = State::closed;
  end_reason_ = "it was never open";
  if (exchange.status == status_no_content) {
    end_outcome_ = Outcome::gone;
    end_reason_ = "the server has no events (204)";
  }
  release();
}

// One try. Leaves the state as it is unless the stream is open now (and maybe lost again already).
Task<void> SseClient::attempt(Exchange& exchange, TimePoint deadline) {
  cut_ = Cut::none;
  exchange.request = request_;
  if (!parser_.last_event_id().empty()) {
    exchange.request.append("Last-Event-ID: ").append(parser_.last_event_id()).append("\r\n");
  }
  exchange.request.append("\r\n");
  parser_.restart();
  answer_.emplace();
  exchange.sent = reconnect_sent_ = now();
  ++wire_.open().requests;
  wire_.timers().arm(timer_, round_up(deadline, coarse_grid));
  co_await shake_hands(exchange, deadline);
  --wire_.open().requests;
  const bool timed_out = exchange.outcome == Outcome::timed_out;
  if (timed_out) exchange.done = std::max(deadline, exchange.sent);
  if (exchange.done == TimePoint{}) exchange.done = now();
  exchange.first_byte = std::min(exchange.first_byte, exchange.done);
}

Task<void> SseClient::shake_hands(Exchange& exchange, TimePoint deadline) {
  const ConnectDeadline patience(wire_, timer_, deadline);
  const bool connected = co_await transport_.open(exchange);
  if (was_cut(exchange)) {
    patience.explain(exchange);
    co_return;
  }
  patience.over();
  if (!connected) co_return;
  boost::system::error_code error;
  // A request without a body fits into the empty buffer of a new socket, so one write takes it
  // whole or fails.
  const std::size_t written =
      transport_.write_some(exchange.request.data(), exchange.request.size(), error);
  wire_.traffic().bytes_out += written;
  std::string body;
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
    const auto progress = answer_->feed(std::string_view(scratch.data(), got), body);
    if (progress == StreamedAnswer::Progress::head) continue;
    if (progress == StreamedAnswer::Progress::malformed) {
      exchange.outcome = Outcome::malformed;
      exchange.failure = Failure::malformed;
      exchange.problem = answer_->problem();
    } else {
      judge_head(exchange, body, progress == StreamedAnswer::Progress::complete);
    }
    co_return;
  }
  exchange.outcome = Outcome::disconnected;
  exchange.failure = error ? transport_.failure_of(error) : Failure::other;
  exchange.problem = error ? transport_.describe(error) : "the request was not taken whole";
}

// The head of the answer is there, maybe with a part of the body.
void SseClient::judge_head(Exchange& exchange, std::string& body, bool complete) {
  exchange.done = now();
  exchange.status = answer_->status();
  wire_.timers().disarm(timer_);
  if (exchange.status != status_ok) {
    body.resize(std::min(body.size(), refusal_kept_max));
    exchange.body.swap(body);
    transport_.close();
    return;
  }
  if (!is_event_stream(answer_->content_type())) {
    exchange.outcome = Outcome::malformed;
    exchange.problem = answer_->content_type().empty()
                           ? "an answer without a content type is no event stream"
                           : "an answer of type " + answer_->content_type() + " is no event stream";
    transport_.close();
    return;
  }
  state_ = State::open;
  counted_ = true;
  ++wire_.open().connections;
  if (!digest(body)) return;
  if (complete) {
    lost("the server ended the stream");
  } else {
    wait_readable();
  }
}

void SseClient::wait_readable() {
  transport_.when_readable([self = shared_from_this()](boost::system::error_code error) {
    if (error || self->state_ != State::open) return;
    if (self->reads_) {
      self->on_readable();
    } else {
      self->unread_bytes_ = true;
    }
  });
}

void SseClient::on_readable() {
  boost::system::error_code error;
  auto& scratch = wire_.scratch();
  const std::size_t got = transport_.read_some(scratch.data(), scratch.size(), error);
  if (error && error != asio::error::would_block) {
    lost(error == asio::error::eof ? "closed by the server" : error.message());
    return;
  }
  wire_.traffic().bytes_in += got;
  // For the body's bytes alone: they are used before this function returns.
  const Wire::BorrowedExchange space = wire_.borrow();
  const auto progress = answer_->feed(std::string_view(scratch.data(), got), space->body);
  if (!digest(space->body)) return;
  if (progress == StreamedAnswer::Progress::malformed) {
    ++wire_.traffic().streams.malformed;
    finish(answer_->problem(), Outcome::malformed);
  } else if (progress == StreamedAnswer::Progress::complete) {
    lost("the server ended the stream");
  } else {
    wait_readable();
  }
}

// False: it has ended.
bool SseClient::digest(std::string_view text) {
  StreamCounts& counts = wire_.traffic().streams;
  parser_.feed(text);
  while (true) {
    const EventStreamParser::Step step = parser_.next();
    if (step == EventStreamParser::Step::needs_more) return true;
    if (step == EventStreamParser::Step::too_big) {
      ++counts.malformed;
      finish("an event over the limit of " + std::to_string(options_.event_max) + " bytes",
             Outcome::malformed);
      return false;
    }
    ++counts.events;
    tries_ = 0;
    const ServerEvent& event = parser_.event();
    if (listener_ == nullptr || listener_->on_stream_event(event)) continue;
    if (unread_.size() >= options_.unread_max) {
      ++counts.unread_dropped;
      if (unread_.empty()) continue;
      unread_.erase(unread_.begin());
    }
    unread_.push_back({std::string(event.name), std::string(event.data), std::string(event.id)});
  }
}

// The connection has ended, or could not be made.
void SseClient::lost(std::string reason) {
  release();
  if (tries_ >= options_.reconnects_max) {
    finish(std::move(reason), Outcome::disconnected);
    return;
  }
  ++tries_;
  state_ = State::waiting;
  const Nanos delay = std::max(parser_.retry().value_or(options_.retry), retry_min);
  reconnect_due_ = round_up(now() + delay, coarse_grid);
  wire_.timers().arm(timer_, reconnect_due_);
}

void SseClient::on_timer() {
  if (state_ == State::waiting) {
    state_ = State::reconnecting;
    spawn(reconnect(shared_from_this()), [](std::exception_ptr error) {
      // What the network does comes as a value; what is thrown is a bug or the end of memory.
      if (error) std::rethrow_exception(error);
    });
    return;
  }
  cut_ = Cut::deadline;
  release();
}

Task<void> SseClient::reconnect(std::shared_ptr<SseClient> self) {
  // The session may have left between the timer and this first step.
  if (self->state_ != State::reconnecting) co_return;
  const Wire::BorrowedExchange exchange = self->wire_.borrow();
  const TimePoint due = self->reconnect_due_;
  ++self->wire_.traffic().streams.reconnects;
  co_await self->attempt(*exchange, now() + self->options_.timeout);
  if (self->listener_ == nullptr) co_return;
  const Outcome outcome = exchange->outcome;
  self->listener_->on_stream_reconnect(due, *exchange);
  if (self->state_ != State::reconnecting) co_return;
  exchange->outcome = outcome;
  self->judge_try(*exchange);
}

// A try that did not open the stream. As browsers do: a network that fails is tried again, a server
// that says no is not.
void SseClient::judge_try(const Exchange& exchange) {
  if (exchange.outcome == Outcome::malformed) {
    ++wire_.traffic().streams.malformed;
    finish(exchange.problem, Outcome::malformed);
  } else if (exchange.outcome != Outcome::ok) {
    lost(exchange.problem);
  } else if (exchange.status == status_no_content) {
    finish("the server ended the stream for good (204)", Outcome::gone);
  } else {
    finish("connecting again was answered with status " + std::to_string(exchange.status),
           Outcome::disconnected);
  }
}

std::optional<SseClient::Try> SseClient::reconnecting() const noexcept {
  if (state_ != State::reconnecting) return std::nullopt;
  return Try{reconnect_due_, std::max(reconnect_sent_, reconnect_due_)};
}

void SseClient::finish(std::string reason, Outcome outcome) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  end_reason_ = std::move(reason);
  end_outcome_ = outcome;
  release();
  if (listener_ != nullptr) listener_->on_stream_ended();
}

void SseClient::cancel_connect() {
  if (state_ != State::connecting) return;
  cut_ = Cut::abort;
  release();
}

void SseClient::read(bool reads) {
  reads_ = reads;
  if (!reads || !unread_bytes_) return;
  unread_bytes_ = false;
  if (state_ == State::open) on_readable();
}

void SseClient::lose() {
  if (state_ == State::open) lost("lost, as the profile says");
}

void SseClient::close() {
  listener_ = nullptr;
  std::vector<Unread>().swap(unread_);
  cut_ = Cut::abort;
  state_ = State::closed;
  release();
}

}  // namespace stampede
