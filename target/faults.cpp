#include "target/faults.hpp"

#include <random>

namespace boxoffice {

Faults& Faults::of_process() {
  static Faults faults;
  return faults;
}

bool Faults::any() const noexcept {
  return redis_delay_ms != 0 || mysql_delay_ms != 0 || redis_drop > 0 || mysql_kill_conn > 0 ||
         commit_unknown > 0;
}

bool Faults::strikes(const std::atomic<double>& share) {
  const double chance = share.load(std::memory_order_relaxed);
  if (chance <= 0) return false;
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random) < chance;
}

}  // namespace boxoffice
