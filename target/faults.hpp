// Faults of the surroundings that a lab run plants in this process (domain §2.15): stores that are
// slow or break, a COMMIT whose answer is lost, a clock that is off. Unlike defects they are no
// bugs of boxoffice: a run under faults may pass. Read on hot paths: a relaxed load each, while
// none is on.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace boxoffice {

// What is planted, as plain values.
struct FaultSettings {
  std::uint32_t redis_delay_ms = 0, mysql_delay_ms = 0;
  double redis_drop = 0, mysql_kill_conn = 0, commit_unknown = 0;
  std::int64_t clock_skew_ms = 0;
};

class Faults {
 public:
  // Of the process: the stores' clients are made in many places and live as long as it does.
  static Faults& of_process();

  // Milliseconds before each command or lease of a connection; shares 0…1 of those that fail.
  std::atomic<std::uint32_t> redis_delay_ms{0}, mysql_delay_ms{0};
  std::atomic<double> redis_drop{0}, mysql_kill_conn{0};
  std::atomic<double> commit_unknown{0};  // the commit happens, its answer is lost
  std::atomic<std::int64_t> clock_skew_ms{0};

  [[nodiscard]] FaultSettings settings() const noexcept;
  void set(const FaultSettings& wanted) noexcept;
  [[nodiscard]] bool any() const noexcept;
  // True once in 1/share times, by chance; never for 0.
  static bool strikes(const std::atomic<double>& share);
};

// The wall clock as this process sees it, which may be wrong. So it decides nothing of a sale; it
// judges the age of tokens and of webhooks' signatures, which are another machine's word anyway.
[[nodiscard]] std::chrono::system_clock::time_point wall_clock() noexcept;

}  // namespace boxoffice
