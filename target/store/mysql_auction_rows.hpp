// Rows of auctions and awards, read by both halves of the auction store. Private to the store.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "target/service/auction_store.hpp"
#include "target/store/mysql.hpp"
#include "target/store/mysql_transaction.hpp"

namespace boxoffice {

#define AUCTION_EPOCH_MS(column) "TIMESTAMPDIFF(MICROSECOND,'1970-01-01'," column ") DIV 1000"
#define AUCTION_COLUMNS                                                           \
  "a.id,a.event_id,a.epoch,a.slots,a.start_price,a.min_step,a.max_bids,a.rule,a." \
  "pricing," AUCTION_EPOCH_MS("a.opens_at") "," AUCTION_EPOCH_MS(                 \
      "a.closes_at") ",a.offer_ttl_ms,a.status"
AuctionInfo auction_of(const std::vector<Cell>& row);

#define AWARD_COLUMNS                                                               \
  "w.auction_id,w.user_id,w.rank_no,w.slot_no,w.amount,w.status," AUCTION_EPOCH_MS( \
      "w.deadline_at") ",w.deadline_at<=NOW(3),COALESCE(w.order_id,0)"
inline constexpr std::size_t award_columns = 9;
Award award_of(const std::vector<Cell>& row, std::size_t at);

std::string_view name_of(BidRule rule) noexcept;
std::string_view name_of(Pricing pricing) noexcept;

// The last bid of each person, best first: {0} is the auction.
inline constexpr std::string_view last_bids_sql =
    "SELECT b.user_id,b.amount,b.seq,b.bid_no FROM bids b JOIN (SELECT user_id,MAX(bid_no) m FROM "
    "bids WHERE auction_id=? GROUP BY user_id) l ON l.user_id=b.user_id AND l.m=b.bid_no WHERE "
    "b.auction_id=? ORDER BY b.amount DESC,b.seq";

// Deciding and handing on: mysql_auction_awards.cpp.
// `pay_top`: the defect bid_uniform_top, everybody pays the highest bid.
Task<bool> close_auction(TransactionPlace place, std::uint64_t auction,
                         std::optional<std::uint64_t> fence, bool pay_top);
Task<HandOver> hand_over_auction(TransactionPlace place, std::uint64_t auction, bool pay_top);
Task<Accepted> accept_award(TransactionPlace place, const Award& award, AuctionPtr auction,
                            NewOrder order, KeyedResponse keyed);

}  // namespace boxoffice
