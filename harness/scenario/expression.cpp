#include "harness/scenario/expression.hpp"

#include <algorithm>
#include <cctype>
#include <lua.hpp>
#include <mutex>
#include <unordered_map>

#include "harness/scenario/lua_sandbox.hpp"
#include "harness/scenario/lua_tokens.hpp"

namespace stampede {

namespace {

constexpr std::size_t expression_bytes_max = 4096;

// Gives every text its number. Profiles hold a few hundred texts, so nothing is ever removed.
std::uint32_t number_of(const std::string& text) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::uint32_t> numbers;
  const std::lock_guard lock(mutex);
  return numbers.try_emplace(text, static_cast<std::uint32_t>(numbers.size())).first->second;
}

// "expression:1: unexpected symbol near 'x'" → "unexpected symbol near 'x'".
std::string without_position(std::string_view message) {
  if (message.starts_with("expression:")) {
    const std::size_t end = message.find(": ");
    if (end != std::string_view::npos) message.remove_prefix(end + 2);
  }
  return std::string(message);
}

std::string message_at_top(lua_State* lua) {
  const char* const text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : nullptr;
  return text == nullptr ? "an error without a message" : without_position(text);
}

// Lua's complaint about a chunk; empty: it compiles.
std::string complaint(lua_State* lua, std::string_view before, std::string_view text,
                      std::string_view after) {
  std::string chunk(before);
  chunk.append(text).append(after);
  std::string result;
  if (luaL_loadbufferx(lua, chunk.data(), chunk.size(), "=expression", "t") != LUA_OK) {
    result = message_at_top(lua);
  }
  lua_settop(lua, 0);
  return result;
}

std::string syntax_hint(std::string_view text, std::size_t offset) {
  const std::string_view rest = text.substr(offset);
  const std::string_view before = text.substr(0, offset);
  if (rest.starts_with("!=")) return "not equal is written ~=";
  if (rest.starts_with('!')) return "negation is written `not`";
  if (rest.starts_with('&') || before.ends_with('&')) return "conjunction is written `and`";
  if (rest.starts_with('|') || before.ends_with('|')) return "disjunction is written `or`";
  if (rest.starts_with('=')) return "equality is written ==";
  if (rest.starts_with('$')) return "an expression names variables without ${…}";
  return {};
}

Diagnostics problem(std::size_t offset, std::string message, std::string hint) {
  const Place place{1, static_cast<int>(offset) + 1};
  return {Diagnostic{"", place, std::move(message), std::move(hint)}};
}

// Subtle: Lua tells the line of a syntax error only. The column is found by loading longer and
// longer prefixes: the first that fails for another reason than being incomplete ends in the guilty
// token.
Diagnostics locate(lua_State* lua, std::string_view before, std::string_view text,
                   const std::string& whole_complaint, const std::vector<LuaToken>& tokens) {
  for (const LuaToken& token : tokens) {
    const std::string found = complaint(lua, before, text.substr(0, token.end), "");
    if (found.empty() || found.ends_with("near <eof>")) continue;
    return problem(token.begin, "not a Lua expression: " + found, syntax_hint(text, token.begin));
  }
  const std::string message = whole_complaint.ends_with("near <eof>")
                                  ? "not a Lua expression: it ends too early"
                                  : "not a Lua expression: " + whole_complaint;
  return problem(tokens.empty() ? 0 : tokens.back().end, message, "");
}

// The text must be one expression: `return text` and `return (text)` must both compile.
Diagnostics syntax_problems(std::string_view text, const std::vector<LuaToken>& tokens) {
  if (tokens.empty()) return problem(0, "an empty expression", "");
  const std::unique_ptr<lua_State, decltype(&lua_close)> lua(luaL_newstate(), &lua_close);
  if (lua == nullptr) return problem(0, "no memory for Lua", "");
  using Wrapping = std::pair<std::string_view, std::string_view>;
  for (const auto& [before, after] : {Wrapping{"return ", ""}, Wrapping{"return (", "\n)"}}) {
    const std::string found = complaint(lua.get(), before, text, after);
    if (!found.empty()) return locate(lua.get(), before, text, found, tokens);
  }
  return {};
}

struct ChunkRequest {
  const std::string* text;
  int reference;
};

// Runs protected: compiles the text, binds it to the environment and keeps it in the registry.
int load_chunk(lua_State* lua) {
  auto& request = *static_cast<ChunkRequest*>(lua_touserdata(lua, 1));
  lua_pushliteral(lua, "return ");
  lua_pushlstring(lua, request.text->data(), request.text->size());
  lua_concat(lua, 2);
  std::size_t size = 0;
  const char* const chunk = lua_tolstring(lua, -1, &size);
  if (luaL_loadbufferx(lua, chunk, size, "=expression", "t") != LUA_OK) return lua_error(lua);
  lua_getfield(lua, LUA_REGISTRYINDEX, "environment");
  lua_setupvalue(lua, -2, 1);
  request.reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  return 0;
}

}  // namespace

Checked<Expression> Expression::parse(std::string_view text, const std::vector<std::string>& slots,
                                      const std::vector<std::string>& functions) {
  if (text.size() > expression_bytes_max) {
    return problem(
        0, "an expression longer than " + std::to_string(expression_bytes_max) + " bytes", "");
  }
  const std::vector<LuaToken> tokens = lua_tokens(text);
  if (Diagnostics problems = syntax_problems(text, tokens); !problems.empty()) return problems;
  if (Diagnostics problems = unknown_names(text, tokens, slots, functions); !problems.empty())
    return problems;
  Expression expression;
  expression.text_ = std::string(text);
  expression.id_ = number_of(expression.text_);
  return expression;
}

struct ExpressionEngine::State {
  LuaContext context;
  lua_State* lua = nullptr;
  std::vector<int> chunks;  // registry references by expression number; LUA_NOREF: not yet compiled
};

ExpressionEngine::ExpressionEngine(const std::vector<std::string>& slots,
                                   const UserFunctions& functions)
    : state_(std::make_unique<State>()) {
  state_->lua = open_sandbox(state_->context, slots);
  if (state_->lua == nullptr) throw std::bad_alloc();
  if (functions.text.empty()) return;
  // They ran when the profile was compiled; here they run again, for this worker.
  const std::string complaint = define_functions(state_->lua, state_->context, functions.text,
                                                 functions.chunk_name, functions.first_line);
  if (complaint.empty()) return;
  lua_close(state_->lua);
  throw std::runtime_error("the profile's functions: " + complaint);
}

ExpressionEngine::~ExpressionEngine() { lua_close(state_->lua); }

boost::system::result<Value, std::string> ExpressionEngine::evaluate(const Expression& expression,
                                                                     const Variables& variables,
                                                                     Random& random) {
  lua_State* const lua = state_->lua;
  state_->context.variables = &variables;
  state_->context.random = &random;
  if (state_->chunks.size() <= expression.id())
    state_->chunks.resize(expression.id() + 1, LUA_NOREF);
  int& chunk = state_->chunks[expression.id()];
  if (chunk == LUA_NOREF) {
    ChunkRequest request{&expression.text(), LUA_NOREF};
    lua_pushcfunction(lua, load_chunk);
    lua_pushlightuserdata(lua, &request);
    if (lua_pcall(lua, 1, 0, 0) != LUA_OK) {
      std::string message = message_at_top(lua);
      lua_settop(lua, 0);
      return {boost::system::in_place_error, std::move(message)};
    }
    chunk = request.reference;
  }
  limit_instructions(lua);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, chunk);
  Value value;
  std::string message;
  const bool done = lua_pcall(lua, 0, 1, 0) == LUA_OK;
  if (!done) message = message_at_top(lua);
  const bool good = done && value_at_top(lua, value, message);
  lua_settop(lua, 0);
  if (!good) return {boost::system::in_place_error, std::move(message)};
  return value;
}

bool ExpressionEngine::truthy(const Value& value) noexcept {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth;
  return !std::holds_alternative<std::monostate>(value);
}

}  // namespace stampede
