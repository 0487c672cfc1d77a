// Faults of the surroundings that a lab run plants in this process (domain §2.15): stores that are
// slow or break, a COMMIT whose answer is lost. Unlike defects they are no bugs of boxoffice: a run
// under faults may pass. Read on hot paths: a relaxed load each, while none is on.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

namespace boxoffice {

class Faults {
 public:
  // Of the process: the stores' clients are made in many places and live as long as it does.
  static Faults& of_process();

  // Milliseconds before each command or lease of a connection; shares 0…1 of those that fail.
  std::atomic<std::uint32_t> redis_delay_ms{0}, mysql_delay_ms{0};
  std::atomic<double> redis_drop{0}, mysql_kill_conn{0};
  std::atomic<double> commit_unknown{0};  // the commit happens, its answer is lost

  [[nodiscard]] bool any() const noexcept;
  // True once in 1/share times, by chance; never for 0.
  static bool strikes(const std::atomic<double>& share);
};

}  // namespace boxoffice
