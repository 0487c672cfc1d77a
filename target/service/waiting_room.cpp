#include "target/service/waiting_room.hpp"

#include <algorithm>

#include "target/faults.hpp"
#include "target/service/instant.hpp"

namespace boxoffice {

namespace {

constexpr std::int64_t poll_ms_min = 1000, poll_ms_max = 5000;

No refuse(Refusal refusal) {
  No no;
  no.refusal = refusal;
  return no;
}

std::int64_t system_ms() {
  return std::chrono::duration_cast<Millis>(wall_clock().time_since_epoch()).count();
}

// Where nobody waits everybody is let in, so that clients need not know the difference.
Place open_door(const EventInfo& event) {
  Place place;
  place.state = Place::State::admitted;
  place.pass_end_ms = system_ms() + event.queue.pass_ttl_ms;
  return place;
}

}  // namespace

std::int64_t eta_ms(const QueueSettings& queue, std::int64_t position) noexcept {
  const double rate = std::max(queue.rate, 0.001);
  return static_cast<std::int64_t>(static_cast<double>(position) * 1000.0 / rate);
}

std::int64_t poll_after_ms(const QueueSettings& queue, std::int64_t eta) noexcept {
  const std::int64_t alive = std::max(queue.heartbeat_ms / 3, std::int64_t{1});
  return std::min(std::clamp(eta / 10, poll_ms_min, poll_ms_max), alive);
}

bool sale_over(const EventInfo& event, std::int64_t now_ms) noexcept {
  if (event.status == "ENDED" || event.status == "CANCELLED") return true;
  return event.sale_close_ms > 0 && now_ms >= event.sale_close_ms;
}

WaitingRoom::WaitingRoom(asio::io_context& context, Catalogue& catalogue, QueuePlaces& places,
                         SeatRebuild& rebuild, std::string pass_secret)
    : context_(context),
      catalogue_(catalogue),
      places_(places),
      rebuild_(rebuild),
      signer_(std::move(pass_secret)) {}

PlaceTold WaitingRoom::tell(const EventInfo& event, std::uint64_t user, Place place) const {
  PlaceTold told;
  told.place = place;
  if (place.state == Place::State::waiting) {
    told.eta_ms = eta_ms(event.queue, place.position);
    told.poll_after_ms = poll_after_ms(event.queue, told.eta_ms);
    PlaceToken token;
    token.event = event.id;
    token.epoch = event.epoch;
    token.user = user;
    token.base = place.base;
    token.sequence = place.sequence;
    told.queue_token = signer_.sign(token);
  } else if (place.state == Place::State::admitted) {
    EntryPass pass;
    pass.event = event.id;
    pass.epoch = event.epoch;
    pass.user = user;
    pass.end_ms = place.pass_end_ms;
    told.entry_token = signer_.sign(pass);
  }
  return told;
}

Task<Decision<Place>> WaitingRoom::enter_once(EventPtr event, std::uint64_t user,
                                              const std::string& token) {
  // Where a queue is, the script decides by Redis' clock; an open door has only ours, and whoever
  // goes through it is told by the hold.
  const std::int64_t now_ms = event->queue.on ? 0 : system_ms();
  if (sale_over(*event, now_ms)) co_return refuse(Refusal::sale_ended);
  if (event->status == "DRAFT") co_return refuse(Refusal::not_found);
  if (!event->queue.on) co_return open_door(*event);
  const double random = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  const auto known = signer_.read_place(token);
  const bool fits =
      known && known->event == event->id && known->epoch == event->epoch && known->user == user;
  if (!fits) co_return co_await places_.enter(event, user, random);
  KnownPlace place;
  place.base = known->base;
  place.sequence = known->sequence;
  co_return co_await places_.enter_again(event, user, random, place);
}

Task<Decision<PlaceTold>> WaitingRoom::enter(std::uint64_t event_id, std::uint64_t user,
                                             std::string queue_token) {
  Decision<EventPtr> found = co_await catalogue_.event(event_id);
  if (!found) co_return found.error();
  EventPtr event = *found;
  Decision<Place> place = co_await enter_once(event, user, queue_token);
  if (!place && place.error().refusal == Refusal::rebuilding) {
    // Either Redis lost its data, or our copy of the event is from before a reset.
    catalogue_.forget(event_id);
    Decision<EventPtr> again = co_await catalogue_.event(event_id);
    if (!again) co_return again.error();
    const bool reset = (*again)->epoch != event->epoch;
    event = *again;
    if (reset) place = co_await enter_once(event, user, queue_token);
    if (!place && place.error().refusal == Refusal::rebuilding) rebuild_.kick(context_, event);
  }
  if (!place) {
    No no = place.error();
    if (no.refusal == Refusal::sale_not_open) no.opens_at = rfc3339(event->sale_open_ms);
    co_return no;
  }
  co_return tell(*event, user, *place);
}

Task<Decision<PlaceTold>> WaitingRoom::look(std::uint64_t event_id, std::uint64_t user) {
  Decision<EventPtr> event = co_await catalogue_.event(event_id);
  if (!event) co_return event.error();
  if (!(*event)->queue.on) co_return tell(**event, user, open_door(**event));
  const Place place = co_await places_.look(*event, user, true);
  if (place.state == Place::State::absent)
    co_return refuse(place.ghosted ? Refusal::ghosted : Refusal::not_found);
  co_return tell(**event, user, place);
}

Task<Decision<bool>> WaitingRoom::leave(std::uint64_t event_id, std::uint64_t user,
                                        bool completed) {
  Decision<EventPtr> event = co_await catalogue_.event(event_id);
  if (!event) co_return event.error();
  co_return co_await places_.leave((*event)->id, (*event)->epoch, user, completed);
}

}  // namespace boxoffice
