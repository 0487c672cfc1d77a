// What an operator or a load run does to auctions and practice rooms: seed, open, bots.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "target/auction_parts.hpp"
#include "target/practice_parts.hpp"
#include "target/service/admin.hpp"

namespace boxoffice {

// An auction and the event whose seats it gives away; times count from the seeding.
struct SeedAuction {
  SeedEvent event;
  AuctionInfo facts;
  std::int64_t opens_in_ms = 0, length_ms = 60000;
};
struct GamesPlan {
  std::vector<SeedAuction> auctions;
  std::vector<PracticeRoom> rooms;
};

class AdminGames {
 public:
  explicit AdminGames(ThreadContext& thread);

  static GamesPlan read(const nlohmann::json& body, std::vector<std::string>& problems);
  // Adds "auctions" and "practice" to what the seeding answers. `admin` makes the events.
  Task<void> seed(GamesPlan plan, Admin& admin, nlohmann::json& answer);

  Task<HttpResponse> open_auction(const HttpRequest& request);
  Task<HttpResponse> bots(const HttpRequest& request);
  Task<HttpResponse> set_bots(const HttpRequest& request);

 private:
  std::unique_ptr<AuctionStore> auctions_;
  std::unique_ptr<AuctionBook> book_;
  std::unique_ptr<PracticeStore> practice_;
};

// POST /admin/auctions/{id}/open, and GET, POST and DELETE /admin/bots.
[[nodiscard]] std::shared_ptr<void> add_admin_games(ThreadContext& thread, RouteTable& table);

}  // namespace boxoffice
