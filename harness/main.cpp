// argv and environment → command line → exit code; no logic.
#include <cstdlib>
#include <iostream>

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
  return static_cast<int>(stampede::run_cli(argc, argv, environment, std::cout, std::cerr));
}
