// One pipelined connection to Redis on hiredis' asynchronous API, driven by this thread's io_context. Used only on that thread.
// Commands issued while an answer is outstanding are pipelined. Reconnects by itself with back-off; while there is no connection
// commands throw StoreUnavailable at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "target/domain/task.hpp"
#include "target/domain/unavailable.hpp"

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
};

// A script of target/store/lua, embedded at build time. Run by SHA, loaded again on NOSCRIPT.
enum class Script : std::uint8_t {
  extend, gcra, hold, lock, pend, q_admit, q_enter, q_leave, q_poll, release, settle, sweep, unlock, unpend, count_
};

class RedisClient {
 public:
  RedisClient(asio::io_context& context, std::string host, std::uint16_t port);
  ~RedisClient();
  RedisClient(RedisClient&&) = delete;

  // Throws StoreUnavailable when the connection is down, breaks, or gives no answer by `deadline`
  // (the command may still have been executed).
  Task<RedisReply> command(std::vector<std::string> words, TimePoint deadline);
  Task<RedisReply> eval(Script script, std::vector<std::string> keys, std::vector<std::string> arguments, TimePoint deadline);
  [[nodiscard]] bool connected() const noexcept;
  Task<void> wait_connected(TimePoint deadline);  // throws StoreUnavailable

 private:
  struct State;
  std::shared_ptr<State> state_;
};

std::string_view script_name(Script script) noexcept;
std::string_view script_text(Script script) noexcept;

}  // namespace boxoffice
