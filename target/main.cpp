// boxoffice: the reference ticket-booking server. Command line and environment in, exit code out.
//   0 stopped as asked · 64 usage · 69 a port or a store is not to be had · 70 a bug
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "target/app.hpp"
#include "target/config.hpp"
#include "target/log.hpp"

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string(value);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace boxoffice;
  // The drivers write to sockets whose peer may be gone; that is an error code, not a death.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    Secrets secrets{variable("BOXOFFICE_ADMIN_TOKEN"),        variable("BOXOFFICE_JWT_SECRET"),
                    variable("BOXOFFICE_PASS_SECRET"),        variable("BOXOFFICE_WEBHOOK_SECRET"),
                    variable("BOXOFFICE_WEBHOOK_SECRET_OLD"), variable("BOXOFFICE_MYSQL_PASSWORD")};
    std::vector<std::string> made_up;
    auto config = read_config({argv + 1, argv + argc}, std::move(secrets), made_up);
    if (config.has_error()) {
      for (const std::string& problem : config.error().problems) {
        std::fprintf(stderr, "boxoffice: %s\n", problem.c_str());
      }
      std::fputs(config.error().help.c_str(), stdout);
      if (config.error().problems.empty()) return exit_ok;
      std::fputs("boxoffice: --help lists every flag\n", stderr);
      return exit_usage;
    }
    set_log_level(config->log_level);
    return run_boxoffice(std::move(*config), made_up);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "boxoffice: internal error: %s\n", error.what());
    return exit_internal;
  }
}
