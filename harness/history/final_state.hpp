// The target's state after the run as read by the harness itself from MariaDB and Redis
// (topology/probe fills it).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace stampede {

struct StoredTicket {
  std::uint64_t event = 0, epoch = 0, order = 0, user = 0;
  std::uint32_t seat = 0;
};
struct StoredOrder {
  std::uint64_t id = 0, user = 0, event = 0, epoch = 0;
  std::string status;   // PAYMENT_PENDING …
  std::string hold_id;  // 32 hex digits
  std::uint64_t amount = 0, fence = 0;
  std::uint32_t seat_qty = 0;
  std::vector<std::uint32_t> live_seats, all_seats;
  bool overdue = false;  // its time to pay ended over 5 s ago, by the database's clock
};
struct StoredPayment {
  std::uint64_t id = 0, order = 0, amount = 0;
  std::string key, status;
};
struct StoredQuota {
  std::uint64_t event = 0, epoch = 0, user = 0;
  std::int64_t used = 0;
};
// One SQL check of audit.sql: A1 … A9.
struct SqlCheck {
  std::string id, title;
  std::uint64_t bad = 0;
  std::vector<std::string> samples;
};
// One event's keys in Redis, raw.
struct RedisEvent {
  std::uint64_t event = 0, epoch = 0;
  std::uint32_t seats = 0;
  std::int64_t now_ms = 0;  // Redis's clock when its keys were read
  bool marker = false;
  std::map<std::uint32_t, std::string> states;         // :st
  std::string bitmap;                                  // :bm
  std::map<std::uint32_t, std::int64_t> expiries;      // :ex
  std::map<std::string, std::string> holds;            // :hd
  std::map<std::uint64_t, std::int64_t> quota;         // :uq
  std::map<std::string, double> waiting, admitted;     // :qw :qa
  std::map<std::string, std::int64_t> queue_counters;  // :qs (integers only)
};
// A bid as MySQL has it.
struct StoredBid {
  std::uint64_t auction = 0, user = 0, amount = 0, seq = 0;
  std::uint32_t number = 0, allowed = 0;  // bid_no, max_bids
};
// The durations of a practice room's people: counts by MySQL, and the tree that ranks are read
// from in Redis (node → count, 1-based; n: all of them).
struct StoredRanks {
  std::uint64_t room = 0, open_ms = 0;
  std::map<std::uint64_t, std::uint64_t> counts;  // duration → people
  std::map<std::uint64_t, std::int64_t> tree;
  std::int64_t tree_size = -1;  // n; -1: there is no tree
};
// A charge in the books of the payment provider.
struct StoredCharge {
  std::string key, status;  // IN_PROGRESS DONE ABORTED CANCELED
  std::uint64_t order = 0, amount = 0;
};
struct FinalState {
  bool have_sql = false, have_redis = false;
  std::string sql_problem, redis_problem;  // why not
  std::vector<SqlCheck> sql_checks;
  bool have_games = false;            // auctions or practice rooms were seeded
  std::vector<SqlCheck> game_checks;  // A10 …
  std::vector<StoredBid> bids;
  std::map<std::uint64_t, std::uint32_t> auction_slots;  // by auction
  std::vector<StoredRanks> ranks;
  std::vector<StoredTicket> tickets;
  std::vector<StoredOrder> orders;
  std::vector<StoredPayment> payments;
  std::vector<RedisEvent> redis;
  // Only where the provider is a process of its own.
  bool have_provider = false;
  std::string provider_problem;  // why not, although there is one
  std::vector<StoredCharge> charges;
};

}  // namespace stampede
