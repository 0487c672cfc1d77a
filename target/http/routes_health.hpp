// /healthz, /readyz and /metrics: on every port, whatever the roles.
#pragma once

#include <atomic>
#include <memory>

#include "target/http/api.hpp"
#include "target/http/lane.hpp"
#include "target/parts.hpp"

namespace boxoffice {

// `prepared`: the schema is in place. All that is given must outlive the table.
[[nodiscard]] std::shared_ptr<void> add_health_routes(ThreadContext& thread, ServerLoad& load,
                                                      const std::atomic<bool>& prepared,
                                                      RouteTable& table);

}  // namespace boxoffice
