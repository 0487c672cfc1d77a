// How the practice rooms are put together: the stores they need, made for one thread.
#pragma once

#include <memory>

#include "target/parts.hpp"
#include "target/service/practice_store.hpp"

namespace boxoffice {

std::unique_ptr<PracticeBoards> make_practice_boards(RedisClient& redis, Metrics& metrics);
std::unique_ptr<PracticeStore> make_practice_store(MysqlPool& mysql, Metrics& metrics);

// http/: §2.3.7. worker/: the bots of each room, one engine however many instances run.
[[nodiscard]] std::shared_ptr<void> add_practice_routes(ThreadContext& thread, RouteTable& table);
[[nodiscard]] std::shared_ptr<void> spawn_practice_workers(ThreadContext& thread);

}  // namespace boxoffice
