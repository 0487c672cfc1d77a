// How the admin side is put together: the stores it needs, made for one thread.
#pragma once

#include <memory>

#include "target/parts.hpp"
#include "target/service/admin.hpp"
#include "target/service/switch_board.hpp"

namespace boxoffice {

std::unique_ptr<AdminStore> make_admin_store(MysqlPool& mysql);
std::unique_ptr<AdminKeys> make_admin_keys(RedisClient& redis);
std::unique_ptr<SwitchBoard> make_switch_board(RedisClient& redis);

}  // namespace boxoffice
