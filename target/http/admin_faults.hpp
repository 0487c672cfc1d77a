// Faults of the operator's port: what a lab run plants in all instances that share a Redis.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "target/faults.hpp"
#include "target/parts.hpp"

namespace boxoffice {

nlohmann::json to_json(const FaultSettings& faults);
// What is absent keeps the value of `now`.
FaultSettings read_faults(const nlohmann::json& body, FaultSettings now,
                          std::vector<std::string>& problems);

// GET and PUT /admin/faults. The returned object owns what the routes refer to.
[[nodiscard]] std::shared_ptr<void> add_admin_faults(ThreadContext& thread, RouteTable& table);

}  // namespace boxoffice
