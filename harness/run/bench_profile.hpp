// `stampede bench`: the profile of a quick measurement, from the words of a command line that
// people know from wrk, wrk2 and oha.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/diagnostic.hpp"
#include "harness/profile/profile.hpp"

namespace stampede {

struct BenchOptions {
  std::string url;  // http://host:port[/path][?query]
  std::uint32_t connections = 50;
  std::uint32_t threads = 1;
  // A bare number is seconds, as wrk takes it. Absent: 10s, or as long as `requests` take.
  std::optional<std::string> duration;
  std::optional<std::uint64_t>
      requests;  // the load ends once so many were sent; or with `duration`
  std::string warm_up = "0s";
  std::optional<double> rate;  // requests a second; absent: as fast as the connections can
  std::string stages;          // "30s:100,2m:1000": rates, linear between them; instead of `rate`
  bool poisson = false;        // arrivals of an open load; else regular, as wrk2
  std::string method;          // "" GET, or POST with a body
  std::optional<std::string> body;
  std::vector<std::string> headers;  // "Name: value"
  // Of https: as `tls` of a profile.
  std::string ca_file, certificate, key;
  bool insecure = false;
  std::string timeout = "10s";
  std::uint64_t seed = 1;
  std::vector<std::string> gates;  // "p95 < 300ms"
};

struct BenchProfile {
  Profile profile;
  std::string base_url;  // scheme and authority of the URL
};

// The load is closed (as many users as connections, each asking again when answered) without a
// rate, and open with one: then an arrival waits for a free connection and its waiting is part of
// its response time. Path, headers and body are templates (${session}, ${uuid}).
[[nodiscard]] Checked<BenchProfile> make_bench_profile(const BenchOptions& options);

}  // namespace stampede
