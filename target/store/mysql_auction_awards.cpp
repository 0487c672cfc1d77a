// The close of an auction and what follows it: offers, acceptance, and rights that pass on. Each is
// one transaction that locks the auction's row first, so that any number of instances may try; the
// fence only keeps a holder of an old lease from working for nothing.
//
//   SCHEDULED, OPEN ──closes_at──► CLOSING ──ranking──► CLOSED ──nothing left to decide──► SETTLED
//                                                         ▲  a paid right was given back   │
//                                                         └────────────────────────────────┘
#include <fmt/format.h>

#include "target/service/order_store.hpp"
#include "target/store/mysql_auction_rows.hpp"
#include "target/store/mysql_order_rows.hpp"

namespace boxoffice {

namespace {

using NoResult = SqlResult<Finished<bool>>;

std::vector<Cell> one_id(std::uint64_t id) {
  std::vector<Cell> cells{id};
  return cells;
}

Task<void> check_fence(MysqlConnection& connection, std::uint64_t auction, std::uint64_t fence) {
  const std::string name = fmt::format("auction:{}", auction);
  std::vector<Cell> write{name, fence};
  rows_or_throw(co_await connection.execute(
      "INSERT INTO fences (name,token) VALUES (?,?) ON DUPLICATE KEY UPDATE "
      "token=GREATEST(token,VALUES(token))",
      std::move(write)));
  std::vector<Cell> read{name};
  const Rows rows = rows_or_throw(
      co_await connection.execute("SELECT token FROM fences WHERE name=?", std::move(read)));
  const std::uint64_t newest = as_uint(rows.rows.at(0).at(0));
  if (newest > fence) throw FencedOff{newest};
}

Task<SqlResult<Rows>> tell_outbox(MysqlConnection& connection, std::uint64_t auction,
                                  std::string type) {
  std::vector<Cell> cells{auction, std::move(type), fmt::format(R"({{"auctionId":{}}})", auction)};
  co_return co_await connection.execute(
      "INSERT INTO outbox (stream,agg_id,type,payload) VALUES ('auction',?,?,?)", std::move(cells));
}

// What the last winner of the close had bid: bids do not change after it, so it can be read at any
// time. 0: nobody bid.
Task<SqlResult<std::uint64_t>> cutoff_of(MysqlConnection& connection, const AuctionInfo& auction) {
  static const std::string sql = fmt::format(
      "SELECT x.amount FROM ({} LIMIT ?) x ORDER BY x.amount,x.seq DESC LIMIT 1", last_bids_sql);
  std::vector<Cell> cells{auction.id, auction.id, std::uint64_t{auction.slots}};
  const auto rows = co_await connection.execute(sql, std::move(cells));
  if (!rows) co_return rows.error();
  co_return SqlResult<std::uint64_t>(boost::system::in_place_value,
                                     rows->rows.empty() ? 0 : as_uint(rows->rows[0][0]));
}

// The highest bid, for the defect that makes everybody pay it; nobody asks without the defect.
Task<SqlResult<std::uint64_t>> top_of(MysqlConnection& connection, std::uint64_t auction,
                                      bool wanted) {
  using Found = SqlResult<std::uint64_t>;
  if (!wanted) co_return Found(boost::system::in_place_value, 0);
  const auto rows = co_await connection.execute(
      "SELECT COALESCE(MAX(amount),0) FROM bids WHERE auction_id=?", one_id(auction));
  if (!rows) co_return rows.error();
  co_return Found(boost::system::in_place_value, as_uint(rows->rows.at(0).at(0)));
}

// Offers to the bidders after rank `given`, one for each of `slots` in that order. What it says
// are the offers made: fewer than slots when no bidder is left.
Task<SqlResult<std::vector<Award>>> offer(MysqlConnection& connection, const AuctionInfo& auction,
                                          std::uint32_t given, std::vector<std::uint32_t> slots,
                                          bool pay_top) {
  static const std::string next = fmt::format("{} LIMIT ? OFFSET ?", last_bids_sql);
  const auto cutoff = co_await cutoff_of(connection, auction);
  if (!cutoff) co_return cutoff.error();
  std::vector<Cell> cells{auction.id, auction.id, std::uint64_t{slots.size()},
                          std::uint64_t{given}};
  const auto bidders = co_await connection.execute(next, std::move(cells));
  if (!bidders) co_return bidders.error();
  const auto top = co_await top_of(connection, auction.id, pay_top);
  if (!top) co_return top.error();
  std::vector<Award> offers;
  std::string values;
  for (std::size_t i = 0; i < bidders->rows.size(); ++i) {
    const std::uint64_t bid = as_uint(bidders->rows[i][1]);
    Award& award = offers.emplace_back();
    award.auction = auction.id;
    award.user = as_uint(bidders->rows[i][0]);
    award.rank = given + static_cast<std::uint32_t>(i) + 1;
    award.slot = slots[i];
    award.price = auction.pricing == Pricing::uniform_cutoff ? std::min(bid, *cutoff) : bid;
    if (pay_top) award.price = *top;
    fmt::format_to(std::back_inserter(values),
                   "{}({},{},{},{},{},'OFFERED',NOW(6),NOW(3)+INTERVAL {} MICROSECOND)",
                   values.empty() ? "" : ",", auction.id, award.rank, award.user, award.price,
                   award.slot, auction.offer_ttl_ms * 1000);
  }
  if (!offers.empty()) {
    const auto made = co_await connection.query(
        "INSERT INTO auction_awards (auction_id,rank_no,user_id,amount,slot_no,status,offered_at,"
        "deadline_at) VALUES " +
        values);
    if (!made) co_return made.error();
  }
  co_return SqlResult<std::vector<Award>>(boost::system::in_place_value, std::move(offers));
}

Task<SqlResult<std::optional<AuctionInfo>>> lock_auction(MysqlConnection& connection,
                                                         std::uint64_t auction) {
  using Found = SqlResult<std::optional<AuctionInfo>>;
  const auto rows = co_await connection.execute(
      "SELECT " AUCTION_COLUMNS " FROM auctions a WHERE a.id=? FOR UPDATE", one_id(auction));
  if (!rows) co_return rows.error();
  std::optional<AuctionInfo> found;
  if (!rows->rows.empty()) found = auction_of(rows->rows[0]);
  co_return Found(boost::system::in_place_value, std::move(found));
}

// What became of offers and paid rights: their orders decided, or their time did.
Task<SqlResult<Rows>> follow_orders(MysqlConnection& connection, std::uint64_t auction) {
  constexpr std::string_view steps[] = {
      "UPDATE auction_awards w JOIN orders o ON o.id=w.order_id SET w.status='PAID' WHERE "
      "w.auction_id=? AND w.status='OFFERED' AND o.status='CONFIRMED'",
      "UPDATE auction_awards w JOIN orders o ON o.id=w.order_id SET "
      "w.status=IF(o.status='EXPIRED','EXPIRED','CANCELLED'),w.live=NULL WHERE w.auction_id=? AND "
      "w.live=1 AND o.status NOT IN ('PAYMENT_PENDING','CONFIRMED')",
      "UPDATE auction_awards w SET w.status='EXPIRED',w.live=NULL WHERE w.auction_id=? AND "
      "w.status='OFFERED' AND w.order_id IS NULL AND w.deadline_at<=NOW(3)"};
  SqlResult<Rows> done = Rows{};
  for (const std::string_view step : steps) {
    done = co_await connection.execute(step, one_id(auction));
    if (!done) break;
  }
  co_return done;
}

struct SlotState {
  std::vector<std::uint32_t> free;  // ascending
  std::uint32_t ranks_given = 0, offered = 0, paid = 0;
};
Task<SqlResult<SlotState>> slots_of(MysqlConnection& connection, const AuctionInfo& auction) {
  const auto rows = co_await connection.execute(
      "SELECT slot_no,rank_no,live,status='PAID' FROM auction_awards WHERE auction_id=?",
      one_id(auction.id));
  if (!rows) co_return rows.error();
  SlotState state;
  std::vector<bool> taken(auction.slots + 1, false);
  for (const auto& row : rows->rows) {
    state.ranks_given = std::max(state.ranks_given, static_cast<std::uint32_t>(as_uint(row[1])));
    if (is_null(row[2])) continue;
    if (as_uint(row[0]) < taken.size()) taken[as_uint(row[0])] = true;
    ++(as_uint(row[3]) != 0 ? state.paid : state.offered);
  }
  for (std::uint32_t slot = 1; slot <= auction.slots; ++slot) {
    if (!taken[slot]) state.free.push_back(slot);
  }
  co_return SqlResult<SlotState>(boost::system::in_place_value, std::move(state));
}

Task<SqlResult<Rows>> set_status(MysqlConnection& connection, std::uint64_t auction,
                                 std::string status) {
  std::vector<Cell> cells{std::move(status), auction};
  co_return co_await connection.execute("UPDATE auctions SET status=? WHERE id=?",
                                        std::move(cells));
}

}  // namespace

Task<bool> close_auction(TransactionPlace place, std::uint64_t auction,
                         std::optional<std::uint64_t> fence, bool pay_top) {
  // Bids under way hold the row's share lock: this waits for them, and later ones see CLOSING.
  auto begin = [auction](MysqlConnection& connection) -> Task<NoResult> {
    const auto begun = co_await connection.execute(
        "UPDATE auctions SET status='CLOSING' WHERE id=? AND status IN ('SCHEDULED','OPEN') AND "
        "closes_at<=NOW(3)",
        one_id(auction));
    if (!begun) co_return begun.error();
    co_return committed(true);
  };
  const auto begun = co_await transact<bool>(place, "auction_closing", begin);
  if (!begun) throw_sql_error(begun.error());
  auto decide = [auction, fence, pay_top](MysqlConnection& connection) -> Task<NoResult> {
    const auto found = co_await lock_auction(connection, auction);
    if (!found) co_return found.error();
    if (!*found || (*found)->status != AuctionStatus::closing) co_return rolled_back(false);
    if (fence) co_await check_fence(connection, auction, *fence);
    std::vector<std::uint32_t> slots;
    for (std::uint32_t slot = 1; slot <= (*found)->slots; ++slot) slots.push_back(slot);
    const auto offers = co_await offer(connection, **found, 0, std::move(slots), pay_top);
    if (!offers) co_return offers.error();
    const auto told = co_await tell_outbox(connection, auction, "AUCTION_CLOSED");
    if (!told) co_return told.error();
    const auto closed = co_await set_status(connection, auction, "CLOSED");
    if (!closed) co_return closed.error();
    co_return committed(true);
  };
  const auto decided = co_await transact<bool>(place, "auction_close", decide);
  if (!decided) throw_sql_error(decided.error());
  co_return *decided;
}

Task<HandOver> hand_over_auction(TransactionPlace place, std::uint64_t auction, bool pay_top) {
  using Result = SqlResult<Finished<HandOver>>;
  auto work = [auction, pay_top](MysqlConnection& connection) -> Task<Result> {
    const auto found = co_await lock_auction(connection, auction);
    if (!found) co_return found.error();
    HandOver done;
    if (!*found ||
        ((*found)->status != AuctionStatus::closed && (*found)->status != AuctionStatus::settled))
      co_return rolled_back(done);
    const auto followed = co_await follow_orders(connection, auction);
    if (!followed) co_return followed.error();
    const auto state = co_await slots_of(connection, **found);
    if (!state) co_return state.error();
    if (!state->free.empty()) {
      const auto offers =
          co_await offer(connection, **found, state->ranks_given, state->free, pay_top);
      if (!offers) co_return offers.error();
      done.offered = *offers;
    }
    const bool settled = state->offered == 0 && done.offered.empty();
    const bool was = (*found)->status == AuctionStatus::settled;
    done.settled = settled && !was;
    if (settled != was) {
      const auto set = co_await set_status(connection, auction, settled ? "SETTLED" : "CLOSED");
      if (!set) co_return set.error();
      if (settled) {
        const auto told = co_await tell_outbox(connection, auction, "AUCTION_SETTLED");
        if (!told) co_return told.error();
      }
    }
    co_return committed(std::move(done));
  };
  const auto done = co_await transact<HandOver>(place, "auction_hand_over", work);
  if (!done) throw_sql_error(done.error());
  co_return *done;
}

namespace {

// An order like any other: seat, quota and event in the transaction of the acceptance.
Task<SqlResult<Rows>> insert_award_order(MysqlConnection& connection, const NewOrder& order) {
  const OrderFacts& facts = order.facts;
  std::vector<Cell> cells{
      facts.id,     facts.user,    facts.event,      std::uint64_t{facts.epoch},
      facts.amount, order.hold_id, facts.expires_ms, trace_cell(order.trace_id)};
  auto made = co_await connection.execute(
      "INSERT INTO orders (id,user_id,event_id,epoch,status,amount,seat_qty,hold_id,fence,"
      "expires_at,trace_id) VALUES (?,?,?,?,'PAYMENT_PENDING',?,1,UNHEX(?),0,"
      "TIMESTAMPADD(MICROSECOND,?*1000,'1970-01-01'),UNHEX(?))",
      std::move(cells));
  if (!made) co_return made;
  std::vector<Cell> seat{facts.id, facts.event, std::uint64_t{facts.epoch},
                         std::uint64_t{facts.seats.at(0)}, facts.amount};
  made = co_await connection.execute(
      "INSERT INTO order_seats (order_id,event_id,epoch,seat_no,price) VALUES (?,?,?,?,?)",
      std::move(seat));
  if (!made) co_return made;
  std::vector<Cell> quota{facts.event, std::uint64_t{facts.epoch}, facts.user,
                          std::uint64_t{order.max_per_user}};
  made = co_await connection.execute(
      "INSERT INTO user_event_quota (event_id,epoch,user_id,used,max_allowed) VALUES (?,?,?,1,?) "
      "ON DUPLICATE KEY UPDATE used=used+1,max_allowed=VALUES(max_allowed)",
      std::move(quota));
  if (!made) co_return made;
  co_return co_await insert_event(connection, "order", "ORDER_CREATED", facts, order.trace_id);
}

}  // namespace

Task<Accepted> accept_award(TransactionPlace place, const Award& award, AuctionPtr auction,
                            NewOrder order, KeyedResponse keyed) {
  using Result = SqlResult<Finished<Accepted>>;
  auto work = [&](MysqlConnection& connection) -> Task<Result> {
    std::vector<Cell> cells{auction->id, award.user};
    const auto row = co_await connection.execute(
        "SELECT " AWARD_COLUMNS
        " FROM auction_awards w WHERE w.auction_id=? AND w.user_id=? FOR UPDATE",
        std::move(cells));
    if (!row) co_return row.error();
    if (row->rows.empty()) co_return rolled_back(Accepted::no_award);
    const Award now = award_of(row->rows[0], 0);
    if (now.status != AwardStatus::offered || now.over) co_return rolled_back(Accepted::over);
    if (now.order != 0) co_return rolled_back(Accepted::taken);
    const auto key = co_await insert_key(connection, keyed);
    if (!key && key.error().duplicate()) co_return rolled_back(Accepted::key_taken);
    if (!key) co_return key.error();
    const auto made = co_await insert_award_order(connection, order);
    if (!made && (made.error().duplicate() || made.error().check_failed()))
      co_return rolled_back(Accepted::busy);
    if (!made) co_return made.error();
    std::vector<Cell> link{order.facts.id, auction->id, award.user};
    const auto linked = co_await connection.execute(
        "UPDATE auction_awards SET order_id=? WHERE auction_id=? AND user_id=?", std::move(link));
    if (!linked) co_return linked.error();
    co_return committed(Accepted::done);
  };
  const auto accepted = co_await transact<Accepted>(place, "auction_accept", work);
  if (accepted) co_return *accepted;
  if (accepted.error().retryable()) co_return Accepted::busy;
  throw_sql_error(accepted.error());
}

}  // namespace boxoffice
