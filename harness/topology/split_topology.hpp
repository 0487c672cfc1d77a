// The roles of boxoffice as services of their own: catalog 8080, reservation 8081, order 8082,
// payment 8083, behind nginx, which sends every path to its role. One Redis, one MariaDB.
#pragma once

#include "harness/topology/single_topology.hpp"

namespace stampede {

[[nodiscard]] std::unique_ptr<Topology> start_split(const TopologyPlan& plan,
                                                    const std::stop_token& stop,
                                                    const PrivateStores::Progress& progress);

}  // namespace stampede
