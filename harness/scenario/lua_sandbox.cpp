#include "harness/scenario/lua_sandbox.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <lua.hpp>
#include <nlohmann/json.hpp>

namespace stampede {

// Subtle: Lua reports errors by longjmp. No function below that can raise one may own an object
// with a destructor while it calls Lua.
namespace {

constexpr int json_depth_max = 16;

LuaContext& context_of(lua_State* lua) {
  void* user_data = nullptr;
  lua_getallocf(lua, &user_data);
  return *static_cast<LuaContext*>(user_data);
}

void* allocate(void* user_data, void* block, std::size_t old_size, std::size_t new_size) {
  auto& context = *static_cast<LuaContext*>(user_data);
  if (block == nullptr) old_size = 0;  // then it holds the kind of object, not a size
  if (new_size == 0) {
    std::free(block);
    context.memory_used -= old_size;
    return nullptr;
  }
  if (new_size > old_size && context.memory_used + (new_size - old_size) > lua_memory_max) {
    return nullptr;
  }
  void* const result = std::realloc(block, new_size);
  if (result != nullptr) context.memory_used += new_size - old_size;
  return result;
}

void push(lua_State* lua, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    lua_pushlstring(lua, text->data(), text->size());
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    lua_pushinteger(lua, *integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    lua_pushnumber(lua, *number);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    lua_pushboolean(lua, *truth ? 1 : 0);
  } else {
    lua_pushnil(lua);
  }
}

int push_slot(lua_State* lua, std::uint32_t slot) {
  const Variables* const variables = context_of(lua).variables;
  if (variables == nullptr) return luaL_error(lua, "a variable is known within functions only");
  push(lua, variables->get(slot));
  return 1;
}

// __index of the table that stands for variables with a dot in their names ("accounts" of
// "accounts.name"). Upvalue: slots by what follows the dot.
int look_up_member(lua_State* lua) {
  lua_settop(lua, 2);
  lua_pushvalue(lua, 2);
  if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNUMBER) {
    lua_pushnil(lua);
    return 1;
  }
  return push_slot(lua, static_cast<std::uint32_t>(lua_tointeger(lua, -1)));
}

// __newindex of the environment that the profile's functions are defined in. Upvalue: functions by
// name.
int define_one(lua_State* lua) {
  if (!context_of(lua).defining) {
    return luaL_error(lua, "a function cannot assign to \"%s\": write `local`",
                      luaL_tolstring(lua, 2, nullptr));
  }
  if (lua_type(lua, 2) != LUA_TSTRING || lua_type(lua, 3) != LUA_TFUNCTION) {
    return luaL_error(lua, "only functions can be defined; write `local` before \"%s\"",
                      luaL_tolstring(lua, 2, nullptr));
  }
  lua_pushvalue(lua, 2);
  if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL) {
    return luaL_error(lua, "\"%s\" is defined already", lua_tostring(lua, 2));
  }
  lua_pop(lua, 1);
  lua_pushvalue(lua, 2);
  lua_pushboolean(lua, 1);
  lua_rawset(lua, lua_upvalueindex(2));
  lua_rawset(lua, lua_upvalueindex(1));
  return 0;
}

struct Definition {
  const char* text;
  std::size_t size;
  const char* chunk_name;
};

// Runs protected: an environment of its own for the text, which looks up as all do and defines.
int run_definition(lua_State* lua) {
  const auto& definition = *static_cast<const Definition*>(lua_touserdata(lua, 1));
  const int loaded =
      luaL_loadbufferx(lua, definition.text, definition.size, definition.chunk_name, "t");
  if (loaded != LUA_OK) return lua_error(lua);
  lua_newtable(lua);
  lua_newtable(lua);
  lua_getfield(lua, LUA_REGISTRYINDEX, "look_up");
  lua_setfield(lua, -2, "__index");
  lua_getfield(lua, LUA_REGISTRYINDEX, "functions");
  lua_getfield(lua, LUA_REGISTRYINDEX, "defined");
  lua_pushcclosure(lua, define_one, 2);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
  lua_setupvalue(lua, -2, 1);
  lua_call(lua, 0, 0);
  return 0;
}

// __index of the environment. Upvalues: functions by name, slots by name.
int look_up(lua_State* lua) {
  lua_settop(lua, 2);
  lua_pushvalue(lua, 2);
  if (lua_rawget(lua, lua_upvalueindex(2)) == LUA_TNUMBER) {
    const auto slot = static_cast<std::uint32_t>(lua_tointeger(lua, -1));
    return push_slot(lua, slot);
  }
  lua_pushvalue(lua, 2);
  lua_rawget(lua, lua_upvalueindex(1));
  return 1;
}

int refuse_assignment(lua_State* lua) {
  return luaL_error(lua, "an expression cannot assign to \"%s\"", luaL_tolstring(lua, 2, nullptr));
}

Random& random_of(lua_State* lua) {
  Random* const random = context_of(lua).random;
  if (random == nullptr)
    luaL_error(lua, "random numbers belong to sessions: draw within functions");
  return *random;
}

int random_number(lua_State* lua) {
  Random& random = random_of(lua);
  if (lua_gettop(lua) == 0) {
    lua_pushnumber(lua, random.uniform());
    return 1;
  }
  const lua_Integer low = luaL_checkinteger(lua, 1);
  const lua_Integer high = luaL_checkinteger(lua, 2);
  luaL_argcheck(lua, low <= high, 2, "random(a, b) needs a <= b");
  const std::uint64_t range =
      static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  const std::uint64_t drawn = range == 0 ? random.next() : random.below(range);
  lua_pushinteger(lua, static_cast<lua_Integer>(static_cast<std::uint64_t>(low) + drawn));
  return 1;
}

int new_uuid(lua_State* lua) {
  Random& random = random_of(lua);
  const Variables* const variables = context_of(lua).variables;
  const std::array<char, 32> digits =
      draw_id(random, variables == nullptr ? IdSalt{} : variables->id_salt());
  lua_pushlstring(lua, digits.data(), digits.size());
  return 1;
}

// string.rep with a bound: the original would fill an empty text 2^31 times without a single
// instruction.
int repeat_text(lua_State* lua) {
  std::size_t size = 0;
  const char* const text = luaL_checklstring(lua, 1, &size);
  const lua_Integer times = std::max<lua_Integer>(0, luaL_checkinteger(lua, 2));
  const bool too_long = size > 0 && static_cast<std::size_t>(times) > lua_text_max / size;
  luaL_argcheck(lua, !too_long, 2, "the text would be too long");
  luaL_Buffer buffer;
  luaL_buffinit(lua, &buffer);
  for (lua_Integer at = 0; size > 0 && at < times; ++at) luaL_addlstring(&buffer, text, size);
  luaL_pushresult(&buffer);
  return 1;
}

// string.find for plain text only: find(text, wanted [, from]).
int find_text(lua_State* lua) {
  std::size_t size = 0;
  std::size_t wanted_size = 0;
  const char* const text = luaL_checklstring(lua, 1, &size);
  const char* const wanted = luaL_checklstring(lua, 2, &wanted_size);
  const lua_Integer from = std::max<lua_Integer>(1, luaL_optinteger(lua, 3, 1));
  const std::size_t at =
      std::string_view(text, size)
          .find(std::string_view(wanted, wanted_size), static_cast<std::size_t>(from - 1));
  if (at == std::string_view::npos) {
    lua_pushnil(lua);
    return 1;
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(at + 1));
  lua_pushinteger(lua, static_cast<lua_Integer>(at + wanted_size));
  return 2;
}

// Copies the listed members of a library table into a new table that cannot be changed.
void add_table(lua_State* lua, const LuaNames& names) {
  lua_getfield(lua, -2, names.table.data());  // the whole library
  lua_newtable(lua);                          // the proxy
  lua_newtable(lua);                          // its metatable
  lua_newtable(lua);                          // the allowed members
  for (const std::string_view member : names.members) {
    lua_getfield(lua, -4, member.data());
    lua_setfield(lua, -2, member.data());
  }
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, refuse_assignment);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
  lua_setfield(lua, -3, names.table.data());
  lua_pop(lua, 1);
}

// Makes method calls on texts ("x"):upper() see the allowed functions and nothing else.
void restrict_text_methods(lua_State* lua) {
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  lua_getfield(lua, -3, "string");
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 2);
}

// For the slot "accounts.name": the member "name" of a table "accounts" among the functions, which
// lies second from the top.
void add_member_slot(lua_State* lua, const char* name, const char* dot, std::size_t slot) {
  lua_pushlstring(lua, name, static_cast<std::size_t>(dot - name));
  lua_pushvalue(lua, -1);
  if (lua_rawget(lua, -4) != LUA_TTABLE) {
    lua_pop(lua, 1);
    lua_newtable(lua);  // the proxy, always empty
    lua_newtable(lua);  // its metatable
    lua_newtable(lua);  // slots by member
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -3, "slots");
    lua_pushcclosure(lua, look_up_member, 1);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_assignment);
    lua_setfield(lua, -2, "__newindex");
    lua_setmetatable(lua, -2);
    lua_pushvalue(lua, -2);
    lua_pushvalue(lua, -2);
    lua_rawset(lua, -6);
  }
  lua_getmetatable(lua, -1);
  lua_getfield(lua, -1, "slots");
  lua_pushinteger(lua, static_cast<lua_Integer>(slot));
  lua_setfield(lua, -2, dot + 1);
  lua_pop(lua, 4);
}

struct Library {
  const char* name;
  lua_CFunction open;
};
constexpr std::array<Library, 4> libraries{{{LUA_GNAME, luaopen_base},
                                            {LUA_MATHLIBNAME, luaopen_math},
                                            {LUA_STRLIBNAME, luaopen_string},
                                            {LUA_TABLIBNAME, luaopen_table}}};

// Called in protected mode, with the slots' names as a light userdata; leaves the environment in
// the registry under "environment".
int build(lua_State* lua) {
  const auto& slots = *static_cast<const std::vector<std::string>*>(lua_touserdata(lua, 1));
  for (const Library& library : libraries) {
    luaL_requiref(lua, library.name, library.open, 1);
    lua_pop(lua, 1);
  }
  lua_pushglobaltable(lua);
  lua_getfield(lua, -1, "string");
  lua_pushcfunction(lua, repeat_text);
  lua_setfield(lua, -2, "rep");
  lua_pushcfunction(lua, find_text);
  lua_setfield(lua, -2, "find");
  lua_pop(lua, 1);
  lua_newtable(lua);  // functions by name
  for (const LuaNames& names : lua_names()) {
    if (!names.table.empty()) {
      add_table(lua, names);
      continue;
    }
    for (const std::string_view member : names.members) {
      lua_getfield(lua, -2, member.data());
      lua_setfield(lua, -2, member.data());
    }
  }
  lua_pushcfunction(lua, random_number);
  lua_setfield(lua, -2, "random");
  lua_pushcfunction(lua, new_uuid);
  lua_setfield(lua, -2, "uuid");
  restrict_text_methods(lua);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, LUA_REGISTRYINDEX, "functions");
  lua_newtable(lua);
  lua_setfield(lua, LUA_REGISTRYINDEX, "defined");
  lua_newtable(lua);  // slots by name
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    const char* const dot = std::strchr(slots[slot].c_str(), '.');
    if (dot != nullptr) {
      add_member_slot(lua, slots[slot].c_str(), dot, slot);
      continue;
    }
    lua_pushinteger(lua, static_cast<lua_Integer>(slot));
    lua_setfield(lua, -2, slots[slot].c_str());
  }
  lua_newtable(lua);  // the environment, always empty, so that every access reaches its metatable
  lua_newtable(lua);
  lua_pushvalue(lua, -4);
  lua_pushvalue(lua, -4);
  lua_pushcclosure(lua, look_up, 2);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, LUA_REGISTRYINDEX, "look_up");
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, refuse_assignment);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
  lua_setfield(lua, LUA_REGISTRYINDEX, "environment");
  return 0;
}

bool to_json(lua_State* lua, int index, int depth, nlohmann::json& json);

// Raw access only: nothing here raises a Lua error.
bool table_to_json(lua_State* lua, int index, int depth, nlohmann::json& json) {
  if (depth == 0 || lua_checkstack(lua, 4) == 0) return false;
  const auto length = lua_rawlen(lua, index);
  std::size_t members = 0;
  nlohmann::json object = nlohmann::json::object();
  lua_pushnil(lua);
  // Subtle: lua_next raises an error only for a key that is not in the table, which cannot happen
  // here.
  while (lua_next(lua, index) != 0) {
    ++members;
    if (length == 0) {
      nlohmann::json member;
      const bool named = lua_type(lua, -2) == LUA_TSTRING;
      if (!named || !to_json(lua, lua_gettop(lua), depth - 1, member)) return false;
      object[lua_tostring(lua, -2)] = std::move(member);
    }
    lua_pop(lua, 1);
  }
  if (members == 0) {
    json = nlohmann::json::array();
    return true;
  }
  if (length == 0) {
    json = std::move(object);
    return true;
  }
  if (members != length) return false;
  json = nlohmann::json::array();
  for (lua_Unsigned at = 1; at <= length; ++at) {
    lua_rawgeti(lua, index, static_cast<lua_Integer>(at));
    nlohmann::json member;
    if (!to_json(lua, lua_gettop(lua), depth - 1, member)) return false;
    json.push_back(std::move(member));
    lua_pop(lua, 1);
  }
  return true;
}

bool to_json(lua_State* lua, int index, int depth, nlohmann::json& json) {
  switch (lua_type(lua, index)) {
    case LUA_TBOOLEAN:
      json = lua_toboolean(lua, index) != 0;
      return true;
    case LUA_TNUMBER:
      if (lua_isinteger(lua, index) != 0) {
        json = static_cast<std::int64_t>(lua_tointeger(lua, index));
      } else {
        json = lua_tonumber(lua, index);
      }
      return true;
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* const text = lua_tolstring(lua, index, &size);
      json = std::string(text, size);
      return true;
    }
    case LUA_TTABLE:
      return table_to_json(lua, index, depth, json);
    default:
      return false;
  }
}

}  // namespace

const std::vector<LuaNames>& lua_names() {
  static const std::vector<LuaNames> names{
      {"",
       {"assert", "error", "ipairs", "next", "pairs", "select", "tonumber", "tostring", "type"}},
      {"math", {"abs", "ceil", "cos",        "exp",       "floor",      "fmod", "huge",
                "log", "max",  "maxinteger", "min",       "mininteger", "modf", "pi",
                "sin", "sqrt", "tan",        "tointeger", "type",       "ult"}},
      {"string",
       {"byte", "char", "find", "format", "len", "lower", "rep", "reverse", "sub", "upper"}},
      {"table", {"concat", "insert", "pack", "remove", "unpack"}},
  };
  return names;
}

lua_State* open_sandbox(LuaContext& context, const std::vector<std::string>& slots) {
  lua_State* const lua = lua_newstate(allocate, &context);
  if (lua == nullptr) return nullptr;
  lua_pushcfunction(lua, build);
  lua_pushlightuserdata(lua, const_cast<std::vector<std::string>*>(&slots));
  if (lua_pcall(lua, 1, 0, 0) != LUA_OK) {
    lua_close(lua);
    return nullptr;
  }
  return lua;
}

void limit_instructions(lua_State* lua) {
  const lua_Hook stop = [](lua_State* running, lua_Debug* /*activation*/) {
    // Level 0, and not luaL_error's 1: a hook has no level of its own.
    luaL_where(running, 0);
    lua_pushfstring(running, "more than %d instructions", lua_instructions_max);
    lua_concat(running, 2);
    lua_error(running);
  };
  lua_sethook(lua, stop, LUA_MASKCOUNT, lua_instructions_max);
}

std::string define_functions(lua_State* lua, LuaContext& context, const std::string& text,
                             const std::string& chunk_name, int first_line) {
  // Empty lines in front make Lua's line numbers those of the file.
  const std::string whole =
      std::string(static_cast<std::size_t>(std::max(0, first_line - 1)), '\n') + text;
  const std::string name = "=" + chunk_name;
  const Definition definition{whole.data(), whole.size(), name.c_str()};
  context.variables = nullptr;
  context.defining = true;
  limit_instructions(lua);
  lua_pushcfunction(lua, run_definition);
  lua_pushlightuserdata(lua, const_cast<Definition*>(&definition));
  std::string complaint;
  if (lua_pcall(lua, 1, 0, 0) != LUA_OK) {
    const bool is_text = lua_type(lua, -1) == LUA_TSTRING;
    complaint = is_text ? lua_tostring(lua, -1) : "an error without a message";
  }
  lua_settop(lua, 0);
  context.defining = false;
  return complaint;
}

std::vector<std::string> defined_functions(lua_State* lua) {
  std::vector<std::string> names;
  lua_getfield(lua, LUA_REGISTRYINDEX, "defined");
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pop(lua, 1);
    names.emplace_back(lua_tostring(lua, -1));
  }
  lua_settop(lua, 0);
  std::sort(names.begin(), names.end());
  return names;
}

bool value_at_top(lua_State* lua, Value& value, std::string& problem) {
  const int top = lua_gettop(lua);
  switch (lua_type(lua, top)) {
    case LUA_TNIL:
      value = std::monostate{};
      return true;
    case LUA_TBOOLEAN:
      value = lua_toboolean(lua, top) != 0;
      return true;
    case LUA_TNUMBER:
      if (lua_isinteger(lua, top) != 0) {
        value = static_cast<std::int64_t>(lua_tointeger(lua, top));
      } else {
        value = static_cast<double>(lua_tonumber(lua, top));
      }
      return true;
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* const text = lua_tolstring(lua, top, &size);
      value = std::string(text, size);
      return true;
    }
    case LUA_TTABLE: {
      nlohmann::json json;
      if (!table_to_json(lua, top, json_depth_max, json)) {
        problem = "a table that is neither a list nor a map by name, or nested too deeply";
        return false;
      }
      value = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      return true;
    }
    default:
      problem = std::string("the result is a ") + lua_typename(lua, lua_type(lua, top));
      return false;
  }
}

}  // namespace stampede
