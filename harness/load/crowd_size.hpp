// How many users a load holds at once and what memory they need: known before it starts. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "harness/scenario/scenario.hpp"

namespace stampede {

// Most sessions alive at once. An open load without a limit of its own is taken to stay below two
// seconds' worth of arrivals; if it does not, the connects that fail say so.
std::uint64_t users_highest(const CompiledScenario& scenario);
// WebSockets and event streams that a user of it may hold beside its HTTP connections.
std::uint64_t streams_at_once(const CompiledScenario& scenario);

// What stampede will have resident at the most, in bytes. It does not grow with the rate, nor with
// the time but for a row of the report per second and for what profiles `record`.
struct MemoryEstimate {
  std::uint64_t users = 0;    // alive at once, of all scenarios
  std::uint64_t base = 0;     // program and libraries
  std::uint64_t crowd = 0;    // users, each idle or with one request under way
  std::uint64_t figures = 0;  // histograms of all workers, and their total
  std::uint64_t seconds = 0;  // a row per second of the run
  std::uint64_t ledger = 0;   // of recorded steps; 0 where their number cannot be known before
  [[nodiscard]] std::uint64_t total() const noexcept {
    return base + crowd + figures + seconds + ledger;
  }
};
// `length` is that of the whole load, drain included; `tokens` are the users' identities.
MemoryEstimate estimate_memory(const CompiledRun& run, std::uint32_t workers, Nanos length,
                               std::uint64_t tokens);
// "memory: about 27 MiB for 10,000 users"
std::string memory_text(const MemoryEstimate& estimate);

}  // namespace stampede
