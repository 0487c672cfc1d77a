// A MariaDB of our own: data directory copied from a template that is built once per version, a
// free loopback port, one user with a password of this run.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "harness/topology/process.hpp"

namespace stampede {

struct MariadbPlan {
  std::filesystem::path server, install;  // mariadbd, mariadb-install-db
  std::filesystem::path directory;        // its own, existing
  std::filesystem::path cache;            // of the template
  MysqlEndpoint endpoint;                 // port, user, password and database are its to set up
};

// The template's directory, built if it is not there. Safe against others doing the same at once.
[[nodiscard]] std::filesystem::path mariadb_template(
    const MariadbPlan& plan, Guardian* guardian, const std::function<void(std::string)>& progress);
// Writes the configuration into plan.directory and names the process. Not yet ready when it returns
// from being started: ask `mariadb_ready`.
[[nodiscard]] ProcessSpec prepare_mariadb(const MariadbPlan& plan, Guardian* guardian,
                                          const std::function<void(std::string)>& progress);
[[nodiscard]] bool mariadb_ready(const MysqlEndpoint& endpoint);

}  // namespace stampede
