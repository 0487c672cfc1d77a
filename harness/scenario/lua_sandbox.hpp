// The Lua that expressions see: a state without io, os, package, debug, coroutines or pattern
// matching (a pattern can run for ever inside one C call, where no limit can stop it), with a bound
// on memory and on instructions. Variables are looked up when the text names them. Only
// expression.cpp uses it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/template.hpp"

struct lua_State;

namespace stampede {

inline constexpr std::size_t lua_memory_max = std::size_t{4} << 20U;
inline constexpr int lua_instructions_max = 100'000;
inline constexpr std::size_t lua_text_max = std::size_t{64} << 10U;  // longest result of string.rep

// What every C function of the sandbox reads; owned by whoever owns the state.
struct LuaContext {
  std::size_t memory_used = 0;
  const Variables* variables = nullptr;  // of the running evaluation; nullptr: none is running
  Random* random = nullptr;
  bool defining = false;  // while the profile's functions are being defined
};

// A table of functions as the sandbox offers it ("" holds the plain names), for the check at parse
// time.
struct LuaNames {
  std::string_view table;
  std::vector<std::string_view> members;
};
const std::vector<LuaNames>& lua_names();

// A new state with the sandbox's functions; nullptr when memory is short. Names in `slots` read
// variables.
lua_State* open_sandbox(LuaContext& context, const std::vector<std::string>& slots);

// From here on, lua_instructions_max instructions may run; the next one raises an error.
void limit_instructions(lua_State* lua);

// Runs a text that defines functions, and makes them known to every expression. Empty, or Lua's
// complaint, which begins with "chunk_name:line: ". `first_line` is the number of the text's first
// line in that file.
std::string define_functions(lua_State* lua, LuaContext& context, const std::string& text,
                             const std::string& chunk_name, int first_line);
// Names of what define_functions has defined so far.
std::vector<std::string> defined_functions(lua_State* lua);

// The value on top of the stack; tables become JSON text. False: not a value (a function, too deep,
// …), and `problem` says why.
bool value_at_top(lua_State* lua, Value& value, std::string& problem);

}  // namespace stampede
