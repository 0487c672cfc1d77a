#include "target/worker/settle_effect.hpp"

namespace boxoffice {

Task<std::vector<StreamEntry>> settle_events(OrderStore& orders, SeatSettler& settler,
                                             std::vector<StreamEntry> entries) {
  std::vector<StreamEntry> strangers;
  std::vector<std::uint64_t> ids;
  for (StreamEntry& entry : entries) {
    // A new order changes nothing in Redis: its seats were pended before.
    if (entry.type == "ORDER_CREATED") continue;
    if (const auto facts = event_facts(entry.payload)) {
      ids.push_back(facts->id);
    } else {
      strangers.push_back(std::move(entry));
    }
  }
  for (OrderFacts& order : co_await orders.not_pending(std::move(ids))) {
    co_await settler.settle(std::move(order));
  }
  co_return strangers;
}

}  // namespace boxoffice
