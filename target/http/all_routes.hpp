// Every route that boxoffice has: one list, for the program and for the tests that hold the API's
// description to it.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "target/http/api.hpp"
#include "target/http/lane.hpp"
#include "target/parts.hpp"
#include "target/service/provider_books.hpp"
#include "target/service/shared_seat_feed.hpp"

namespace boxoffice {

// Whatever the roles of the process are: its router takes what is theirs. All that is given must
// outlive the table, and so must what is returned, which owns what the handlers refer to.
[[nodiscard]] std::vector<std::shared_ptr<void>> add_all_routes(
    ThreadContext& thread, ServerLoad& load, const std::atomic<bool>& prepared,
    ProviderBooks& provider_books, SeatNewsBoard& seat_news, RouteTable& table);

}  // namespace boxoffice
