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
struct SeededAuction {
  std::uint64_t id = 0, event = 0;
};
struct SeededGames {
  std::vector<SeededAuction> auctions;
  std::vector<std::uint64_t> rooms;
  [[nodiscard]] bool empty() const noexcept { return auctions.empty() && rooms.empty(); }
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
    std::uint64_t venue = 0;  // of all events asked for, where there are admins; else 0
    SeededGames games;        // the events of auctions are among `events`, after those asked for
  };
  Seeded seed(const DataSpec& data, std::uint64_t seed_number);
  // `role`: USER, COMPANY or ADMIN.
  std::vector<UserToken> tokens(std::uint64_t from, std::uint64_t to, std::chrono::seconds ttl,
                                const std::string& role = "USER");
  // The sale opens `opens_after` from now.
  void open_event(std::uint64_t event, const EventSpec& spec);
  // The auction opens `opens_after` from now.
  void open_auction(std::uint64_t auction, const AuctionSpec& spec);
  QuiesceResult quiesce(std::chrono::milliseconds timeout);
  TargetConfig config();
  std::string stats();

 private:
  Endpoint admin_;
  std::string token_;
};

}  // namespace stampede
