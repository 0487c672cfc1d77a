// argv → command → exit code. Parses, explains, delegates; no logic of its own.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "harness/exit_code.hpp"

namespace stampede {

// What main reads from the environment, so that nothing below needs to.
struct CliEnvironment {
  std::string admin_token;     // STAMPEDE_ADMIN_TOKEN: secret
  std::string mysql_password;  // STAMPEDE_MYSQL_PASSWORD: secret
  bool no_colour = false;      // NO_COLOR is set
  // Any other variable, for the secrets that a profile names.
  std::function<std::optional<std::string>(const std::string& name)> lookup;
};

ExitCode run_cli(int argc, char** argv, const CliEnvironment& environment, std::ostream& out,
                 std::ostream& err);

}  // namespace stampede
