// Puts the rate limits before the routes of a table (domain §2.3.9): per user where a token came,
// per login at the log-in, per address elsewhere; holds and bids have a limit of their own besides.
// Health, webhooks and the admin port have none.
#pragma once

#include <memory>

#include "target/parts.hpp"

namespace boxoffice {

// Wraps the handlers that are in the table now. The returned object must outlive it. Does nothing
// when the configuration has the limits off.
[[nodiscard]] std::shared_ptr<void> limit_rates(ThreadContext& thread, RouteTable& table);

}  // namespace boxoffice
