// /api/auctions/{id}/stream: everybody who watches an auction on this thread. One loop for all of
// them; the ticks of one second are spread over it, so that ten thousand writes are no stall.
//
//   event: tick     {"top","cutoff","left","bidders"} once a second; left in ms
//   event: rankOut  {"cutoff","atMs"} to who lost a winning place and has bids left
//   event: offer    {"offer":true,"atMs"} to who is offered a slot: GET …/me says which
//   event: closed   {"closed":true,"atMs"} · event: settled {"settled":true,"atMs"} to all
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "target/http/api.hpp"
#include "target/metrics.hpp"
#include "target/service/auction_store.hpp"

namespace boxoffice {

class AuctionHub : public std::enable_shared_from_this<AuctionHub> {
 public:
  AuctionHub(asio::io_context& io, AuctionBook& book, Metrics& metrics, std::stop_token stop)
      : io_(io), book_(book), metrics_(metrics), stop_(std::move(stop)) {}

  // Its loop runs on the io_context until the stop.
  static void start(const std::shared_ptr<AuctionHub>& hub);
  std::shared_ptr<EventStreamHandler> watch(AuctionPtr auction, std::uint64_t user);

 private:
  struct Client;
  struct Room;
  class Handler;
  using ClientPtr = std::shared_ptr<Client>;

  void join(const ClientPtr& client);
  void part(const ClientPtr& client);
  static Task<void> run(std::shared_ptr<AuctionHub> self);
  Task<void> turn(std::shared_ptr<Room> room);
  void tell(Room& room, const AuctionNote& note);
  void send_ticks(Room& room);

  asio::io_context& io_;
  AuctionBook& book_;
  Metrics& metrics_;
  std::stop_token stop_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Room>> rooms_;  // by auction
};

}  // namespace boxoffice
