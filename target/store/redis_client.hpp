// One pipelined connection to Redis on hiredis' asynchronous API, driven by this thread's
// io_context. Used only on that thread. Commands issued while an answer is outstanding are
// pipelined. Reconnects by itself with back-off; while there is no connection commands throw
// StoreUnavailable at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "target/domain/task.hpp"
#include "target/domain/unavailable.hpp"
#include "target/service/circuit_breaker.hpp"

namespace boxoffice {

// A reply, owned. Errors of Redis itself (WRONGTYPE, …) are kind error; the caller decides.
struct RedisReply {
  enum class Kind : std::uint8_t { nil, status, string, integer, array, error };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text;
  std::vector<RedisReply> elements;
  [[nodiscard]] bool is_nil() const noexcept { return kind == Kind::nil; }
  // Text of a string or status, decimal of an integer.
  [[nodiscard]] std::string_view str() const noexcept { return text; }
  // The integer, or the integer that the text spells; 0 when it spells none.
  [[nodiscard]] std::int64_t number() const noexcept;
};

// A script of target/store/lua, embedded at build time. Run by SHA, loaded again on NOSCRIPT.
enum class Script : std::uint8_t {
  auth_rotate,
  bid,
  bid_restore,
  extend,
  gcra,
  hold,
  lock,
  pend,
  practice,
  practice_rank,
  practice_ranks,
  practice_restore,
  practice_undo,
  q_admit,
  q_enter,
  q_leave,
  q_look,
  q_poll,
  q_requeue,
  rebuild,
  release,
  restore,
  seat_feed,
  settle,
  sweep,
  unbid,
  unlock,
  unpend,
  count_
};

// One command of a pipeline: a script when `script` is set, else `words` alone.
struct RedisCall {
  std::optional<Script> script;
  std::vector<std::string> words;  // of a script: its arguments
  std::vector<std::string> keys;   // of a script
};

class RedisClient {
 public:
  RedisClient(asio::io_context& context, std::string host, std::uint16_t port);
  ~RedisClient();
  RedisClient(RedisClient&&) = delete;

  // Throws StoreUnavailable when the connection is down, breaks, or gives no answer by `deadline`
  // (the command may still have been executed).
  Task<RedisReply> command(std::vector<std::string> words, TimePoint deadline);
  // As command(); an error answered by the script is StoreUnavailable, too.
  Task<RedisReply> eval(Script script, std::vector<std::string> keys,
                        std::vector<std::string> arguments, TimePoint deadline);
  // Sends all at once and gives all answers, in order. A script's error stays kind error here.
  Task<std::vector<RedisReply>> pipeline(std::vector<RedisCall> calls, TimePoint deadline);
  // From now on an open breaker refuses commands at once. It must outlive the client.
  void guard(CircuitBreaker& breaker) noexcept;
  // The faults of the lab do not hold for this client: it is the line by which they are lifted.
  void spare() noexcept;
  [[nodiscard]] bool connected() const noexcept;
  Task<void> wait_connected(TimePoint deadline);  // throws StoreUnavailable

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Redis' clock: of the answer to TIME, and asked for; epoch milliseconds. Throw StoreUnavailable.
std::int64_t time_of(const RedisReply& answer);
Task<std::int64_t> redis_now_ms(RedisClient& redis, TimePoint deadline);

std::string_view script_name(Script script) noexcept;
std::string_view script_text(Script script) noexcept;

}  // namespace boxoffice
