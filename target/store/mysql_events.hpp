// How an event's row is written and read; shared by the event store and the admin's store.
#pragma once

#include <string>
#include <string_view>

#include "target/domain/event.hpp"

namespace boxoffice {

// The column `queue`: everything but `on`, which has a column of its own.
std::string queue_column(const QueueSettings& queue);
// What the text does not name, or what is out of range, keeps its default.
QueueSettings queue_settings(bool on, std::string_view column);
// "2026-01-31 12:00:00.000", as a DATETIME(3) takes it.
std::string sql_time(std::int64_t epoch_ms);

}  // namespace boxoffice
