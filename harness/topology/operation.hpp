// What the target's logs and stores say of a run, beside its answers.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "harness/history/operation_facts.hpp"
#include "harness/topology/topology.hpp"

namespace stampede {

// Asks the stores that the run may look at; what cannot be asked is left out. Takes a few
// milliseconds.
[[nodiscard]] StoreFacts read_store_facts(const TopologyEndpoints& at);
// What grows (commits, scripts) of `after` without that of `before`.
[[nodiscard]] StoreFacts since(const StoreFacts& before, StoreFacts after);

// The scripts in a text of the target's /metrics (Prometheus' format), added to `into`.
void add_script_facts(std::string_view metrics, std::map<std::string, ScriptFacts>& into);

inline constexpr std::size_t log_bytes_max = 64UL * 1024 * 1024;
// Counts the lines by their "level"; a file that is not there has none.
[[nodiscard]] LogFacts read_log_facts(const std::string& role, const std::filesystem::path& file);

}  // namespace stampede
