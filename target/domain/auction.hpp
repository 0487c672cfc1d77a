// An auction as the bid path needs it: immutable facts. Plain values.
//
// The best `slots` bidders win, one slot (a seat of the auction's event) each. A person's last bid
// counts; ties go to the earlier one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace boxoffice {

// What a bid must reach: own_raise: the start price, later the own bid + step; beat_cutoff: also
// the last winning bid + step; beat_top: also the highest bid + step.
enum class BidRule : std::uint8_t { own_raise, beat_cutoff, beat_top };
// What a winner pays: the own bid, or what the last winner at the close had bid. Whoever inherits
// a right pays the lower of both: never more than the own bid.
enum class Pricing : std::uint8_t { pay_as_bid, uniform_cutoff };
enum class AuctionStatus : std::uint8_t { scheduled, open, closing, closed, settled };

struct AuctionInfo {
  std::uint64_t id = 0, event = 0;
  std::uint32_t epoch = 1;
  std::uint32_t slots = 1;
  std::uint64_t start_price = 0, min_step = 1000;
  std::uint32_t bids_max = 3;  // of one person
  BidRule rule = BidRule::own_raise;
  Pricing pricing = Pricing::pay_as_bid;
  std::int64_t opens_ms = 0, closes_ms = 0;  // epoch milliseconds
  std::int64_t offer_ttl_ms = 600000;
  AuctionStatus status = AuctionStatus::scheduled;
};
using AuctionPtr = std::shared_ptr<const AuctionInfo>;

// The rank's score in Redis is amount·2²⁴ + (2²⁴ − 1 − sequence mod 2²⁴): a double is exact up to
// here.
inline constexpr std::uint64_t bid_amount_max = 536'870'911;

}  // namespace boxoffice
