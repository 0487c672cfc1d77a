// Events by id, from a per-thread cache that is at most `event_cache_age_max` old. One per I/O
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "target/domain/event.hpp"
#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"

namespace boxoffice {

struct EventPage {
  std::vector<EventPtr> items;
  std::uint64_t total = 0;
  std::int64_t now_ms = 0;  // the store's clock, for whoever asks which of them are open
};
struct SeatRow {
  std::uint32_t seat = 0;
  std::string section, row_label;
  std::uint32_t column = 0;
  char grade = 'A';
  std::uint32_t price = 0;
};

// Where events are stored for good (MySQL). Throws StoreUnavailable.
class EventStore {
 public:
  virtual ~EventStore() = default;
  virtual Task<EventPtr> find(std::uint64_t event) = 0;  // null: no such event
  virtual Task<EventPage> page(std::string status, std::string mode, std::uint32_t page,
                               std::uint32_t size) = 0;
  virtual Task<std::vector<SeatRow>> seats(std::uint64_t event) = 0;
};

class Catalogue {
 public:
  explicit Catalogue(EventStore& store);
  ~Catalogue();
  // Cached; concurrent misses of one event ask the store once. While the store is down a copy up to
  // half an hour old is given (of pages: 30 s).
  Task<Decision<EventPtr>> event(std::uint64_t event);
  // The next event() asks the store: after a reset was noticed (a script answered REBUILD, or the
  // epoch differs).
  void forget(std::uint64_t event);
  Task<EventPage> page(std::string status, std::string mode, std::uint32_t page,
                       std::uint32_t size);
  Task<std::shared_ptr<const std::vector<SeatRow>>> seats(
      EventPtr event);  // layout never changes: kept

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace boxoffice
