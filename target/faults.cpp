#include "target/faults.hpp"

#include <random>

namespace boxoffice {

Faults& Faults::of_process() {
  static Faults faults;
  return faults;
}

FaultSettings Faults::settings() const noexcept {
  return {redis_delay_ms,  mysql_delay_ms, redis_drop,
          mysql_kill_conn, commit_unknown, clock_skew_ms};
}

void Faults::set(const FaultSettings& wanted) noexcept {
  redis_delay_ms = wanted.redis_delay_ms;
  mysql_delay_ms = wanted.mysql_delay_ms;
  redis_drop = wanted.redis_drop;
  mysql_kill_conn = wanted.mysql_kill_conn;
  commit_unknown = wanted.commit_unknown;
  clock_skew_ms = wanted.clock_skew_ms;
}

bool Faults::any() const noexcept {
  return redis_delay_ms != 0 || mysql_delay_ms != 0 || redis_drop > 0 || mysql_kill_conn > 0 ||
         commit_unknown > 0 || clock_skew_ms != 0;
}

bool Faults::strikes(const std::atomic<double>& share) {
  const double chance = share.load(std::memory_order_relaxed);
  if (chance <= 0) return false;
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random) < chance;
}

std::chrono::system_clock::time_point wall_clock() noexcept {
  const std::chrono::milliseconds skew(
      Faults::of_process().clock_skew_ms.load(std::memory_order_relaxed));
  return std::chrono::system_clock::now() + skew;
}

}  // namespace boxoffice
