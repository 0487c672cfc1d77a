#include "harness/cli/cli.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <ostream>

#include "harness/cli/commands.hpp"
#include "harness/cli/report_command.hpp"

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
    "  stampede bench http://127.0.0.1:8080/ -c 64 -d 10s -R 1000\n"
    "                                                one URL, no profile; both clocks\n"
    "  stampede validate p.yaml                      every problem of a profile, with its place\n"
    "  stampede report runs/X --format hlog          its histograms, for the HdrHistogram tools\n"
    "  stampede up single                            start the topology and keep it until Ctrl-C\n";

void add_attach_options(CLI::App& command, AttachOptions& attach) {
  command
      .add_option(
          "--url", attach.url,
          "drive this system instead of starting one (http://host:port[/prefix], https://…, "
          "unix:/path)")
      ->type_name("URL");
  command
      .add_option("--admin", attach.admin,
                  "its admin port; the token comes from STAMPEDE_ADMIN_TOKEN")
      ->type_name("HOST:PORT");
  command
      .add_option("--mysql", attach.mysql,
                  "its database, for the audits; the password comes from STAMPEDE_MYSQL_PASSWORD")
      ->type_name("USER@HOST:PORT/DATABASE");
  command
      .add_option("--mysql-password-file", attach.mysql_password_file,
                  "its password is the first line of this file, instead")
      ->type_name("FILE");
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
  run.add_option("--stages", options.stages,
                 "another plan for a scenario: 30s:100,2m:1000 goes to 100 within 30 s, then to "
                 "1000; SCENARIO= may be left out when there is one (repeatable)")
      ->type_name("[SCENARIO=]TIME:TARGET,…")
      ->allow_extra_args(false);
  run.add_option("--out", options.out,
                 "folder for the run's files (default: a new one below runs/)")
      ->type_name("DIR");
  run.add_option("--boxoffice", options.boxoffice, "the target's binary (default: beside stampede)")
      ->type_name("FILE");
  run.add_flag("--plain", options.plain, "no colours and no redrawing, also in a terminal");
  run.add_flag("--no-calibration", options.no_calibration,
               "do not measure this machine's own ceiling before the run (a second)");
  run.add_flag("--quiet,-q", options.quiet, "no progress, only the summary");
  run.add_option(
         "--notify", options.notify,
         "run this with /bin/sh when the reports are written, for a pager or a pipeline; it "
         "finds STAMPEDE_VERDICT, _EXIT_CODE, _PROFILE, _RUN (the folder) and _TAINTED")
      ->type_name("COMMAND");
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

void add_bench_load(CLI::App& bench, BenchOptions& options) {
  bench.add_option("-c,--connections", options.connections, "keep-alive connections (default 50)")
      ->check(CLI::Range(1, 1000000));
  bench.add_option("-t,--threads", options.threads, "threads that generate load (default 1)")
      ->check(CLI::Range(1, 256));
  bench
      .add_option("-d,--duration", options.duration,
                  "how long (default 10s); a bare number is seconds")
      ->type_name("TIME");
  bench
      .add_option("-n,--requests", options.requests,
                  "so many requests, then it ends; with -d whichever is earlier")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}))
      ->type_name("COUNT");
  bench.add_option("--warm-up", options.warm_up, "of it, not in the figures")->type_name("TIME");
  bench
      .add_option("-R,--rate", options.rate,
                  "requests a second, kept whatever the server does (default: as fast as the "
                  "connections can)")
      ->check(CLI::Range(0.001, 1e6));
  bench
      .add_option("--stages", options.stages,
                  "a plan of rates instead of -R, linear between them: 30s:100,2m:1000")
      ->type_name("TIME:RATE,…");
  bench.add_flag("--poisson", options.poisson, "random arrivals instead of regular ones");
}

void add_bench_tls(CLI::App& bench, BenchOptions& options) {
  bench.add_flag("-k,--insecure", options.insecure, "verify no certificate; the report says so");
  bench.add_option("--cacert", options.ca_file, "trusted in place of the system's CAs")
      ->type_name("PEM");
  bench.add_option("--cert", options.certificate, "the client's certificate")->type_name("PEM");
  bench.add_option("--key", options.key, "its key, without a passphrase")->type_name("PEM");
}

void add_bench(CLI::App& app, BenchCommand& command) {
  CLI::App& bench =
      *app.add_subcommand("bench", "measure one URL without a profile, as wrk, wrk2 and oha do");
  BenchOptions& options = command.bench;
  bench.add_option("url", options.url, "http://host:port/path?query; ${session} and ${uuid} vary")
      ->required()
      ->type_name("URL");
  add_bench_load(bench, options);
  add_bench_tls(bench, options);
  bench.add_option("-m,--method", options.method, "GET, or POST when there is a body")
      ->type_name("METHOD");
  CLI::Option* body =
      bench.add_option("-b,--body", options.body, "request body")->type_name("TEXT");
  bench.add_option("-B,--body-file", command.body_file, "request body from a file")
      ->type_name("FILE")
      ->excludes(body);
  bench.add_option("-H,--header", options.headers, "\"Name: value\" (repeatable)")
      ->type_name("HEADER")
      ->allow_extra_args(false);
  bench.add_option("--timeout", options.timeout, "of a request")
      ->type_name("TIME")
      ->capture_default_str();
  bench.add_option("--gate", options.gates, "what must hold: \"p95 < 300ms\" (repeatable)")
      ->type_name("GATE")
      ->allow_extra_args(false);
  bench.add_option("--seed", options.seed, "of all random choices");
  bench.add_option("-o,--output", command.output, "text or json (the schema of run.json)")
      ->check(CLI::IsMember({"text", "json"}));
  bench.add_flag("-q,--quiet", command.quiet, "no progress");
}

void add_up(CLI::App& app, UpOptions& options) {
  CLI::App& up =
      *app.add_subcommand("up", "start a topology, print its endpoints, stay until interrupted");
  up.add_option("topology", options.topology,
                "single: one boxoffice, one Redis, one MariaDB; split: one boxoffice per role "
                "behind nginx; "
                "lb+N: N whole ones behind nginx")
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
  BenchCommand bench;
  ReportOptions report;
  add_run(app, run);
  add_bench(app, bench);
  add_validate(app, validate);
  add_report(app, report);
  add_up(app, up);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    const int code = app.exit(problem, out, err);
    return code == 0 ? ExitCode::pass : ExitCode::usage;
  }
  run.attach.admin_token = environment.admin_token;
  run.attach.mysql_password = environment.mysql_password;
  run.environment = validate.environment = environment.lookup;
  run.terminal = !run.plain && isatty(STDOUT_FILENO) == 1;
  run.colour = run.terminal && !environment.no_colour;
  run.command_line.assign(argv, argv + argc);
  report.colour = isatty(STDOUT_FILENO) == 1 && !environment.no_colour;
  bench.command_line = run.command_line;
  bench.terminal = isatty(STDERR_FILENO) == 1;
  try {
    if (app.got_subcommand("run")) return command_run(run, out, err);
    if (app.got_subcommand("bench")) return command_bench(bench, out, err);
    if (app.got_subcommand("validate")) return command_validate(validate, out, err);
    if (app.got_subcommand("report")) return command_report(report, out, err);
    return command_up(up, out, err);
  } catch (const std::exception& problem) {
    err << "stampede: internal error: " << problem.what()
        << "\nThis is a bug of stampede: please report it with the command line and the profile.\n";
    return ExitCode::internal;
  }
}

}  // namespace stampede
