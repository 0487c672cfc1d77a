// The admin interface of boxoffice as the run needs it. Blocking, one request at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/profile/profile.hpp"
#include "harness/topology/topology.hpp"

namespace stampede {

struct SeededEvent {
  std::uint64_t id = 0;
  std::uint32_t epoch = 0, seats = 0;
};
struct UserToken {
  std::uint64_t user = 0;
  std::string token;
};
struct QuiesceResult {
  bool quiet = false;
  std::string left;  // what remained, for people
};
struct TargetConfig {
  bool tainted = false;
  std::vector<std::string> defects;
  std::string text;  // JSON as answered (it holds no secrets)
};

// Every function throws TopologyError naming the request, the status and the start of the body.
class BoxofficeAdmin {
 public:
  BoxofficeAdmin(Endpoint admin, std::string token);
  struct Seeded {
    std::vector<SeededEvent> events;
    std::uint64_t first_user = 0, users = 0;
  };
  Seeded seed(const DataSpec& data, std::uint64_t seed_number);
  std::vector<UserToken> tokens(std::uint64_t from, std::uint64_t to, std::chrono::seconds ttl);
  QuiesceResult quiesce(std::chrono::milliseconds timeout);
  TargetConfig config();
  std::string stats();

 private:
  Endpoint admin_;
  std::string token_;
};

}  // namespace stampede
