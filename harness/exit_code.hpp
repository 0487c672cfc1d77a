// The exit codes are an API. This table makes the codes, the help text and the documentation.
#pragma once

#include <array>
#include <string_view>

namespace stampede {

enum class ExitCode : int {
  pass = 0,
  fail = 1,
  broken_invariant = 2,
  invalid = 3,
  inconclusive = 4,
  usage = 64,
  topology = 69,
  internal = 70,
  interrupted = 130,
};
struct ExitCodeRow {
  ExitCode code;
  std::string_view name;
  std::string_view meaning;
};
inline constexpr std::array<ExitCodeRow, 9> exit_code_table{{
    {ExitCode::pass, "PASS", "every gate and invariant held and the run proves it"},
    {ExitCode::fail, "FAIL", "a gate of the profile was missed"},
    {ExitCode::broken_invariant, "BROKEN_INVARIANT",
     "the target's state is wrong: oversell, lost sale, …"},
    {ExitCode::invalid, "INVALID",
     "the run proves nothing: late generator, missed rate, tainted target, open balance"},
    {ExitCode::inconclusive, "INCONCLUSIVE", "too little data to say, or no data"},
    {ExitCode::usage, "USAGE", "the command line or the profile is wrong"},
    {ExitCode::topology, "TOPOLOGY",
     "the set-up failed, or a part of the topology or environment did"},
    {ExitCode::internal, "INTERNAL", "a bug of stampede"},
    {ExitCode::interrupted, "INTERRUPTED", "stopped by Ctrl-C or SIGTERM; what was seen is kept"},
}};

}  // namespace stampede
