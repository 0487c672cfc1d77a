// The story of a run: topology up, data, drive (warm-up and measure), drain, quiesce, audit, judge,
// report, topology down.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/diagnostic.hpp"
#include "harness/exit_code.hpp"
#include "harness/profile/profile.hpp"
#include "harness/profile/profile_reader.hpp"
#include "harness/report/run_result.hpp"

namespace stampede {

struct RunRequest {
  Profile profile;
  std::filesystem::path out;        // empty: a new folder below runs/
  std::filesystem::path boxoffice;  // the target's binary
  // To attach instead of starting: all as Topology::attach takes them.
  std::string url, admin, admin_token, mysql, mysql_password, redis;
  bool terminal = false, colour = false, quiet = false;
  bool calibrate = true;  // L10; the profile may say no as well
  std::string notify;     // a command for /bin/sh, run when the reports are written; "": none
  // Instead of a folder of files and the usual summary: tells the finished result this way, to
  // `out`. The live view goes to `err` then, so that `out` can be piped.
  std::function<void(const RunResult&, std::ostream&)> teller;
  std::vector<std::string> command_line;
};

// What only shows when a profile is compiled: unknown variables, expressions, gates on steps that
// do not exist, rows that will not last. `doubts`: of one that could not be read in whole; what
// only follows from its problems is left out.
Diagnostics check_profile(const Profile& profile, const Doubts* doubts = nullptr);

// Never throws for what the run meets: every end is an exit code, a message and a run file that
// says how far it came.
ExitCode run(const RunRequest& request, std::stop_source& stop, std::ostream& out,
             std::ostream& err);

}  // namespace stampede
