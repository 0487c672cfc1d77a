// Auctions and practice rooms: A10 … A16 as the probe counted them, L6 (what bidders saw against
// the stored bids), R8 (what ranks are read from against the stored records).
#include <unordered_map>

#include "harness/judge/booking_checks.hpp"

namespace stampede {
namespace {

struct BidKey {
  std::uint64_t auction = 0, user = 0, seq = 0;
  bool operator==(const BidKey&) const = default;
};
struct BidHash {
  std::size_t operator()(const BidKey& key) const noexcept {
    return std::hash<std::uint64_t>{}(key.auction * 0x9E3779B97F4A7C15ULL ^ key.user * 31 ^
                                      key.seq * 0xBF58476D1CE4E5B9ULL);
  }
};

std::uint64_t natural(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Every bid that was acknowledged is stored as it was said, nobody had more than allowed, and a
// stored bid was acknowledged, or its answer was lost.
void bids_are_rows(const Ledger& ledger, const FinalState& state, InvariantCheck& check) {
  std::unordered_map<BidKey, const StoredBid*, BidHash> rows;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> allowed, acknowledged, stored;
  for (const StoredBid& bid : state.bids) {
    rows[{bid.auction, bid.user, bid.seq}] = &bid;
    allowed[{bid.auction, bid.user}] = bid.allowed;
    ++stored[{bid.auction, bid.user}];
  }
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> unknown;
  for (const LedgerEntry& entry : ledger.entries()) {
    if (entry.kind != LedgerKind::bid) continue;
    const std::pair who{entry.event, entry.user};
    if (entry.certainty == Certainty::unknown) ++unknown[who];
    if (entry.certainty != Certainty::applied || entry.status != 201) continue;
    ++check.examined;
    ++acknowledged[who];
    const auto row = rows.find({entry.event, entry.user, natural(entry.key)});
    if (row == rows.end()) {
      check.fail(fmt::format("auction {} user {}: bid {} of {} was acknowledged and is not stored",
                             entry.event, entry.user, entry.key, entry.reference));
    } else if (row->second->amount != natural(entry.reference) ||
               row->second->number != static_cast<std::uint64_t>(entry.position)) {
      check.fail(
          fmt::format("auction {} user {}: bid {} was acknowledged as number {} of {}, "
                      "stored is number {} of {}",
                      entry.event, entry.user, entry.key, entry.position, entry.reference,
                      row->second->number, row->second->amount));
    }
  }
  for (const auto& [who, count] : acknowledged) {
    if (allowed.contains(who) && count > allowed[who])
      check.fail(fmt::format("auction {} user {}: {} bids acknowledged, allowed {}", who.first,
                             who.second, count, allowed[who]));
  }
  for (const auto& [who, count] : stored) {
    const std::uint32_t seen = acknowledged.contains(who) ? acknowledged[who] : 0;
    const std::uint32_t lost = unknown.contains(who) ? unknown[who] : 0;
    if (count > seen + lost)
      check.fail(fmt::format("auction {} user {}: {} bids stored, {} acknowledged", who.first,
                             who.second, count, seen),
                 count - seen - lost);
  }
}

// The tree that MySQL's counts make, node by node.
void tree_is_the_records(const StoredRanks& ranks, InvariantCheck& check) {
  std::map<std::uint64_t, std::int64_t> expected;
  std::int64_t all = 0;
  for (const auto& [duration, people] : ranks.counts) {
    all += static_cast<std::int64_t>(people);
    for (std::uint64_t node = std::min(duration + 1, ranks.open_ms); node <= ranks.open_ms;
         node += node & (~node + 1))
      expected[node] += static_cast<std::int64_t>(people);
  }
  check.examined += static_cast<std::uint64_t>(all);
  if (ranks.tree_size < 0 && all == 0) return;
  if (ranks.tree_size != all) {
    check.fail(fmt::format("room {}: ranks count {} records, stored are {}", ranks.room,
                           ranks.tree_size, all));
  }
  for (const auto& [node, count] : ranks.tree) expected.try_emplace(node, 0);
  for (const auto& [node, count] : expected) {
    const auto found = ranks.tree.find(node);
    const std::int64_t told = found == ranks.tree.end() ? 0 : found->second;
    if (told == count) continue;
    check.fail(fmt::format("room {}: durations up to {} ms count {} in their node, stored are {}",
                           ranks.room, node - 1, told, count));
  }
}

}  // namespace

std::vector<InvariantCheck> game_checks(const Ledger& ledger, const FinalState& state) {
  std::vector<InvariantCheck> checks;
  if (!state.have_games) return checks;
  bool auctions = false;
  for (const SqlCheck& stored : state.game_checks) {
    InvariantCheck check{stored.id, stored.title, "", 0, stored.bad, stored.samples, ""};
    if (check.witnesses.size() > witnesses_max) check.witnesses.resize(witnesses_max);
    auctions = auctions || stored.id == "A10";
    checks.push_back(std::move(check));
  }
  if (auctions) {
    InvariantCheck check{
        "L6", "every acknowledged bid is stored as acknowledged, and no other", "bids", 0, 0, {},
        ""};
    if (ledger.overflow() > 0) {
      check.not_run = fmt::format("the ledger lost {} entries to its limit", ledger.overflow());
    } else {
      bids_are_rows(ledger, state, check);
    }
    checks.push_back(std::move(check));
  }
  if (!state.ranks.empty()) {
    InvariantCheck check{
        "R8", "practice ranks are read from what MySQL has stored", "records", 0, 0, {}, ""};
    if (!state.have_redis) check.not_run = state.redis_problem;
    for (const StoredRanks& ranks : state.ranks) {
      if (check.not_run.empty()) tree_is_the_records(ranks, check);
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace stampede
