// The use cases of orders: place, read (and wait), cancel. The seat claim and the quota are taken
// in one transaction before any money moves, so a seat conflict never needs a refund.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"
#include "target/metrics.hpp"
#include "target/service/catalogue.hpp"
#include "target/service/idempotency.hpp"
#include "target/service/order.hpp"
#include "target/service/order_ids.hpp"
#include "target/service/order_store.hpp"
#include "target/service/order_watch.hpp"
#include "target/service/seat_holds.hpp"
#include "target/service/seat_settler.hpp"
#include "target/switches.hpp"

namespace boxoffice {

inline constexpr std::int64_t pay_window_ms_min = 30'000, pay_window_ms_max = 600'000;

struct PlaceRequest {
  IdempotencyKey key;
  std::string hold_id;
  std::optional<std::uint64_t> event;               // else found through the hold
  std::optional<std::vector<std::uint32_t>> seats;  // else those of the hold
  std::string trace_id;
};

class OrderDesk {
 public:
  struct Needs {
    asio::io_context& io;
    OrderStore& store;
    SeatHolds& seats;
    HoldDirectory& directory;
    Catalogue& catalogue;
    SeatSettler& settler;
    OrderSignals& signals;
    OrderWatch& watch;
    Metrics& metrics;
    OrderIds ids;
    const Switches* switches = nullptr;  // of the defect confirm_without_owner
  };
  explicit OrderDesk(Needs needs);

  // Throws StoreUnavailable. 201 with the receipt, also as a replay of the same key or hold.
  Task<Decision<Answer>> place(PlaceRequest request);
  // Waits until the order leaves PAYMENT_PENDING or `wait` is over.
  Task<Decision<OrderView>> read(std::uint64_t order, std::uint64_t user, Millis wait);
  // 200 CANCELLED, or 202 REFUND_PENDING of a confirmed order.
  Task<Decision<Answer>> cancel(std::uint64_t order, IdempotencyKey key);

 private:
  Task<Decision<Answer>> place_once(PlaceRequest request);
  Task<Decision<Answer>> place_held(const PlaceRequest& request, EventPtr event, Hold hold,
                                    std::uint64_t id, std::int64_t now_ms);
  Task<Decision<Answer>> without_hold(const PlaceRequest& request);
  Task<std::optional<Decision<Answer>>> known(const PlaceRequest& request);
  Task<Decision<Answer>> place_again(const PlaceRequest& request, EventPtr event,
                                     HoldDirectory::Lost lost, std::int64_t now_ms);
  Task<Decision<Answer>> lost_commit(Hold hold, std::uint64_t id);
  [[nodiscard]] bool asks_no_owner(const PlaceRequest& request) const noexcept;
  Task<void> give_back(EventPtr event, const Hold& hold, std::uint64_t id);

  Needs needs_;
  std::set<std::pair<std::uint64_t, std::string>> running_;  // user and key, on this thread
};

// nullopt: go on. Else the replay, or the no of a key that was used for something else.
std::optional<Decision<Answer>> replay_of(const KeyRecord& record, const IdempotencyKey& key);

}  // namespace boxoffice
