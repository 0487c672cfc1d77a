#include "bench/peers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/process.hpp"

namespace bench {

namespace {

namespace fs = std::filesystem;

std::string beside(const std::string& name) {
  return fs::canonical("/proc/self/exe").parent_path() / name;
}

std::string url(const Load& load) { return fmt::format("http://127.0.0.1:{}/", load.port); }

std::string head(const char* name, const Load& load) {
  return fmt::format("name: {}\nworkers: {}\ndrain: 1s\nvalidity: {{cpu_max: 100%}}\n", name,
                     load.workers);
}

}  // namespace

Command raw_loop(const std::string& mode, const Load& load) {
  Command command{beside("raw_loop"), mode, std::to_string(load.port),
                  std::to_string(load.connections), std::to_string(load.seconds)};
  if (mode != "closed") command.push_back(std::to_string(load.rate));
  if (mode == "users") command.push_back(std::to_string(load.ramp));
  return command;
}

Command wrk(const Load& load) {
  const std::string program = find_program("wrk");
  if (program.empty() || load.rate > 0) return {};
  return {program, "-t1", fmt::format("-c{}", load.connections),
          fmt::format("-d{:.0f}s", std::ceil(load.seconds)), url(load)};
}

Command h2load(const Load& load) {
  const std::string program = find_program("h2load");
  if (program.empty()) return {};
  Command command{program, "--h1",
                  "-t1",   fmt::format("-c{}", load.connections),
                  "-D",    fmt::format("{:.0f}", std::ceil(load.seconds))};
  if (load.rate > 0) command.push_back(fmt::format("--rps={}", load.rate / load.connections));
  command.push_back(url(load));
  return command;
}

std::string closed_profile(const Load& load) {
  return head("closed", load) + fmt::format(R"(personas:
  asking:
    - get: /
      name: ask
scenarios:
  all:
    model: closed
    persona: asking
    start: {0}
    stages: {1}s:{0}
)",
                                            load.connections, load.seconds);
}

std::string open_profile(const Load& load) {
  return head("open", load) + fmt::format(R"(personas:
  asking:
    - get: /
      name: ask
scenarios:
  all:
    model: open
    arrivals: regular
    persona: asking
    start: {0}
    stages: {1}s:{0}
    users_max: {2}
)",
                                          load.rate, load.seconds, load.connections);
}

std::string users_profile(const Load& load) {
  return head("users", load) + fmt::format(R"(personas:
  thinking:
    - connect: {{}}
      name: connect
    - repeat: 1000000
      do:
        - think: exponential {0:.3f}s
        - get: /
          name: ask
scenarios:
  all:
    model: closed
    persona: thinking
    stages: {1}s:{2}, {3}s:{2}
)",
                                           load.connections / load.rate, load.ramp,
                                           load.connections,
                                           std::max(1.0, load.seconds - load.ramp));
}

Command stampede(const std::string& profile, const std::string& folder, std::uint16_t port) {
  fs::create_directories(folder);
  fs::remove_all(folder + "/run");
  const std::string file = folder + "/profile.yaml";
  std::ofstream(file) << profile;
  return {beside("stampede"),
          "run",
          file,
          "--url",
          fmt::format("http://127.0.0.1:{}", port),
          "--out",
          folder + "/run",
          "--quiet"};
}

Told read_run(const std::string& folder) {
  const auto run = nlohmann::json::parse(std::ifstream(folder + "/run/run.json"));
  Told told;
  told.requests = run.at("requests_begun").get<std::uint64_t>();
  told.users_max = run.at("users_max").get<std::uint64_t>();
  for (const auto& [name, count] : run.at("total").at("outcomes").items()) {
    if (name != "ok" && name != "unfinished") told.errors += count.get<std::uint64_t>();
  }
  // Of the requests alone: connecting is not what a user waits for.
  for (const auto& series : run.at("series")) {
    if (series.at("step") != "ask") continue;
    const auto& lag = series.at("lag").at("ns");
    told.lag_p50_ns = lag.value("p50", std::uint64_t{0});
    told.lag_p99_ns = lag.value("p99", std::uint64_t{0});
  }
  return told;
}

}  // namespace bench
