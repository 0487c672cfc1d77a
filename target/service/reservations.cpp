#include "target/service/reservations.hpp"

#include <algorithm>

#include "target/service/hold_id.hpp"
#include "target/service/instant.hpp"

namespace boxoffice {

namespace {

constexpr std::int64_t hold_ms_min = 2000;

No refuse(Refusal refusal, std::string detail = {}) {
  No no;
  no.refusal = refusal;
  no.detail = std::move(detail);
  return no;
}

// What is left is told by the clock that decides it, which is not ours.
std::int64_t left_ms(const Hold& hold) {
  return std::max<std::int64_t>(hold.expires_ms - hold.now_ms, 0);
}

std::uint64_t amount_of(const EventInfo& event, const std::vector<std::uint32_t>& seats) {
  std::uint64_t amount = 0;
  for (const std::uint32_t seat : seats) {
    if (seat < event.prices.size()) amount += event.prices[seat];
  }
  return amount;
}

std::optional<No> check_seats(const EventInfo& event, std::vector<std::uint32_t> seats) {
  if (seats.empty()) return refuse(Refusal::validation_failed, "seatIds names no seat");
  if (seats.size() > event.max_per_user) {
    return refuse(Refusal::quota_exceeded,
                  fmt::format("at most {} seats for one person", event.max_per_user));
  }
  std::ranges::sort(seats);
  if (std::ranges::adjacent_find(seats) != seats.end())
    return refuse(Refusal::validation_failed, "a seat is named twice");
  return std::nullopt;
}

std::optional<No> check_status(const EventInfo& event) {
  if (event.status == "ENDED" || event.status == "CANCELLED") return refuse(Refusal::sale_ended);
  if (event.status == "DRAFT") return refuse(Refusal::not_found, "there is no such event");
  // Its seats go to the winners: nobody holds one past them.
  if (event.mode == "AUCTION")
    return refuse(Refusal::seat_locked, "the seats of this event are auctioned");
  return std::nullopt;
}

}  // namespace

Reservations::Reservations(asio::io_context& context, Catalogue& catalogue, SeatHolds& seats,
                           HoldDirectory& directory, SeatRebuild& rebuild, std::string pass_secret)
    : context_(context),
      catalogue_(catalogue),
      seats_(seats),
      directory_(directory),
      rebuild_(rebuild),
      signer_(std::move(pass_secret)) {}

// What the script cannot know: whether the pass is ours, this user's and of this sale. A pass of
// another epoch was valid and is over (410); anything else is no pass at all (403). Whether its
// time is over and its owner still admitted is decided by Redis' clock with the hold.
std::optional<No> Reservations::check_pass(const EventInfo& event, const std::string& token,
                                           Hold& wanted) const {
  if (token.empty()) return refuse(Refusal::not_admitted, "an Entry-Token is needed");
  const auto pass = signer_.read_pass(token);
  if (!pass || pass->event != event.id || pass->user != wanted.user)
    return refuse(Refusal::not_admitted, "the Entry-Token is not valid here");
  if (pass->epoch != event.epoch) return refuse(Refusal::pass_expired);
  wanted.pass_end_ms = pass->end_ms;
  wanted.pass_issued_ms = pass->end_ms - event.queue.pass_ttl_ms;
  return std::nullopt;
}

Task<Decision<Hold>> Reservations::take(EventPtr event, Hold wanted, const HoldRequest& request) {
  if (auto no = check_status(*event)) co_return std::move(*no);
  if (auto no = check_seats(*event, wanted.seats)) co_return std::move(*no);
  if (event->queue.on) {
    if (auto no = check_pass(*event, request.entry_token, wanted)) co_return std::move(*no);
  }
  if (wanted.id.empty()) wanted.id = make_hold_id(event->id, event->epoch);
  const std::int64_t longest = std::max(event->hold_ttl_ms, std::int64_t{1});
  const std::int64_t ttl_ms =
      std::clamp(request.hold_ms.value_or(longest), std::min(hold_ms_min, longest), longest);
  const bool queue_on = event->queue.on;
  Decision<Hold> taken = co_await seats_.take(event, std::move(wanted), ttl_ms, queue_on);
  if (!taken && taken.error().refusal == Refusal::sale_not_open) {
    No no = taken.error();
    no.opens_at = rfc3339(event->sale_open_ms);
    co_return no;
  }
  co_return taken;
}

Task<Decision<Reservation>> Reservations::hold(std::uint64_t user, HoldRequest request) {
  Decision<EventPtr> found = co_await catalogue_.event(request.event);
  if (!found) co_return found.error();
  EventPtr event = *found;
  Hold wanted;
  wanted.id = request.hold_id;
  wanted.user = user;
  wanted.seats = request.seats;
  Decision<Hold> taken = co_await take(event, wanted, request);
  if (!taken && taken.error().refusal == Refusal::rebuilding) {
    // Either Redis lost its data, or our copy of the event is from before a reset.
    catalogue_.forget(event->id);
    Decision<EventPtr> again = co_await catalogue_.event(request.event);
    if (!again) co_return again.error();
    const bool reset = (*again)->epoch != event->epoch;
    event = *again;
    if (reset) taken = co_await take(event, std::move(wanted), request);
    if (!taken && taken.error().refusal == Refusal::rebuilding) rebuild_.kick(context_, event);
  }
  if (!taken) co_return taken.error();
  Reservation reservation;
  reservation.hold = std::move(*taken);
  reservation.ttl_ms = left_ms(reservation.hold);
  reservation.amount = amount_of(*event, reservation.hold.seats);
  co_return reservation;
}

// A hold whose event nobody knows any more is over, like one whose record is gone.
Task<Decision<EventPtr>> Reservations::event_of(std::string hold_id) {
  if (!is_hold_id(hold_id)) co_return refuse(Refusal::not_found, "no hold has such an id");
  const std::optional<std::uint64_t> event = co_await directory_.event_of(std::move(hold_id));
  if (!event) co_return refuse(Refusal::hold_expired);
  Decision<EventPtr> found = co_await catalogue_.event(*event);
  if (!found && found.error().refusal == Refusal::not_found)
    co_return refuse(Refusal::hold_expired);
  co_return found;
}

Task<Decision<Reservation>> Reservations::find(std::uint64_t user, std::string hold_id) {
  Decision<EventPtr> event = co_await event_of(hold_id);
  if (!event) co_return event.error();
  Decision<Hold> hold = co_await seats_.find(*event, std::move(hold_id), user);
  if (!hold) co_return hold.error();
  Reservation reservation;
  reservation.hold = std::move(*hold);
  reservation.ttl_ms = left_ms(reservation.hold);
  reservation.amount = amount_of(**event, reservation.hold.seats);
  co_return reservation;
}

Task<Decision<std::int64_t>> Reservations::extend(std::uint64_t user, std::string hold_id,
                                                  std::int64_t add_ms) {
  Decision<EventPtr> event = co_await event_of(hold_id);
  if (!event) co_return event.error();
  const std::int64_t bounded = std::min(add_ms, (*event)->hold_ttl_ms);
  co_return co_await seats_.extend(*event, std::move(hold_id), user, bounded);
}

Task<Decision<std::uint32_t>> Reservations::release(std::uint64_t user, std::string hold_id) {
  Decision<EventPtr> event = co_await event_of(hold_id);
  if (!event) co_return event.error();
  co_return co_await seats_.release(*event, std::move(hold_id), user);
}

}  // namespace boxoffice
