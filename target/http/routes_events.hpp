// Events and their seats, with what the threads of the process read of the live seats together.
#pragma once

#include <memory>

#include "target/parts.hpp"
#include "target/service/shared_seat_feed.hpp"

namespace boxoffice {

// `seat_news` is that of the process and outlives the table.
[[nodiscard]] std::shared_ptr<void> add_event_routes(ThreadContext& thread,
                                                     SeatNewsBoard& seat_news, RouteTable& table);

}  // namespace boxoffice
