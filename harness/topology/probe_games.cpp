#include "harness/topology/probe_games.hpp"

namespace stampede {
namespace {

using Row = SqlConnection::Row;

constexpr std::chrono::seconds games_timeout{30};
constexpr std::size_t game_samples_max = 10;

std::uint64_t natural(const std::optional<std::string>& text) {
  std::uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

void run_audit(SqlConnection& sql, const GameAudit& audit, std::uint64_t id, SqlCheck& check) {
  const std::string query = fmt::format(fmt::runtime(audit.query), id);
  sql.query(query, [&check](const Row& row) {
    check.bad += natural(row.at(1));
    if (check.samples.size() < game_samples_max) check.samples.push_back(row[0].value_or("?"));
  });
}

void read_bids(SqlConnection& sql, std::uint64_t auction, FinalState& state) {
  for (const Row& row : sql.rows(fmt::format("SELECT slots FROM auctions WHERE id = {}", auction)))
    state.auction_slots[auction] = static_cast<std::uint32_t>(natural(row[0]));
  sql.query(fmt::format("SELECT user_id, amount, seq, bid_no, max_bids FROM bids WHERE "
                        "auction_id = {}",
                        auction),
            [&](const Row& row) {
              StoredBid bid;
              bid.auction = auction;
              bid.user = natural(row[0]);
              bid.amount = natural(row[1]);
              bid.seq = natural(row[2]);
              bid.number = static_cast<std::uint32_t>(natural(row[3]));
              bid.allowed = static_cast<std::uint32_t>(natural(row[4]));
              state.bids.push_back(bid);
            });
}

void read_durations(SqlConnection& sql, std::uint64_t room, FinalState& state) {
  StoredRanks ranks;
  ranks.room = room;
  for (const Row& row :
       sql.rows(fmt::format("SELECT open_ms FROM practice_rooms WHERE id = {}", room)))
    ranks.open_ms = natural(row[0]);
  sql.query(fmt::format("SELECT duration_ms, COUNT(*) FROM practice_records WHERE room_id = {} AND "
                        "is_bot = 0 GROUP BY duration_ms",
                        room),
            [&](const Row& row) { ranks.counts[natural(row[0])] = natural(row[1]); });
  state.ranks.push_back(std::move(ranks));
}

}  // namespace

void read_games(const MysqlEndpoint& mysql, const SeededGames& games, FinalState& state) {
  if (games.empty()) return;
  SqlConnection sql(mysql, games_timeout);
  for (const GameAudit& audit : game_audits) {
    if (audit.of_auction ? games.auctions.empty() : games.rooms.empty()) continue;
    SqlCheck check{std::string(audit.id), std::string(audit.title), 0, {}};
    if (audit.of_auction) {
      for (const SeededAuction& auction : games.auctions) run_audit(sql, audit, auction.id, check);
    } else {
      for (const std::uint64_t room : games.rooms) run_audit(sql, audit, room, check);
    }
    state.game_checks.push_back(std::move(check));
  }
  for (const SeededAuction& auction : games.auctions) read_bids(sql, auction.id, state);
  for (const std::uint64_t room : games.rooms) read_durations(sql, room, state);
  state.have_games = true;
}

void read_ranks(RedisConnection& redis, FinalState& state) {
  for (StoredRanks& ranks : state.ranks) {
    redis.scan("HSCAN", fmt::format("{{pr{}}}:ph", ranks.room),
               [&ranks](const std::string& node, const std::string& count) {
                 std::int64_t value = 0;
                 std::from_chars(count.data(), count.data() + count.size(), value);
                 if (node == "n") {
                   ranks.tree_size = value;
                 } else {
                   ranks.tree[natural(node)] = value;
                 }
               });
  }
}

}  // namespace stampede
