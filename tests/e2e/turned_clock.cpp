// Preloaded into a program, it turns that program's clocks and nobody else's: TURNED_CLOCK=drift
// lets CLOCK_MONOTONIC_RAW gain 1 % on CLOCK_MONOTONIC, TURNED_CLOCK=back puts CLOCK_MONOTONIC
// back by 20 ms, once, 1.5 s after it was first read.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace {

constexpr std::int64_t billion = 1'000'000'000;
constexpr std::int64_t gain = 100;  // one part in so many
constexpr std::int64_t back_by_ns = 20'000'000;
constexpr std::int64_t back_after_ns = 1'500'000'000;

enum class Turn { none, drift, back };

Turn turn_asked() noexcept {
  const char* const asked = std::getenv("TURNED_CLOCK");
  if (asked == nullptr) return Turn::none;
  const std::string_view word(asked);
  return word == "drift" ? Turn::drift : word == "back" ? Turn::back : Turn::none;
}

// Of this clock, as it was first read; `ns` when that is now.
std::int64_t first_reading(std::atomic<std::int64_t>& first, std::int64_t ns) noexcept {
  std::int64_t seen = 0;
  return first.compare_exchange_strong(seen, ns) ? ns : seen;
}

}  // namespace

// The C library's own would not be found from here: the kernel is asked.
extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
  static const Turn turn = turn_asked();
  static std::atomic<std::int64_t> first_raw{0}, first_monotonic{0};
  const long failed = syscall(SYS_clock_gettime, id, time);
  if (failed != 0) return static_cast<int>(failed);
  std::int64_t ns = time->tv_sec * billion + time->tv_nsec;
  if (turn == Turn::drift && id == CLOCK_MONOTONIC_RAW) {
    ns += (ns - first_reading(first_raw, ns)) / gain;
  } else if (turn == Turn::back && id == CLOCK_MONOTONIC) {
    if (ns - first_reading(first_monotonic, ns) > back_after_ns) ns -= back_by_ns;
  }
  *time = {ns / billion, ns % billion};
  return 0;
}
