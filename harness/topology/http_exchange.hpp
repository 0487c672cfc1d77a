// One blocking HTTP/1.1 exchange on a fresh connection: readiness and the admin interface. Not the
// load.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "harness/topology/topology.hpp"

namespace stampede {

struct HttpQuestion {
  std::string method, target, body;
  std::vector<std::pair<std::string, std::string>> headers;
};
struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};
// Throws std::runtime_error with the reason when there is no complete answer by the timeout.
[[nodiscard]] HttpAnswer exchange(const Endpoint& endpoint, const HttpQuestion& question,
                                  std::chrono::milliseconds timeout);

}  // namespace stampede
