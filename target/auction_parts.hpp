// How the auctions are put together: the stores they need, made for one thread.
#pragma once

#include <memory>

#include "target/parts.hpp"
#include "target/service/auction_store.hpp"

namespace boxoffice {

std::unique_ptr<AuctionBook> make_auction_book(RedisClient& redis, const Switches& switches,
                                               Metrics& metrics);
std::unique_ptr<AuctionStore> make_auction_store(asio::io_context& io, MysqlPool& mysql,
                                                 const Switches& switches, Metrics& metrics);

// http/: §2.3.7 and the stream. worker/: close and hand-over.
[[nodiscard]] std::shared_ptr<void> add_auction_routes(ThreadContext& thread, RouteTable& table);
[[nodiscard]] std::shared_ptr<void> spawn_auction_workers(ThreadContext& thread);

}  // namespace boxoffice
