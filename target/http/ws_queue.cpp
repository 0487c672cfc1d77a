#include "target/http/ws_queue.hpp"

#include <boost/asio/co_spawn.hpp>
#include <random>

#include "target/faults.hpp"
#include "target/log.hpp"
#include "target/parts.hpp"
#include "target/service/instant.hpp"
#include "target/service/seat_map.hpp"
#include "target/service/waiting_room.hpp"

namespace boxoffice {

namespace {

constexpr Millis tick_every{50};
constexpr Millis refresh_every{1000};
constexpr Millis poll_every_min{20};
// How long after its last heartbeat a silent socket waits to be told that it is a ghost.
constexpr Millis ghost_notice{2500};

using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

std::int64_t system_ms() {
  return std::chrono::duration_cast<Millis>(wall_clock().time_since_epoch()).count();
}

WebSocketAccept refused(std::uint16_t code, std::string reason) {
  WebSocketAccept accept;
  accept.refusal_close_code = code;
  accept.refusal_reason = std::move(reason);
  return accept;
}

// Positions are pushed once per push_ms, and heartbeats must reach Redis well before they are due.
Millis poll_every(const QueueSettings& queue) {
  return std::max(Millis(std::min(queue.push_ms, queue.heartbeat_ms / 3)), poll_every_min);
}

}  // namespace

struct QueueHub::Session {
  enum class State : std::uint8_t { idle, waiting, admitted };  // idle: not in the waiting room
  EventPtr event;
  std::uint64_t user = 0, connection = 0;
  std::shared_ptr<WebSocketPeer> peer;
  TimePoint heard;
  TimePoint waits_since;      // set with the first position that was seen
  std::int64_t position = 0;  // the last one told; 0: none
  std::int64_t born_ms = 0;   // of the queue that it waits in
  std::int64_t seen_ms = 0;   // when its position was last looked up
  std::uint32_t version = 0;
  State state = State::idle;
  bool beat = false;       // heard from since the last poll
  bool soon = false;       // is on the room's list for the next tick
  bool announced = false;  // its own note came back on the stream
  bool open = false;
  bool sold_out = false;  // as last told
};

struct QueueHub::Room {
  EventPtr event;
  std::unordered_map<std::uint64_t, SessionPtr> sessions;  // by user
  std::vector<SessionPtr> fresh, soon;                     // to announce; to look at now
  std::optional<FeedCursor> cursor;
  TimePoint next_poll, next_refresh;
  bool degraded = false;
  bool sold_out = false;
};

// What the server holds for one socket.
class QueueHub::Handler final : public WebSocketHandler {
 public:
  Handler(std::weak_ptr<QueueHub> hub, SessionPtr session)
      : hub_(std::move(hub)), session_(std::move(session)) {}

  void opened(std::shared_ptr<WebSocketPeer> peer) override {
    session_->peer = std::move(peer);
    session_->heard = Clock::now();
    session_->beat = true;  // connecting is a sign of life
    session_->open = true;
    if (const auto hub = hub_.lock()) hub->join(session_);
  }
  void message(std::string_view) override {
    if (const auto hub = hub_.lock()) hub->heard(session_);
  }
  void closed() override {
    if (const auto hub = hub_.lock()) hub->part(session_);
    session_->open = false;
    session_->peer.reset();
  }

 private:
  std::weak_ptr<QueueHub> hub_;
  SessionPtr session_;
};

QueueHub::QueueHub(Parts parts)
    : parts_(std::move(parts)),
      signer_(parts_.pass_secret),
      next_connection_((std::uint64_t{std::random_device{}()} << 20U) + 1) {}

QueueHub::~QueueHub() = default;

std::shared_ptr<QueueHub> QueueHub::start(ThreadContext& thread) {
  Parts parts{thread.io,
              thread.catalogue,
              thread.queue,
              &thread.seats,
              thread.metrics,
              thread.config.pass_secret,
              thread.config.connections_max,
              thread.stop,
              &thread.switches};
  auto hub = std::make_shared<QueueHub>(std::move(parts));
  start(hub);
  return hub;
}

void QueueHub::start(const std::shared_ptr<QueueHub>& hub) {
  asio::co_spawn(hub->parts_.io, run(hub), [](const std::exception_ptr& failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      log_error("the waiting room's hub ended", {{"error", std::string(error.what())}});
    }
  });
}

Task<WebSocketAccept> QueueHub::accept(std::optional<std::uint64_t> user,
                                       std::optional<std::uint64_t> event, bool protocol_offered) {
  if (!user) co_return refused(ws_queue_close::unauthenticated, "a token is needed");
  if (!event) co_return refused(ws_queue_close::unknown_event, "no such event");
  if (sessions_ >= parts_.sessions_max || parts_.places.feed() == nullptr)
    co_return refused(ws_queue_close::overloaded, "too many connections");
  const Decision<EventPtr> found = co_await parts_.catalogue.event(*event);
  if (!found) co_return refused(ws_queue_close::unknown_event, "no such event");
  // What is over by its time is closed by the room's next look, which asks the clock that decides.
  if (sale_over(**found, 0)) co_return refused(ws_queue_close::sale_over, "sale over");
  auto session = std::make_shared<Session>();
  session->event = *found;
  session->user = *user;
  session->connection = next_connection_++;
  WebSocketAccept accept;
  accept.handler = std::make_unique<Handler>(weak_from_this(), std::move(session));
  if (protocol_offered) accept.protocol = "tk.queue.v1";
  co_return accept;
}

void QueueHub::join(const SessionPtr& session) {
  ++sessions_;
  auto& room = rooms_[session->event->id];
  if (!room) {
    room = std::make_shared<Room>();
    room->event = session->event;
  }
  auto& place = room->sessions[session->user];
  if (place) place->peer->close(ws_queue_close::replaced, "replaced");
  place = session;
  if (!session->event->queue.on) {  // nobody waits here
    const std::int64_t now_ms = system_ms();
    tell_admitted(*room, *session, now_ms + session->event->queue.pass_ttl_ms, now_ms);
    return;
  }
  room->fresh.push_back(session);
  room->soon.push_back(session);
  session->soon = true;
}

void QueueHub::heard(const SessionPtr& session) {
  session->heard = Clock::now();
  session->beat = true;
  // Whoever is not in yet may have entered by now: looked at with the next tick.
  if (session->state != Session::State::idle || session->soon || !session->event->queue.on) return;
  const auto room = rooms_.find(session->event->id);
  if (room == rooms_.end()) return;
  session->soon = true;
  room->second->soon.push_back(session);
}

void QueueHub::part(const SessionPtr& session) {
  if (!session->open) return;
  --sessions_;
  const auto room = rooms_.find(session->event->id);
  if (room == rooms_.end()) return;
  const auto place = room->second->sessions.find(session->user);
  if (place != room->second->sessions.end() && place->second == session)
    room->second->sessions.erase(place);
}

Task<void> QueueHub::run(std::shared_ptr<QueueHub> self) {
  Timer timer(self->parts_.io);
  while (!self->parts_.stop.stop_requested()) {
    timer.expires_after(tick_every);
    co_await timer.async_wait(use_task);
    std::erase_if(self->rooms_, [](const auto& room) { return room.second->sessions.empty(); });
    std::vector<std::shared_ptr<Room>> rooms;
    for (const auto& [event, room] : self->rooms_) rooms.push_back(room);
    for (const auto& room : rooms) {
      bool reachable = true;
      try {
        co_await self->tick(room);
      } catch (const StoreUnavailable&) {
        reachable = false;
      }
      if (!reachable) self->degraded(*room);
    }
  }
}

Task<void> QueueHub::tick(std::shared_ptr<Room> room) {
  if (Clock::now() >= room->next_refresh) {
    const bool stays = co_await refresh(*room);
    if (!stays) co_return;
    room->next_refresh = Clock::now() + refresh_every;
    co_await look_at_seats(*room);
  }
  if (!room->event->queue.on) co_return;
  co_await read_feed(*room);
  room->degraded = false;
  if (!room->soon.empty()) {
    std::vector<SessionPtr> soon = std::exchange(room->soon, {});
    for (const SessionPtr& session : soon) session->soon = false;
    co_await poll(*room, std::move(soon));
  }
  if (Clock::now() < room->next_poll) co_return;
  room->next_poll = Clock::now() + poll_every(room->event->queue);
  std::vector<SessionPtr> all;
  all.reserve(room->sessions.size());
  for (const auto& [user, session] : room->sessions) all.push_back(session);
  co_await poll(*room, std::move(all));
  close_silent(*room);
}

Task<bool> QueueHub::refresh(Room& room) {
  const Decision<EventPtr> found = co_await parts_.catalogue.event(room.event->id);
  const std::int64_t now_ms = co_await parts_.places.feed()->now_ms();
  if (!found || sale_over(**found, now_ms)) {
    const bool known = found.has_value();
    close_all(room, known ? ws_queue_close::sale_over : ws_queue_close::unknown_event,
              known ? "sale over" : "no such event");
    co_return false;
  }
  const bool reset = (*found)->epoch != room.event->epoch;
  room.event = *found;
  if (reset) {  // a new life: nobody has entered it yet
    room.cursor.reset();
    for (const auto& [user, session] : room.sessions) {
      session->state = Session::State::idle;
      session->position = 0;
    }
  }
  co_return true;
}

// Sold out: every seat is sold or locked, and one is sold. A hold may still come back.
Task<void> QueueHub::look_at_seats(Room& room) {
  if (parts_.seats == nullptr) co_return;
  const EventPtr event = room.event;
  const auto states = co_await parts_.seats->states(event);
  if (!states) co_return;  // being rebuilt
  bool any_sold = false, any_left = event->seat_count == 0;
  for (std::uint32_t seat = 0; seat < event->seat_count && !any_left; ++seat) {
    const std::uint8_t state = seat_state(states->bitmap, seat);
    any_sold = any_sold || state == 2;
    any_left = state < 2;
  }
  room.sold_out = any_sold && !any_left;
  for (const auto& [user, session] : room.sessions) {
    if (!session->peer || session->sold_out == room.sold_out) continue;
    session->sold_out = room.sold_out;
    session->peer->send(
        fmt::format(R"({{"t":"event","state":"{}"}})", room.sold_out ? "SOLD_OUT" : "ON_SALE"));
  }
}

Task<void> QueueHub::read_feed(Room& room) {
  QueueFeed& feed = *parts_.places.feed();
  const EventPtr event = room.event;
  if (!room.cursor) room.cursor = co_await feed.newest(event);
  while (!room.fresh.empty()) {
    std::vector<ConnectionNote> notes;
    const std::size_t count = std::min(room.fresh.size(), poll_users_max);
    for (std::size_t i = 0; i < count; ++i)
      notes.push_back({room.fresh[i]->user, room.fresh[i]->connection});
    room.fresh.erase(room.fresh.begin(), room.fresh.begin() + static_cast<std::ptrdiff_t>(count));
    co_await feed.announce(event, std::move(notes));
  }
  const FeedNews news = co_await feed.read(event, *room.cursor);
  for (const FeedNews::Admitted& admitted : news.admitted) {
    const Millis lag(std::max<std::int64_t>(system_ms() - admitted.at_ms, 0));
    for (const std::uint64_t user : admitted.users) {
      tell_everybody(room, user);
      const auto found = room.sessions.find(user);
      if (found == room.sessions.end()) continue;
      if (found->second->state == Session::State::admitted) continue;
      const TimePoint since = found->second->waits_since;
      tell_admitted(room, *found->second, admitted.pass_end_ms, admitted.at_ms);
      parts_.metrics.observe("push_lag", lag);
      if (since != TimePoint{}) parts_.metrics.observe("queue_wait", Clock::now() - since);
    }
  }
  // Looked at in this very tick, not with the next round of positions.
  for (const std::uint64_t user : news.ghosts) {
    const auto found = room.sessions.find(user);
    if (found == room.sessions.end() || found->second->soon) continue;
    found->second->soon = true;
    room.soon.push_back(found->second);
  }
  // Everybody reads the same stream in the same order, so all agree on which connection is newest.
  for (const ConnectionNote& note : news.connections) {
    const auto found = room.sessions.find(note.user);
    if (found == room.sessions.end()) continue;
    Session& session = *found->second;
    if (session.connection == note.connection) {
      session.announced = true;
    } else if (session.announced && session.peer) {
      session.peer->close(ws_queue_close::replaced, "replaced");
      room.sessions.erase(found);
    }
  }
}

// The defect broadcast_all: admitted × connected messages instead of one for each admitted.
void QueueHub::tell_everybody(const Room& room, std::uint64_t admitted) const {
  if (parts_.switches == nullptr || !parts_.switches->broadcast_all) return;
  const std::string text = fmt::format(R"({{"t":"entry-allowed","user":"{}"}})", admitted);
  for (const auto& [user, session] : room.sessions) {
    if (session->peer) session->peer->send(text);
  }
}

Task<void> QueueHub::poll(Room& room, std::vector<SessionPtr> sessions) {
  QueueFeed& feed = *parts_.places.feed();
  const EventPtr event = room.event;
  for (std::size_t start = 0; start < sessions.size(); start += poll_users_max) {
    const std::size_t end = std::min(sessions.size(), start + poll_users_max);
    std::vector<PollUser> users;
    users.reserve(end - start);
    for (std::size_t i = start; i < end; ++i) {
      users.push_back({sessions[i]->user, sessions[i]->beat});
      sessions[i]->beat = false;
    }
    const std::int64_t asked_ms = system_ms();
    const PollPlaces polled = co_await feed.poll(event, std::move(users));
    for (std::size_t i = start; i < end; ++i) {
      if (!sessions[i]->open) continue;
      if (sessions[i]->position == 0) sessions[i]->seen_ms = asked_ms;
      co_await apply(room, sessions[i], polled.places[i - start], polled);
      sessions[i]->seen_ms = asked_ms;
    }
  }
}

Task<void> QueueHub::apply(Room& room, SessionPtr session, std::int64_t place,
                           const PollPlaces& polled) {
  using State = Session::State;
  if (place > 0) {
    tell_position(room, *session, place, polled);
  } else if (place == 0) {
    if (session->state == State::admitted) co_return;
    const Place admitted = co_await parts_.places.look(room.event, session->user, false);
    if (!session->open || admitted.state != Place::State::admitted) co_return;
    if (session->state == State::admitted) co_return;
    tell_admitted(room, *session, admitted.pass_end_ms, session->seen_ms);
  } else {
    tell_out(room, *session, place == -2, polled.born_ms);
  }
}

void QueueHub::tell_position(const Room& room, Session& session, std::int64_t place,
                             const PollPlaces& polled) {
  if (session.waits_since == TimePoint{}) session.waits_since = Clock::now();
  if (session.state != Session::State::waiting) {
    session.state = Session::State::waiting;
    session.position = 0;
    session.heard = Clock::now();  // entering was a sign of life
  }
  session.born_ms = polled.born_ms;
  if (session.position != 0 && place >= session.position) return;
  session.position = place;
  // `atMs`: since when it may have been so, which is when it was last looked up before.
  session.peer->send(fmt::format(
      R"({{"t":"pos","position":{},"total":{},"etaMs":{},"v":{},"atMs":{}}})", place, polled.total,
      eta_ms(room.event->queue, place), ++session.version, session.seen_ms));
}

// Somebody who is in no longer. Who left or is done knows it. Who was given up after silence, or
// whose place was lost with Redis' data, is told: entering again (with the queueToken) is the cure.
void QueueHub::tell_out(const Room& room, Session& session, bool ghosted, std::int64_t born_ms) {
  const bool was_in = session.state != Session::State::idle;
  const bool was_waiting = session.state == Session::State::waiting;
  const bool lost = was_waiting && session.born_ms != born_ms;
  session.state = Session::State::idle;
  session.position = 0;
  if (!was_in || (!ghosted && !lost)) return;
  session.peer->send(R"({"t":"ghosted"})");
  if (was_waiting && Clock::now() - session.heard >= Millis(room.event->queue.heartbeat_ms))
    session.peer->close(ws_queue_close::silent, "no heartbeat");
}

void QueueHub::tell_admitted(const Room& room, Session& session, std::int64_t pass_end_ms,
                             std::int64_t at_ms) {
  session.state = Session::State::admitted;
  session.position = 0;
  if (!session.peer) return;
  EntryPass pass;
  pass.event = room.event->id;
  pass.epoch = room.event->epoch;
  pass.user = session.user;
  pass.end_ms = pass_end_ms;
  session.peer->send(
      fmt::format(R"({{"t":"admitted","entryToken":"{}","expiresAt":"{}","atMs":{}}})",
                  signer_.sign(pass), rfc3339(pass_end_ms), at_ms));
}

void QueueHub::close_silent(Room& room) {
  const TimePoint now = Clock::now();
  const Millis patience = Millis(room.event->queue.heartbeat_ms) + ghost_notice;
  for (const auto& [user, session] : room.sessions) {
    if (session->state != Session::State::waiting || now - session->heard < patience) continue;
    if (session->peer) session->peer->close(ws_queue_close::silent, "no heartbeat");
  }
}

void QueueHub::close_all(Room& room, std::uint16_t code, const std::string& reason) {
  for (const auto& [user, session] : room.sessions) {
    if (session->peer) session->peer->close(code, reason);
  }
  room.sessions.clear();
  room.fresh.clear();
  room.soon.clear();
}

// The sockets stay open; they hear about it once per outage.
void QueueHub::degraded(Room& room) {
  room.cursor.reset();
  if (room.degraded) return;
  room.degraded = true;
  for (const auto& [user, session] : room.sessions) {
    if (session->peer) session->peer->send(R"({"t":"degraded"})");
  }
}

}  // namespace boxoffice
