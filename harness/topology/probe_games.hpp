// What the probe reads of auctions and practice rooms: the SQL checks A10 … A16 as data, the bids,
// and what ranks are read from.
#pragma once

#include <array>
#include <string_view>

#include "harness/history/final_state.hpp"
#include "harness/topology/boxoffice_admin.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {

struct GameAudit {
  std::string_view id, title;
  bool of_auction;         // {0} is an auction's id, else a practice room's
  std::string_view query;  // columns: witness, weight
};
extern const std::array<GameAudit, 7> game_audits;

// Both throw StoreProblem.
void read_games(const MysqlEndpoint& mysql, const SeededGames& games, FinalState& state);
void read_ranks(RedisConnection& redis, FinalState& state);

}  // namespace stampede
