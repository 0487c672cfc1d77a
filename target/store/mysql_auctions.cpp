// Auctions in MySQL: the bids, and what is read. Bids that come while a transaction is under way
// wait for it and share the next one: under a surge a commit costs many bids, not one.
#include "target/store/mysql_auction_rows.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <deque>
#include <unordered_map>

#include "target/auction_parts.hpp"
#include "target/log.hpp"
#include "target/service/order_signals.hpp"
#include "target/store/mysql_events.hpp"
#include "target/store/mysql_order_rows.hpp"

namespace boxoffice {

namespace {

// A rush fills it: what a transaction waits for (three answers and a commit) is then shared by
// more.
constexpr std::size_t bids_per_transaction = 512;
constexpr std::size_t bids_waiting_max = 20000;
constexpr std::array rule_names{"OWN_RAISE", "BEAT_CUTOFF", "BEAT_TOP"};
constexpr std::array pricing_names{"PAY_AS_BID", "UNIFORM_CUTOFF"};
constexpr std::array auction_status_names{"SCHEDULED", "OPEN", "CLOSING", "CLOSED", "SETTLED"};
constexpr std::array award_status_names{"OFFERED", "PAID", "CANCELLED", "EXPIRED"};

template <class Enum, std::size_t n>
std::optional<Enum> enum_of(const std::array<const char*, n>& names, std::string_view name) {
  for (std::size_t i = 0; i < n; ++i) {
    if (name == names[i]) return static_cast<Enum>(i);
  }
  return {};
}

// As a literal that needs no quoting, whatever the text is.
std::string hex_literal(std::string_view text) {
  std::string literal = "x'";
  for (const char c : text)
    fmt::format_to(std::back_inserter(literal), "{:02x}", static_cast<unsigned char>(c));
  return literal += '\'';
}

struct WaitingBid {
  WaitingBid(asio::io_context& io, NewBid wanted, KeyedResponse answer)
      : bid(std::move(wanted)),
        keyed(std::move(answer)),
        wait(io, Clock::now() + transaction_time_max) {}
  NewBid bid;
  KeyedResponse keyed;
  Wait wait;
  std::optional<BidStored> stored;
  std::exception_ptr failure;
};
using WaitingPtr = std::shared_ptr<WaitingBid>;

// A statement that went wrong, and which of the two it was.
struct BatchError {
  SqlError error;
  bool of_key = false;
};

std::string keys_insert(const std::vector<WaitingPtr>& batch) {
  std::string sql =
      "INSERT INTO idempotency_keys (user_id,scope,idem_key,req_hash,state,http_status,response,"
      "locked_until) VALUES ";
  for (const WaitingPtr& one : batch) {
    const IdempotencyKey& key = one->keyed.key;
    // The scope and the answer are ours: plain words and numbers. The key is the client's.
    fmt::format_to(std::back_inserter(sql), "{}({},'{}',{},x'{}','DONE',{},'{}',NOW(3))",
                   one == batch.front() ? "" : ",", key.user, key.scope, hex_literal(key.key),
                   key.request_hash, one->keyed.response.status, one->keyed.response.body);
  }
  return sql;
}

// `unguarded`: a number above the limit is written as if it were allowed, which guard 5 would
// refuse.
std::string bids_insert(const std::vector<WaitingPtr>& batch, bool unguarded) {
  std::string sql =
      "INSERT INTO bids (auction_id,user_id,bid_no,max_bids,amount,seq,accepted_at) VALUES ";
  for (const WaitingPtr& one : batch) {
    const NewBid& bid = one->bid;
    const std::uint32_t allowed =
        unguarded ? std::max(bid.auction->bids_max, bid.taken.number) : bid.auction->bids_max;
    fmt::format_to(std::back_inserter(sql), "{}({},{},{},{},{},{},NOW(6))",
                   one == batch.front() ? "" : ",", bid.auction->id, bid.user, bid.taken.number,
                   allowed, bid.amount, bid.taken.sequence);
  }
  return sql;
}

class MysqlAuctions final : public AuctionStore {
 public:
  MysqlAuctions(asio::io_context& io, MysqlPool& pool, const Switches& switches, Metrics& metrics)
      : io_(io), place_{pool, metrics}, switches_(switches) {}

  Task<AuctionPtr> find(std::uint64_t auction) override;
  Task<AuctionPage> page(std::uint32_t page, std::uint32_t size) override;
  Task<std::uint64_t> create(NewAuction auction) override;
  Task<bool> move(std::uint64_t auction, std::int64_t opens_ms, std::int64_t closes_ms) override;
  Task<KeyRecord> look_up(IdempotencyKey key) override;
  Task<BidStored> store(NewBid bid, KeyedResponse keyed) override;
  Task<std::vector<StoredBid>> bids(std::uint64_t auction) override;
  Task<std::optional<Award>> award(std::uint64_t auction, std::uint64_t user) override;
  Task<std::vector<RankRow>> ranking(std::uint64_t auction, std::uint32_t first,
                                     std::uint32_t count) override;
  Task<Accepted> accept(const Award& award, AuctionPtr auction, NewOrder order,
                        KeyedResponse keyed) override {
    return accept_award(place_, award, std::move(auction), std::move(order), std::move(keyed));
  }
  Task<bool> give_up(const Award& award) override;
  Task<std::vector<std::uint64_t>> unsettled() override;
  Task<bool> close(std::uint64_t auction, std::optional<std::uint64_t> fence) override {
    return close_auction(place_, auction, fence, switches_.bid_uniform_top);
  }
  Task<HandOver> hand_over(std::uint64_t auction) override {
    return hand_over_auction(place_, auction, switches_.bid_uniform_top);
  }

 private:
  struct Queue {
    std::deque<WaitingPtr> waiting;
    bool flushing = false;
  };
  Task<Rows> read(std::string_view sql, std::vector<Cell> cells);
  Task<void> flush(std::uint64_t auction);
  Task<void> write(std::uint64_t auction, std::vector<WaitingPtr> batch);
  Task<std::optional<BatchError>> try_write(MysqlConnection& connection, std::uint64_t auction,
                                            const std::vector<WaitingPtr>& batch, bool& closed);
  Task<BidStored> write_one(std::uint64_t auction, WaitingPtr one);
  Task<BidStored> after_unknown(const IdempotencyKey& key);

  asio::io_context& io_;
  TransactionPlace place_;
  const Switches& switches_;
  std::unordered_map<std::uint64_t, Queue> queues_;
};

Task<Rows> MysqlAuctions::read(std::string_view sql, std::vector<Cell> cells) {
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  co_return rows_or_throw(co_await connection->execute(sql, std::move(cells)));
}

Task<AuctionPtr> MysqlAuctions::find(std::uint64_t auction) {
  std::vector<Cell> cells{auction};
  const Rows rows =
      co_await read("SELECT " AUCTION_COLUMNS " FROM auctions a WHERE a.id=?", std::move(cells));
  if (rows.rows.empty()) co_return nullptr;
  co_return std::make_shared<const AuctionInfo>(auction_of(rows.rows[0]));
}

Task<AuctionPage> MysqlAuctions::page(std::uint32_t page, std::uint32_t size) {
  std::vector<Cell> cells{std::uint64_t{size}, std::uint64_t{page} * size};
  const Rows rows = co_await read("SELECT " AUCTION_COLUMNS
                                  " FROM auctions a ORDER BY a.id DESC LIMIT ? OFFSET ?",
                                  std::move(cells));
  AuctionPage found;
  for (const auto& row : rows.rows)
    found.items.push_back(std::make_shared<const AuctionInfo>(auction_of(row)));
  const Rows all = co_await read("SELECT COUNT(*) FROM auctions", {});
  found.total = as_uint(all.rows.at(0).at(0));
  co_return found;
}

Task<std::uint64_t> MysqlAuctions::create(NewAuction auction) {
  const AuctionInfo& facts = auction.facts;
  std::vector<Cell> cells{facts.event,
                          std::uint64_t{facts.epoch},
                          std::uint64_t{facts.slots},
                          facts.start_price,
                          facts.min_step,
                          std::uint64_t{facts.bids_max},
                          std::string(name_of(facts.rule)),
                          std::string(name_of(facts.pricing)),
                          sql_time(facts.opens_ms),
                          sql_time(facts.closes_ms),
                          facts.offer_ttl_ms};
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  const Rows made = rows_or_throw(co_await connection->execute(
      "INSERT INTO auctions (event_id,epoch,slots,start_price,min_step,max_bids,rule,pricing,"
      "opens_at,closes_at,offer_ttl_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
      std::move(cells)));
  co_return made.insert_id;
}

Task<bool> MysqlAuctions::move(std::uint64_t auction, std::int64_t opens_ms,
                               std::int64_t closes_ms) {
  std::vector<Cell> cells{sql_time(opens_ms), sql_time(closes_ms), auction};
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  const Rows moved = rows_or_throw(co_await connection->execute(
      "UPDATE auctions SET opens_at=?,closes_at=? WHERE id=? AND status IN ('SCHEDULED','OPEN')",
      std::move(cells)));
  co_return moved.affected == 1;
}

Task<KeyRecord> MysqlAuctions::look_up(IdempotencyKey key) {
  const Rows rows = co_await read("SELECT " KEY_COLUMNS " FROM " KEY_JOIN, key_cells(key));
  co_return key_record_of(rows.rows.at(0), 0);
}

Task<BidStored> MysqlAuctions::store(NewBid bid, KeyedResponse keyed) {
  const std::uint64_t auction = bid.auction->id;
  Queue& queue = queues_[auction];
  if (queue.waiting.size() >= bids_waiting_max) co_return BidStored::busy;
  const auto mine = std::make_shared<WaitingBid>(io_, std::move(bid), std::move(keyed));
  queue.waiting.push_back(mine);
  if (!queue.flushing) {
    queue.flushing = true;
    asio::co_spawn(io_, flush(auction), [](const std::exception_ptr& failure) {
      if (failure) log_error("bids were not written", {});  // flush() itself lets nothing out
    });
  }
  while (!mine->stored && !mine->failure) {
    if (mine->wait.over()) mine->wait.rearm(Clock::now() + transaction_time_max);
    co_await mine->wait.done();
  }
  if (mine->failure) std::rethrow_exception(mine->failure);
  co_return *mine->stored;
}

Task<void> MysqlAuctions::flush(std::uint64_t auction) {
  while (!queues_[auction].waiting.empty()) {
    std::deque<WaitingPtr>& waiting = queues_[auction].waiting;
    const std::size_t count = std::min(waiting.size(), bids_per_transaction);
    std::vector<WaitingPtr> batch(waiting.begin(),
                                  waiting.begin() + static_cast<std::ptrdiff_t>(count));
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
    std::exception_ptr failure;
    try {
      co_await write(auction, batch);
    } catch (...) {
      failure = std::current_exception();
    }
    for (const WaitingPtr& one : batch) {
      if (!one->stored && !one->failure) one->failure = failure;
      one->wait.wake();
    }
  }
  queues_.erase(auction);
}

// The share lock on the auction's row makes a close wait for bids that are under way, and lets
// bids that come after its beginning see it.
Task<std::optional<BatchError>> MysqlAuctions::try_write(MysqlConnection& connection,
                                                         std::uint64_t auction,
                                                         const std::vector<WaitingPtr>& batch,
                                                         bool& closed) {
  std::vector<Cell> cells{auction};
  const auto state = co_await connection.execute(
      "SELECT status IN ('SCHEDULED','OPEN') FROM auctions WHERE id=? LOCK IN SHARE MODE",
      std::move(cells));
  if (!state) co_return BatchError{state.error(), false};
  closed = state->rows.empty() || as_uint(state->rows[0][0]) != 1;
  if (closed) co_return std::nullopt;
  const auto keys = co_await connection.query(keys_insert(batch));
  if (!keys) co_return BatchError{keys.error(), true};
  const auto bids = co_await connection.query(bids_insert(batch, switches_.bid_get_then_incr));
  if (!bids) co_return BatchError{bids.error(), false};
  co_return std::nullopt;
}

Task<void> MysqlAuctions::write(std::uint64_t auction, std::vector<WaitingPtr> batch) {
  bool together = false, unknown = false;
  {
    const TransactionTimer timer(place_.metrics, "bids");
    auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max,
                                                   MysqlPool::Use::transaction);
    co_await connection->begin();
    bool closed = false;
    const auto error = co_await try_write(*connection, auction, batch, closed);
    together = !error && !closed;
    if (together) {
      try {
        co_await connection->commit();
      } catch (const CommitUnknown&) {
        unknown = true;
      }
    } else {
      co_await connection->rollback();
    }
    if (closed || (together && !unknown)) {
      for (const WaitingPtr& one : batch)
        one->stored = closed ? BidStored::closed : BidStored::done;
      co_return;
    }
  }
  // Something is wrong with one of them: each is written, or found to be written, by itself.
  for (const WaitingPtr& one : batch) {
    try {
      one->stored =
          unknown ? co_await after_unknown(one->keyed.key) : co_await write_one(auction, one);
    } catch (...) {
      one->failure = std::current_exception();
    }
  }
}

Task<BidStored> MysqlAuctions::write_one(std::uint64_t auction, WaitingPtr one) {
  using Result = SqlResult<Finished<BidStored>>;
  auto work = [this, auction, &one](MysqlConnection& connection) -> Task<Result> {
    std::vector<WaitingPtr> batch{one};
    bool closed = false;
    const auto error = co_await try_write(connection, auction, batch, closed);
    if (closed) co_return rolled_back(BidStored::closed);
    if (!error) co_return committed(BidStored::done);
    if (error->error.duplicate() && error->of_key) co_return rolled_back(BidStored::key_taken);
    if (error->error.duplicate() || error->error.check_failed())
      co_return rolled_back(BidStored::number_taken);
    co_return error->error;
  };
  bool unknown = false;
  try {
    const auto stored = co_await transact<BidStored>(place_, "bid", work);
    if (stored) co_return *stored;
    if (stored.error().retryable()) co_return BidStored::busy;
    throw_sql_error(stored.error());
  } catch (const CommitUnknown&) {
    unknown = true;
  }
  if (unknown) co_return co_await after_unknown(one->keyed.key);
  co_return BidStored::busy;
}

// The connection broke inside the commit. The locking read waits for a transaction that is still
// being ended, so what it finds stays true.
Task<BidStored> MysqlAuctions::after_unknown(const IdempotencyKey& key) {
  const Rows rows = co_await read(
      "SELECT LOWER(HEX(req_hash)) FROM idempotency_keys WHERE user_id=? AND scope=? AND "
      "idem_key=? LOCK IN SHARE MODE",
      key_cells(key));
  const bool there = !rows.rows.empty() && as_string(rows.rows[0][0]) == key.request_hash;
  co_return there ? BidStored::done : BidStored::busy;
}

Task<std::vector<StoredBid>> MysqlAuctions::bids(std::uint64_t auction) {
  std::vector<Cell> cells{auction, auction};
  const Rows rows = co_await read(last_bids_sql, std::move(cells));
  std::vector<StoredBid> bids;
  bids.reserve(rows.rows.size());
  for (const auto& row : rows.rows) {
    bids.push_back({as_uint(row[0]), as_uint(row[1]), as_uint(row[2]),
                    static_cast<std::uint32_t>(as_uint(row[3]))});
  }
  co_return bids;
}

Task<std::optional<Award>> MysqlAuctions::award(std::uint64_t auction, std::uint64_t user) {
  std::vector<Cell> cells{auction, user};
  const Rows rows = co_await read("SELECT " AWARD_COLUMNS
                                  " FROM auction_awards w WHERE w.auction_id=? AND w.user_id=?",
                                  std::move(cells));
  if (rows.rows.empty()) co_return std::nullopt;
  co_return award_of(rows.rows[0], 0);
}

Task<std::vector<RankRow>> MysqlAuctions::ranking(std::uint64_t auction, std::uint32_t first,
                                                  std::uint32_t count) {
  static const std::string sql =
      fmt::format("SELECT r.user_id,r.amount," AWARD_COLUMNS
                  " FROM ({} LIMIT ? OFFSET ?) r LEFT JOIN auction_awards w ON w.auction_id=? AND "
                  "w.user_id=r.user_id ORDER BY r.amount DESC,r.seq",
                  last_bids_sql);
  std::vector<Cell> cells{auction, auction, std::uint64_t{count}, std::uint64_t{first}, auction};
  const Rows rows = co_await read(sql, std::move(cells));
  std::vector<RankRow> ranking;
  std::uint32_t rank = first;
  for (const auto& row : rows.rows) {
    RankRow& one = ranking.emplace_back();
    one.rank = ++rank;
    one.user = as_uint(row[0]);
    one.amount = as_uint(row[1]);
    if (!is_null(row[2])) one.award = award_of(row, 2);
  }
  co_return ranking;
}

Task<bool> MysqlAuctions::give_up(const Award& award) {
  std::vector<Cell> cells{award.auction, award.user};
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  const Rows given = rows_or_throw(co_await connection->execute(
      "UPDATE auction_awards SET status='CANCELLED',live=NULL WHERE auction_id=? AND user_id=? AND "
      "status='OFFERED' AND order_id IS NULL",
      std::move(cells)));
  co_return given.affected == 1;
}

// A paid right whose order was given back is found here too, also in a settled auction.
Task<std::vector<std::uint64_t>> MysqlAuctions::unsettled() {
  const Rows rows = co_await read(
      "SELECT id FROM auctions WHERE status IN ('SCHEDULED','OPEN') AND closes_at<=NOW(3) UNION "
      "SELECT id FROM auctions WHERE status IN ('CLOSING','CLOSED') UNION "
      "SELECT w.auction_id FROM auction_awards w JOIN orders o ON o.id=w.order_id WHERE "
      "w.status='PAID' AND o.status<>'CONFIRMED'",
      {});
  std::vector<std::uint64_t> ids;
  for (const auto& row : rows.rows) ids.push_back(as_uint(row[0]));
  co_return ids;
}

}  // namespace

std::string_view name_of(BidRule rule) noexcept {
  return rule_names[static_cast<std::size_t>(rule)];
}
std::string_view name_of(Pricing pricing) noexcept {
  return pricing_names[static_cast<std::size_t>(pricing)];
}
std::string_view name_of(AwardStatus status) noexcept {
  return award_status_names[static_cast<std::size_t>(status)];
}
std::optional<AwardStatus> award_status(std::string_view name) noexcept {
  return enum_of<AwardStatus>(award_status_names, name);
}

AuctionInfo auction_of(const std::vector<Cell>& row) {
  AuctionInfo auction;
  auction.id = as_uint(row[0]);
  auction.event = as_uint(row[1]);
  auction.epoch = static_cast<std::uint32_t>(as_uint(row[2]));
  auction.slots = static_cast<std::uint32_t>(as_uint(row[3]));
  auction.start_price = as_uint(row[4]);
  auction.min_step = as_uint(row[5]);
  auction.bids_max = static_cast<std::uint32_t>(as_uint(row[6]));
  auction.rule = enum_of<BidRule>(rule_names, as_string(row[7])).value_or(BidRule::own_raise);
  auction.pricing =
      enum_of<Pricing>(pricing_names, as_string(row[8])).value_or(Pricing::pay_as_bid);
  auction.opens_ms = as_int(row[9]);
  auction.closes_ms = as_int(row[10]);
  auction.offer_ttl_ms = as_int(row[11]);
  auction.status = enum_of<AuctionStatus>(auction_status_names, as_string(row[12]))
                       .value_or(AuctionStatus::scheduled);
  return auction;
}

Award award_of(const std::vector<Cell>& row, std::size_t at) {
  Award award;
  award.auction = as_uint(row[at]);
  award.user = as_uint(row[at + 1]);
  award.rank = static_cast<std::uint32_t>(as_uint(row[at + 2]));
  award.slot = static_cast<std::uint32_t>(as_uint(row[at + 3]));
  award.price = as_uint(row[at + 4]);
  award.status = award_status(as_string(row[at + 5])).value_or(AwardStatus::expired);
  award.deadline_ms = as_int(row[at + 6]);
  award.over = as_uint(row[at + 7]) != 0;
  award.order = as_uint(row[at + 8]);
  return award;
}

std::unique_ptr<AuctionStore> make_auction_store(asio::io_context& io, MysqlPool& mysql,
                                                 const Switches& switches, Metrics& metrics) {
  return std::make_unique<MysqlAuctions>(io, mysql, switches, metrics);
}

}  // namespace boxoffice
