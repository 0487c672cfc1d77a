// Expressions of a profile, in Lua 5.4. The text is compiled once (a syntax check with a place);
// each worker owns one engine (a lua_State without io, os, package, debug) that compiles it again
// for itself, lazily. Session variables are globals to read; `uuid()`, `random()` [0,1),
// `random(a,b)` (integers) come from the session's Random.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/diagnostic.hpp"
#include "harness/scenario/template.hpp"
#include "harness/scenario/user_functions.hpp"

namespace stampede {

class Expression {
 public:
  Expression() = default;
  // Unknown variable names (identifiers that are neither slots nor Lua's own) are problems too.
  static Checked<Expression> parse(std::string_view text, const std::vector<std::string>& slots,
                                   const std::vector<std::string>& functions = {});
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  // Where it stands in its profile; 0: nowhere.
  [[nodiscard]] int line() const noexcept { return line_; }
  void stands_in(int line) noexcept { line_ = line; }

 private:
  std::uint32_t id_ = 0;  // process-wide number of this text
  int line_ = 0;
  std::string text_;
};

// Not thread-safe: one per worker.
class ExpressionEngine {
 public:
  // `functions` must have been accepted by compile_functions with the same slots.
  explicit ExpressionEngine(const std::vector<std::string>& slots,
                            const UserFunctions& functions = {});
  ~ExpressionEngine();
  ExpressionEngine(ExpressionEngine&&) = delete;

  // A run-time error (nil arithmetic, 100,000 instructions exceeded, …) is a value, not an
  // exception.
  boost::system::result<Value, std::string> evaluate(const Expression& expression,
                                                     const Variables& variables, Random& random);
  // Lua's truth: everything but unset and false.
  static bool truthy(const Value& value) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stampede
