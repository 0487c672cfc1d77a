// Where generator and target stand, as far as this machine can tell: a latency means another thing
// over a network than over a loopback.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace stampede {

struct Placement {
  bool attached = false;          // else everything was started here
  std::string target;             // of an attached one: host and addresses, or socket, for people
  std::optional<bool> here;       // it has an address of this machine; nullopt: nobody can tell
  std::size_t cpus_allowed = 0;   // of the generator (sched_getaffinity); 0: not told
  std::size_t cpus = 0;           // of the machine
  std::string cpus_allowed_list;  // "0-1,4"
};

// `url` as --url has it; empty: started here. May ask for the addresses of a name.
[[nodiscard]] Placement look_at_placement(const std::string& url);
// "generator, target and databases on one machine; generator not pinned (may use all 2 CPUs)"
[[nodiscard]] std::string placement_text(const Placement& placement);

}  // namespace stampede
