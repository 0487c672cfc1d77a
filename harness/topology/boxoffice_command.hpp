// How a boxoffice is called by a topology, and how a started process is waited for.
#pragma once

#include <map>

#include "harness/time.hpp"
#include "harness/topology/single_topology.hpp"

namespace stampede {

inline constexpr int start_tries_max = 3;
inline constexpr std::chrono::seconds ready_within{60};
inline constexpr const char* port_taken = "Address already in use";

// Flags without the dashes. Those of the profile's target.options come last and win.
[[nodiscard]] std::map<std::string, std::string> boxoffice_options(
    const TopologyPlan& plan, const PrivateStores& stores, const TopologyEndpoints& endpoints);
[[nodiscard]] std::vector<std::string> arguments_of(
    const std::map<std::string, std::string>& options, const TopologyPlan& plan);
// NAME=value for the environment: a command line is visible to every user of the machine.
[[nodiscard]] std::vector<std::string> boxoffice_secrets(const std::string& admin_token,
                                                         const std::string& mysql_password);
[[nodiscard]] bool boxoffice_ready(const Endpoint& endpoint, const std::string& path_prefix);
// The port that the profile asks for, which must be free; without a wish any free one.
[[nodiscard]] std::uint16_t port_asked_for(const TopologyPlan& plan, const std::string& option);

// Waits until `ready` says so; throws when the process ends, time is up or a stop is asked for.
void await_ready(Process& process, const std::stop_token& stop, TimePoint until,
                 const std::function<bool()>& ready);
[[noreturn]] void fail_start(Process& process, const std::string& what);

}  // namespace stampede
