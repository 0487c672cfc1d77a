// How the account side is put together: the stores it needs, made for one thread.
#pragma once

#include <memory>

#include "target/parts.hpp"
#include "target/service/accounts.hpp"
#include "target/service/venues.hpp"

namespace boxoffice {

std::unique_ptr<AccountStore> make_account_store(MysqlPool& mysql, Metrics& metrics);
std::unique_ptr<VenueStore> make_venue_store(MysqlPool& mysql, Metrics& metrics);
std::unique_ptr<SessionStore> make_session_store(RedisClient& redis);

}  // namespace boxoffice
