// One boxoffice, one Redis, one MariaDB on this machine's loopback, all private to the run.
#pragma once

#include "harness/topology/guardian.hpp"
#include "harness/topology/private_mariadb.hpp"
#include "harness/topology/process.hpp"

namespace stampede {

// Redis and MariaDB alone: what boxoffice is put on, and what tests of stores need.
class PrivateStores {
 public:
  using Progress = std::function<void(std::string)>;
  // Throws TopologyError, or filesystem_error when its files cannot be made. plan.boxoffice and
  // plan.target are not looked at.
  PrivateStores(const TopologyPlan& plan, const std::stop_token& stop, const Progress& progress);
  PrivateStores(const PrivateStores&) = delete;
  PrivateStores& operator=(const PrivateStores&) = delete;
  ~PrivateStores();

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] const MysqlEndpoint& mysql() const noexcept { return mysql_; }
  [[nodiscard]] const Endpoint& redis() const noexcept { return redis_; }
  [[nodiscard]] Guardian& guardian() noexcept { return *guardian_; }
  [[nodiscard]] std::vector<Process*> processes() const;

 private:
  void start_mariadb(const TopologyPlan& plan, const Progress& progress);
  void start_redis(const TopologyPlan& plan);
  void await_both(const std::stop_token& stop, const Progress& progress);
  void keep_logs() const noexcept;

  std::filesystem::path directory_, log_dir_;
  MysqlEndpoint mysql_;
  Endpoint redis_;
  // In this order: the processes end before the guardian, which removes the directory.
  std::unique_ptr<Guardian> guardian_;
  std::unique_ptr<Process> mariadb_process_, redis_process_;
};

// Of those that are still there.
[[nodiscard]] std::vector<ProcessUsage> usage_of(const std::vector<Process*>& processes);
// A message when one is no longer alive: how it ended, and its last words.
[[nodiscard]] std::optional<std::string> first_death(const std::vector<Process*>& processes);

[[nodiscard]] std::unique_ptr<Topology> start_single(const TopologyPlan& plan,
                                                     const std::stop_token& stop,
                                                     const PrivateStores::Progress& progress);
// Throws TopologyError when there is no boxoffice; notes what will limit a large run.
void check_machine(const TopologyPlan& plan, const PrivateStores::Progress& progress);
// The program's path, or TopologyError that says what is missing and how to mend it.
[[nodiscard]] std::filesystem::path find_tool(const TopologyPlan& plan, const std::string& role,
                                              const std::string& name, const std::string& package);
// Throws filesystem_error unless the whole text is in the file.
void write_settings(const std::filesystem::path& file, const std::string& text);
// 64 hexadecimal digits from the kernel's random source.
[[nodiscard]] std::string random_secret();

}  // namespace stampede
