// The effects of the groups `notify`, `stats` and `saga`. Each gives the entries that are not of
// ours; a repeated entry changes nothing.
#pragma once

#include <vector>

#include "target/service/event_books.hpp"
#include "target/service/event_streams.hpp"
#include "target/worker/order_sweeper.hpp"

namespace boxoffice {

// A notice to the buyer for every step of an order but its making, which the answer told already.
Task<std::vector<StreamEntry>> notify_events(EventBooks& books, std::vector<StreamEntry> entries);

// The figures of what was sold.
Task<std::vector<StreamEntry>> count_events(EventBooks& books, std::vector<StreamEntry> entries);

// The orchestrator's next step: a refund that is owed is asked for at once, not at the next look.
// One that fails is the sweeper's to repeat.
Task<std::vector<StreamEntry>> advance_saga(OrderSweeper& sweeper,
                                            std::vector<StreamEntry> entries);

}  // namespace boxoffice
