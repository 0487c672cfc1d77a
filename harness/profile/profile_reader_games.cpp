#include "harness/profile/profile_reader_games.hpp"

#include <algorithm>

namespace stampede {

namespace {

constexpr std::size_t games_max = 100;  // of each kind
constexpr std::uint64_t slots_max = 10000, amount_max = 100'000'000, bids_max = 100;
constexpr std::uint64_t side_max = 1000, bots_max = 10000;
constexpr Nanos shortest = std::chrono::milliseconds{100};

void read_word(const YamlNode* node, const Values& values, Problems& problems,
               const std::vector<std::string>& known, std::string& into) {
  if (node == nullptr) return;
  std::string word = into;
  values.text(node, word);
  if (std::find(known.begin(), known.end(), word) != known.end()) {
    into = word;
    return;
  }
  std::string hint;
  for (const std::string& one : known) hint += (hint.empty() ? "" : ", ") + one;
  problems.report(*node, "\"" + word + "\" is not known here", "one of " + hint);
}

}  // namespace

void read_word(const YamlNode* node, const Values& values, Problems& problems,
               const std::vector<std::string>& known, bool& second) {
  std::string word = known.front();
  read_word(node, values, problems, known, word);
  second = word == known.back();
}

namespace {

AuctionSpec read_auction(const YamlNode& node, const Values& values, Problems& problems) {
  AuctionSpec auction;
  const Fields fields(problems, &node, "an auction",
                      {"slots", "start_price", "step", "bids", "rule", "pricing", "opens_after",
                       "duration", "offer_ttl"});
  values.whole(fields.find("slots"), auction.slots, 1, slots_max);
  values.whole(fields.find("start_price"), auction.start_price, 1, amount_max);
  values.whole(fields.find("step"), auction.step, 1, amount_max);
  values.whole(fields.find("bids"), auction.bids, 1, bids_max);
  values.duration(fields.find("opens_after"), auction.opens_after);
  values.duration(fields.find("duration"), auction.duration, shortest);
  values.duration(fields.find("offer_ttl"), auction.offer_ttl, shortest);
  read_word(fields.find("rule"), values, problems, {"own-raise", "beat-cutoff", "beat-top"},
            auction.rule);
  read_word(fields.find("pricing"), values, problems, {"pay-as-bid", "uniform"}, auction.pricing);
  return auction;
}

RoomSpec read_room(const YamlNode& node, const Values& values, Problems& problems) {
  RoomSpec room;
  const Fields fields(problems, &node, "a practice room",
                      {"rows", "columns", "bots", "period", "open", "reaction", "lead"});
  values.whole(fields.find("rows"), room.rows, 1, side_max);
  values.whole(fields.find("columns"), room.columns, 1, side_max);
  values.whole(fields.find("bots"), room.bots, 0, bots_max);
  values.duration(fields.find("period"), room.period, shortest);
  values.duration(fields.find("open"), room.open, std::chrono::milliseconds{1});
  values.duration(fields.find("reaction"), room.reaction, std::chrono::milliseconds{1});
  values.duration(fields.find("lead"), room.lead);
  const YamlNode* const open = fields.find("open");
  if (open != nullptr && room.open > room.period)
    problems.report(*open, "the room is open for longer than its period");
  return room;
}

}  // namespace

void read_games(const Fields& data, const Values& values, Problems& problems, DataSpec& into) {
  for (const YamlNodePtr& item : values.list(data.find("auctions"), "a list of auctions")) {
    if (into.auctions.size() == games_max)
      return problems.report(*item, "more than " + std::to_string(games_max) + " auctions");
    into.auctions.push_back(read_auction(*item, values, problems));
  }
  for (const YamlNodePtr& item : values.list(data.find("rooms"), "a list of practice rooms")) {
    if (into.rooms.size() == games_max)
      return problems.report(*item, "more than " + std::to_string(games_max) + " rooms");
    into.rooms.push_back(read_room(*item, values, problems));
  }
}

}  // namespace stampede
