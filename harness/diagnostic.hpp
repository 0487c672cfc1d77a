// A problem in what an operator wrote, with its place; and Checked<T>: a value, or all the
// problems.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace stampede {

// Where something stands in a profile. Lines and columns count from 1; 0 means "no place".
struct Place {
  int line = 0;
  int column = 0;
};

struct Diagnostic {
  std::string file;
  Place place;
  std::string message;    // what is wrong, lower case, no full stop
  std::string hint;       // how to mend it; may be empty
  std::string unknown{};  // the name that nothing defines, where that is the problem
};

using Diagnostics = std::vector<Diagnostic>;

[[noreturn]] void throw_diagnostics(const Diagnostics& diagnostics);
// Found by boost::system::result when .value() is called on a failure.
[[noreturn]] inline void throw_exception_from_error(const Diagnostics& diagnostics,
                                                    const boost::source_location&) {
  throw_diagnostics(diagnostics);
}

template <class T>
using Checked = boost::system::result<T, Diagnostics>;

// "file:line:col: error: message", the source line, a caret under the column, and "hint: …".
// `text` is the whole source that the places refer to; an empty one leaves the excerpt out.
std::string render(const Diagnostic& diagnostic, std::string_view text);
std::string render(const Diagnostics& diagnostics, std::string_view text);

// By place: those of `file` first, then those of other files, then those of --set, which have none.
void sort_by_place(Diagnostics& diagnostics, std::string_view file);

// The candidate nearest to `word` by edit distance, or an empty view when none is near (for hints).
std::string_view nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace stampede
