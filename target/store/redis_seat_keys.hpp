// The keys that the seat scripts and the queue scripts name, in the scripts' order. Private to
// store/.
#pragma once

#include <string>
#include <vector>

#include "target/domain/event.hpp"
#include "target/store/redis_client.hpp"

namespace boxoffice {

inline constexpr Millis redis_time_limit{2000};

inline TimePoint redis_deadline() { return Clock::now() + redis_time_limit; }

inline std::vector<std::string> event_keys(std::uint64_t event, std::uint32_t epoch,
                                           std::initializer_list<const char*> suffixes) {
  std::vector<std::string> keys;
  keys.reserve(suffixes.size());
  for (const char* suffix : suffixes) keys.push_back(event_key(event, epoch, suffix));
  return keys;
}
inline std::vector<std::string> seat_keys(std::uint64_t event, std::uint32_t epoch) {
  return event_keys(event, epoch, {"st", "bm", "ex", "uq", "vr", "ev", "hd", "ok"});
}
inline std::vector<std::string> hold_keys(std::uint64_t event, std::uint32_t epoch) {
  return event_keys(event, epoch,
                    {"st", "bm", "ex", "uq", "vr", "ev", "hd", "ok", "qa", "qp", "qs", "qg"});
}
inline std::vector<std::string> queue_keys(std::uint64_t event, std::uint32_t epoch) {
  return event_keys(event, epoch, {"qw", "qh", "qa", "qs", "qn", "qe", "qp", "qg", "ok"});
}

inline std::vector<std::string> requeue_keys(std::uint64_t event, std::uint32_t epoch) {
  return event_keys(event, epoch, {"qw", "qh", "qa", "qs", "qn", "qe", "qp", "qg", "ok", "ql"});
}

}  // namespace boxoffice
