#include "harness/judge/auction_fairness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "harness/measure/units.hpp"

namespace stampede {

namespace {

using Bidder = std::pair<std::uint64_t, std::uint64_t>;  // auction, user

// The last bid of each counts; the highest win, the earlier of equal ones.
std::set<Bidder> winners_of(const FinalState& state) {
  std::map<Bidder, const StoredBid*> last;
  for (const StoredBid& bid : state.bids) {
    const StoredBid*& known = last[{bid.auction, bid.user}];
    if (known == nullptr || bid.number > known->number) known = &bid;
  }
  std::map<std::uint64_t, std::vector<const StoredBid*>> ranked;
  for (const auto& [bidder, bid] : last) ranked[bid->auction].push_back(bid);
  std::set<Bidder> winners;
  for (auto& [auction, bids] : ranked) {
    std::ranges::sort(bids, [](const StoredBid* a, const StoredBid* b) {
      return std::pair(b->amount, a->seq) < std::pair(a->amount, b->seq);
    });
    const auto slots = state.auction_slots.find(auction);
    const std::size_t won = slots == state.auction_slots.end() ? 0 : slots->second;
    for (std::size_t i = 0; i < std::min(won, bids.size()); ++i)
      winners.insert({auction, bids[i]->user});
  }
  return winners;
}

// Seconds, mean of each bidder's acknowledged bids.
std::map<Bidder, double> quickness_of(const Ledger& ledger) {
  std::map<Bidder, std::pair<double, std::uint64_t>> sums;
  for (const LedgerEntry& entry : ledger.entries()) {
    if (entry.kind != LedgerKind::bid || entry.status != 201) continue;
    auto& [seconds, count] = sums[{entry.event, entry.user}];
    seconds += to_seconds(entry.completed - entry.invoked);
    ++count;
  }
  std::map<Bidder, double> means;
  for (const auto& [bidder, sum] : sums)
    means[bidder] = sum.first / static_cast<double>(sum.second);
  return means;
}

// nullopt: one of both does not vary.
std::optional<double> correlation(const std::vector<std::pair<double, double>>& points) {
  const auto n = static_cast<double>(points.size());
  double x = 0, y = 0;
  for (const auto& [a, b] : points) {
    x += a / n;
    y += b / n;
  }
  double xx = 0, yy = 0, xy = 0;
  for (const auto& [a, b] : points) {
    xx += (a - x) * (a - x);
    yy += (b - y) * (b - y);
    xy += (a - x) * (b - y);
  }
  if (xx <= 0 || yy <= 0) return std::nullopt;
  return xy / std::sqrt(xx * yy);
}

}  // namespace

std::optional<Finding> auction_fairness(const Ledger& ledger, const FinalState& state) {
  if (state.auction_slots.empty()) return std::nullopt;
  Finding made;
  made.kind = Finding::Kind::diagnosis;
  made.rule = "auction_fairness";
  made.title = "correlation of winning with how quickly one's bids were answered";
  made.verdict = Verdict::pass;
  made.limit = fmt::format("± {}", fairness_correlation_max);
  const std::set<Bidder> winners = winners_of(state);
  std::vector<std::pair<double, double>> points;
  std::size_t won = 0;
  for (const auto& [bidder, seconds] : quickness_of(ledger)) {
    const bool winner = winners.contains(bidder);
    won += winner ? 1 : 0;
    points.emplace_back(seconds, winner ? 1.0 : 0.0);
  }
  const auto r = points.size() < fairness_bidders_min ? std::nullopt : correlation(points);
  if (!r) {
    made.standing = Finding::Standing::not_run;
    made.measured = "not told";
    made.samples.push_back(fmt::format("{} bidders, {} of them winners: too few, or all alike",
                                       human_count(points.size()), human_count(won)));
    return made;
  }
  made.figure = *r;
  made.measured = fmt::format("{:+.3f}", *r);
  made.samples.push_back(
      fmt::format("{} bidders, {} winners", human_count(points.size()), human_count(won)));
  if (std::abs(*r) > fairness_correlation_max) {
    made.standing = Finding::Standing::warned;
    made.samples.emplace_back(*r < 0 ? "who is answered quickly wins more often"
                                     : "who is answered slowly wins more often");
  }
  return made;
}

}  // namespace stampede
