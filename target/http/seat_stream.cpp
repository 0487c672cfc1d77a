#include "target/http/seat_stream.hpp"

#include <fmt/format.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <charconv>

#include "target/domain/unavailable.hpp"
#include "target/http/jwt.hpp"
#include "target/log.hpp"
#include "target/service/seat_map.hpp"
#include "target/service/wall_time.hpp"

namespace boxoffice {

namespace {

using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
using Text = std::shared_ptr<const std::string>;
using Change = std::pair<std::uint32_t, std::uint8_t>;

constexpr Millis refresh_every{1000};
constexpr Millis after_failure{500};
constexpr int rest_factor = 2;                         // of the time that the last flush took
constexpr std::size_t recent_bytes_max = 1024 * 1024;  // per event: what a resume finds in memory
constexpr unsigned catching_up_max = 64;               // resumes that ask Redis at once
constexpr int catch_up_looks_max = 10;                 // of seat_news_entries_max each
constexpr std::size_t sent_at_once = 128;  // clients; then other requests get their turn
constexpr std::size_t id_bytes_max = 128;

struct Frame {
  std::uint64_t from = 0, to = 0;  // versions
  Text text;
};

std::string id_of(std::uint32_t epoch, const SeatPosition& at) {
  return fmt::format("{}.{}.{}.{}", epoch, at.turn, at.version, at.entry);
}

// nullopt: no id of ours, or of another epoch.
std::optional<SeatPosition> read_id(std::string_view id, std::uint32_t epoch) {
  if (id.size() > id_bytes_max) return std::nullopt;
  std::array<std::string_view, 4> parts;
  for (std::string_view& part : parts) {
    part = id.substr(0, id.find('.'));
    id.remove_prefix(std::min(id.size(), part.size() + 1));
    const auto strange = part.find_first_not_of("0123456789-");
    if (part.empty() || strange != std::string_view::npos) return std::nullopt;
  }
  if (!id.empty() || parts[0] != std::to_string(epoch)) return std::nullopt;
  // "1690000000000-0": Redis refuses anything else.
  const auto dash = parts[3].find('-');
  if (dash == 0 || dash != parts[3].rfind('-') || dash + 1 >= parts[3].size()) return std::nullopt;
  SeatPosition at;
  const auto [end, error] =
      std::from_chars(parts[2].data(), parts[2].data() + parts[2].size(), at.version);
  if (error != std::errc{} || end != parts[2].data() + parts[2].size()) return std::nullopt;
  for (const std::string_view part : {parts[3].substr(0, dash), parts[3].substr(dash + 1)}) {
    std::uint64_t number = 0;
    const auto [last, bad] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (bad != std::errc{} || last != part.data() + part.size()) return std::nullopt;
  }
  at.turn = parts[1];
  at.entry = parts[3];
  return at;
}

// One message for many changes: of each seat only the last state.
Text seats_text(std::uint32_t epoch, const SeatPosition& at, std::int64_t oldest_ms,
                const std::vector<Change>& changes) {
  std::unordered_map<std::uint32_t, std::uint8_t> last;
  for (const auto& [seat, state] : changes) last[seat] = state;
  std::string text = fmt::format("id: {}\nevent: seats\ndata: {{\"v\":{},\"at\":{},\"c\":[",
                                 id_of(epoch, at), at.version, oldest_ms);
  const char* comma = "";
  for (const auto& [seat, state] : changes) {
    const auto found = last.find(seat);
    if (found == last.end()) continue;
    fmt::format_to(std::back_inserter(text), "{}[{},{}]", comma, seat, found->second);
    last.erase(found);
    comma = ",";
  }
  text += "]}\n\n";
  return std::make_shared<const std::string>(std::move(text));
}

// The moment at or after `at` when this event's news are looked for: all threads come together, so
// that one reading serves them all, and events take turns.
TimePoint tick_at(TimePoint at, Millis flush, std::uint64_t event) {
  constexpr std::uint64_t spread = 37;  // ms from one event to the next
  const Clock::duration step = flush;
  const Clock::duration phase = Millis(static_cast<std::int64_t>(event * spread)) % step;
  const Clock::duration past = (at.time_since_epoch() + step - phase) % step;
  return past == Clock::duration::zero() ? at : at + (step - past);
}

No rebuilding() {
  constexpr std::int64_t retry_ms = 1000;
  No no;
  no.refusal = Refusal::rebuilding;
  no.retry_after_ms = retry_ms;
  return no;
}

}  // namespace

struct SeatStreamHub::Room {
  explicit Room(EventPtr of) : event(std::move(of)) {}

  EventPtr event;
  SeatPosition position;  // without an entry: no map yet
  std::string bitmap;
  std::deque<Frame> recent;
  std::size_t recent_bytes = 0;
  Text snapshot;  // null: to be made
  std::vector<ClientPtr> clients;
  std::shared_ptr<Timer> flight;  // set while the first map is asked for
  TimePoint next_refresh;
  unsigned joining = 0;
  bool running = false;
  bool resync_due = false;  // the map was replaced, and the clients do not know yet
  bool ticking = false;     // somebody reads and tells
  std::deque<std::shared_ptr<Timer>> turns;  // those who wait to do so

  [[nodiscard]] bool known() const noexcept { return !position.entry.empty(); }
  Text snapshot_text();
  void take_map(SeatNews news);
  void keep(Frame frame);
  // Whether what came after `version` is all in memory.
  [[nodiscard]] bool remembers(std::uint64_t version) const noexcept {
    if (version == position.version) return true;
    return !recent.empty() && version >= recent.front().from && version < position.version;
  }
};

namespace {

// The next one begins when this one ends.
template <class Room>
struct TurnEnd {
  std::shared_ptr<Room> room;
  ~TurnEnd() {
    room->ticking = false;
    if (room->turns.empty()) return;
    room->turns.front()->cancel();
    room->turns.pop_front();
  }
};

}  // namespace

// What the server holds for one stream.
struct SeatStreamHub::Client final : EventStreamHandler,
                                     std::enable_shared_from_this<SeatStreamHub::Client> {
  void opened(std::shared_ptr<EventStreamPeer> stream) override {
    peer = std::move(stream);
    if (const auto owner = hub.lock()) owner->opened(shared_from_this());
  }
  void closed() override {
    peer.reset();
    if (const auto owner = hub.lock()) owner->closed(shared_from_this());
    room.reset();
  }

  std::weak_ptr<SeatStreamHub> hub;
  RoomPtr room;
  std::shared_ptr<EventStreamPeer> peer;
  std::optional<SeatPosition> resume;  // where it stands; none: it has nothing
  Text missed;                         // what Redis told of the time since then
  std::uint64_t version = 0;           // of the last thing sent
  std::size_t place = 0;               // in the room's list
  bool asked_to_resume = false, listed = false;
};

Text SeatStreamHub::Room::snapshot_text() {
  if (snapshot == nullptr) {
    snapshot = std::make_shared<const std::string>(
        fmt::format("retry: 1000\nid: {}\nevent: snapshot\n"
                    "data: {{\"eventId\":{},\"epoch\":{},\"v\":{},\"n\":{},\"bits\":\"{}\"}}\n\n",
                    id_of(event->epoch, position), event->id, event->epoch, position.version,
                    event->seat_count, base64(bitmap)));
  }
  return snapshot;
}

void SeatStreamHub::Room::take_map(SeatNews news) {
  position = std::move(news.position);
  bitmap = std::move(news.bitmap);
  snapshot = nullptr;
  recent.clear();
  recent_bytes = 0;
}

void SeatStreamHub::Room::keep(Frame frame) {
  recent_bytes += frame.text->size();
  recent.push_back(std::move(frame));
  while (recent_bytes > recent_bytes_max) {
    recent_bytes -= recent.front().text->size();
    recent.pop_front();
  }
}

SeatStreamHub::SeatStreamHub(Parts parts) : parts_(std::move(parts)) {}
SeatStreamHub::~SeatStreamHub() = default;

SeatStreamHub::RoomPtr SeatStreamHub::room_of(const EventPtr& event) {
  RoomPtr& room = rooms_[event->id];
  if (room == nullptr) room = std::make_shared<Room>(event);
  return room;
}

Task<Decision<std::shared_ptr<EventStreamHandler>>> SeatStreamHub::join(std::uint64_t event,
                                                                        std::string last_event_id) {
  const auto facts = co_await parts_.catalogue.event(event);
  if (!facts) co_return facts.error();
  const RoomPtr room = room_of(*facts);
  struct Joining {
    RoomPtr room;
    explicit Joining(RoomPtr of) : room(std::move(of)) { ++room->joining; }
    ~Joining() { --room->joining; }
  } const joining(room);
  if (!room->running) {
    room->running = true;
    asio::co_spawn(parts_.io, run(shared_from_this(), room), [](const std::exception_ptr& failure) {
      try {
        if (failure) std::rethrow_exception(failure);
      } catch (const std::exception& error) {
        log_error("a live seat map ended", {{"error", std::string(error.what())}});
      }
    });
  }
  if (!co_await first_map(room)) co_return rebuilding();
  auto client = std::make_shared<Client>();
  client->hub = weak_from_this();
  client->room = room;
  client->asked_to_resume = !last_event_id.empty();
  if (client->asked_to_resume) client->resume = read_id(last_event_id, room->event->epoch);
  if (client->resume) {
    const bool same = client->resume->turn == room->position.turn;
    if (!same || !room->remembers(client->resume->version))
      co_await catch_up(room, client, *client->resume);
  }
  co_return std::shared_ptr<EventStreamHandler>(std::move(client));
}

// Those who come while the first map is asked for wait for it together.
Task<bool> SeatStreamHub::first_map(RoomPtr room) {
  constexpr auto for_ever = std::chrono::hours(24);
  while (!room->known() && room->flight != nullptr) {
    const auto flight = room->flight;
    boost::system::error_code woken;
    co_await flight->async_wait(asio::redirect_error(use_task, woken));
  }
  if (room->known()) co_return true;
  room->flight = std::make_shared<Timer>(parts_.io.get_executor(), for_ever);
  struct Landing {
    Room* room;
    ~Landing() {
      room->flight->cancel();
      room->flight = nullptr;
    }
  } const landing{room.get()};
  SeatNews news = co_await parts_.feed.read(room->event, {});
  if (news.kind != SeatNews::Kind::map) {
    parts_.catalogue.forget(room->event->id);
    co_return false;
  }
  if (!room->known()) room->take_map(std::move(news));
  co_return true;
}

// From Redis: the client was away for longer than this instance remembers, or was at another one.
Task<void> SeatStreamHub::catch_up(RoomPtr room, ClientPtr client, SeatPosition from) {
  client->resume.reset();
  if (catching_up_ >= catching_up_max) co_return;
  struct Turn {
    unsigned& count;
    explicit Turn(unsigned& of) : count(of) { ++count; }
    ~Turn() { --count; }
  } const turn(catching_up_);
  const EventPtr event = room->event;
  std::vector<Change> changes;
  std::int64_t oldest_ms = 0;
  for (int look = 0; look < catch_up_looks_max; ++look) {
    SeatNews news = co_await parts_.feed.read(event, from);
    if (news.kind != SeatNews::Kind::changes) co_return;
    if (changes.empty()) oldest_ms = news.oldest_ms;
    changes.insert(changes.end(), news.changes.begin(), news.changes.end());
    from = std::move(news.position);
    if (news.more) continue;
    client->resume = from;
    if (!changes.empty()) client->missed = seats_text(event->epoch, from, oldest_ms, changes);
    co_return;
  }
}

// Nothing is awaited here, so the client misses nothing between what it gets now and the next
// message for all.
void SeatStreamHub::opened(const ClientPtr& client) {
  Room& room = *client->room;
  client->place = room.clients.size();
  client->listed = true;
  room.clients.push_back(client);
  if (parts_.stop.stop_requested()) return;
  // Subtle: a client may be ahead of this thread's reader by what Redis just told it.
  const bool ahead = client->resume && client->resume->turn == room.position.turn &&
                     client->resume->version >= room.position.version;
  const bool known = client->resume && client->resume->turn == room.position.turn &&
                     (ahead || room.remembers(client->resume->version));
  const auto peer = client->peer;
  if (!known) {
    static const auto resync =
        std::make_shared<const std::string>("event: resync\ndata: {\"reason\":\"gap\"}\n\n");
    client->missed = nullptr;
    client->version = room.position.version;
    parts_.metrics.count("sse_joined", "how", client->asked_to_resume ? "resync" : "new");
    if (client->asked_to_resume && !peer->send(resync)) return;
    peer->send(room.snapshot_text());
    return;
  }
  parts_.metrics.count("sse_joined", "how", "resumed");
  client->version = client->resume->version;
  if (client->missed != nullptr && !peer->send(std::move(client->missed))) return;
  client->missed = nullptr;
  for (const Frame& frame : room.recent) {
    if (frame.to <= client->version) continue;
    client->version = frame.to;
    if (!peer->send(frame.text)) return;
  }
}

void SeatStreamHub::closed(const ClientPtr& client) {
  if (!client->listed) return;
  client->listed = false;
  auto& clients = client->room->clients;
  clients.back()->place = client->place;
  clients[client->place] = std::move(clients.back());
  clients.pop_back();
}

// Ends with the last client, so that an event nobody looks at costs nothing.
Task<void> SeatStreamHub::run(std::shared_ptr<SeatStreamHub> self, RoomPtr room) {
  Timer pause(self->parts_.io.get_executor());
  TimePoint next = Clock::now();
  const std::uint64_t event = room->event->id;
  bool alone = false;
  auto took = Clock::duration::zero();
  while (!self->parts_.stop.stop_requested()) {
    // Telling a crowd may take longer than a flush. Then the flushes become fewer and carry more,
    // so that two thirds of the thread are left for those who buy.
    next = tick_at(std::max(next + self->parts_.flush, Clock::now() + rest_factor * took),
                   self->parts_.flush, event);
    pause.expires_at(next);
    co_await pause.async_wait(use_task);
    const bool empty = room->clients.empty() && room->joining == 0;
    if (empty && alone) break;
    alone = empty;
    bool failed = false;
    const TimePoint begun = Clock::now();
    try {
      co_await self->await_turn(room);
      const TurnEnd<Room> turn{room};
      co_await self->tick(room, next);
    } catch (const StoreUnavailable&) {
      // The clients keep what they have; the reader finds its place again, or a gap.
      failed = true;
    }
    took = Clock::now() - begun;
    if (failed) next = Clock::now() + after_failure - self->parts_.flush;
  }
  room->running = false;
  const auto known = self->rooms_.find(room->event->id);
  if (known != self->rooms_.end() && known->second == room) self->rooms_.erase(known);
}

// Another epoch is another map.
Task<void> SeatStreamHub::refresh(RoomPtr room) {
  const auto fresh = co_await parts_.catalogue.event(room->event->id);
  room->next_refresh = Clock::now() + refresh_every;
  if (!fresh || (*fresh)->epoch == room->event->epoch) co_return;
  room->event = *fresh;
  room->resync_due = true;
  room->position = {};
  room->snapshot = nullptr;
  room->recent.clear();
  room->recent_bytes = 0;
}

Task<void> SeatStreamHub::await_turn(RoomPtr room) {
  constexpr auto for_ever = std::chrono::hours(24);
  while (room->ticking) {
    const auto turn = std::make_shared<Timer>(parts_.io.get_executor(), for_ever);
    room->turns.push_back(turn);
    boost::system::error_code woken;
    co_await turn->async_wait(asio::redirect_error(use_task, woken));
  }
  room->ticking = true;
}

Task<void> SeatStreamHub::tell_now(std::uint64_t event) {
  const auto found = rooms_.find(event);
  if (found == rooms_.end() || !found->second->known()) co_return;
  const RoomPtr room = found->second;
  co_await await_turn(room);
  const TurnEnd<Room> turn{room};
  co_await tick(room, Clock::now());
}

Task<void> SeatStreamHub::tick(RoomPtr room, TimePoint due) {
  if (Clock::now() >= room->next_refresh) co_await refresh(room);
  const std::uint64_t before = room->position.version;
  std::vector<Change> changes;
  std::int64_t oldest_ms = 0;
  for (bool more = true; more;) {
    SeatNews news = co_await parts_.feed.read_as_of(room->event, room->position, due);
    if (news.kind == SeatNews::Kind::rebuilding) {
      parts_.catalogue.forget(room->event->id);  // or it was reset
      room->next_refresh = Clock::now();
      co_return;
    }
    if (news.kind == SeatNews::Kind::map) room->take_map(std::move(news));
    if (news.kind == SeatNews::Kind::map || room->resync_due)
      co_return co_await resync(std::move(room));
    if (changes.empty()) oldest_ms = news.oldest_ms;
    for (const auto& [seat, state] : news.changes) set_seat_state(room->bitmap, seat, state);
    changes.insert(changes.end(), news.changes.begin(), news.changes.end());
    more = news.more;
    room->position = std::move(news.position);
  }
  if (changes.empty()) co_return;
  room->snapshot = nullptr;
  Frame frame{before, room->position.version,
              seats_text(room->event->epoch, room->position, oldest_ms, changes)};
  const Text text = frame.text;
  const std::uint64_t version = frame.to;
  room->keep(std::move(frame));
  co_await broadcast(room, text, version);
  parts_.metrics.observe("sse_lag", Millis(std::max<std::int64_t>(0, wall_clock_ms() - oldest_ms)));
}

Task<void> SeatStreamHub::resync(RoomPtr room) {
  room->resync_due = false;
  const std::string told = "event: resync\ndata: {\"reason\":\"reset\"}\n\n";
  auto text = std::make_shared<const std::string>(told + *room->snapshot_text());
  for (const ClientPtr& client : room->clients) client->version = 0;
  co_await broadcast(room, std::move(text), room->position.version);
}

// In slices. Who joins meanwhile has the newer map already, which its version tells.
Task<void> SeatStreamHub::broadcast(RoomPtr room, Text text, std::uint64_t version) {
  const std::vector<ClientPtr> clients = room->clients;
  std::size_t sent = 0;
  for (const ClientPtr& client : clients) {
    const auto peer = client->peer;
    if (peer == nullptr || client->version >= version) continue;
    client->version = version;
    peer->send(text);
    if (++sent % sent_at_once == 0) co_await asio::post(parts_.io, use_task);
  }
  parts_.metrics.count("sse_events", static_cast<double>(sent));
}

}  // namespace boxoffice
