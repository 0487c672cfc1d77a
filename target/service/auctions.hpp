// The use cases of auctions: bid, look, accept or give up the right to a slot. A bid is decided by
// the book in Redis and acknowledged when MySQL has it; what it says after the close comes from
// MySQL alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"
#include "target/metrics.hpp"
#include "target/service/auction_store.hpp"
#include "target/service/catalogue.hpp"
#include "target/service/entry_pass.hpp"
#include "target/service/idempotency.hpp"
#include "target/service/order_ids.hpp"
#include "target/service/order_store.hpp"
#include "target/service/seat_holds.hpp"
#include "target/service/seat_settler.hpp"

namespace boxoffice {

inline constexpr std::uint32_t result_page_max = 1000;

struct BidRequest {
  std::uint64_t auction = 0, amount = 0;
  IdempotencyKey key;
  std::string entry_token;
};
struct AuctionView {
  AuctionPtr auction;
  AuctionTick tick;
};
struct AuctionViews {
  std::vector<AuctionView> items;
  std::uint64_t total = 0;
};
struct MyAuction {
  Standing standing;
  std::uint32_t bids_left = 0;
  bool inside = false;
  std::optional<Award> award;
};
struct ResultPage {
  std::vector<RankRow> rows;
};

class AuctionHouse {
 public:
  struct Needs {
    asio::io_context& io;
    AuctionStore& store;
    AuctionBook& book;
    OrderStore& orders;
    Catalogue& catalogue;
    SeatHolds& seats;
    SeatSettler& settler;
    OrderSignals& signals;
    Metrics& metrics;
    OrderIds ids;
    std::string pass_secret;
  };
  explicit AuctionHouse(Needs needs);

  // At most a second old.
  Task<Decision<AuctionPtr>> find(std::uint64_t auction);
  Task<Decision<AuctionView>> look(std::uint64_t auction);
  Task<AuctionViews> list(std::uint32_t page, std::uint32_t size);  // the newest first
  Task<Decision<MyAuction>> mine(std::uint64_t auction, std::uint64_t user);
  Task<Decision<Answer>> bid(BidRequest request);
  Task<Decision<ResultPage>> result(std::uint64_t auction, std::uint32_t page, std::uint32_t size);
  Task<Decision<Answer>> accept(std::uint64_t auction, IdempotencyKey key, std::string trace_id);
  Task<Decision<bool>> give_up(std::uint64_t auction, std::uint64_t user);
  // Redis' book from MySQL's bids.
  Task<void> rebuild(AuctionPtr auction);
  Task<AuctionTick> tick(AuctionPtr auction);
  void forget(std::uint64_t auction) { known_.erase(auction); }

 private:
  struct Known {
    AuctionPtr auction;
    TimePoint read;
  };
  Task<Decision<Answer>> bid_once(const BidRequest& request);
  Task<Decision<BidTaken>> take(AuctionPtr auction, std::uint64_t user, std::uint64_t amount,
                                std::int64_t pass_end_ms);
  Task<Decision<Answer>> stored(const BidRequest& request, AuctionPtr auction, BidTaken taken);
  // `pass_end_ms`: of the pass that came along; unchanged where none is needed.
  Task<std::optional<No>> check_pass(AuctionPtr auction, const BidRequest& request,
                                     std::int64_t& pass_end_ms);
  Task<void> tell(AuctionPtr auction, AuctionNote note);
  Task<void> pass_on(AuctionPtr auction);

  Needs needs_;
  PassSigner signer_;
  std::unordered_map<std::uint64_t, Known> known_;
  std::set<std::pair<std::uint64_t, std::string>> running_;  // user and key, on this thread
};

std::string bid_json(const BidTaken& taken, std::uint32_t slots);

}  // namespace boxoffice
