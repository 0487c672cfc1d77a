// Cuts an expression into Lua's tokens, and finds the names in it that nobody defines. Not a
// parser: whether the tokens make an expression is asked of Lua itself.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "harness/diagnostic.hpp"

namespace stampede {

struct LuaToken {
  enum class Kind { name, keyword, number, text, symbol };
  Kind kind = Kind::symbol;
  std::size_t begin = 0, end = 0;  // offsets in the expression
};

// Comments and white space are left out. An unfinished string is one token up to the end.
std::vector<LuaToken> lua_tokens(std::string_view text);

// May `name` name a variable: an identifier that is neither a keyword nor a function of the
// sandbox?
bool is_lua_variable_name(std::string_view name);

// Identifiers that are neither slots, nor functions of the sandbox or of the profile, nor declared
// in the expression.
Diagnostics unknown_names(std::string_view text, const std::vector<LuaToken>& tokens,
                          const std::vector<std::string>& slots,
                          const std::vector<std::string>& functions = {});

}  // namespace stampede
