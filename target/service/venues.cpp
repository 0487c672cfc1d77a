#include "target/service/venues.hpp"

#include <fmt/format.h>

namespace boxoffice {

namespace {

No refuse(Refusal refusal, std::string detail) {
  No no;
  no.refusal = refusal;
  no.detail = std::move(detail);
  return no;
}

bool may_change(Caller caller, std::uint64_t owner) {
  return caller.role == Role::admin || (caller.role == Role::company && caller.user == owner);
}

}  // namespace

Venues::Venues(VenueStore& store, Admin& admin, Catalogue& catalogue)
    : store_(store), admin_(admin), catalogue_(catalogue) {}

Task<Venue> Venues::create(Caller caller, Venue venue) {
  venue.owner = caller.user;
  venue.id = co_await store_.create(venue);
  co_return venue;
}

Task<Decision<Venue>> Venues::find(std::uint64_t venue) {
  auto found = co_await store_.find(venue);
  if (!found) co_return refuse(Refusal::not_found, "no such venue");
  co_return std::move(*found);
}

Task<Decision<SeededEvent>> Venues::open_event(Caller caller, std::uint64_t venue,
                                               SeedEvent event) {
  const auto place = co_await find(venue);
  if (!place) co_return place.error();
  if (!may_change(caller, place->owner)) co_return refuse(Refusal::forbidden, "not your venue");
  if (event.rows > place->rows || event.columns > place->columns) {
    co_return refuse(Refusal::validation_failed,
                     fmt::format("the venue has {} rows of {}", place->rows, place->columns));
  }
  SeedPlan plan;
  plan.events.push_back(std::move(event));
  const Seeded seeded = co_await admin_.seed(std::move(plan));
  const SeededEvent made = seeded.events.at(0);
  co_await store_.assign(made.id, venue, place->owner);
  co_return made;
}

Task<Decision<bool>> Venues::set_prices(Caller caller, std::uint64_t event, Prices prices) {
  const auto owner = co_await store_.owner_of(event);
  if (!owner) co_return refuse(Refusal::not_found, "no such event");
  if (!may_change(caller, *owner)) co_return refuse(Refusal::forbidden, "not your event");
  if (!co_await store_.set_prices(event, std::move(prices)))
    co_return refuse(Refusal::validation_failed, "the event has no such grade");
  catalogue_.forget(event);
  co_return true;
}

Task<Decision<std::vector<std::uint64_t>>> Venues::lock_seat(Caller caller, std::uint64_t venue,
                                                             std::uint32_t seat, bool locked) {
  const auto place = co_await find(venue);
  if (!place) co_return place.error();
  if (!may_change(caller, place->owner)) co_return refuse(Refusal::forbidden, "not your venue");
  co_return co_await admin_.lock_venue_seat(venue, seat, locked);
}

}  // namespace boxoffice
