// What the suites of auctions and practice rooms share: instances of boxoffice (each with its own
// connections, leases and routes) on one database and one Redis, and an auction or a room.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "target/auction_parts.hpp"
#include "target/http/router.hpp"
#include "target/practice_parts.hpp"
#include "target/service/wall_time.hpp"
#include "tests/integration/target_orders/order_fixture.hpp"

namespace boxoffice {

// One process's worth of connections, as far as these routes and workers see it.
struct Instance {
  Instance(asio::io_context& io, const Config& config, Metrics& metrics, Switches& switches,
           OrderSignals& signals);
  ~Instance();
  RedisClient redis;
  MysqlPool mysql;
  std::unique_ptr<EventStore> events;
  Catalogue catalogue;
  std::unique_ptr<SeatHolds> seats;
  std::unique_ptr<HoldDirectory> directory;
  std::unique_ptr<SeatLedger> ledger;
  std::unique_ptr<Leases> leases;
  std::unique_ptr<QueuePlaces> queue;
  std::stop_source stop;
  ThreadContext thread;
  RouteTable table;
  std::vector<std::shared_ptr<void>> owners;
  std::unique_ptr<AuctionStore> auctions;
  std::unique_ptr<AuctionBook> book;
  std::unique_ptr<PracticeStore> practice;
  std::unique_ptr<PracticeBoards> boards;
};

class GamesFixture : public OrderFixture {
 protected:
  void SetUp() override;
  void TearDown() override;

  Instance& add_instance();
  Reply ask(Instance& at, Call request);
  std::vector<Reply> ask_all(std::vector<std::pair<Instance*, Call>> requests);  // at once

  // Seats 0 … slots − 1 of the fixture's event, open now.
  std::uint64_t auction(AuctionInfo facts);
  Call bid_call(std::uint64_t auction, std::uint64_t user, std::uint64_t amount, std::string key);
  Reply bid(std::uint64_t auction, std::uint64_t user, std::uint64_t amount);
  void end_auction(std::uint64_t auction);    // its time is over; nobody has decided it
  std::string awards(std::uint64_t auction);  // "rank:user:slot:price:STATUS …" in rank order

  std::vector<std::unique_ptr<Instance>> instances;

 private:
  Task<Reply> perform(Instance& at, Call request);
  std::uint64_t keys_ = 0;
};

}  // namespace boxoffice
