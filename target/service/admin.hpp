// What an operator or a load run may do to a running boxoffice. Knows no HTTP, SQL or Redis.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "target/service/admin_store.hpp"
#include "target/service/catalogue.hpp"
#include "target/service/seat_holds.hpp"
#include "target/service/seat_rebuild.hpp"
#include "target/switches.hpp"

namespace boxoffice {

struct SeedPlan {
  std::uint64_t seed = 1;
  SeedUsers users;
  std::optional<SeedVenue> venue;
  std::vector<SeedEvent> events;
};
struct SeededEvent {
  std::uint64_t id = 0;
  std::uint32_t epoch = 1, seats = 0;
};
struct Seeded {
  SeededUsers users;
  std::uint64_t venue = 0;  // 0: none was asked for
  std::vector<SeededEvent> events;
};
struct Quiet {
  bool quiet = false;
  Figures left;  // what is not zero
};
struct Rebuilt {
  std::uint64_t event = 0;
  std::uint32_t epoch = 0;
  std::int64_t took_ms = 0;
};
struct AdminStats {
  std::vector<EventFigures> events;
  std::vector<EventSales> sales;
  Figures orders, backlog, scripts;
  std::uint64_t streams = 0;
};

class Admin {
 public:
  struct Needs {
    AdminStore& store;
    AdminKeys& keys;
    EventStore& events;
    Catalogue& catalogue;
    SeatHolds& seats;
    SeatLedger& ledger;
    Leases& leases;
    Switches& switches;
  };
  explicit Admin(Needs needs);

  // When it returns every event can be booked.
  Task<Seeded> seed(SeedPlan plan);
  Task<Decision<EventPtr>> edit(std::uint64_t event, EventEdit edit);
  // A new epoch with nothing sold. Requests under way carry the old one and are refused.
  Task<Decision<EventPtr>> reset(std::uint64_t event);
  Task<Decision<bool>> lock_seat(std::uint64_t event, std::uint32_t seat, bool locked);
  // In every event of the venue that is not over, or in none; which they are.
  Task<Decision<std::vector<std::uint64_t>>> lock_venue_seat(std::uint64_t venue,
                                                             std::uint32_t seat, bool locked);
  Task<Decision<Rebuilt>> rebuild(std::uint64_t event);
  // `epoch` absent: today's. Redis is looked at for today's epoch only.
  Task<Decision<std::vector<AuditCheck>>> audit(std::uint64_t event,
                                                std::optional<std::uint32_t> epoch);
  // Pauses admissions and waits until nothing is under way; they stay paused until resume().
  Task<Quiet> quiesce(Millis time);
  void resume();
  Task<std::uint64_t> replay_outbox(std::int64_t since_ms);
  Task<Decision<bool>> set_defect(std::string name, bool on);
  Task<AdminStats> stats();

 private:
  Task<Decision<bool>> lock_in(std::vector<std::uint64_t> events, std::uint32_t seat, bool locked);
  Task<Decision<EventPtr>> find(std::uint64_t event);
  Task<Figures> left();

  Needs needs_;
  SeatRebuild rebuild_;
};

}  // namespace boxoffice
