// What runs for auctions: the close, once for each, and the rights that pass on until every slot
// is paid or nobody is left. Any number of instances may run it: the lease saves work, the
// database's row lock decides, the fence stops a holder that slept through its lease.
#include <fmt/format.h>

#include "target/auction_parts.hpp"
#include "target/log.hpp"
#include "target/service/order_store.hpp"
#include "target/worker/worker_loop.hpp"

namespace boxoffice {

namespace {

constexpr Millis look_every{200}, lease_time{3000};

class AuctionWorkers {
 public:
  explicit AuctionWorkers(ThreadContext& thread)
      : thread_(thread),
        store_(make_auction_store(thread.io, thread.mysql, thread.switches, thread.metrics)),
        book_(make_auction_book(thread.redis, thread.switches, thread.metrics)) {}

  Task<Millis> turn() {
    for (const std::uint64_t auction : co_await store_->unsettled()) {
      const std::string lease = fmt::format("auction:{}", auction);
      const auto fence = co_await thread_.leases.acquire(lease, lease_time);
      thread_.metrics.gauge("lease_owner", "name", lease, fence ? 1 : 0);
      if (fence) co_await decide(auction, *fence);
    }
    co_return look_every;
  }

 private:
  Task<void> decide(std::uint64_t auction, std::uint64_t fence) {
    bool closed = false;
    try {
      closed = co_await store_->close(auction, fence);
    } catch (const FencedOff& off) {
      // Who has the newer fence does it.
      log_warning("auction close fenced off", {{"newest", static_cast<std::int64_t>(off.newest)}});
      co_return;
    }
    const HandOver handed = co_await store_->hand_over(auction);
    const AuctionPtr facts = co_await store_->find(auction);
    if (facts == nullptr) co_return;
    if (closed) {
      log_info("auction closed", {{"auction", static_cast<std::int64_t>(auction)}});
      thread_.metrics.count("auction_closed");
      AuctionNote winners{AuctionNote::Kind::offer, {}, 0, 0};
      for (const RankRow& row : co_await store_->ranking(auction, 0, facts->slots))
        winners.users.push_back(row.user);
      co_await book_->tell(facts, {AuctionNote::Kind::closed, {}, 0, 0});
      if (!winners.users.empty()) co_await book_->tell(facts, std::move(winners));
    }
    if (handed.settled) co_await book_->tell(facts, {AuctionNote::Kind::settled, {}, 0, 0});
    if (handed.offered.empty()) co_return;
    AuctionNote next{AuctionNote::Kind::offer, {}, 0, 0};
    for (const Award& award : handed.offered) next.users.push_back(award.user);
    co_await book_->tell(facts, std::move(next));
  }

  ThreadContext& thread_;
  std::unique_ptr<AuctionStore> store_;
  std::unique_ptr<AuctionBook> book_;
};

}  // namespace

std::shared_ptr<void> spawn_auction_workers(ThreadContext& thread) {
  auto workers = std::make_shared<AuctionWorkers>(thread);
  const WorkerPlace place{thread.io, thread.metrics, thread.stop};
  spawn_loop(place, "auctions", workers, [at = workers.get()] { return at->turn(); });
  return workers;
}

}  // namespace boxoffice
