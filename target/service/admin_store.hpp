// What the admin interface needs of the stores: seeding, editing, auditing, counting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "target/domain/event.hpp"
#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"

namespace boxoffice {

struct SeedUsers {
  std::uint32_t count = 0;
  std::string prefix = "load";  // letters, digits, '-', '_'
};
struct SeededUsers {
  std::uint64_t first = 0;
  std::uint32_t count = 0;  // ids first … first + count - 1
};
// Rows are shared out evenly, front to back, between the sections and between the grades.
struct SeedEvent {
  std::string title, mode = "RESERVED";
  std::uint32_t rows = 10, columns = 10;
  std::vector<std::string> sections{"-"};  // letters, digits, '-', '_'
  std::vector<std::pair<char, std::uint32_t>> grades{{'A', 50000}};
  std::optional<std::int64_t> sale_open_ms, sale_close_ms;  // absent: now; 30 days later
  std::int64_t hold_ttl_ms = 600000;
  std::uint32_t max_per_user = 4;
  QueueSettings queue;
};
struct SeedVenue {
  std::string name = "Stampede Hall", address = "1 Loopback Road";
};
struct EventEdit {
  std::optional<std::string> title;
  std::optional<std::int64_t> sale_open_ms, sale_close_ms, hold_ttl_ms;
  std::optional<std::uint32_t> max_per_user;
  std::optional<QueueSettings> queue;
};
struct AuditCheck {
  std::string id, title;
  std::uint64_t bad = 0;
  std::vector<std::string> sample;
};
// A figure and its name as the API writes it.
using Figures = std::vector<std::pair<std::string, std::uint64_t>>;

struct EventSales {
  std::uint64_t event = 0;
  std::uint32_t epoch = 0;
  Figures figures;
};

// MySQL. All throw StoreUnavailable("mysql").
class AdminStore {
 public:
  virtual ~AdminStore() = default;
  // The same seed, prefix and number give the same users: made once, found again later.
  virtual Task<SeededUsers> seed_users(std::uint64_t seed, SeedUsers users) = 0;
  virtual Task<std::uint64_t> seed_venue(SeedVenue venue, SeedEvent largest) = 0;
  virtual Task<std::uint64_t> seed_event(SeedEvent event, std::uint64_t venue) = 0;  // its id
  virtual Task<Decision<bool>> edit(std::uint64_t event, EventEdit edit) = 0;
  virtual Task<Decision<std::uint32_t>> next_epoch(std::uint64_t event) = 0;  // the new one
  // In all these events or in none. Refused when the seat is sold or claimed by an order in one.
  virtual Task<Decision<bool>> lock_seat(std::vector<std::uint64_t> events, std::uint32_t seat,
                                         bool locked) = 0;
  // That are not over; empty: no such venue, or nothing takes place in it.
  virtual Task<std::vector<std::uint64_t>> events_of_venue(std::uint64_t venue) = 0;
  virtual Task<std::vector<AuditCheck>> audit(std::uint64_t event, std::uint32_t epoch) = 0;
  virtual Task<Figures> backlog() = 0;  // orders and outbox rows that are not settled
  virtual Task<Figures> orders_by_status() = 0;
  // What the consumer group `stats` has counted; the latest events first, at most `events_max`.
  virtual Task<std::vector<EventSales>> sales() = 0;
  virtual Task<std::uint64_t> replay_outbox(std::int64_t since_ms) = 0;
  virtual Task<std::vector<EventInfo>> events() = 0;  // without grades and prices
  virtual Task<Decision<bool>> set_guards(bool on) = 0;
};

struct EventFigures {
  std::uint64_t event = 0;
  std::uint64_t waiting = 0, active = 0, holds = 0;
};

// Redis. All throw StoreUnavailable("redis").
class AdminKeys {
 public:
  virtual ~AdminKeys() = default;
  // Ends an epoch: the marker first, so that nothing is held on it any more, then the rest.
  virtual Task<void> drop_event(std::uint64_t event, std::uint32_t epoch) = 0;
  virtual Task<std::vector<EventFigures>> figures(std::vector<EventInfo> events) = 0;
  virtual Task<std::uint64_t> stream_backlog() = 0;  // not delivered or not acknowledged
  virtual Task<Figures> script_figures() = 0;        // calls and microseconds of EVALSHA
};

}  // namespace boxoffice
