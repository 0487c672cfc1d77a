// Faults of the operator's port: what a lab run plants in this very process.
#pragma once

#include <memory>

#include "target/parts.hpp"

namespace boxoffice {

// GET and PUT /admin/faults. What the routes refer to is the thread's and the process's.
void add_admin_faults(ThreadContext& thread, RouteTable& table);

}  // namespace boxoffice
