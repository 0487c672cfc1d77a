#include "harness/cli/cli.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <ostream>

#include "harness/cli/commands.hpp"

namespace stampede {
namespace {

std::string exit_code_help() {
  std::string text = "EXIT CODES\n";
  for (const ExitCodeRow& row : exit_code_table) {
    text += fmt::format("  {:>3}  {:<17} {}\n", static_cast<int>(row.code), row.name, row.meaning);
  }
  return text;
}

constexpr const char* about =
    "stampede drives users through a system at a rate that it keeps, measures every answer from\n"
    "the moment its request was due, audits what the system then holds, and says PASS or FAIL.\n";

constexpr const char* examples =
    "EXAMPLES\n"
    "  stampede run profiles/smoke.yaml              start a private boxoffice, drive it, judge "
    "it\n"
    "  stampede run steady-1k                        a profile that ships, by its name\n"
    "  stampede run p.yaml --set drain=5s            change one value for this run\n"
    "  stampede run p.yaml --url http://127.0.0.1:8080   a system that is already running\n"
    "  stampede validate p.yaml                      every problem of a profile, with its place\n"
    "  stampede up single                            start the topology and keep it until Ctrl-C\n";

void add_attach_options(CLI::App& command, AttachOptions& attach) {
  command
      .add_option("--url", attach.url,
                  "drive this system instead of starting one (http://host:port[/prefix])")
      ->type_name("URL");
  command
      .add_option("--admin", attach.admin,
                  "its admin port; the token comes from STAMPEDE_ADMIN_TOKEN")
      ->type_name("HOST:PORT");
  command
      .add_option("--mysql", attach.mysql,
                  "its database, for the audits; the password comes from STAMPEDE_MYSQL_PASSWORD")
      ->type_name("USER@HOST:PORT/DATABASE");
  command.add_option("--redis", attach.redis, "its Redis, for the audits")->type_name("HOST:PORT");
}

void add_run(CLI::App& app, RunOptions& options) {
  CLI::App& run = *app.add_subcommand("run", "run a profile and judge it");
  run.add_option("profile", options.profile, "profile file, or the name of one that ships")
      ->required()
      ->type_name("PROFILE");
  run.add_option("--set", options.sets,
                 "change a value of the profile: dotted.path=value (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  run.add_option("--out", options.out,
                 "folder for the run's files (default: a new one below runs/)")
      ->type_name("DIR");
  run.add_option("--boxoffice", options.boxoffice, "the target's binary (default: beside stampede)")
      ->type_name("FILE");
  run.add_flag("--plain", options.plain, "no colours and no redrawing, also in a terminal");
  run.add_flag("--quiet,-q", options.quiet, "no progress, only the summary");
  add_attach_options(run, options.attach);
}

void add_validate(CLI::App& app, ValidateOptions& options) {
  CLI::App& validate =
      *app.add_subcommand("validate", "check a profile and say every problem at once");
  validate.add_option("profile", options.profile, "profile file, or the name of one that ships")
      ->required()
      ->type_name("PROFILE");
  validate.add_option("--set", options.sets, "as for run")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_up(CLI::App& app, UpOptions& options) {
  CLI::App& up =
      *app.add_subcommand("up", "start a topology, print its endpoints, stay until interrupted");
  up.add_option("topology", options.topology, "single: one boxoffice, one Redis, one MariaDB")
      ->required()
      ->type_name("TOPOLOGY");
  up.add_option("--boxoffice", options.boxoffice, "the target's binary (default: beside stampede)")
      ->type_name("FILE");
  up.add_option("--seed-users", options.users, "create so many users")
      ->check(CLI::Range(0, 1000000));
  up.add_option("--seed-seats", options.seats, "create one event with so many seats")
      ->check(CLI::Range(0, 100000));
}

}  // namespace

ExitCode run_cli(int argc, char** argv, const CliEnvironment& environment, std::ostream& out,
                 std::ostream& err) {
  CLI::App app{about, "stampede"};
  app.footer(std::string(examples) + "\n" + exit_code_help());
  app.set_version_flag("--version,-V", version_text());
  app.require_subcommand(1);
  RunOptions run;
  ValidateOptions validate;
  UpOptions up;
  add_run(app, run);
  add_validate(app, validate);
  add_up(app, up);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    const int code = app.exit(problem, out, err);
    return code == 0 ? ExitCode::pass : ExitCode::usage;
  }
  run.attach.admin_token = environment.admin_token;
  run.attach.mysql_password = environment.mysql_password;
  run.terminal = !run.plain && isatty(STDOUT_FILENO) == 1;
  run.colour = run.terminal && !environment.no_colour;
  run.command_line.assign(argv, argv + argc);
  try {
    if (app.got_subcommand("run")) return command_run(run, out, err);
    if (app.got_subcommand("validate")) return command_validate(validate, out, err);
    return command_up(up, out, err);
  } catch (const std::exception& problem) {
    err << "stampede: internal error: " << problem.what()
        << "\nThis is a bug of stampede: please report it with the command line and the profile.\n";
    return ExitCode::internal;
  }
}

}  // namespace stampede
