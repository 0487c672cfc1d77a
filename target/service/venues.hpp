// Venues and what their owners may do (roles COMPANY and ADMIN): open events in them, set prices,
// keep seats from being sold. Knows no HTTP, SQL or Redis.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "target/domain/caller.hpp"
#include "target/service/admin.hpp"

namespace boxoffice {

struct Venue {
  std::uint64_t id = 0, owner = 0;  // owner 0: the operator's
  std::string name, address;
  std::uint32_t rows = 0, columns = 0;  // the most that an event in it may have
};
using Prices = std::vector<std::pair<char, std::uint32_t>>;  // grade, price

// MySQL. All throw StoreUnavailable("mysql").
class VenueStore {
 public:
  virtual ~VenueStore() = default;
  virtual Task<std::uint64_t> create(Venue venue) = 0;  // its id
  virtual Task<std::optional<Venue>> find(std::uint64_t venue) = 0;
  // nullopt: no such event; 0: the operator's.
  virtual Task<std::optional<std::uint64_t>> owner_of(std::uint64_t event) = 0;
  virtual Task<void> assign(std::uint64_t event, std::uint64_t venue, std::uint64_t owner) = 0;
  // All or none; false: the event has no such grade.
  virtual Task<bool> set_prices(std::uint64_t event, Prices prices) = 0;
};

class Venues {
 public:
  Venues(VenueStore& store, Admin& admin, Catalogue& catalogue);

  Task<Venue> create(Caller caller, Venue venue);
  Task<Decision<Venue>> find(std::uint64_t venue);
  // The new event, which can be booked when this returns.
  Task<Decision<SeededEvent>> open_event(Caller caller, std::uint64_t venue, SeedEvent event);
  Task<Decision<bool>> set_prices(Caller caller, std::uint64_t event, Prices prices);
  // In all events of the venue that are not over; their ids.
  Task<Decision<std::vector<std::uint64_t>>> lock_seat(Caller caller, std::uint64_t venue,
                                                       std::uint32_t seat, bool locked);

 private:
  VenueStore& store_;
  Admin& admin_;
  Catalogue& catalogue_;
};

}  // namespace boxoffice
