// The simulated payment provider as a process of its own, beside the boxoffices of a topology
// (`target.payment.provider: process`). Its books are a third witness of the money, which the
// target under test cannot write.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/history/final_state.hpp"
#include "harness/topology/single_topology.hpp"

namespace stampede {

struct StartedProvider {
  Endpoint at;
  std::string command;  // as `describe()` shows it
  std::unique_ptr<Process> process;
};
[[nodiscard]] bool wants_provider(const TopologyPlan& plan);
// `secrets` are those that the boxoffices get: with another one they would not know each other.
// Throws TopologyError.
[[nodiscard]] StartedProvider start_provider(const TopologyPlan& plan, PrivateStores& stores,
                                             const std::vector<std::string>& secrets,
                                             const std::stop_token& stop,
                                             const PrivateStores::Progress& progress);

// What the provider says of every charge. Without a provider nothing; what cannot be read is told
// in `state.provider_problem`.
void read_provider_books(const TopologyEndpoints& endpoints, FinalState& state);

}  // namespace stampede
