// The effect of the group `settle`: the seats in Redis become what the database says about their
// order now. Not what the event says: an event that comes a second time, after the order went on,
// would undo what came later.
#pragma once

#include <vector>

#include "target/service/event_streams.hpp"
#include "target/service/order_store.hpp"
#include "target/service/seat_settler.hpp"

namespace boxoffice {

// Gives the entries that are not of ours. Throws StoreUnavailable.
Task<std::vector<StreamEntry>> settle_events(OrderStore& orders, SeatSettler& settler,
                                             std::vector<StreamEntry> entries);

}  // namespace boxoffice
