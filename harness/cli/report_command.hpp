// `stampede report RUN`: a finished run told again, in another form.
#pragma once

#include <iosfwd>
#include <string>

#include "harness/exit_code.hpp"

namespace CLI {
class App;
}

namespace stampede {

struct ReportOptions {
  std::string run;  // a run's folder, or its run.json
  std::string format = "console";
  std::string out;  // a file; empty: standard output
  bool colour = false;
};

void add_report(CLI::App& app, ReportOptions& options);
ExitCode command_report(const ReportOptions& options, std::ostream& out, std::ostream& err);

}  // namespace stampede
