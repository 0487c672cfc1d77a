// The lasting effects of the event streams beside the seats: notices to the buyers (group `notify`)
// and the figures of what was sold (group `stats`). An event that comes again changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "target/domain/task.hpp"

namespace boxoffice {

struct Notice {
  std::uint64_t outbox_id = 0, user = 0, order = 0;
  std::string type;  // of the event: ORDER_CONFIRMED
};

// Of one event, epoch and outbox row. Gross: what was refunded is counted beside it.
struct Sale {
  std::uint64_t outbox_id = 0, event = 0;
  std::uint32_t epoch = 0;
  std::uint64_t created = 0, confirmed = 0, declined = 0, cancelled = 0, expired = 0, refunded = 0;
  std::uint64_t seats = 0, revenue = 0, refunded_amount = 0;
};

class EventBooks {
 public:
  virtual ~EventBooks() = default;
  // Throw StoreUnavailable. The number of those that were new.
  virtual Task<std::uint64_t> note(std::vector<Notice> notices) = 0;
  // Figures and their `consumed` marks are written in one transaction.
  virtual Task<std::uint64_t> add(std::vector<Sale> sales) = 0;
};

}  // namespace boxoffice
