#include "harness/cli/report_command.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <ostream>
#include <sstream>

#include "harness/report/hlog.hpp"
#include "harness/report/run_result.hpp"

namespace stampede {
namespace {

namespace fs = std::filesystem;
constexpr int width_of_a_file = 100;

fs::path run_file(const std::string& run) {
  std::error_code error;
  return fs::is_directory(run, error) ? fs::path(run) / "run.json" : fs::path(run);
}

int width_of(const ReportOptions& options) {
  winsize size{};
  const bool terminal = options.out.empty() && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return terminal && size.ws_col > 0 ? size.ws_col : width_of_a_file;
}

// The run file's text, or nothing after saying why on `err`.
std::optional<std::string> read_run_file(const fs::path& path, std::ostream& err) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error || size > run_json_bytes_max) {
    err << fmt::format(
        "stampede: cannot report {}: {}\n"
        "hint: give a run's folder (runs/…) or its run.json\n",
        path.string(), error ? error.message() : "it is over 256 MiB: that is no run file");
    return std::nullopt;
  }
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool tell_run(const ReportOptions& options, std::ostream& out, std::ostream& err) {
  const fs::path path = run_file(options.run);
  const auto text = read_run_file(path, err);
  if (!text) return false;
  const auto result = run_result_from_json(*text);
  if (result.has_error()) {
    err << render(result.error(), *text)
        << fmt::format(
               "stampede: {} is no run file of this "
               "version\n",
               path.string());
    return false;
  }
  if (options.format == "console") {
    write_console(*result, out, options.colour && options.out.empty(), width_of(options));
  } else if (options.format == "markdown") {
    write_markdown(*result, out);
  } else if (options.format == "junit") {
    write_junit(*result, out);
  } else if (options.format == "csv") {
    write_csv(*result, out);
  } else if (options.format == "openmetrics") {
    write_openmetrics(*result, out);
  } else {
    out << to_json(*result);
  }
  return true;
}

bool tell_histograms(const ReportOptions& options, std::ostream& out, std::ostream& err) {
  const fs::path path = run_file(options.run).parent_path() / "histograms.hlog";
  std::ifstream log(path, std::ios::binary);
  if (!log) {
    err << fmt::format(
        "stampede: cannot read {}\nhint: a run keeps it beside its run.json; give that folder\n",
        path.string());
    return false;
  }
  const auto facts = write_hlog(log, out);
  if (facts.has_error()) {
    err << fmt::format("stampede: {}: {}\n", path.string(), facts.error().text);
    return false;
  }
  if (!facts->whole) {
    err << fmt::format(
        "stampede: {} ends early, after {} intervals: the run could not write more\n",
        path.string(), facts->intervals);
  }
  return true;
}

}  // namespace

void add_report(CLI::App& app, ReportOptions& options) {
  CLI::App& report = *app.add_subcommand("report", "tell a finished run again, in another form");
  report.add_option("run", options.run, "a run's folder, or its run.json")
      ->required()
      ->type_name("RUN");
  report
      .add_option("--format", options.format,
                  "console, markdown, junit, json, csv (a row for each second), hlog "
                  "(HdrHistogram's log of every series), or openmetrics (Prometheus reads it too)")
      ->check(CLI::IsMember({"console", "markdown", "junit", "json", "csv", "hlog", "openmetrics"}))
      ->capture_default_str();
  report.add_option("--out", options.out, "file to write (default: standard output)")
      ->type_name("FILE");
}

ExitCode command_report(const ReportOptions& options, std::ostream& out, std::ostream& err) {
  std::ostringstream kept;
  std::ostream& to = options.out.empty() ? out : kept;
  const bool told =
      options.format == "hlog" ? tell_histograms(options, to, err) : tell_run(options, to, err);
  if (!told) return ExitCode::usage;
  if (options.out.empty()) {
    if (to.flush()) return ExitCode::pass;
    err << "stampede: cannot write to the standard output\n";
    return ExitCode::topology;
  }
  std::ofstream file(options.out, std::ios::binary);
  if (!(file << kept.str()) || !file.flush()) {
    err << fmt::format("stampede: cannot write {}: {}; choose another file with --out\n",
                       options.out, strerror(errno));
    return ExitCode::topology;
  }
  return ExitCode::pass;
}

}  // namespace stampede
