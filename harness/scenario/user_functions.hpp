// The functions that a profile defines for its expressions, in Lua 5.4. Checked once, when the
// profile is compiled; every worker then runs the text in a sandbox of its own.
#pragma once

#include <string>
#include <vector>

#include "harness/diagnostic.hpp"

namespace stampede {

struct UserFunctions {
  std::string text;        // Lua; empty: none
  std::string chunk_name;  // the file's name, for messages
  int first_line = 1;      // of the text in that file
  std::vector<std::string> names;
};

// Fills in the names. Problems have places in the file, or offsets as `column` when they lie within
// the text (line 0, then): syntax errors and errors while defining have the line that Lua tells.
struct FunctionsProblem {
  int line = 0;            // of the file; 0: `offset` is known instead
  std::size_t offset = 0;  // in the text
  std::string message, hint;
  std::string unknown{};  // as a Diagnostic's
};
std::vector<FunctionsProblem> compile_functions(UserFunctions& functions,
                                                const std::vector<std::string>& slots);

}  // namespace stampede
