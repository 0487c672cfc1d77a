#include "target/service/instant.hpp"

#include <fmt/format.h>

#include <chrono>

namespace boxoffice {

std::string rfc3339(std::int64_t epoch_ms) {
  using Milliseconds = std::chrono::milliseconds;
  const std::chrono::sys_time<Milliseconds> instant{Milliseconds{epoch_ms}};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{instant - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace boxoffice
