// argv and environment → command line → exit code; no logic.
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "harness/cli/cli.hpp"

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

int main(int argc, char** argv) {
  stampede::CliEnvironment environment;
  environment.admin_token = variable("STAMPEDE_ADMIN_TOKEN");
  environment.mysql_password = variable("STAMPEDE_MYSQL_PASSWORD");
  environment.no_colour = !variable("NO_COLOR").empty();
  environment.lookup = [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return static_cast<int>(stampede::run_cli(argc, argv, environment, std::cout, std::cerr));
}
