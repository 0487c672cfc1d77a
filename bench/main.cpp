// What stampede costs, as ratios: in every round each generator runs once, in turn, against the
// same server, and is compared with the others of that round; noise of the machine that lasts
// longer than a round hits all alike. Printed are the median of the rounds' ratios, and the least
// and the most.
//
//   stampede_bench [closed] [open] [users] [workers] [crowd] [--rounds N] [--seconds S]
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/measure.hpp"
#include "bench/peers.hpp"

namespace {

using bench::Command;
using bench::Cost;
using bench::Load;
using bench::Server;

struct Options {
  std::set<std::string> sections;
  unsigned rounds = 5;
  double seconds = 3;
  std::string folder;
};

struct Contender {
  std::string name;
  std::function<Command()> command;  // an empty command: it cannot take part
};

// The server has the last core, generators the first.
int server_core() { return bench::cores() > 1 ? static_cast<int>(bench::cores()) - 1 : 0; }

using Columns = std::map<std::string, std::vector<Cost>>;

Columns play_rounds(const std::vector<Contender>& contenders, const Server& server,
                    const Options& options, bench::Window window, int core) {
  Columns columns;
  for (unsigned round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      // Each round begins with another one.
      const Contender& contender = contenders[(i + round) % contenders.size()];
      const Command command = contender.command();
      if (command.empty()) continue;
      columns[contender.name].push_back(
          bench::measure(command, server, window, core, options.folder + "/generators.err"));
    }
  }
  return columns;
}

void print_columns(const std::vector<Contender>& contenders, const Columns& columns,
                   const std::vector<std::string>& against) {
  fmt::print("{:<12}{:>12}{:>12}{:>9}", "generator", "µs/request", "requests/s", "RSS MB");
  for (const std::string& name : against) fmt::print("   × {:<19}", name);
  fmt::print("\n");
  for (const Contender& contender : contenders) {
    const auto found = columns.find(contender.name);
    if (found == columns.end()) {
      fmt::print("{:<12} not measured: not installed, or it cannot do this load\n", contender.name);
      continue;
    }
    std::vector<double> cost, rate;
    double resident = 0;
    for (const Cost& one : found->second) {
      cost.push_back(one.cpu_seconds_per_request * 1e6);
      rate.push_back(one.requests_per_second);
      resident = std::max(resident, static_cast<double>(one.resident_bytes) / 1e6);
    }
    fmt::print("{:<12}{:>12.2f}{:>12.0f}{:>9.1f}", contender.name, bench::median(cost),
               bench::median(rate), resident);
    for (const std::string& name : against) {
      const auto other = columns.find(name);
      std::vector<double> ratios;
      for (std::size_t i = 0; other != columns.end() && i < cost.size(); ++i) {
        ratios.push_back(cost[i] / (other->second[i].cpu_seconds_per_request * 1e6));
      }
      fmt::print("   {:<21}", ratios.empty() ? "–" : bench::spread(ratios));
    }
    fmt::print("\n");
  }
  std::fflush(stdout);
}

void closed_section(const Options& options) {
  fmt::print("\n# Closed: 64 connections, each asks as soon as it is answered; nginx, 2 bytes\n");
  const Server server(Server::Kind::nginx, options.folder, server_core());
  Load load;
  load.port = server.port();
  load.seconds = options.seconds + 2;
  const std::string folder = options.folder + "/closed";
  const std::vector<Contender> contenders{
      {"raw loop", [&] { return bench::raw_loop("closed", load); }},
      {"wrk", [&] { return bench::wrk(load); }},
      {"h2load", [&] { return bench::h2load(load); }},
      {"stampede",
       [&] { return bench::stampede(bench::closed_profile(load), folder, load.port); }}};
  print_columns(contenders, play_rounds(contenders, server, options, {1, options.seconds}, 0),
                {"wrk", "h2load", "raw loop"});
}

void open_section(const Options& options) {
  constexpr double rate = 10'000;
  fmt::print("\n# Open: {:.0f} requests a second, evenly, on 64 connections; nginx\n", rate);
  const Server server(Server::Kind::nginx, options.folder, server_core());
  Load load;
  load.port = server.port();
  load.seconds = options.seconds + 2;
  load.rate = rate;
  const std::string folder = options.folder + "/open";
  const std::vector<Contender> contenders{
      {"raw loop", [&] { return bench::raw_loop("open", load); }},
      {"wrk", [&] { return bench::wrk(load); }},
      {"h2load", [&] { return bench::h2load(load); }},
      {"stampede", [&] { return bench::stampede(bench::open_profile(load), folder, load.port); }}};
  print_columns(contenders, play_rounds(contenders, server, options, {1, options.seconds}, 0),
                {"h2load", "raw loop"});
  const bench::Told told = bench::read_run(folder);
  fmt::print("stampede's start lag in the last round: p50 {:.0f} µs, p99 {:.0f} µs\n",
             static_cast<double>(told.lag_p50_ns) / 1e3,
             static_cast<double>(told.lag_p99_ns) / 1e3);
}

void users_section(const Options& options) {
  constexpr unsigned users = 10'000;
  constexpr double rate = 1'000, ramp = 4;
  fmt::print("\n# Users: {} connected users, {:.0f} requests a second in total\n", users, rate);
  const Server server(Server::Kind::lean, options.folder, server_core());
  const bench::Window window{ramp + 1, 2 * options.seconds};
  Load load;
  load.port = server.port();
  load.connections = users;
  load.rate = rate;
  load.ramp = ramp;
  load.seconds = window.warm + window.window + 1;
  Load one = load;  // the base of the memory: the same rate from hardly any user
  one.connections = 10;
  const std::string folder = options.folder + "/users";
  const std::vector<Contender> contenders{
      {"raw loop", [&] { return bench::raw_loop("users", load); }},
      {"10 users",
       [&] { return bench::stampede(bench::users_profile(one), folder + "10", load.port); }},
      {"stampede", [&] { return bench::stampede(bench::users_profile(load), folder, load.port); }}};
  Columns columns = play_rounds(contenders, server, options, window, 0);
  print_columns(contenders, columns, {"raw loop"});
  std::vector<double> per_user;
  for (std::size_t i = 0; i < columns["stampede"].size(); ++i) {
    const auto full = static_cast<double>(columns["stampede"][i].resident_bytes);
    per_user.push_back((full - static_cast<double>(columns["10 users"][i].resident_bytes)) /
                       (users - one.connections) / 1024);
  }
  fmt::print("resident memory of a user, above the base: {} KiB\n", bench::spread(per_user));
  const bench::Told told = bench::read_run(folder);
  fmt::print("start lag in the last round: p50 {:.0f} µs, p99 {:.0f} µs; {} errors\n",
             static_cast<double>(told.lag_p50_ns) / 1e3, static_cast<double>(told.lag_p99_ns) / 1e3,
             told.errors);
}

// At a rate that leaves the cores free: three busy threads on two cores would measure the
// scheduler.
void workers_section(const Options& options) {
  constexpr double rate = 8'000;
  fmt::print("\n# Workers: CPU of a request at {:.0f} requests a second for each worker\n", rate);
  const Server server(Server::Kind::lean, options.folder, bench::any_core);
  Load one;
  one.port = server.port();
  one.seconds = options.seconds + 2;
  one.rate = rate;
  Load two = one;
  two.connections = 2 * one.connections;
  two.rate = 2 * rate;
  two.workers = 2;
  const std::string folder = options.folder + "/workers";
  const auto run = [&](const Load& load) {
    return bench::stampede(bench::open_profile(load), folder, load.port);
  };
  const std::vector<Contender> contenders{{"1 worker", [&] { return run(one); }},
                                          {"2 workers", [&] { return run(two); }}};
  const Columns columns =
      play_rounds(contenders, server, options, {1, options.seconds}, bench::any_core);
  print_columns(contenders, columns, {"1 worker"});
  std::vector<double> gain;
  for (std::size_t i = 0; i < columns.at("1 worker").size(); ++i) {
    gain.push_back(2 * columns.at("1 worker")[i].cpu_seconds_per_request /
                   columns.at("2 workers")[i].cpu_seconds_per_request);
  }
  fmt::print("two workers do {} × the work of one where both have a core\n", bench::spread(gain));
}

// One process may open so many descriptors and no more, so the crowd is spread over several.
void crowd_section(const Options& options) {
  constexpr unsigned parts = 8, users_each = 12'500;
  constexpr double ramp = 25, hold = 15;
  fmt::print("\n# Crowd: {} users in {} processes, {} started a second, {} requests a second\n",
             parts * users_each, parts, parts * users_each / ramp, parts * 125);
  std::vector<std::unique_ptr<Server>> servers;
  std::vector<std::unique_ptr<bench::Process>> generators;
  for (unsigned i = 0; i < parts; ++i) {
    servers.push_back(
        std::make_unique<Server>(Server::Kind::lean, options.folder, bench::any_core));
    Load load;
    load.port = servers.back()->port();
    load.connections = users_each;
    load.rate = 125;
    load.ramp = ramp;
    load.seconds = ramp + hold;
    generators.push_back(std::make_unique<bench::Process>(
        bench::stampede(bench::users_profile(load), fmt::format("{}/crowd{}", options.folder, i),
                        load.port),
        bench::any_core, options.folder + "/generators.err"));
  }
  bench::sleep_seconds(ramp + hold - 4);
  double cpu = 0, resident = 0;
  std::uint64_t connected = 0, requests = 0, errors = 0, lag = 0;
  for (unsigned i = 0; i < parts; ++i) {
    connected += servers[i]->connections();
    cpu += generators[i]->cpu_seconds();
    resident += static_cast<double>(generators[i]->resident_bytes());
  }
  for (unsigned i = 0; i < parts; ++i) {
    (void)generators[i]->wait();
    const bench::Told told = bench::read_run(fmt::format("{}/crowd{}", options.folder, i));
    requests += told.requests;
    errors += told.errors;
    lag = std::max(lag, told.lag_p99_ns);
  }
  fmt::print("connected at once, as the servers count: {}\n", connected);
  fmt::print(
      "generators: {:.0f} MB resident, {:.1f} s of CPU in {:.0f} s; {} requests, {} errors\n",
      resident / 1e6, cpu, ramp + hold - 4, requests, errors);
  fmt::print("start lag p99, worst process: {:.2f} ms\n", static_cast<double>(lag) / 1e6);
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--rounds" && i + 1 < argc) {
      options.rounds = std::max(1U, static_cast<unsigned>(std::atoi(argv[++i])));
    } else if (word == "--seconds" && i + 1 < argc) {
      options.seconds = std::max(0.5, std::atof(argv[++i]));
    } else {
      options.sections.insert(word);
    }
  }
  if (options.sections.empty()) options.sections = {"closed", "open", "users", "workers"};
  std::string folder = std::filesystem::temp_directory_path() / "stampede-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no folder " + folder);
  options.folder = folder;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, void (*)(const Options&)> sections{{"closed", closed_section},
                                                                 {"open", open_section},
                                                                 {"users", users_section},
                                                                 {"workers", workers_section},
                                                                 {"crowd", crowd_section}};
  try {
    const Options options = read_options(argc, argv);
    for (const std::string& name : options.sections) {
      if (!sections.contains(name)) {
        fmt::print(stderr,
                   "stampede_bench: no section {}; there are closed open users workers "
                   "crowd\n",
                   name);
        return 64;
      }
    }
    for (const char* peer : {"wrk", "h2load", "nginx"}) {
      if (bench::find_program(peer).empty()) {
        fmt::print("{} is not installed: ci/setup brings it\n", peer);
      }
    }
    fmt::print("{} cores; {} rounds of {} s\n", bench::cores(), options.rounds, options.seconds);
    for (const char* name : {"closed", "open", "users", "workers", "crowd"}) {
      if (options.sections.contains(name)) sections.at(name)(options);
    }
    std::filesystem::remove_all(options.folder);
  } catch (const std::exception& problem) {
    fmt::print(stderr, "stampede_bench: {}\n", problem.what());
    return 1;
  }
}
