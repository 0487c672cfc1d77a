#include "harness/protocol/http_client.hpp"

#include "harness/protocol/answer_parser.hpp"
#include "harness/protocol/connect_deadline.hpp"

namespace stampede {

namespace {
// A connection that rested longer is looked at before it is used again.
constexpr Nanos fresh_for{std::chrono::seconds{1}};
}  // namespace

HttpClient::HttpClient(Wire& wire)
    : wire_(wire),
      transport_(wire),
      deadline_([](void* self) { static_cast<HttpClient*>(self)->cut_off(Cut::deadline); }, this) {}

HttpClient::~HttpClient() {
  wire_.timers().disarm(deadline_);
  close();
}

void HttpClient::close() noexcept {
  if (open_) {
    open_ = false;
    --wire_.open().connections;
  }
  transport_.close();
}

void HttpClient::cut_off(Cut cut) noexcept {
  cut_ = cut;
  close();
}

void HttpClient::abort() noexcept {
  if (deadline_.armed()) cut_off(Cut::abort);
}

bool HttpClient::usable() {
  if (!open_) return false;
  if (worn_out(now())) {
    close();
    return false;
  }
  // Bytes that nobody asked for make a connection as useless as its end does.
  if (transport_.quiet()) return true;
  close();
  return false;
}

// The profile wants a new connection for the next request.
bool HttpClient::worn_out(TimePoint at) const noexcept {
  const Nanos max_age = wire_.server().max_age;
  return max_age > Nanos{0} && at - opened_at_ >= max_age;
}

void HttpClient::begin(Exchange& exchange, TimePoint deadline) {
  cut_ = Cut::none;
  if (exchange.sent == TimePoint{}) exchange.sent = now();
  ++wire_.open().requests;
  wire_.timers().arm(deadline_, round_up(deadline, coarse_grid));
}

void HttpClient::finish(Exchange& exchange, TimePoint deadline) {
  wire_.timers().disarm(deadline_);
  --wire_.open().requests;
  if (exchange.done == TimePoint{}) exchange.done = now();
  last_used_ = exchange.done;
  // A timeout enters the statistics with its value, not with the grid's delay.
  if (exchange.outcome == Outcome::timed_out) exchange.done = std::max(deadline, exchange.sent);
  exchange.first_byte = std::min(exchange.first_byte, exchange.done);
}

bool HttpClient::was_cut(Exchange& exchange) noexcept {
  if (cut_ == Cut::none) return false;
  exchange.outcome = cut_ == Cut::deadline ? Outcome::timed_out : Outcome::unfinished;
  return true;
}

Task<void> HttpClient::connect(Exchange& exchange, TimePoint deadline) {
  begin(exchange, deadline);
  (void)co_await open(exchange, deadline);
  finish(exchange, deadline);
}

Task<void> HttpClient::perform(Exchange& exchange, TimePoint deadline) {
  begin(exchange, deadline);
  // What must not be sent twice is not sent into a connection that has ended.
  const bool fresh = exchange.repeatable && exchange.sent - last_used_ < fresh_for;
  bool reused = !worn_out(exchange.sent) && (fresh ? open_ : usable());
  Attempt result = Attempt::stale;
  while (result == Attempt::stale) {
    if (!reused && !co_await open(exchange, deadline)) break;
    result = co_await attempt(exchange, reused);
    reused = false;
  }
  finish(exchange, deadline);
}

Task<bool> HttpClient::open(Exchange& exchange, TimePoint deadline) {
  close();
  const ConnectDeadline patience(wire_, deadline_, deadline);
  const bool connected = co_await transport_.open(exchange);
  if (was_cut(exchange)) {
    patience.explain(exchange);
    co_return false;
  }
  patience.over();
  if (!connected) co_return false;
  open_ = true;
  opened_at_ = now();
  answers_ = 0;
  ++wire_.open().connections;
  co_return true;
}

HttpClient::Attempt HttpClient::lost(Exchange& exchange, bool repeat,
                                     const boost::system::error_code& error, bool sending) {
  if (!repeat) {
    exchange.failure = transport_.failure_of(error);
    // With TLS 1.3 a client learns only after its handshake that its certificate is refused.
    const bool no_connection =
        exchange.failure == Failure::tls_client_certificate && exchange.status == 0;
    exchange.outcome = no_connection ? Outcome::connect_failed : Outcome::disconnected;
    const bool told = error == asio::error::eof && !exchange.problem.empty();
    if (!told) exchange.problem = (sending ? "while sending: " : "") + transport_.describe(error);
  }
  close();
  return repeat ? Attempt::stale : Attempt::finished;
}

Task<boost::system::error_code> HttpClient::send(const std::string& text, std::size_t& sent) {
  boost::system::error_code error;
  while (sent < text.size()) {
    sent += transport_.write_some(text.data() + sent, text.size() - sent, error);
    if (error == asio::error::would_block) {
      // An answer that comes before the request is whole: the server has read enough of it.
      if (!transport_.quiet()) {
        error = {};
        break;
      }
      error = co_await transport_.writable();
    }
    if (error || cut_ != Cut::none) break;
  }
  wire_.traffic().bytes_out += sent;
  co_return error;
}

Task<HttpClient::Attempt> HttpClient::attempt(Exchange& exchange, bool reused) {
  std::size_t written = 0;
  boost::system::error_code error;
  written = transport_.write_some(exchange.request.data(), exchange.request.size(), error);
  if (!error && written == exchange.request.size()) {
    wire_.traffic().bytes_out += written;
  } else {
    error = co_await send(exchange.request, written);
  }
  if (was_cut(exchange)) co_return Attempt::finished;
  // Subtle: a server that refuses a large upload answers and closes; what it said can still be
  // read.
  const bool whole = written == exchange.request.size();
  if (error && (reused || written == 0)) {
    const bool repeat = reused && (written == 0 || exchange.repeatable);
    co_return lost(exchange, repeat, error, true);
  }
  AnswerParser parser(exchange);
  while (true) {
    (void)co_await transport_.readable();
    if (was_cut(exchange)) co_return Attempt::finished;
    auto& scratch = wire_.scratch();
    const std::size_t got = transport_.read_some(scratch.data(), scratch.size(), error);
    if (error == asio::error::would_block) continue;
    if (error) {
      if (error == asio::error::eof && parser.end() == AnswerParser::Progress::complete) break;
      const bool repeat = reused && exchange.repeatable && exchange.first_byte == TimePoint{};
      co_return lost(exchange, repeat, error, false);
    }
    const TimePoint read_at = now();
    if (exchange.first_byte == TimePoint{}) exchange.first_byte = read_at;
    wire_.traffic().bytes_in += got;
    const auto progress = parser.feed(std::string_view(scratch.data(), got));
    if (progress == AnswerParser::Progress::needs_more) continue;
    if (progress == AnswerParser::Progress::malformed) {
      exchange.outcome = Outcome::malformed;
      exchange.failure = Failure::malformed;
      close();
      co_return Attempt::finished;
    }
    exchange.done = read_at;
    break;
  }
  const bool last = ++answers_ == wire_.server().max_requests;
  if (last || !whole || !parser.keep_alive() || !parser.left_over().empty()) close();
  co_return Attempt::finished;
}

}  // namespace stampede
