// Several boxoffices behind nginx, with one Redis and one MariaDB. split: the roles as services of
// their own (catalog 8080, reservation 8081, order 8082, payment 8083), every path sent to its
// role. lb+N: N whole instances that take the requests in turn.
#pragma once

#include "harness/topology/single_topology.hpp"

namespace stampede {

[[nodiscard]] std::unique_ptr<Topology> start_split(const TopologyPlan& plan,
                                                    const std::stop_token& stop,
                                                    const PrivateStores::Progress& progress);

// N of "lb+N", from 2 to 16; nullopt: it is no such name.
[[nodiscard]] std::optional<unsigned> balanced_instances(std::string_view kind);
[[nodiscard]] std::unique_ptr<Topology> start_balanced(const TopologyPlan& plan, unsigned instances,
                                                       const std::stop_token& stop,
                                                       const PrivateStores::Progress& progress);

}  // namespace stampede
