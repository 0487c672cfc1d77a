// The generators that are compared, as command lines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

using Command = std::vector<std::string>;

struct Load {
  std::uint16_t port = 0;
  unsigned connections = 64;
  double seconds = 5;
  double rate = 0;  // requests a second; 0: as fast as answers come
  double ramp = 0;  // seconds until all users have begun
  unsigned workers = 1;
};

// Each is empty when the generator cannot do it or is not installed.
Command raw_loop(const std::string& mode, const Load& load);
Command wrk(const Load& load);
Command h2load(const Load& load);

// The profiles that stampede runs: an HTTP step, both clocks, histograms.
std::string closed_profile(const Load& load);
std::string open_profile(const Load& load);
// Users who connect, then ask after exponential pauses, `rate` in total.
std::string users_profile(const Load& load);
// Writes `profile` into `folder` and runs it; run.json is in `folder`/run then.
Command stampede(const std::string& profile, const std::string& folder, std::uint16_t port);

// Of a finished run.
struct Told {
  std::uint64_t requests = 0, errors = 0, users_max = 0;
  std::uint64_t lag_p50_ns = 0, lag_p99_ns = 0;
};
Told read_run(const std::string& folder);

}  // namespace bench
