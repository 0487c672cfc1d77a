// The commands behind the command line: options as plain values in, exit code out.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "harness/exit_code.hpp"
#include "harness/run/bench_profile.hpp"

namespace stampede {

struct AttachOptions {
  std::string url, admin, mysql, redis, mysql_password_file;
  std::string admin_token, mysql_password;  // secrets
};
// The environment, as main reads it.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
struct RunOptions {
  std::string profile;
  std::vector<std::string> sets;
  std::vector<std::string> stages;  // "[SCENARIO=]30s:100,2m:1000"
  std::string out, boxoffice, notify;
  AttachOptions attach;
  bool plain = false, quiet = false, no_calibration = false;
  bool terminal = false, colour = false;
  std::vector<std::string> command_line;
  Environment environment;
};
struct ValidateOptions {
  std::string profile;
  std::vector<std::string> sets;
  Environment environment;
};
struct UpOptions {
  std::string topology = "single", boxoffice;
  unsigned users = 0, seats = 0;
};

struct BenchCommand {
  BenchOptions bench;
  std::string body_file, output = "text";
  bool quiet = false, terminal = false;
  std::vector<std::string> command_line;
};

ExitCode command_run(const RunOptions& options, std::ostream& out, std::ostream& err);
ExitCode command_validate(const ValidateOptions& options, std::ostream& out, std::ostream& err);
ExitCode command_up(const UpOptions& options, std::ostream& out, std::ostream& err);
ExitCode command_bench(const BenchCommand& command, std::ostream& out, std::ostream& err);

std::string version_text();

}  // namespace stampede
