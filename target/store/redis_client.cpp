// Reconnecting, deadlines and scripts on top of one RedisLink at a time.
#include "target/store/redis_client.hpp"

#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>

#include "target/faults.hpp"
#include "target/store/redis_link.hpp"

namespace boxoffice {

namespace {

constexpr Millis backoff_min{50}, backoff_max{1000};
constexpr Millis connect_limit{1000};
constexpr Millis tick_every{10};             // how late a deadline may be noticed
constexpr Millis silence_max{3000};          // an answer overdue by this: the connection is dead
constexpr std::size_t waiting_max = 100000;  // batches; above it the client refuses at once

using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

const std::string& sha_of(Script script) {
  static const auto table = [] {
    std::array<std::string, static_cast<std::size_t>(Script::count_)> shas;
    for (std::size_t i = 0; i < shas.size(); ++i)
      shas[i] = sha1_hex(script_text(static_cast<Script>(i)));
    return shas;
  }();
  return table[static_cast<std::size_t>(script)];
}

void append_word(std::string& wire, std::string_view word) {
  fmt::format_to(std::back_inserter(wire), "${}\r\n", word.size());
  wire.append(word).append("\r\n");
}

std::string wire_format(const std::vector<std::string>& words) {
  std::string wire = fmt::format("*{}\r\n", words.size());
  for (const std::string& word : words) append_word(wire, word);
  return wire;
}

// A script goes by its SHA, or as text when Redis said that it does not know the SHA.
std::string wire_format(const RedisCall& call, bool as_text) {
  if (!call.script) return wire_format(call.words);
  std::string wire = fmt::format("*{}\r\n", 3 + call.keys.size() + call.words.size());
  append_word(wire, as_text ? "EVAL" : "EVALSHA");
  append_word(wire, as_text ? script_text(*call.script) : std::string_view(sha_of(*call.script)));
  append_word(wire, std::to_string(call.keys.size()));
  for (const std::string& key : call.keys) append_word(wire, key);
  for (const std::string& word : call.words) append_word(wire, word);
  return wire;
}

// Resumes the waiting coroutine through the loop, never from inside hiredis.
template <class Handler>
class WaitingBatch final : public RedisBatch {
 public:
  WaitingBatch(asio::io_context& context, TimePoint deadline, Handler handler)
      : RedisBatch(deadline), context_(context), handler_(std::move(handler)) {}

 private:
  void complete(RedisAnswer answer) override {
    asio::post(context_, [handler = std::move(handler_), answer = std::move(answer)]() mutable {
      std::move(handler)(std::move(answer));
    });
  }
  asio::io_context& context_;
  Handler handler_;
};

// For commands whose answers interest nobody.
class SilentBatch final : public RedisBatch {
 public:
  using RedisBatch::RedisBatch;

 private:
  void complete(RedisAnswer) override {}
};

// Redis is there but cannot serve: for callers the same as not being there.
bool cannot_serve(const RedisReply& reply) {
  if (reply.kind != RedisReply::Kind::error) return false;
  for (const std::string_view start : {"LOADING", "READONLY", "OOM", "MISCONF", "MASTERDOWN"}) {
    if (reply.text.starts_with(start)) return true;
  }
  return false;
}

bool unknown_script(const RedisReply& reply) {
  return reply.kind == RedisReply::Kind::error && reply.text.starts_with("NOSCRIPT");
}

}  // namespace

std::int64_t RedisReply::number() const noexcept {
  if (kind == Kind::integer) return integer;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? value : 0;
}

struct RedisClient::State : std::enable_shared_from_this<RedisClient::State> {
  State(asio::io_context& io, std::string host_name, std::uint16_t port_number)
      : context(io), host(std::move(host_name)), port(port_number), retry(io), tick(io) {}

  void connect();
  void on_connected();
  void on_closed();
  void start_tick();
  void on_tick();
  Task<RedisAnswer> exchange(std::vector<std::string> commands, TimePoint deadline);
  Task<std::vector<RedisReply>> pipeline(std::vector<RedisCall> calls, TimePoint deadline);

  asio::io_context& context;
  std::string host;
  std::uint16_t port;
  std::shared_ptr<RedisLink> link;
  Timer retry, tick;
  Millis backoff = backoff_min;
  TimePoint connect_by;
  CircuitBreaker* breaker = nullptr;
  bool closing = false, ticking = false, spared = false;
};

void RedisClient::State::connect() {
  if (closing) return;
  RedisLink::Events events;
  events.connected = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_connected();
  };
  events.closed = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_closed();
  };
  link = std::make_shared<RedisLink>(context, std::move(events));
  connect_by = Clock::now() + connect_limit;
  link->connect(host, port);
  start_tick();
}

void RedisClient::State::on_connected() {
  backoff = backoff_min;
  std::vector<std::string> commands;
  commands.push_back(wire_format({"CLIENT", "SETNAME", fmt::format("boxoffice-{}", ::getpid())}));
  for (std::size_t i = 0; i < static_cast<std::size_t>(Script::count_); ++i) {
    commands.push_back(
        wire_format({"SCRIPT", "LOAD", std::string(script_text(static_cast<Script>(i)))}));
  }
  link->send(std::make_shared<SilentBatch>(Clock::now() + connect_limit), commands);
  start_tick();
}

void RedisClient::State::on_closed() {
  if (closing) return;
  if (link) link->close();
  retry.expires_after(backoff);
  backoff = std::min(backoff * 2, backoff_max);
  retry.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (!error && self) self->connect();
  });
}

// One coarse timer for all commands, and none while nothing waits.
void RedisClient::State::start_tick() {
  if (ticking || closing) return;
  ticking = true;
  tick.expires_after(tick_every);
  tick.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->ticking = false;
    self->on_tick();
  });
}

void RedisClient::State::on_tick() {
  if (closing || !link) return;
  const TimePoint now = Clock::now();
  bool silent = false;
  const std::size_t waiting = link->expire(now, silence_max, silent);
  const bool connecting = !link->connected();
  if (silent || (connecting && now >= connect_by)) {
    link->close();
    link.reset();
    on_closed();
    return;
  }
  if (waiting > 0 || connecting) start_tick();
}

Task<RedisAnswer> RedisClient::State::exchange(std::vector<std::string> commands,
                                               TimePoint deadline) {
  if (!link || !link->connected()) throw StoreUnavailable("redis", "not connected");
  if (link->waiting() >= waiting_max) throw StoreUnavailable("redis", "too many commands wait");
  auto start = [this](auto handler, std::vector<std::string> wire, TimePoint by) {
    using Batch = WaitingBatch<decltype(handler)>;
    link->send(std::make_shared<Batch>(context, by, std::move(handler)), wire);
    start_tick();
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(RedisAnswer)>(
      std::move(start), use_task, std::move(commands), deadline);
}

RedisClient::RedisClient(asio::io_context& context, std::string host, std::uint16_t port)
    : state_(std::make_shared<State>(context, std::move(host), port)) {
  state_->connect();
}

RedisClient::~RedisClient() {
  state_->closing = true;
  state_->retry.cancel();
  state_->tick.cancel();
  if (state_->link) state_->link->close();
}

void RedisClient::guard(CircuitBreaker& breaker) noexcept { state_->breaker = &breaker; }

void RedisClient::spare() noexcept { state_->spared = true; }

bool RedisClient::connected() const noexcept { return state_->link && state_->link->connected(); }

Task<void> RedisClient::wait_connected(TimePoint deadline) {
  Timer pause(state_->context);
  while (!connected()) {
    if (Clock::now() >= deadline) throw StoreUnavailable("redis", "not connected");
    pause.expires_after(Millis(5));
    co_await pause.async_wait(use_task);
  }
}

Task<std::vector<RedisReply>> RedisClient::pipeline(std::vector<RedisCall> calls,
                                                    TimePoint deadline) {
  const auto state = state_;
  if (state->breaker == nullptr) co_return co_await state->pipeline(std::move(calls), deadline);
  if (!state->breaker->allow(Clock::now())) throw StoreUnavailable("redis", "the breaker is open");
  std::vector<RedisReply> replies;
  try {
    replies = co_await state->pipeline(std::move(calls), deadline);
  } catch (const StoreUnavailable&) {
    state->breaker->record(false, Clock::now());
    throw;
  }
  state->breaker->record(true, Clock::now());
  co_return replies;
}

Task<std::vector<RedisReply>> RedisClient::State::pipeline(std::vector<RedisCall> calls,
                                                           TimePoint deadline) {
  const Faults& faults = Faults::of_process();
  const auto delay = faults.redis_delay_ms.load(std::memory_order_relaxed);
  if (delay > 0 && !spared) {
    Timer slow(context, Millis(delay));
    co_await slow.async_wait(asio::as_tuple(use_task));
  }
  if (!spared && Faults::strikes(faults.redis_drop)) {
    throw StoreUnavailable("redis", "dropped: a fault");
  }
  std::vector<std::string> commands;
  commands.reserve(calls.size());
  for (const RedisCall& call : calls) commands.push_back(wire_format(call, false));
  RedisAnswer answer = co_await exchange(std::move(commands), deadline);
  if (!answer.problem.empty()) throw StoreUnavailable("redis", answer.problem);

  std::vector<std::size_t> unknown;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (unknown_script(answer.replies[i])) unknown.push_back(i);
  }
  if (!unknown.empty()) {
    std::vector<std::string> texts;
    for (const std::size_t i : unknown) texts.push_back(wire_format(calls[i], true));
    RedisAnswer again = co_await exchange(std::move(texts), deadline);
    if (!again.problem.empty()) throw StoreUnavailable("redis", again.problem);
    for (std::size_t i = 0; i < unknown.size(); ++i)
      answer.replies[unknown[i]] = std::move(again.replies[i]);
  }
  for (const RedisReply& reply : answer.replies) {
    if (cannot_serve(reply)) throw StoreUnavailable("redis", reply.text);
  }
  co_return std::move(answer.replies);
}

std::int64_t time_of(const RedisReply& answer) {
  if (answer.elements.size() != 2) throw StoreUnavailable("redis", "time: " + answer.text);
  return answer.elements[0].number() * 1000 + answer.elements[1].number() / 1000;
}

Task<std::int64_t> redis_now_ms(RedisClient& redis, TimePoint deadline) {
  std::vector<std::string> ask{"TIME"};
  co_return time_of(co_await redis.command(std::move(ask), deadline));
}

Task<RedisReply> RedisClient::command(std::vector<std::string> words, TimePoint deadline) {
  std::vector<RedisCall> calls(1);
  calls[0].words = std::move(words);
  std::vector<RedisReply> replies = co_await pipeline(std::move(calls), deadline);
  co_return std::move(replies[0]);
}

Task<RedisReply> RedisClient::eval(Script script, std::vector<std::string> keys,
                                   std::vector<std::string> arguments, TimePoint deadline) {
  std::vector<RedisCall> calls(1);
  calls[0].script = script;
  calls[0].keys = std::move(keys);
  calls[0].words = std::move(arguments);
  std::vector<RedisReply> replies = co_await pipeline(std::move(calls), deadline);
  if (replies[0].kind == RedisReply::Kind::error)
    throw StoreUnavailable("redis", fmt::format("{}: {}", script_name(script), replies[0].text));
  co_return std::move(replies[0]);
}

}  // namespace boxoffice
