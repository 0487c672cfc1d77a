#include "harness/scenario/user_functions.hpp"

#include <algorithm>
#include <charconv>
#include <lua.hpp>
#include <memory>

#include "harness/scenario/lua_sandbox.hpp"
#include "harness/scenario/lua_tokens.hpp"

namespace stampede {

namespace {

// "p.yaml:12: unexpected symbol" → 12, "unexpected symbol".
FunctionsProblem problem_of(const std::string& complaint, const std::string& chunk_name) {
  FunctionsProblem problem{0, 0, complaint, ""};
  if (!complaint.starts_with(chunk_name + ":")) return problem;
  const char* const begin = complaint.data() + chunk_name.size() + 1;
  const char* const end = complaint.data() + complaint.size();
  const auto [stop, error] = std::from_chars(begin, end, problem.line);
  if (error == std::errc{} && std::string_view(stop, end).starts_with(": ")) {
    problem.message = std::string(stop + 2, end);
  }
  return problem;
}

}  // namespace

std::vector<FunctionsProblem> compile_functions(UserFunctions& functions,
                                                const std::vector<std::string>& slots) {
  std::vector<FunctionsProblem> problems;
  LuaContext context;
  const std::unique_ptr<lua_State, decltype(&lua_close)> lua(open_sandbox(context, slots),
                                                             &lua_close);
  if (lua == nullptr) return {{0, 0, "no memory for Lua", ""}};
  const std::string complaint = define_functions(lua.get(), context, functions.text,
                                                 functions.chunk_name, functions.first_line);
  if (!complaint.empty()) return {problem_of(complaint, functions.chunk_name)};
  functions.names = defined_functions(lua.get());
  for (const std::string& name : functions.names) {
    const bool taken =
        std::find(slots.begin(), slots.end(), name) != slots.end() || !is_lua_variable_name(name);
    if (!taken) continue;
    problems.push_back({0, std::min(functions.text.find(name), functions.text.size()),
                        "a variable has the name of the function \"" + name + "\"",
                        "choose another name"});
  }
  const std::vector<LuaToken> tokens = lua_tokens(functions.text);
  for (const Diagnostic& unknown : unknown_names(functions.text, tokens, slots, functions.names)) {
    problems.push_back({0, static_cast<std::size_t>(unknown.place.column - 1), unknown.message,
                        unknown.hint, unknown.unknown});
  }
  return problems;
}

}  // namespace stampede
