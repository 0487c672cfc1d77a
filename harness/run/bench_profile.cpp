#include "harness/run/bench_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/profile/profile_reader.hpp"
#include "harness/profile/profile_reader_values.hpp"

namespace stampede {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* bench_duration = "10s";
// Of a load that ends with its last request: longer than anybody waits.
constexpr const char* bench_length_max = "24h";

Diagnostic problem(std::string message, std::string hint) {
  return {"bench", {}, std::move(message), std::move(hint)};
}

struct UrlParts {
  std::string base, path;
};

std::optional<UrlParts> split_url(const std::string& url, Diagnostics& problems) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) {
    problems.push_back(
        problem(fmt::format("no scheme in the URL '{}'", url), "write http://host:port/path"));
    return std::nullopt;
  }
  if (url.find('#') != std::string::npos) {
    problems.push_back(problem("a fragment (#…) is never sent to a server", "leave it out"));
    return std::nullopt;
  }
  const auto slash = url.find_first_of("/?", scheme + 3);
  if (slash == std::string::npos) return UrlParts{url, "/"};
  std::string path = url.substr(slash);
  if (path.front() == '?') path.insert(0, "/");
  return UrlParts{url.substr(0, slash), std::move(path)};
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// A bare number is seconds.
std::string with_unit(const std::string& duration) {
  const bool bare = !duration.empty() && std::ranges::all_of(duration, [](char c) {
    return (c >= '0' && c <= '9') || c == '.';
  });
  return bare ? duration + "s" : duration;
}

Json headers_of(const std::vector<std::string>& lines, Diagnostics& problems) {
  Json headers = Json::object();
  for (const std::string& line : lines) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || colon == 0) {
      problems.push_back(problem(fmt::format("no header: '{}'", line), "-H 'Name: value'"));
      continue;
    }
    const std::string name = line.substr(0, colon);
    const auto value = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
    if (headers.contains(name)) {
      problems.push_back(
          problem(fmt::format("the header {} twice", name), "join its values with a comma"));
    }
    headers[name] = line.substr(value);
  }
  return headers;
}

Json step_of(const BenchOptions& options, const std::string& path, Diagnostics& problems) {
  std::string method = lower(options.method);
  if (method.empty()) method = options.body ? "post" : "get";
  constexpr std::array<std::string_view, 7> known{"get",    "post", "put",    "patch",
                                                  "delete", "head", "options"};
  if (std::ranges::find(known, method) == known.end()) {
    problems.push_back(problem(fmt::format("unknown method {}", options.method),
                               "GET POST PUT PATCH DELETE HEAD OPTIONS"));
    method = "get";
  }
  // As a tool for any server sees it: 2xx and 3xx are answers, everything else is an error.
  Json fine = Json::array();
  for (int status = 200; status < 400; ++status) fine.push_back(status);
  Json expect{{"ok", fine}};
  for (const char* name : {"conflict", "gone", "rule", "window", "shed"}) {
    expect[name] = Json::array();
  }
  Json step{{method, path}, {"name", "request"}};
  if (!options.headers.empty()) step["headers"] = headers_of(options.headers, problems);
  if (options.body) step["body"] = *options.body;
  step["timeout"] = with_unit(options.timeout);
  step["expect"] = expect;
  return step;
}

// How long the load is in the profile. So many requests at a rate take their time; without one they
// take what they take, and the load ends with the last of them.
std::string length_of(const BenchOptions& options, Diagnostics& problems) {
  if (!options.requests) return with_unit(options.duration.value_or(bench_duration));
  const std::string given = options.duration ? with_unit(*options.duration) : bench_length_max;
  if (!options.rate) return given;
  if (options.poisson) {
    problems.push_back(problem("so many requests (-n) at random times (--poisson)",
                               "leave --poisson out, or say how long (-d) in place of how many"));
  }
  const double needed = std::ceil(static_cast<double>(*options.requests) / *options.rate * 1e9);
  const auto limit = parse_duration(given);
  // A length that cannot be read is told when the profile is read.
  const bool given_is_less =
      options.duration && (!limit || static_cast<double>(limit->count()) <= needed);
  return given_is_less ? given : fmt::format("{:.0f}ns", needed);
}

Json scenario_of(const BenchOptions& options, Diagnostics& problems) {
  const std::string length = length_of(options, problems);
  if (!options.rate && options.stages.empty()) {
    Json closed{{"persona", "bench"},
                {"model", "closed"},
                {"start", options.connections},
                {"stages", fmt::format("{}:{}", length, options.connections)}};
    if (options.requests) closed["sessions_max"] = *options.requests;
    return closed;
  }
  Json open{{"persona", "bench"},
            {"model", "open"},
            {"users_max", options.connections},
            {"when_full", "wait"},
            {"arrivals", options.poisson ? "poisson" : "regular"}};
  if (options.rate) {
    open["start"] = *options.rate;
    open["stages"] = fmt::format("{}:{}", length, *options.rate);
  } else {
    open["stages"] = options.stages;
  }
  return open;
}

// Beside the step: what was said of TLS.
Json tls_of(const BenchOptions& options) {
  Json tls = Json::object();
  if (!options.ca_file.empty()) tls["ca_file"] = options.ca_file;
  if (!options.certificate.empty()) tls["certificate"] = options.certificate;
  if (!options.key.empty()) tls["key"] = options.key;
  if (options.insecure) tls["insecure"] = true;
  return tls;
}

std::string plural(std::uint64_t count, const char* word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

// "64 connections, 2 threads, 10s, closed loop at http://…"
std::string question_of(const BenchOptions& options) {
  std::string load = "closed loop";
  if (options.rate) load = fmt::format("{} requests/s", *options.rate);
  if (!options.stages.empty()) load = "requests/s " + options.stages;
  std::string length;
  if (options.requests) length = plural(*options.requests, "request") + ", ";
  if (options.duration || !options.requests) {
    length += (options.requests ? "at most " : "") +
              with_unit(options.duration.value_or(bench_duration)) + ", ";
  }
  return fmt::format("{}, {}, {}{}, at {}", plural(options.connections, "connection"),
                     plural(options.threads, "thread"), options.stages.empty() ? length : "", load,
                     options.url);
}

}  // namespace

Checked<BenchProfile> make_bench_profile(const BenchOptions& options) {
  Diagnostics problems;
  const auto url = split_url(options.url, problems);
  if (options.rate && !options.stages.empty()) {
    problems.push_back(problem("a rate and stages at once", "give -R or --stages"));
  }
  if (options.requests && !options.stages.empty()) {
    problems.push_back(problem("a number of requests and stages at once",
                               "give -n or --stages, which say it too"));
  }
  const Json step = step_of(options, url ? url->path : "/", problems);
  Json text{{"name", "bench"},
            {"question", question_of(options)},
            {"seed", options.seed},
            {"workers", options.threads},
            {"warm_up", with_unit(options.warm_up)},
            {"drain", with_unit(options.timeout)},
            {"personas", {{"bench", Json::array({step})}}},
            {"scenarios", {{"bench", scenario_of(options, problems)}}}};
  if (const Json tls = tls_of(options); !tls.empty()) text["tls"] = tls;
  if (!options.gates.empty()) text["gates"] = options.gates;
  // JSON is YAML: the reader's checks, limits and hints are those of every profile.
  Checked<Profile> profile = read_profile(text.dump(1), "bench");
  if (!profile.has_value()) {
    for (Diagnostic& each : profile.error()) {
      each.place = {};  // the text is ours, its lines say nothing to the user
      problems.push_back(std::move(each));
    }
  }
  if (!problems.empty()) return problems;
  return BenchProfile{std::move(*profile), url->base};
}

}  // namespace stampede
