// Where auctions live: the book in Redis, which decides a bid and knows the ranking of the moment,
// and the store in MySQL, which has every acknowledged bid, decides the close and hands rights on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "target/domain/auction.hpp"
#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"
#include "target/service/idempotency.hpp"
#include "target/service/order.hpp"

namespace boxoffice {

// What the script decided about one bid.
struct BidTaken {
  std::uint32_t number = 0;  // 1 … bids_max, of this person
  std::uint64_t sequence = 0;
  std::uint32_t rank = 0;    // from 1
  std::uint64_t cutoff = 0;  // the last winning bid; 0: not all slots are taken
  std::uint32_t bids_left = 0;
  std::uint64_t pushed_out = 0;  // who lost the last winning rank; 0: nobody
  std::uint64_t amount_before = 0, sequence_before = 0;  // of this person; 0: none
};
struct AuctionTick {
  std::uint64_t top = 0, cutoff = 0, bidders = 0;
  std::int64_t left_ms = 0;
  bool known = true;  // false: Redis has no book of this auction
};
struct Standing {
  std::uint64_t amount = 0;  // 0: no bid
  std::uint32_t rank = 0, bids = 0;
  bool known = true;  // false: Redis has no book of this auction
};
struct StoredBid {
  std::uint64_t user = 0, amount = 0, sequence = 0;
  std::uint32_t count = 0;  // bids of this person so far
};
// What connected people are told. out: they lost their place; offer: a slot is theirs to take.
struct AuctionNote {
  enum class Kind : std::uint8_t { out, offer, closed, settled };
  Kind kind = Kind::out;
  std::vector<std::uint64_t> users;
  std::uint64_t cutoff = 0;  // of out
  std::int64_t at_ms = 0;    // Redis' clock; set when read
};
struct AuctionNews {
  std::vector<AuctionNote> notes;
};

// Redis. All throw StoreUnavailable("redis").
class AuctionBook {
 public:
  virtual ~AuctionBook() = default;
  // Window, entry pass (its end; 0: none is needed), number of bids and price by one script and
  // Redis' clock. Refusals: auction_not_open, auction_closed, pass_expired, bid_limit, bid_too_low
  // (with the floor), rebuilding (Redis does not know the auction).
  virtual Task<Decision<BidTaken>> bid(AuctionPtr auction, std::uint64_t user, std::uint64_t amount,
                                       std::int64_t pass_end_ms) = 0;
  // The bid could not be stored: as if it had never been, unless a later one of the person is in.
  virtual Task<void> unbid(AuctionPtr auction, std::uint64_t user, BidTaken taken) = 0;
  virtual Task<std::int64_t> now_ms() = 0;  // the clock that decides about bids: Redis'
  virtual Task<AuctionTick> tick(AuctionPtr auction) = 0;
  virtual Task<Standing> standing(AuctionPtr auction, std::uint64_t user) = 0;
  // Writes what MySQL has where Redis has less, then the settings, which let bids in.
  virtual Task<void> restore(AuctionPtr auction, std::vector<StoredBid> bids) = 0;
  virtual Task<void> forget(AuctionPtr auction) = 0;
  virtual Task<void> tell(AuctionPtr auction, AuctionNote note) = 0;
  // The cursor of the newest note, and what came after a cursor (which moves on). Never waits.
  virtual Task<std::string> newest_note(AuctionPtr auction) = 0;
  virtual Task<AuctionNews> news(AuctionPtr auction, std::string& cursor) = 0;
};

enum class BidStored : std::uint8_t { done, closed, key_taken, number_taken, busy };

enum class AwardStatus : std::uint8_t { offered, paid, cancelled, expired };
std::string_view name_of(AwardStatus status) noexcept;
std::optional<AwardStatus> award_status(std::string_view name) noexcept;

struct Award {
  std::uint64_t auction = 0, user = 0;
  std::uint32_t rank = 0, slot = 0;  // from 1
  std::uint64_t price = 0;           // to pay
  AwardStatus status = AwardStatus::offered;
  std::int64_t deadline_ms = 0;  // MySQL's clock
  bool over = false;             // the deadline has passed by that clock
  std::uint64_t order = 0;       // 0: not accepted
};
struct RankRow {
  std::uint32_t rank = 0;
  std::uint64_t user = 0, amount = 0;
  std::optional<Award> award;
};
struct NewBid {
  AuctionPtr auction;
  std::uint64_t user = 0, amount = 0;
  BidTaken taken;
};
struct AuctionPage {
  std::vector<AuctionPtr> items;
  std::uint64_t total = 0;
};
struct NewAuction {
  AuctionInfo facts;  // without id
};
// What one look at a closed auction changed.
struct HandOver {
  std::vector<Award> offered;
  bool settled = false;  // just now
};
enum class Accepted : std::uint8_t { done, no_award, over, taken, key_taken, busy };

// MySQL. All throw StoreUnavailable("mysql").
class AuctionStore {
 public:
  virtual ~AuctionStore() = default;
  virtual Task<AuctionPtr> find(std::uint64_t auction) = 0;  // null: no such auction
  virtual Task<AuctionPage> page(std::uint32_t page, std::uint32_t size) = 0;  // the newest first
  virtual Task<std::uint64_t> create(NewAuction auction) = 0;
  // New times; false: no such auction, or it is decided already.
  virtual Task<bool> move(std::uint64_t auction, std::int64_t opens_ms, std::int64_t closes_ms) = 0;
  virtual Task<KeyRecord> look_up(IdempotencyKey key) = 0;
  // Stores the bid and the answer under its key. Bids that come together share a transaction; it
  // waits for a close that is under way, and is refused by one that has begun.
  virtual Task<BidStored> store(NewBid bid, KeyedResponse keyed) = 0;
  virtual Task<std::vector<StoredBid>> bids(std::uint64_t auction) = 0;  // last of each person

  virtual Task<std::optional<Award>> award(std::uint64_t auction, std::uint64_t user) = 0;
  virtual Task<std::vector<RankRow>> ranking(std::uint64_t auction, std::uint32_t first,
                                             std::uint32_t count) = 0;
  // The offer becomes an order (its seat is the slot) that must be paid by the offer's deadline.
  virtual Task<Accepted> accept(const Award& award, AuctionPtr auction, NewOrder order,
                                KeyedResponse keyed) = 0;
  // An offer that nobody has accepted is given up. False: it was over or accepted meanwhile.
  virtual Task<bool> give_up(const Award& award) = 0;

  // Auctions whose close is due or whose rights are not settled.
  virtual Task<std::vector<std::uint64_t>> unsettled() = 0;
  // Begins and decides the close, once whoever calls: the ranking is computed from the bids, the
  // best get an offer each. A newer fence in the database throws FencedOff; without one the row's
  // lock alone decides. False: nothing to do.
  virtual Task<bool> close(std::uint64_t auction, std::optional<std::uint64_t> fence) = 0;
  // Settles what became of offers and hands rights on, in rank order, for the same slot.
  virtual Task<HandOver> hand_over(std::uint64_t auction) = 0;
};

}  // namespace boxoffice
