// An event as the hot path needs it: immutable facts of one epoch. Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boxoffice {

inline constexpr std::uint32_t requeue_losses = 5;

struct QueueSettings {
  bool on = false;
  std::uint32_t cap = 1000;
  double rate = 50, burst = 50;
  std::int64_t lease_ms = 30000, heartbeat_ms = 15000, pass_ttl_ms = 600000, push_ms = 1000;
  bool random = false;         // those before `open` are shuffled
  std::uint32_t wait_max = 0;  // 0: no limit
  bool requeue = false;        // who loses a hold so often goes back to the tail
};

struct EventInfo {
  std::uint64_t id = 0;
  std::uint32_t epoch = 1;
  std::string title, mode, status;
  std::int64_t starts_ms = 0, sale_open_ms = 0, sale_close_ms = 0;  // epoch milliseconds
  std::uint32_t seat_count = 0, rows = 0, columns = 0;
  std::uint32_t max_per_user = 4;
  std::int64_t hold_ttl_ms = 600000;
  std::vector<std::pair<char, std::uint32_t>> grades;  // grade, price
  std::vector<std::uint32_t> prices;                   // by seat number
  QueueSettings queue;
};
using EventPtr = std::shared_ptr<const EventInfo>;

// Every key of an event: "{e<id>.<epoch>}:" + suffix.
std::string event_key(std::uint64_t event, std::uint32_t epoch, std::string_view suffix);

}  // namespace boxoffice
